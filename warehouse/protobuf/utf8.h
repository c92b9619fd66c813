#ifndef MILLRACE_WAREHOUSE_PROTOBUF_UTF8_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_UTF8_H_

#include <cstdint>
#include <cstring>
#include <string_view>

namespace millrace::warehouse {

/// Whether the text is UTF-8 by RFC 3629: shortest forms, no surrogates, nothing beyond U+10FFFF.
inline bool IsUtf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  const auto follows = [&](const unsigned char* q, unsigned low, unsigned high) { return q < end && *q >= low && *q <= high; };
  while (p != end) {
    uint64_t eight;
    if (end - p >= 8 && (std::memcpy(&eight, p, 8), (eight & 0x8080808080808080U) == 0)) {
      p += 8;
    } else if (*p < 0x80) {
      ++p;
    } else if (*p >= 0xc2 && *p <= 0xdf && follows(p + 1, 0x80, 0xbf)) {
      p += 2;
    } else if (*p >= 0xe0 && *p <= 0xef && follows(p + 1, *p == 0xe0 ? 0xa0 : 0x80, *p == 0xed ? 0x9f : 0xbf) &&
               follows(p + 2, 0x80, 0xbf)) {
      p += 3;
    } else if (*p >= 0xf0 && *p <= 0xf4 && follows(p + 1, *p == 0xf0 ? 0x90 : 0x80, *p == 0xf4 ? 0x8f : 0xbf) &&
               follows(p + 2, 0x80, 0xbf) && follows(p + 3, 0x80, 0xbf)) {
      p += 4;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_UTF8_H_
