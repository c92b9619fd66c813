#include "warehouse_commands/csv.h"

namespace millrace {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kFormula = "=+-@\t\r\n";
constexpr std::string_view kQuoted = ",\"\r\n";

}  // namespace

CsvRows::CsvRows(const std::vector<warehouse::ColumnInfo>& columns, bool raw) : raw_(raw) {
  for (const warehouse::ColumnInfo& column : columns) {
    names_.push_back(column.name);
    is_text_.push_back(column.type == "string" || column.type == "binary");
  }
}

void CsvRows::AppendHeader(std::string* out) const {
  for (size_t i = 0; i < names_.size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendValue(names_[i], /*is_text=*/true, out);
  }
  out->append(kLineEnd);
}

void CsvRows::AppendRow(const std::vector<NullableBytesView>& row, std::string* out) const {
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out->push_back(',');
    if (row[i]) AppendValue(*row[i], is_text_[i], out);
  }
  out->append(kLineEnd);
}

void CsvRows::AppendValue(std::string_view value, bool is_text, std::string* out) const {
  const bool formula = is_text && !raw_ && !value.empty() && kFormula.find(value.front()) != std::string_view::npos;
  const bool quoted = value.empty() || value.find_first_of(kQuoted) != std::string_view::npos;
  if (quoted) out->push_back('"');
  if (formula) out->push_back('\'');
  for (size_t begin = 0; quoted;) {
    const size_t quote = value.find('"', begin);
    out->append(value.substr(begin, quote - begin));
    if (quote == std::string_view::npos) break;
    out->append("\"\"");
    begin = quote + 1;
  }
  out->append(quoted ? std::string_view("\"") : value);
}

void CsvLineCounter::Add(std::string_view piece) {
  for (const char c : piece) {
    if (c == '"') quoted_ = !quoted_;
    if (c == '\n' && !quoted_) ++lines_;
  }
}

}  // namespace millrace
