#include "table/partition.h"

#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace millrace::warehouse {
namespace {

// RFC 3986: what is not unreserved is encoded.
std::string PercentEncoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded.push_back(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// The proleptic Gregorian calendar, counted in years that begin in March, so that the leap day is the last of one.
std::string Date(int64_t days_since_1970) {
  constexpr int64_t kDaysOfEra = 146097;          // 400 years
  const int64_t days = days_since_1970 + 719468;  // since 0000-03-01
  const int64_t era = FloorDivide(days, kDaysOfEra);
  const int64_t day_of_era = days - era * kDaysOfEra;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t march_month = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * march_month + 2) / 5 + 1;
  const int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  const int64_t year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);
  return absl::StrFormat("%s%04d-%02d-%02d", year < 0 ? "-" : "", year < 0 ? -year : year, month, day);
}

std::string NumberText(int64_t value, Transform transform) {
  constexpr int64_t kHoursOfDay = 24;
  if (transform == Transform::kDay) return Date(value);
  if (transform == Transform::kIdentity) return absl::StrCat(value);
  const int64_t day = FloorDivide(value, kHoursOfDay);
  return absl::StrFormat("%s-%02d", Date(day), value - day * kHoursOfDay);
}

std::string ValueText(const PartitionValue& value, Transform transform) {
  if (const bool* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const int32_t* number = std::get_if<int32_t>(&value)) return NumberText(*number, transform);
  if (const int64_t* number = std::get_if<int64_t>(&value)) return absl::StrCat(*number);
  if (const std::string* text = std::get_if<std::string>(&value)) return *text;
  return "null";
}

}  // namespace

std::string PartitionPath(const PartitionSpec& spec, const PartitionTuple& tuple) {
  std::string path;
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    const PartitionField& field = spec.fields[i];
    const PartitionValue value = i < tuple.size() ? tuple[i] : PartitionValue();
    absl::StrAppend(&path, i == 0 ? "" : "/", PercentEncoded(field.name), "=", PercentEncoded(ValueText(value, field.transform)));
  }
  return path;
}

}  // namespace millrace::warehouse
