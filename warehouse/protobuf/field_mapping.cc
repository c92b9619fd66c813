#include "protobuf/field_mapping.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace::warehouse {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// The greatest precision of a decimal in a table.
constexpr int kMaxPrecision = 38;

/// What stands between "columns." and `suffix`; empty if the key is not such a one.
std::string ColumnOf(std::string_view key, std::string_view suffix) {
  constexpr std::string_view kPrefix = "columns.";
  if (key.size() < kPrefix.size() + suffix.size() || !key.starts_with(kPrefix) || !key.ends_with(suffix)) {
    return "";
  }
  return std::string(key.substr(kPrefix.size(), key.size() - kPrefix.size() - suffix.size()));
}

absl::StatusOr<DecimalFormat> ParseDecimal(std::string_view key, std::string_view value) {
  const std::vector<std::string> parts = absl::StrSplit(std::string(value), ',');
  DecimalFormat result;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &result.precision) || !absl::SimpleAtoi(parts[1], &result.scale) ||
      result.precision < 1 || result.precision > kMaxPrecision || result.scale < 0 || result.scale > result.precision) {
    return absl::InvalidArgumentError(absl::StrCat(std::string(key), " = ", std::string(value),
                                                   ": want precision and scale, as in 18,2, with a precision up to ",
                                                   kMaxPrecision));
  }
  return result;
}

Type Decimal(const DecimalFormat& format) {
  Type type;
  type.kind = Type::Kind::kDecimal;
  type.precision = format.precision;
  type.scale = format.scale;
  return type;
}

FieldMapping Primitive(Conversion conversion, Type::Kind kind) {
  FieldMapping result;
  result.conversion = conversion;
  result.type.kind = kind;
  return result;
}

FieldMapping MapScalar(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return Primitive(Conversion::kNumber, Type::Kind::kBoolean);
    case FieldDescriptor::CPPTYPE_INT32:
      return Primitive(Conversion::kNumber, Type::Kind::kInt);
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
      return Primitive(Conversion::kNumber, Type::Kind::kLong);
    case FieldDescriptor::CPPTYPE_UINT64: {
      FieldMapping result = Primitive(Conversion::kNumber, Type::Kind::kDecimal);
      result.type.precision = 20;
      return result;
    }
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Primitive(Conversion::kNumber, Type::Kind::kFloat);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Primitive(Conversion::kNumber, Type::Kind::kDouble);
    case FieldDescriptor::CPPTYPE_ENUM:
      return Primitive(Conversion::kEnumName, Type::Kind::kString);
    default:
      return Primitive(Conversion::kText,
                       field.type() == FieldDescriptor::TYPE_BYTES ? Type::Kind::kBinary : Type::Kind::kString);
  }
}

bool IsInteger(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_INT32 || field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32 || field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
}

int NumberOf(const Descriptor& message, const char* name, FieldDescriptor::Type type) {
  const FieldDescriptor* field = message.FindFieldByName(name);
  return field != nullptr && field->type() == type && !field->is_repeated() ? field->number() : 0;
}

/// Fills in the numbers; false if the message is none of units and nanos.
bool FindMoney(const Descriptor& message, FieldMapping* mapping) {
  mapping->units = NumberOf(message, "units", FieldDescriptor::TYPE_INT64);
  mapping->nanos = NumberOf(message, "nanos", FieldDescriptor::TYPE_INT32);
  for (const char* name : {"currency_code", "currency"}) {
    if (mapping->currency == 0) {
      mapping->currency = NumberOf(message, name, FieldDescriptor::TYPE_STRING);
    }
  }
  return mapping->units != 0 && mapping->nanos != 0;
}

FieldMapping MoneyStruct(const Descriptor& message) {
  FieldMapping result = Primitive(Conversion::kMoney, Type::Kind::kStruct);
  FindMoney(message, &result);
  Field amount;
  amount.name = "amount";
  amount.required = true;
  amount.type = Decimal({28, 9});
  Field currency;
  currency.name = "currency_code";
  currency.required = true;
  result.type.fields = {amount, currency};
  return result;
}

FieldMapping MapMessage(const Descriptor& message, const std::vector<const Descriptor*>& ancestors) {
  const std::string& name = message.full_name();
  if (name == "google.protobuf.Timestamp") {
    return Primitive(Conversion::kTimestamp, Type::Kind::kTimestampTz);
  }
  if (name == "google.protobuf.Duration") {
    FieldMapping result = Primitive(Conversion::kDuration, Type::Kind::kLong);
    result.note = "Microseconds.";
    return result;
  }
  if (name == "google.type.Date") {
    return Primitive(Conversion::kDate, Type::Kind::kDate);
  }
  FieldMapping money;
  if (name == "google.type.Money" && FindMoney(message, &money) && money.currency != 0) {
    return MoneyStruct(message);
  }
  if (message.well_known_type() >= Descriptor::WELLKNOWNTYPE_DOUBLEVALUE &&
      message.well_known_type() <= Descriptor::WELLKNOWNTYPE_BOOLVALUE) {
    FieldMapping result = MapScalar(*message.FindFieldByNumber(1));
    result.conversion = Conversion::kWrapper;
    return result;
  }
  FieldMapping json = Primitive(Conversion::kJson, Type::Kind::kString);
  if (name == "google.protobuf.Struct" || name == "google.protobuf.Value" || name == "google.protobuf.ListValue" ||
      name == "google.protobuf.Any") {
    json.note = "JSON.";
    return json;
  }
  if (std::find(ancestors.begin(), ancestors.end(), &message) != ancestors.end()) {
    json.note = absl::StrCat("JSON: ", name, " contains itself.");
    return json;
  }
  if (message.field_count() == 0) {
    FieldMapping result = Primitive(Conversion::kPresence, Type::Kind::kBoolean);
    result.note = absl::StrCat("True where it is set: ", name, " has no fields.");
    return result;
  }
  return Primitive(Conversion::kStruct, Type::Kind::kStruct);
}

}  // namespace

absl::StatusOr<MappingOptions> MappingOptions::Parse(const std::map<std::string, std::string>& lines) {
  MappingOptions result;
  absl::TimeZone zone = absl::UTCTimeZone();
  for (const auto& [key, value] : lines) {
    if (key == "time.zone") {
      if (!absl::LoadTimeZone(value, &zone)) {
        return absl::InvalidArgumentError(absl::StrCat(
            key, " = ", value, ": there is no such time zone; want a name like Europe/Berlin, and tzdata installed"));
      }
    } else if (key == "columns._key") {
      if (value != "binary" && value != "string") {
        return absl::InvalidArgumentError(absl::StrCat(key, " = ", value, ": want binary or string"));
      }
      result.key = value == "string" ? Key::kString : Key::kBinary;
    } else if (const std::string names = ColumnOf(key, ".decimal"); !names.empty()) {
      absl::StatusOr<DecimalFormat> format = ParseDecimal(key, value);
      if (!format.ok()) {
        return format.status();
      }
      result.decimals[names] = *format;
    } else if (const std::string field = ColumnOf(key, ".name"); !field.empty() && !value.empty()) {
      result.names[field] = value;
    } else if (const std::string name = ColumnOf(key, ".date.from"); !name.empty() && !value.empty()) {
      result.dates.push_back({name, value, absl::UTCTimeZone()});
    } else {
      return absl::InvalidArgumentError(absl::StrCat(key,
                                                     ": not known; want columns.<field>.decimal, columns.<field>.name, "
                                                     "columns.<column>.date.from, columns._key or time.zone"));
    }
  }
  for (DateColumn& date : result.dates) {
    date.zone = zone;
  }
  return result;
}

absl::StatusOr<FieldMapping> MapFieldValue(const FieldDescriptor& field, const std::string& names, const MappingOptions& options,
                                           const std::vector<const Descriptor*>& ancestors) {
  const auto asked = options.decimals.find(names);
  if (asked == options.decimals.end()) {
    return field.message_type() != nullptr ? MapMessage(*field.message_type(), ancestors) : MapScalar(field);
  }
  FieldMapping result;
  result.type = Decimal(asked->second);
  if (IsInteger(field)) {
    return result;
  }
  result.conversion = Conversion::kMoneyDecimal;
  if (field.message_type() == nullptr || field.is_repeated() || !FindMoney(*field.message_type(), &result)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "columns.", names, ".decimal: ", field.full_name(),
        " is neither an integer nor one message with int64 units and int32 nanos; remove the line or name another field"));
  }
  return result;
}

bool IsAlwaysSet(const FieldDescriptor& field) { return field.is_repeated() || (!field.has_presence() && !field.is_extension()); }

std::string FieldPath(std::string_view prefix, int number) {
  return prefix.empty() ? absl::StrCat(number) : absl::StrCat(std::string(prefix), ".", number);
}

std::string OneofPath(std::string_view prefix, std::string_view oneof) {
  return absl::StrCat(std::string(prefix), prefix.empty() ? "" : ".", "oneof(", std::string(oneof), ")");
}

std::string DatePath(std::string_view name) { return absl::StrCat("date(", std::string(name), ")"); }

}  // namespace millrace::warehouse
