#ifndef MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_ENGINE_TEXT_H_
#define MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_ENGINE_TEXT_H_

#include <string>
#include <string_view>

#include "millrace/warehouse/reading.h"

// How engines write names, texts and types.

namespace millrace {

/// "name" with quotes inside of it doubled: SQL's own way, and that of Spark with `.
std::string QuoteName(std::string_view name, char quote = '"');
/// 'text' with quotes inside of it doubled (SQL's own way; a backslash is a backslash).
std::string QuoteText(std::string_view text);
/// 'text' as one word of a POSIX shell.
std::string QuoteShellWord(std::string_view text);

/// PostgreSQL's type for a column: "numeric(18,2)", "timestamp with time zone"; what has parts is jsonb.
std::string PostgresType(const warehouse::ColumnInfo& column);
/// Glue's, as Hive writes them: "struct<a:int>", "array<string>".
std::string HiveType(const warehouse::ColumnInfo& column);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_ENGINE_TEXT_H_
