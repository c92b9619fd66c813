#include "config/properties_text.h"

#include <charconv>

namespace millrace {
namespace {

/// `\u` with four digits, `\t`, `\n`, `\r`, `\f` and `\c` for any other c, as java.util.Properties reads them.
std::string Unescape(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result.push_back(text[i]);
      continue;
    }
    const char c = text[++i];
    unsigned code = 0;
    if (c == 'u' && i + 4 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 5, code, 16).ptr == text.data() + i + 5) {
      i += 4;
      if (code < 0x80) {
        result.push_back(static_cast<char>(code));
      } else if (code < 0x800) {
        result.push_back(static_cast<char>(0xC0 | code >> 6));
        result.push_back(static_cast<char>(0x80 | (code & 0x3F)));
      } else {
        result.push_back(static_cast<char>(0xE0 | code >> 12));
        result.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
        result.push_back(static_cast<char>(0x80 | (code & 0x3F)));
      }
      continue;
    }
    result.push_back(c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 'f' ? '\f' : c);
  }
  return result;
}

bool EndsInOddBackslashes(const std::string& line) {
  const size_t last = line.find_last_not_of('\\');
  return (line.size() - (last == std::string::npos ? 0 : last + 1)) % 2 == 1;
}

std::string_view TrimLeft(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\f");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

/// Where the name ends: at the first '=', ':' or blank that no backslash stands before.
size_t EndOfName(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || line[i] == ' ' || line[i] == '\t' || line[i] == '\f') {
      return i;
    }
  }
  return line.size();
}

PropertyLine ParseLine(std::string_view line, int number) {
  const size_t end = EndOfName(line);
  std::string_view rest = TrimLeft(line.substr(end));
  if (!rest.empty() && (rest[0] == '=' || rest[0] == ':')) rest = TrimLeft(rest.substr(1));
  // Java keeps blanks at the end of a value; they are always a mistake in a setting.
  while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\t')) rest.remove_suffix(1);
  return {Unescape(line.substr(0, end)), Unescape(rest), number};
}

}  // namespace

std::vector<PropertyLine> ParsePropertiesText(std::string_view text) {
  std::vector<PropertyLine> lines;
  int number = 0;
  while (!text.empty()) {
    std::string logical;
    int first = 0;
    bool more = true;
    while (more && !text.empty()) {
      const size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
      ++number;
      if (line.ends_with('\r')) line.remove_suffix(1);
      line = TrimLeft(line);
      if (first == 0) {
        first = number;
        if (line.starts_with('#') || line.starts_with('!')) line = {};
      }
      logical.append(line);
      more = EndsInOddBackslashes(logical);
      if (more) logical.pop_back();
    }
    if (!logical.empty()) lines.push_back(ParseLine(logical, first));
  }
  return lines;
}

}  // namespace millrace
