#ifndef MILLRACE_RUNTIME_STATUS_TEXT_TABLE_H_
#define MILLRACE_RUNTIME_STATUS_TEXT_TABLE_H_

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace millrace {

struct TextTableStyle {
  std::set<size_t> numbers = {};  // columns that stand at the right
  size_t indent = 0;              // spaces before each line
};

/// Rows of cells as lines for people: each column is as wide as its longest cell, two spaces from the next, and no line ends in
/// spaces. Rows may differ in length.
///
///   TextTable({{"TABLE", "ROWS"}, {"orders", "12"}}, {.numbers = {1}})  ==  "TABLE   ROWS\norders    12\n"
[[nodiscard]] std::string TextTable(const std::vector<std::vector<std::string>>& rows, const TextTableStyle& style = {});

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STATUS_TEXT_TABLE_H_
