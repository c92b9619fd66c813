#ifndef MILLRACE_STATE_INTERNAL_BIG_ENDIAN_H_
#define MILLRACE_STATE_INTERNAL_BIG_ENDIAN_H_

#include <bit>
#include <concepts>
#include <cstring>
#include <type_traits>

#include "millrace/state/bytes.h"

namespace millrace::internal {

/// Java's byte order on whatever machine. `Put` appends; `Get` reads sizeof(T) bytes at `data`, which must be there.
template <std::integral T>
T SwapIfLittle(T value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
}

template <std::integral T>
void PutBigEndian(T value, Bytes* out) {
  value = SwapIfLittle(value);
  out->append(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <std::integral T>
[[nodiscard]] T GetBigEndian(const char* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return SwapIfLittle(value);
}

template <std::integral T>
void SetBigEndian(T value, char* data) {
  value = SwapIfLittle(value);
  std::memcpy(data, &value, sizeof(T));
}

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_BIG_ENDIAN_H_
