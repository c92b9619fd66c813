#ifndef MILLRACE_TESTS_CONFORMANCE_FUNCTIONS_H_
#define MILLRACE_TESTS_CONFORMANCE_FUNCTIONS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

// The named functions of the case files ("append:x,y"); README.md says what each does. nullopt = null.

namespace millrace::conformance {

using Text = std::string;
using NullableText = std::optional<std::string>;

using Predicate = std::function<bool(const Text* key, const Text* value)>;
using Mapper = std::function<NullableText(const Text* key, const Text* value)>;
using Aggregator = std::function<NullableText(const Text& key, const Text* value, const Text* aggregate)>;
using Reducer = std::function<NullableText(const Text& aggregate, const Text& value)>;

/// An empty function = no function of that name.
Predicate PredicateNamed(const std::string& name);
Mapper MapperNamed(const std::string& name);
Aggregator AggregatorNamed(const std::string& name);
Reducer ReducerNamed(const std::string& name);

/// "split:X": the parts of a text, empty ones too.
std::vector<Text> Split(const std::string& mapper, const Text& text);
/// left+right, null prints "null".
Text Join(const Text* left, const Text* right);
Text Printed(const Text* text);

}  // namespace millrace::conformance

#endif  // MILLRACE_TESTS_CONFORMANCE_FUNCTIONS_H_
