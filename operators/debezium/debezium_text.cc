#include "debezium/debezium_text.h"

#include <chrono>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace millrace::internal {
namespace {

constexpr int kMostDigits = 38;
constexpr int64_t kSecondsOfDay = 86400;
constexpr int64_t kNanosOfSecond = 1000000000;
// The years that protobuf's Timestamp holds.
constexpr int64_t kFirstSecond = -62135596800;
constexpr int64_t kLastSecond = 253402300799;

// Nanoseconds of a unit below a day.
int64_t NanosOf(DebeziumTimeUnit unit) {
  switch (unit) {
    case DebeziumTimeUnit::kNanoseconds:
      return 1;
    case DebeziumTimeUnit::kMicroseconds:
      return 1000;
    case DebeziumTimeUnit::kMilliseconds:
      return 1000000;
    default:
      return kNanosOfSecond;
  }
}

// Takes exactly `digits` digits from the front.
std::optional<int> TakeNumber(std::string_view* text, size_t digits) {
  if (text->size() < digits) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < digits; ++i) {
    const char c = (*text)[i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text->remove_prefix(digits);
  return value;
}

bool Take(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

// ".123456" to nanoseconds; digits behind the ninth are an error as they would be lost. Nothing is 0.
std::optional<int32_t> TakeFraction(std::string_view* text) {
  if (!Take(text, '.')) return 0;
  int32_t nanos = 0;
  int digits = 0;
  while (!text->empty() && text->front() >= '0' && text->front() <= '9') {
    if (++digits > 9) return std::nullopt;
    nanos = nanos * 10 + (text->front() - '0');
    text->remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) nanos *= 10;
  return nanos;
}

// The seconds by which "Z", "+02:00" or nothing at the end is ahead of UTC.
std::optional<int64_t> OffsetOf(std::string_view text) {
  if (text.empty() || text == "Z") return 0;
  const bool behind = text.front() == '-';
  if (!Take(&text, '+') && !Take(&text, '-')) return std::nullopt;
  const std::optional<int> hours = TakeNumber(&text, 2);
  if (!hours || *hours > 18) return std::nullopt;
  int64_t seconds = *hours * 3600;
  if (!text.empty()) {
    if (!Take(&text, ':')) return std::nullopt;
    const std::optional<int> minutes = TakeNumber(&text, 2);
    if (!minutes || *minutes > 59 || !text.empty()) return std::nullopt;
    seconds += *minutes * 60;
  }
  return behind ? -seconds : seconds;
}

std::optional<DebeziumMoment> Checked(int64_t seconds, int32_t nanos) {
  if (seconds < kFirstSecond || seconds > kLastSecond) return std::nullopt;
  return DebeziumMoment{seconds, nanos};
}

// Digits with their sign, and where the point stands: value = digits * 10^exponent.
struct Decimal {
  absl::int128 digits = 0;
  int64_t exponent = 0;
};

std::optional<Decimal> ParseDecimal(std::string_view text) {
  Decimal result;
  const bool negative = Take(&text, '-');
  if (!negative) (void)Take(&text, '+');
  bool any = false;
  bool after_point = false;
  int significant = 0;
  for (; !text.empty(); text.remove_prefix(1)) {
    const char c = text.front();
    if (c == '.' && !after_point) {
      after_point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    any = true;
    if (significant > 0 || c != '0') ++significant;
    if (significant > kMostDigits) return std::nullopt;
    result.digits = result.digits * 10 + (c - '0');
    if (after_point) --result.exponent;
  }
  if (!any) return std::nullopt;
  if (!text.empty()) {
    if (text.front() != 'e' && text.front() != 'E') return std::nullopt;
    text.remove_prefix(1);
    int32_t exponent = 0;
    if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &exponent)) return std::nullopt;
    result.exponent += exponent;
  }
  if (negative) result.digits = -result.digits;
  return result;
}

}  // namespace

std::optional<absl::int128> ParseScaledDecimal(std::string_view text, int scale) {
  std::optional<Decimal> decimal = ParseDecimal(text);
  if (!decimal) return std::nullopt;
  if (decimal->digits == 0) return absl::int128(0);
  const absl::int128 limit = absl::MakeInt128(0x4b3b4ca85a86c47a, 0x098a224000000000);  // 10^38
  int64_t exponent = decimal->exponent + scale;
  for (; exponent < 0; ++exponent) {
    if (decimal->digits % 10 != 0) return std::nullopt;
    decimal->digits /= 10;
  }
  for (; exponent > 0; --exponent) {
    if (decimal->digits >= limit / 10 || decimal->digits <= -limit / 10) return std::nullopt;
    decimal->digits *= 10;
  }
  return decimal->digits;
}

std::optional<DebeziumMoment> ParseMoment(std::string_view text) {
  const std::optional<int> year = TakeNumber(&text, 4);
  if (!year || !Take(&text, '-')) return std::nullopt;
  const std::optional<int> month = TakeNumber(&text, 2);
  if (!month || !Take(&text, '-')) return std::nullopt;
  const std::optional<int> day = TakeNumber(&text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  int64_t seconds = std::chrono::sys_days(date).time_since_epoch().count() * kSecondsOfDay;
  int32_t nanos = 0;
  if (Take(&text, 'T')) {
    const std::optional<int> hour = TakeNumber(&text, 2);
    if (!hour || *hour > 23 || !Take(&text, ':')) return std::nullopt;
    const std::optional<int> minute = TakeNumber(&text, 2);
    if (!minute || *minute > 59) return std::nullopt;
    std::optional<int> second = 0;
    if (Take(&text, ':')) second = TakeNumber(&text, 2);
    if (!second || *second > 59) return std::nullopt;
    const std::optional<int32_t> fraction = TakeFraction(&text);
    if (!fraction) return std::nullopt;
    nanos = *fraction;
    seconds += *hour * 3600 + *minute * 60 + *second;
  }
  const std::optional<int64_t> offset = OffsetOf(text);
  if (!offset) return std::nullopt;
  return Checked(seconds - *offset, nanos);
}

std::optional<DebeziumMoment> MomentOf(int64_t count, DebeziumTimeUnit unit) {
  if (unit == DebeziumTimeUnit::kDays) {
    if (count < kFirstSecond / kSecondsOfDay || count > kLastSecond / kSecondsOfDay) return std::nullopt;
    return DebeziumMoment{count * kSecondsOfDay, 0};
  }
  const int64_t of_second = kNanosOfSecond / NanosOf(unit);
  const int64_t rest = ((count % of_second) + of_second) % of_second;
  const int64_t seconds = count / of_second - (count % of_second < 0 ? 1 : 0);
  return Checked(seconds, static_cast<int32_t>(rest * NanosOf(unit)));
}

std::optional<int64_t> CountOf(const DebeziumMoment& moment, DebeziumTimeUnit unit) {
  if (unit == DebeziumTimeUnit::kDays) {
    return moment.seconds / kSecondsOfDay - (moment.seconds % kSecondsOfDay < 0 ? 1 : 0);
  }
  const absl::int128 count = absl::int128(moment.seconds) * (kNanosOfSecond / NanosOf(unit)) + moment.nanos / NanosOf(unit);
  if (count < std::numeric_limits<int64_t>::min() || count > std::numeric_limits<int64_t>::max()) return std::nullopt;
  return static_cast<int64_t>(count);
}

DebeziumDay DayOf(int64_t days_since_1970) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days_since_1970))};
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day())};
}

}  // namespace millrace::internal
