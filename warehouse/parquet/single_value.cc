#include "parquet/single_value.h"

#include <algorithm>
#include <utility>

namespace millrace::warehouse {
namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// How many bytes the first kBoundLength code points take.
size_t CutText(std::string_view value) {
  int code_points = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    if (!IsContinuation(value[i]) && ++code_points > kBoundLength) {
      return i;
    }
  }
  return value.size();
}

uint32_t DecodeLast(std::string_view text, size_t* begin) {
  *begin = text.size() - 1;
  while (*begin > 0 && IsContinuation(text[*begin])) {
    --*begin;
  }
  const auto first = static_cast<unsigned char>(text[*begin]);
  const size_t length = text.size() - *begin;
  uint32_t result = length == 1 ? first : first & (0xffU >> (length + 1));
  for (size_t i = *begin + 1; i < text.size(); ++i) {
    result = (result << 6) | (static_cast<unsigned char>(text[i]) & 0x3f);
  }
  return result;
}

void AppendUtf8(uint32_t code, std::string* text) {
  if (code < 0x80) {
    text->push_back(static_cast<char>(code));
    return;
  }
  const int following = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static constexpr uint32_t kMarks[] = {0, 0xc0, 0xe0, 0xf0};
  text->push_back(static_cast<char>(kMarks[following] | (code >> (6 * following))));
  for (int i = following - 1; i >= 0; --i) {
    text->push_back(static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3f)));
  }
}

std::optional<std::string> NextText(std::string text) {
  constexpr uint32_t kLastCodePoint = 0x10ffff;
  while (!text.empty()) {
    size_t begin;
    uint32_t code = DecodeLast(text, &begin) + 1;
    text.resize(begin);
    // Surrogates are no characters.
    code = code >= 0xd800 && code < 0xe000 ? 0xe000 : code;
    if (code <= kLastCodePoint) {
      AppendUtf8(code, &text);
      return text;
    }
  }
  return std::nullopt;
}

std::optional<std::string> NextBytes(std::string bytes) {
  while (!bytes.empty()) {
    if (static_cast<unsigned char>(bytes.back()) != 0xff) {
      bytes.back() = static_cast<char>(bytes.back() + 1);
      return bytes;
    }
    bytes.pop_back();
  }
  return std::nullopt;
}

size_t Cut(std::string_view value, bool is_text) {
  return is_text ? CutText(value) : std::min<size_t>(value.size(), kBoundLength);
}

}  // namespace

std::string SingleDecimal(absl::int128 unscaled) {
  std::string result;
  while (true) {
    const auto byte = static_cast<uint8_t>(absl::Int128Low64(unscaled) & 0xff);
    result.insert(result.begin(), static_cast<char>(byte));
    unscaled >>= 8;
    // What is left is only the sign, and the highest bit says it already.
    if ((unscaled == 0 && byte < 0x80) || (unscaled == -1 && byte >= 0x80)) {
      return result;
    }
  }
}

std::string LowerBound(std::string_view value, bool is_text) { return std::string(value.substr(0, Cut(value, is_text))); }

std::optional<std::string> UpperBound(std::string_view value, bool is_text) {
  const size_t length = Cut(value, is_text);
  std::string kept(value.substr(0, length));
  if (length == value.size()) {
    return kept;
  }
  return is_text ? NextText(std::move(kept)) : NextBytes(std::move(kept));
}

}  // namespace millrace::warehouse
