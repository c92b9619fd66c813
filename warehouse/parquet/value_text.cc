#include "parquet/value_text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kDayMicros = int64_t{86'400} * 1'000'000;

/// With zeros in front.
void AppendDigits(int64_t value, size_t digits, std::string* out) {
  const std::string text = absl::StrCat(value);
  if (text.size() < digits) out->append(digits - text.size(), '0');
  out->append(text);
}

template <class T>
void AppendShortest(T value, std::string* out) {
  if (std::isnan(value)) {
    out->append("NaN");
  } else if (std::isinf(value)) {
    out->append(value < 0 ? "-Infinity" : "Infinity");
  } else {
    std::array<char, 32> text;
    const std::to_chars_result end = std::to_chars(text.data(), text.data() + text.size(), value);
    out->append(text.data(), end.ptr);
  }
}

}  // namespace

void AppendDateText(int64_t days, std::string* out) {
  const absl::CivilDay day = absl::CivilDay(1970, 1, 1) + days;
  if (day.year() < 0) out->push_back('-');
  AppendDigits(std::abs(day.year()), 4, out);
  out->push_back('-');
  AppendDigits(day.month(), 2, out);
  out->push_back('-');
  AppendDigits(day.day(), 2, out);
}

void AppendInstantText(int64_t micros, std::string* out) {
  int64_t days = micros / kDayMicros;
  int64_t rest = micros % kDayMicros;
  if (rest < 0) {
    rest += kDayMicros;
    --days;
  }
  AppendDateText(days, out);
  const int64_t seconds = rest / 1'000'000;
  out->push_back('T');
  AppendDigits(seconds / 3600, 2, out);
  out->push_back(':');
  AppendDigits(seconds / 60 % 60, 2, out);
  out->push_back(':');
  AppendDigits(seconds % 60, 2, out);
  out->push_back('.');
  AppendDigits(rest % 1'000'000, 6, out);
  out->push_back('Z');
}

void AppendDecimalText(absl::int128 unscaled, int scale, std::string* out) {
  const bool negative = unscaled < 0;
  // The least value of all has no positive twin.
  absl::uint128 left = negative ? -static_cast<absl::uint128>(unscaled) : static_cast<absl::uint128>(unscaled);
  std::array<char, 80> text;
  size_t begin = text.size();
  for (int digit = 0; left > 0 || digit <= scale; ++digit) {
    if (digit == scale && scale > 0) text[--begin] = '.';
    text[--begin] = static_cast<char>('0' + static_cast<int>(left % 10));
    left /= 10;
  }
  if (negative) text[--begin] = '-';
  out->append(text.data() + begin, text.size() - begin);
}

void AppendFloatText(float value, std::string* out) { AppendShortest(value, out); }
void AppendFloatText(double value, std::string* out) { AppendShortest(value, out); }

void AppendJsonText(std::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      out->push_back(c);
    } else if (c == '\n') {
      out->append("\\n");
    } else {
      out->append("\\u00");
      out->push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out->push_back(kHex[c & 15]);
    }
  }
  out->push_back('"');
}

}  // namespace millrace::warehouse
