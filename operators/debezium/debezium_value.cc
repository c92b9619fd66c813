#include "debezium/debezium_value.h"

#include <google/protobuf/descriptor.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "debezium/debezium_text.h"

namespace millrace::internal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::json;

constexpr std::string_view kUnavailable = "__debezium_unavailable_value";
constexpr std::string_view kUnavailableBytes = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==";
constexpr int kNanosDigits = 9;
constexpr int kMostScale = 18;

std::string_view TextOf(const json& value) { return value.get_ref<const std::string&>(); }

std::optional<int64_t> WholeIn(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const bool fits = !value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()};
  return fits ? std::optional(value.get<int64_t>()) : std::nullopt;
}

absl::Status Unfit(const json& value, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(ShownValue(value), " ", why));
}

/// One field of a message, singular or repeated, behind protobuf's reflection.
class Field {
 public:
  Field(const FieldDescriptor& field, Message* message)
      : field_(field), message_(message), reflection_(*message->GetReflection()) {}

  absl::Status Set(const json& value, const DebeziumColumn& column) {
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return SetInteger<int32_t>(value, column, &Reflection::SetInt32, &Reflection::AddInt32);
      case FieldDescriptor::CPPTYPE_INT64:
        return SetInteger<int64_t>(value, column, &Reflection::SetInt64, &Reflection::AddInt64);
      case FieldDescriptor::CPPTYPE_UINT32:
        return SetInteger<uint32_t>(value, column, &Reflection::SetUInt32, &Reflection::AddUInt32);
      case FieldDescriptor::CPPTYPE_UINT64:
        return SetInteger<uint64_t>(value, column, &Reflection::SetUInt64, &Reflection::AddUInt64);
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        return SetFloating(value);
      case FieldDescriptor::CPPTYPE_BOOL:
        if (!value.is_boolean()) return Unfit(value, "is no boolean");
        return Put(&Reflection::SetBool, &Reflection::AddBool, value.get<bool>());
      case FieldDescriptor::CPPTYPE_STRING:
        return SetText(value);
      case FieldDescriptor::CPPTYPE_ENUM:
        return SetEnum(value);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;
    }
    return SetMessage(value, column);
  }

 private:
  template <class T, class Set, class Add>
  absl::Status Put(Set set, Add add, T value) {
    if (field_.is_repeated()) {
      (reflection_.*add)(message_, &field_, std::move(value));
    } else {
      (reflection_.*set)(message_, &field_, std::move(value));
    }
    return absl::OkStatus();
  }

  static absl::StatusOr<absl::int128> IntegerOf(const json& value, const DebeziumColumn& column) {
    if (value.is_string() && column.unit) {
      const std::optional<DebeziumMoment> moment = ParseMoment(TextOf(value));
      if (!moment) return Unfit(value, "is no date or time of the years 1 to 9999");
      const std::optional<int64_t> count = CountOf(*moment, *column.unit);
      if (!count) return Unfit(value, "has more units than an int64 counts");
      return absl::int128(*count);
    }
    if (column.scale < 0 || column.scale > kMostScale) return Unfit(value, "cannot be read: its scale is not from 0 to 18");
    std::optional<absl::int128> number;
    if (value.is_string()) number = ParseScaledDecimal(TextOf(value), column.scale);
    if (value.is_number()) number = ParseScaledDecimal(value.dump(), column.scale);
    if (number) return *number;
    if (column.scale > 0) return Unfit(value, absl::StrCat("is no decimal of at most ", column.scale, " places"));
    return Unfit(value, value.is_string() ? "is no whole number; of a date or time, give the unit; of a decimal, the scale"
                                          : "is no whole number");
  }

  template <class T, class Set, class Add>
  absl::Status SetInteger(const json& value, const DebeziumColumn& column, Set set, Add add) {
    const absl::StatusOr<absl::int128> number = IntegerOf(value, column);
    if (!number.ok()) return number.status();
    if (*number < std::numeric_limits<T>::min() || *number > std::numeric_limits<T>::max())
      return Unfit(value, "is out of range");
    return Put(set, add, static_cast<T>(*number));
  }

  absl::Status SetFloating(const json& value) {
    double number = 0;
    if (value.is_number()) {
      number = value.get<double>();
    } else if (!value.is_string() || !FloatingOf(TextOf(value), &number)) {
      return Unfit(value, "is no number");
    }
    if (field_.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) return Put(&Reflection::SetDouble, &Reflection::AddDouble, number);
    if (std::isfinite(number) && std::abs(number) > std::numeric_limits<float>::max()) return Unfit(value, "is out of range");
    return Put(&Reflection::SetFloat, &Reflection::AddFloat, static_cast<float>(number));
  }
  // Also what Debezium writes for the special values of numeric.
  static bool FloatingOf(std::string_view text, double* number) {
    const double infinity = std::numeric_limits<double>::infinity();
    if (text == "POSITIVE_INFINITY") return *number = infinity, true;
    if (text == "NEGATIVE_INFINITY") return *number = -infinity, true;
    return absl::SimpleAtod(absl::string_view(text.data(), text.size()), number);
  }

  absl::Status SetText(const json& value) {
    if (field_.type() != FieldDescriptor::TYPE_BYTES) {
      return Put(&Reflection::SetString, &Reflection::AddString, value.is_string() ? std::string(TextOf(value)) : value.dump());
    }
    std::string bytes;
    if (!value.is_string() || !absl::Base64Unescape(value.get_ref<const std::string&>(), &bytes)) {
      return Unfit(value, "is no base64, as a bytea is");
    }
    return Put(&Reflection::SetString, &Reflection::AddString, std::move(bytes));
  }

  absl::Status SetEnum(const json& value) {
    if (const std::optional<int64_t> number = WholeIn(value); number && *number == static_cast<int32_t>(*number)) {
      const EnumValueDescriptor* found = field_.enum_type()->FindValueByNumber(static_cast<int32_t>(*number));
      if (found != nullptr) return Put(&Reflection::SetEnum, &Reflection::AddEnum, found);
    } else if (value.is_string()) {
      if (const EnumValueDescriptor* found = EnumNamed(std::string(TextOf(value))); found != nullptr) {
        return Put(&Reflection::SetEnum, &Reflection::AddEnum, found);
      }
    }
    return Unfit(value, absl::StrCat("is no value of ", std::string(field_.enum_type()->full_name())));
  }
  // "paid" is also PAID and ORDER_STATUS_PAID of OrderStatus.
  [[nodiscard]] const EnumValueDescriptor* EnumNamed(const std::string& name) const {
    const auto& type = *field_.enum_type();
    if (const EnumValueDescriptor* found = type.FindValueByName(name); found != nullptr) return found;
    const std::string upper = absl::AsciiStrToUpper(name);
    if (const EnumValueDescriptor* found = type.FindValueByName(upper); found != nullptr) return found;
    std::string prefix;
    for (const char c : std::string(type.name())) {
      if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
      prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
    }
    return type.FindValueByName(absl::StrCat(prefix, "_", upper));
  }

  Message* NewMessage() {
    return field_.is_repeated() ? reflection_.AddMessage(message_, &field_) : reflection_.MutableMessage(message_, &field_);
  }
  static void SetNumber(Message* message, const char* name, int64_t number) {
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(name);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
      message->GetReflection()->SetInt64(message, field, number);
    } else {
      message->GetReflection()->SetInt32(message, field, static_cast<int32_t>(number));
    }
  }

  absl::Status SetMessage(const json& value, const DebeziumColumn& column) {
    const Descriptor& type = *field_.message_type();
    const std::string name(type.full_name());
    if (name == "google.protobuf.Timestamp") return SetTimestamp(value, column);
    if (name == "google.protobuf.Duration") return SetDuration(value, column);
    if (name == "google.type.Date") return SetDate(value);
    if (type.well_known_type() >= Descriptor::WELLKNOWNTYPE_DOUBLEVALUE &&
        type.well_known_type() <= Descriptor::WELLKNOWNTYPE_BOOLVALUE) {
      return SetDebeziumField(value, column, *type.FindFieldByNumber(1), NewMessage());
    }
    if (value.is_object()) return SetMembers(value);
    if (IsMoney(type)) return SetMoney(value);
    return Unfit(value, absl::StrCat("is no object with the fields of ", name));
  }

  absl::Status SetTimestamp(const json& value, const DebeziumColumn& column) {
    const std::optional<DebeziumMoment> moment = MomentIn(value, column.unit.value_or(DebeziumTimeUnit::kMicroseconds));
    if (!moment) return Unfit(value, "is no date or time of the years 1 to 9999");
    Message* to = NewMessage();
    SetNumber(to, "seconds", moment->seconds);
    SetNumber(to, "nanos", moment->nanos);
    return absl::OkStatus();
  }
  static std::optional<DebeziumMoment> MomentIn(const json& value, DebeziumTimeUnit unit) {
    if (value.is_string()) return ParseMoment(TextOf(value));
    const std::optional<int64_t> count = WholeIn(value);
    return count ? MomentOf(*count, unit) : std::nullopt;
  }
  absl::Status SetDate(const json& value) {
    std::optional<DebeziumMoment> moment = MomentIn(value, DebeziumTimeUnit::kDays);
    const std::optional<int64_t> days = moment ? CountOf(*moment, DebeziumTimeUnit::kDays) : std::nullopt;
    const bool whole = moment && moment->nanos == 0 && MomentOf(*days, DebeziumTimeUnit::kDays)->seconds == moment->seconds;
    if (!whole) return Unfit(value, "is no date of the years 1 to 9999");
    const DebeziumDay day = DayOf(*days);
    Message* to = NewMessage();
    SetNumber(to, "year", day.year);
    SetNumber(to, "month", day.month);
    SetNumber(to, "day", day.day);
    return absl::OkStatus();
  }
  // Seconds and nanoseconds of a Duration have one sign.
  absl::Status SetDuration(const json& value, const DebeziumColumn& column) {
    const std::optional<int64_t> count = WholeIn(value);
    if (!count) return Unfit(value, "is no interval in whole units (interval.handling.mode=numeric)");
    const std::optional<DebeziumMoment> size = MomentOf(*count, column.unit.value_or(DebeziumTimeUnit::kMicroseconds));
    if (!size) return Unfit(value, "is an interval of more than some thousand years");
    const bool negative = *count < 0 && size->nanos > 0;
    Message* to = NewMessage();
    SetNumber(to, "seconds", negative ? size->seconds + 1 : size->seconds);
    SetNumber(to, "nanos", negative ? size->nanos - 1000000000 : size->nanos);
    return absl::OkStatus();
  }

  static bool IsMoney(const Descriptor& type) {
    const FieldDescriptor* units = type.FindFieldByName("units");
    const FieldDescriptor* nanos = type.FindFieldByName("nanos");
    return units != nullptr && nanos != nullptr && !units->is_repeated() && !nanos->is_repeated() &&
           units->cpp_type() == FieldDescriptor::CPPTYPE_INT64 && nanos->cpp_type() == FieldDescriptor::CPPTYPE_INT32;
  }
  absl::Status SetMoney(const json& value) {
    std::optional<absl::int128> amount;
    if (value.is_string()) amount = ParseScaledDecimal(TextOf(value), kNanosDigits);
    if (value.is_number()) amount = ParseScaledDecimal(value.dump(), kNanosDigits);
    if (!amount) return Unfit(value, "is no decimal of at most 9 places");
    const absl::int128 units = *amount / 1000000000;
    if (units < std::numeric_limits<int64_t>::min() || units > std::numeric_limits<int64_t>::max()) {
      return Unfit(value, "is out of range");
    }
    Message* to = NewMessage();
    SetNumber(to, "units", static_cast<int64_t>(units));
    SetNumber(to, "nanos", static_cast<int64_t>(*amount % 1000000000));
    return absl::OkStatus();
  }

  absl::Status SetMembers(const json& value) {
    Message* to = NewMessage();
    for (const auto& [name, member] : value.items()) {
      const FieldDescriptor* field = to->GetDescriptor()->FindFieldByName(name);
      if (field == nullptr || member.is_null()) continue;
      if (absl::Status s = SetDebeziumField(member, {}, *field, to); !s.ok()) {
        return absl::InvalidArgumentError(absl::StrCat("member '", name, "': ", s.message()));
      }
    }
    return absl::OkStatus();
  }

  const FieldDescriptor& field_;
  Message* const message_;
  const Reflection& reflection_;
};

}  // namespace

absl::Status SetDebeziumField(const json& value, const DebeziumColumn& column, const FieldDescriptor& field, Message* message) {
  if (field.is_map()) return Unfit(value, "cannot go into a map: make it a string, which gets the JSON");
  Field target(field, message);
  if (!field.is_repeated()) return target.Set(value, column);
  if (!value.is_array()) return Unfit(value, "is no array");
  for (const json& element : value) {
    if (element.is_null()) return absl::InvalidArgumentError("an array holds null, for which a repeated field has no place");
    if (absl::Status s = target.Set(element, column); !s.ok()) return s;
  }
  return absl::OkStatus();
}

bool IsUnavailable(const json& value) {
  if (value.is_string()) return TextOf(value) == kUnavailable || TextOf(value) == kUnavailableBytes;
  if (!value.is_array() || value.empty()) return false;
  if (value.front().is_string()) return value.size() == 1 && IsUnavailable(value.front());
  if (value.size() != kUnavailable.size()) return false;
  for (size_t i = 0; i < kUnavailable.size(); ++i) {
    if (value[i] != static_cast<int>(kUnavailable[i])) return false;
  }
  return true;
}

std::string ShownValue(const json& value) {
  constexpr size_t kMost = 40;
  std::string shown = value.dump(-1, ' ', true);
  if (shown.size() > kMost) shown = absl::StrCat(shown.substr(0, kMost), "...");
  return shown;
}

}  // namespace millrace::internal
