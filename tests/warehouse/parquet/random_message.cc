#include "random_message.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <limits>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kMaxDepth = 6;

void SetInteger(Message* message, const char* name, int64_t value) {
  const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(name);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
    message->GetReflection()->SetInt32(message, field, static_cast<int32_t>(value));
  } else {
    message->GetReflection()->SetInt64(message, field, value);
  }
}

}  // namespace

int64_t RandomMessage::Integer() {
  switch (random_() % 5) {
    case 0:
      return 0;
    case 1:
      return Between(-100, 100);
    case 2:
      return OneIn(2) ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
    default:
      return static_cast<int64_t>(random_() >> (random_() % 64));
  }
}

double RandomMessage::Double() {
  static constexpr double kSpecial[] = {0.0,
                                        -0.0,
                                        std::numeric_limits<double>::infinity(),
                                        -std::numeric_limits<double>::infinity(),
                                        std::numeric_limits<double>::quiet_NaN(),
                                        std::numeric_limits<double>::denorm_min()};
  return OneIn(8) ? kSpecial[random_() % 6] : static_cast<double>(Between(-1'000'000, 1'000'000)) / 64;
}

std::string RandomMessage::Text() {
  static const char* const kPieces[] = {
      "a", "Z", " ", "\"", "\\", "\n", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "0", "\x01"};
  std::string result;
  for (uint64_t i = random_() % (OneIn(20) ? 200 : 12); i > 0; --i) {
    result += kPieces[random_() % 12];
  }
  return result;
}

std::string RandomMessage::Bytes() {
  std::string result(random_() % 24, '\0');
  for (char& c : result) {
    c = static_cast<char>(random_());
  }
  return result;
}

int32_t RandomMessage::EnumNumber(const FieldDescriptor& field) {
  const bool closed = field.file()->syntax() == google::protobuf::FileDescriptor::SYNTAX_PROTO2;
  if (!closed && OneIn(6)) {
    return static_cast<int32_t>(Between(-1000, 1000));
  }
  const auto& type = *field.enum_type();
  return type.value(static_cast<int>(random_() % static_cast<uint64_t>(type.value_count())))->number();
}

void RandomMessage::Fill(Message* message, int depth) {
  if (FillWellKnown(message)) {
    return;
  }
  const Descriptor& type = *message->GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const bool too_deep = depth > kMaxDepth && field.message_type() != nullptr;
    if (!too_deep && (field.is_required() || !OneIn(3)) && (depth == 0 || field.message_type() == nullptr || OneIn(2))) {
      FillField(message, field, depth);
    }
  }
}

void RandomMessage::FillField(Message* message, const FieldDescriptor& field, int depth) {
  if (!field.is_repeated()) {
    Set(message, field, depth);
    return;
  }
  for (uint64_t i = random_() % (OneIn(10) ? 9 : 4); i > 0; --i) {
    Set(message, field, depth);
  }
}

void RandomMessage::Set(Message* message, const FieldDescriptor& field, int depth) {
  const auto* reflection = message->GetReflection();
  const bool add = field.is_repeated();
  const auto set = [&](auto setter, auto adder, auto value) {
    if (add) {
      (reflection->*adder)(message, &field, value);
    } else {
      (reflection->*setter)(message, &field, value);
    }
  };
  using R = google::protobuf::Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return set(&R::SetInt32, &R::AddInt32, static_cast<int32_t>(Integer()));
    case FieldDescriptor::CPPTYPE_INT64:
      return set(&R::SetInt64, &R::AddInt64, field.name() == "cents" ? Between(-999'999'999, 999'999'999) : Integer());
    case FieldDescriptor::CPPTYPE_UINT32:
      return set(&R::SetUInt32, &R::AddUInt32, static_cast<uint32_t>(Integer()));
    case FieldDescriptor::CPPTYPE_UINT64:
      return set(&R::SetUInt64, &R::AddUInt64, static_cast<uint64_t>(Integer()));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return set(&R::SetDouble, &R::AddDouble, Double());
    case FieldDescriptor::CPPTYPE_FLOAT:
      return set(&R::SetFloat, &R::AddFloat, static_cast<float>(Double()));
    case FieldDescriptor::CPPTYPE_BOOL:
      return set(&R::SetBool, &R::AddBool, OneIn(2));
    case FieldDescriptor::CPPTYPE_ENUM:
      return set(&R::SetEnumValue, &R::AddEnumValue, EnumNumber(field));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value = field.type() == FieldDescriptor::TYPE_STRING ? Text() : Bytes();
      if (add) {
        reflection->AddString(message, &field, value);
      } else {
        reflection->SetString(message, &field, value);
      }
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Fill(add ? reflection->AddMessage(message, &field) : reflection->MutableMessage(message, &field), depth + 1);
  }
}

bool RandomMessage::FillWellKnown(Message* message) {
  const std::string& name = message->GetDescriptor()->full_name();
  const auto copy = [&](const Message& value) { message->ParseFromString(value.SerializeAsString()); };
  if (name == "google.protobuf.Timestamp") {
    SetInteger(message, "seconds", OneIn(10) ? Between(-62'135'596'800, 253'402'300'799) : Between(1, 2'000'000'000));
    SetInteger(message, "nanos", Between(0, 999'999'999));
  } else if (name == "google.protobuf.Duration") {
    SetInteger(message, "seconds", Between(0, 315'576'000'000));
    SetInteger(message, "nanos", Between(0, 999'999'999));
  } else if (name == "google.type.Date") {
    SetInteger(message, "year", Between(1, 9999));
    SetInteger(message, "month", Between(1, 12));
    SetInteger(message, "day", Between(1, 28));
  } else if (name == "google.type.Money") {
    message->GetReflection()->SetString(message, message->GetDescriptor()->FindFieldByName("currency_code"),
                                        OneIn(2) ? "EUR" : "CHF");
    SetInteger(message, "units", Between(0, 9'000'000'000));
    SetInteger(message, "nanos", Between(0, 99) * 10'000'000);
  } else if (name == "google.protobuf.Any") {
    google::protobuf::Timestamp inside;
    inside.set_seconds(Between(0, 1'000'000));
    google::protobuf::Any any;
    any.PackFrom(inside);
    copy(any);
  } else if (name == "google.protobuf.Value" || name == "google.protobuf.Struct" || name == "google.protobuf.ListValue") {
    google::protobuf::Value value;
    value.set_number_value(static_cast<double>(Between(-1000, 1000)) / 8);
    if (OneIn(2)) {
      value.set_string_value(Text());
    }
    google::protobuf::Struct structure;
    (*structure.mutable_fields())[absl::StrCat("k", random_() % 3)] = value;
    google::protobuf::ListValue list;
    *list.add_values() = value;
    if (name == "google.protobuf.Value") {
      if (OneIn(3)) {
        *value.mutable_struct_value() = structure;
      }
      copy(value);
    } else if (name == "google.protobuf.Struct") {
      copy(structure);
    } else {
      copy(list);
    }
  } else {
    return false;
  }
  return true;
}

}  // namespace millrace::warehouse
