#ifndef MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_CSV_H_
#define MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_CSV_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/state/bytes.h"
#include "millrace/warehouse/reading.h"

namespace millrace {

/// Rows as CSV by RFC 4180: lines end with CR LF, values stand in quotes where they must. A null is nothing at all, an empty text
/// is "". Not thread-safe.
class CsvRows {
 public:
  /// Unless `raw`, a text that a spreadsheet would take for a formula (first character = + - @, tab, CR or LF) gets a ' in front:
  /// in columns of texts and bytes, and in names. Numbers are numbers, and stay.
  CsvRows(const std::vector<warehouse::ColumnInfo>& columns, bool raw);

  /// The names of the columns.
  void AppendHeader(std::string* out) const;
  void AppendRow(const std::vector<NullableBytesView>& row, std::string* out) const;

 private:
  void AppendValue(std::string_view value, bool is_text, std::string* out) const;

  std::vector<std::string> names_;
  std::vector<bool> is_text_;
  const bool raw_;
};

/// What a file begins with so that Excel takes it for UTF-8.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Counts the lines of a CSV file, those with line ends inside of quotes once.
class CsvLineCounter {
 public:
  void Add(std::string_view piece);
  [[nodiscard]] int64_t lines() const { return lines_; }

 private:
  bool quoted_ = false;
  int64_t lines_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_CSV_H_
