#ifndef MILLRACE_WAREHOUSE_PARQUET_VALUE_TEXT_H_
#define MILLRACE_WAREHOUSE_PARQUET_VALUE_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/numeric/int128.h"

namespace millrace::warehouse {

// Values as texts, as RowReader promises them; each is appended to `out`.

/// "2026-11-30", of days since 1970-01-01. Years before 0 have a minus, those after 9999 more digits.
void AppendDateText(int64_t days, std::string* out);
/// "2026-11-30T07:00:00.123456Z", of microseconds since 1970-01-01 in UTC.
void AppendInstantText(int64_t micros, std::string* out);
/// All digits, of a value times 10^scale.
void AppendDecimalText(absl::int128 unscaled, int scale, std::string* out);
/// The shortest text that is read back as the same value.
void AppendFloatText(float value, std::string* out);
void AppendFloatText(double value, std::string* out);
/// With quotes (RFC 8259).
void AppendJsonText(std::string_view text, std::string* out);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PARQUET_VALUE_TEXT_H_
