#ifndef MILLRACE_TESTS_CHAOS_PRINTED_TEXT_H_
#define MILLRACE_TESTS_CHAOS_PRINTED_TEXT_H_

#include <cstdio>
#include <string>
#include <string_view>

/// Bytes as text without blanks, as the judge of chaos reads them: a blank as _, what is not printable, and the percent sign, as
/// %XX.
inline std::string PrintedText(std::string_view bytes) {
  std::string text;
  char hex[4];
  for (const char byte : bytes) {
    const auto c = static_cast<unsigned char>(byte);
    if (c > ' ' && c < 127 && c != '%') {
      text += byte;
    } else if (c == ' ') {
      text += '_';
    } else {
      (void)snprintf(hex, sizeof hex, "%%%02X", c);
      text += hex;
    }
  }
  return text.empty() ? "%empty" : text;
}

#endif  // MILLRACE_TESTS_CHAOS_PRINTED_TEXT_H_
