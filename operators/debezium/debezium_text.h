#ifndef MILLRACE_OPERATORS_DEBEZIUM_DEBEZIUM_TEXT_H_
#define MILLRACE_OPERATORS_DEBEZIUM_DEBEZIUM_TEXT_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/numeric/int128.h"
#include "millrace/operators/debezium_serde.h"

/// Texts in which Debezium writes what JSON has no type for.
namespace millrace::internal {

/// A moment as protobuf's Timestamp has it: nanos from 0 to 999,999,999.
struct DebeziumMoment {
  int64_t seconds = 0;
  int32_t nanos = 0;
};

/// "-12.50" and "1E+20" times 10^scale; nullopt if it is no decimal, the result is not whole or has more than 38 digits.
[[nodiscard]] std::optional<absl::int128> ParseScaledDecimal(std::string_view text, int scale);

/// "2026-11-30Z", "2026-11-30T08:09:10.123456Z" with or without the Z, or with an offset as in +02:00; nullopt if it is neither,
/// or before year 1 or after year 9999, which is what a Timestamp holds.
[[nodiscard]] std::optional<DebeziumMoment> ParseMoment(std::string_view text);

/// From a count since 1970; nullopt outside of the same years.
[[nodiscard]] std::optional<DebeziumMoment> MomentOf(int64_t count, DebeziumTimeUnit unit);
/// Rounded down; nullopt if it does not fit.
[[nodiscard]] std::optional<int64_t> CountOf(const DebeziumMoment& moment, DebeziumTimeUnit unit);

/// A day of the calendar.
struct DebeziumDay {
  int64_t year = 1970;
  unsigned month = 1;
  unsigned day = 1;
};
[[nodiscard]] DebeziumDay DayOf(int64_t days_since_1970);

}  // namespace millrace::internal

#endif  // MILLRACE_OPERATORS_DEBEZIUM_DEBEZIUM_TEXT_H_
