#include "warehouse_commands/engine_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

std::string Doubled(std::string_view text, char quote) {
  std::string result(1, quote);
  for (const char c : text) {
    if (c == quote) result.push_back(quote);
    result.push_back(c);
  }
  result.push_back(quote);
  return result;
}

}  // namespace

std::string QuoteName(std::string_view name, char quote) { return Doubled(name, quote); }

std::string QuoteText(std::string_view text) { return Doubled(text, '\''); }

std::string QuoteShellWord(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') {
      result.append("'\\''");
    } else {
      result.push_back(c);
    }
  }
  result.push_back('\'');
  return result;
}

std::string PostgresType(const warehouse::ColumnInfo& column) {
  const std::string& type = column.type;
  if (!column.fields.empty()) return "jsonb";
  if (type == "int") return "integer";
  if (type == "long") return "bigint";
  if (type == "float") return "real";
  if (type == "double") return "double precision";
  if (absl::StartsWith(type, "decimal")) return absl::StrCat("numeric", type.substr(type.find('(')));
  if (type == "timestamptz") return "timestamp with time zone";
  if (type == "string") return "text";
  if (type == "binary") return "bytea";
  return type;  // boolean, date
}

std::string HiveType(const warehouse::ColumnInfo& column) {
  const std::string& type = column.type;
  if (absl::StartsWith(type, "struct<")) {
    std::string fields;
    for (const warehouse::ColumnInfo& field : column.fields) {
      absl::StrAppend(&fields, fields.empty() ? "" : ",", field.name, ":", HiveType(field));
    }
    return absl::StrCat("struct<", fields, ">");
  }
  if (absl::StartsWith(type, "list<")) return absl::StrCat("array<", HiveType(column.fields[0]), ">");
  if (absl::StartsWith(type, "map<")) {
    return absl::StrCat("map<", HiveType(column.fields[0]), ",", HiveType(column.fields[1]), ">");
  }
  if (type == "long") return "bigint";
  if (type == "timestamptz") return "timestamp";
  return type;
}

}  // namespace millrace
