#include "expected_row.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace millrace::warehouse {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::json;

std::string Bits(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  char text[17];
  std::snprintf(text, sizeof(text), "%016lx", std::bit_cast<uint64_t>(value));
  return text;
}

int64_t Integer(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  return field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 ? message.GetReflection()->GetInt32(message, field)
                                                             : message.GetReflection()->GetInt64(message, field);
}

std::string Currency(const Message& message) {
  return message.GetReflection()->GetString(message, message.GetDescriptor()->FindFieldByName("currency_code"));
}

}  // namespace

json ExpectedRow::Fields(const Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  around_.push_back(&type);
  json result = json::object();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    // Groups have names in lower case as fields.
    result[field.name()] = Field(message, field);
    if (field.name() == "price") {
      result["price_currency"] = message.GetReflection()->HasField(message, &field)
                                     ? json(Currency(message.GetReflection()->GetMessage(message, &field)))
                                     : json();
    }
  }
  for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
    const auto* set = message.GetReflection()->GetOneofFieldDescriptor(message, type.oneof_decl(i));
    result[type.oneof_decl(i)->name() + "_case"] = set == nullptr ? json() : json(set->name());
  }
  around_.pop_back();
  return result;
}

json ExpectedRow::Field(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  if (!field.is_repeated()) {
    return field.has_presence() && !reflection->HasField(message, &field) ? json() : Single(message, field, -1);
  }
  json result = json::array();
  std::map<std::string, json> entries;
  for (int i = 0; i < reflection->FieldSize(message, &field); ++i) {
    if (!field.is_map()) {
      result.push_back(Single(message, field, i));
      continue;
    }
    // Messages without generated code keep all entries of a key; the last one counts.
    const Message& entry = reflection->GetRepeatedMessage(message, &field, i);
    const json key = Single(entry, *field.message_type()->map_key(), -1);
    entries[key.dump()] = {key, Single(entry, *field.message_type()->map_value(), -1)};
  }
  for (const auto& [key, entry] : entries) {
    result.push_back(entry);
  }
  return result;
}

json ExpectedRow::Single(const Message& message, const FieldDescriptor& field, int index) {
  const auto* reflection = message.GetReflection();
  const auto get = [&](auto getter, auto repeated) {
    return index < 0 ? (reflection->*getter)(message, &field) : (reflection->*repeated)(message, &field, index);
  };
  using R = google::protobuf::Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return get(&R::GetInt32, &R::GetRepeatedInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return get(&R::GetInt64, &R::GetRepeatedInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return get(&R::GetUInt32, &R::GetRepeatedUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return get(&R::GetUInt64, &R::GetRepeatedUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Bits(get(&R::GetDouble, &R::GetRepeatedDouble));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Bits(get(&R::GetFloat, &R::GetRepeatedFloat));
    case FieldDescriptor::CPPTYPE_BOOL:
      return get(&R::GetBool, &R::GetRepeatedBool);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = get(&R::GetEnumValue, &R::GetRepeatedEnumValue);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      return value == nullptr ? absl::StrCat("UNKNOWN_", number) : value->name();
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value = get(&R::GetString, &R::GetRepeatedString);
      return field.type() == FieldDescriptor::TYPE_STRING ? value : absl::BytesToHexString(value);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  const Message& inside =
      index < 0 ? reflection->GetMessage(message, &field) : reflection->GetRepeatedMessage(message, &field, index);
  if (field.name() == "price") {
    return Integer(inside, "units") * 100 + Integer(inside, "nanos") / 10'000'000;
  }
  return Inside(inside);
}

json ExpectedRow::Inside(const Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const std::string& name = type.full_name();
  if (name == "google.protobuf.Timestamp" || name == "google.protobuf.Duration") {
    return Integer(message, "seconds") * 1'000'000 + Integer(message, "nanos") / 1000;
  }
  if (name == "google.type.Date") {
    return absl::CivilDay(Integer(message, "year"), Integer(message, "month"), Integer(message, "day")) -
           absl::CivilDay(1970, 1, 1);
  }
  if (name == "google.type.Money") {
    return {{"amount", Integer(message, "units") * 1'000'000'000 + Integer(message, "nanos")},
            {"currency_code", Currency(message)}};
  }
  if (name.starts_with("google.protobuf.") && name.ends_with("Value") && name != "google.protobuf.Value" &&
      name != "google.protobuf.ListValue") {
    return Single(message, *type.FindFieldByNumber(1), -1);
  }
  const bool json_type = name == "google.protobuf.Struct" || name == "google.protobuf.Value" ||
                         name == "google.protobuf.ListValue" || name == "google.protobuf.Any";
  if (json_type || std::find(around_.begin(), around_.end(), &type) != around_.end()) {
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    std::string text;
    const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
    return status.ok() ? text : status.ToString();
  }
  return type.field_count() == 0 ? json(true) : Fields(message);
}

}  // namespace millrace::warehouse
