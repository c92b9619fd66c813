#ifndef MILLRACE_WAREHOUSE_PARQUET_SINGLE_VALUE_H_
#define MILLRACE_WAREHOUSE_PARQUET_SINGLE_VALUE_H_

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "absl/numeric/int128.h"

namespace millrace::warehouse {

// Values in the form of "Binary single-value serialization" (appendix D of the table specification), as bounds of columns have
// it.

/// Integers and floating points: little-endian, as this machine has them.
template <typename T>
std::string SingleValue(T value) {
  std::string result(sizeof(T), '\0');
  std::memcpy(result.data(), &value, sizeof(T));
  return result;
}

/// A decimal times 10^scale: two's complement, big-endian, in as few bytes as hold it.
std::string SingleDecimal(absl::int128 unscaled);

/// Bounds of texts are cut to 16 code points, of bytes to 16 bytes, as Iceberg's own writers do by default.
inline constexpr int kBoundLength = 16;

/// Something at most `value` and not longer than a bound.
std::string LowerBound(std::string_view value, bool is_text);
/// Something at least `value` and not longer than a bound; nullopt if there is none.
std::optional<std::string> UpperBound(std::string_view value, bool is_text);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PARQUET_SINGLE_VALUE_H_
