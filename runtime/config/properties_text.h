#ifndef MILLRACE_RUNTIME_CONFIG_PROPERTIES_TEXT_H_
#define MILLRACE_RUNTIME_CONFIG_PROPERTIES_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace millrace {

struct PropertyLine {
  std::string name;
  std::string value;
  int line = 0;
};

/// Reads the format of java.util.Properties: `name=value`, `name: value` or `name value`; comments start with '#' or '!'; a
/// backslash at the end of a line joins it with the next; escapes as Java's. Every text can be read.
[[nodiscard]] std::vector<PropertyLine> ParsePropertiesText(std::string_view text);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CONFIG_PROPERTIES_TEXT_H_
