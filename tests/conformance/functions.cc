#include "functions.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace::conformance {
namespace {

// "append:x,y" is append and x,y.
std::pair<std::string, std::string> NameAndArgument(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

int64_t Length(const Text* value) { return value == nullptr ? 0 : static_cast<int64_t>(value->size()); }

Text AddNumber(const Text* aggregate, int64_t n) {
  return absl::StrCat((aggregate == nullptr ? 0 : std::strtoll(aggregate->c_str(), nullptr, 10)) + n);
}

}  // namespace

Text Printed(const Text* text) { return text == nullptr ? "null" : *text; }

Text Join(const Text* left, const Text* right) { return absl::StrCat(Printed(left), "+", Printed(right)); }

std::vector<Text> Split(const std::string& mapper, const Text& text) {
  return absl::StrSplit(text, NameAndArgument(mapper).second);
}

Predicate PredicateNamed(const std::string& text) {
  const auto [name, argument] = NameAndArgument(text);
  if (name == "value_contains") {
    return [argument = argument](const Text*, const Text* v) { return v != nullptr && v->find(argument) != Text::npos; };
  }
  if (name == "value_even_length") return [](const Text*, const Text* v) { return v != nullptr && v->size() % 2 == 0; };
  if (name == "key_is") return [argument = argument](const Text* k, const Text*) { return k != nullptr && *k == argument; };
  if (name == "always") return [](const Text*, const Text*) { return true; };
  return nullptr;
}

Mapper MapperNamed(const std::string& text) {
  const auto [name, argument] = NameAndArgument(text);
  using R = NullableText;
  if (name == "upper") return [](const Text*, const Text* v) { return v == nullptr ? R() : R(absl::AsciiStrToUpper(*v)); };
  if (name == "append") {
    return [argument = argument](const Text*, const Text* v) { return v == nullptr ? R() : R(*v + argument); };
  }
  if (name == "prefix") {
    const size_t n = std::strtoul(argument.c_str(), nullptr, 10);
    return [n](const Text*, const Text* v) { return v == nullptr ? R() : R(v->substr(0, n)); };
  }
  if (name == "key") return [](const Text* k, const Text*) { return k == nullptr ? R() : R(*k); };
  if (name == "value") return [](const Text*, const Text* v) { return v == nullptr ? R() : R(*v); };
  if (name == "key_and_value") return [](const Text* k, const Text* v) { return R(absl::StrCat(Printed(k), "/", Printed(v))); };
  if (name == "const") return [argument = argument](const Text*, const Text*) { return R(argument); };
  if (name == "null_if_contains") {
    return [argument = argument](const Text*, const Text* v) {
      return v == nullptr || v->find(argument) != Text::npos ? R() : R(*v);
    };
  }
  return nullptr;
}

Aggregator AggregatorNamed(const std::string& text) {
  const auto [name, argument] = NameAndArgument(text);
  using R = NullableText;
  if (name == "concat")
    return [](const Text&, const Text* v, const Text* a) { return R(absl::StrCat(Printed(a), "+", Printed(v))); };
  if (name == "unconcat")
    return [](const Text&, const Text* v, const Text* a) { return R(absl::StrCat(Printed(a), "-", Printed(v))); };
  if (name == "sum_length") return [](const Text&, const Text* v, const Text* a) { return R(AddNumber(a, Length(v))); };
  if (name == "sub_length") return [](const Text&, const Text* v, const Text* a) { return R(AddNumber(a, -Length(v))); };
  if (name == "null_if_contains") {
    return [argument = argument](const Text&, const Text* v, const Text* a) {
      if (v != nullptr && v->find(argument) != Text::npos) return R();
      return R(absl::StrCat(Printed(a), "+", Printed(v)));
    };
  }
  return nullptr;
}

Reducer ReducerNamed(const std::string& name) {
  using R = NullableText;
  if (name == "concat") return [](const Text& a, const Text& b) { return R(absl::StrCat(a, "+", b)); };
  if (name == "unconcat") return [](const Text& a, const Text& b) { return R(absl::StrCat(a, "-", b)); };
  if (name == "max") return [](const Text& a, const Text& b) { return R(std::max(a, b)); };
  if (name == "min") return [](const Text& a, const Text& b) { return R(std::min(a, b)); };
  if (name == "last") return [](const Text&, const Text& b) { return R(b); };
  return nullptr;
}

}  // namespace millrace::conformance
