#ifndef MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_DDL_H_
#define MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_DDL_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/warehouse/warehouse.h"
#include "warehouse_commands/warehouse_address.h"

namespace millrace {

/// What is said to an engine so that it sees tables: "spark", "trino", "athena", "duckdb", "postgres".
///
///   DuckDB      a view for each table, with comments
///   PostgreSQL  a table for each, with comments, empty: what a serving table would be
///   Spark       the settings of a catalog
///   Trino       the properties of a catalog (sql, rest), or the registration of each table in a catalog that is there (fs)
///   Athena      commands of the AWS command line that register each in Glue
///
/// Names and texts are quoted by the rules of the engine. Never prints a secret. InvalidArgument if the engine is not known or
/// cannot read where the tables are.
absl::StatusOr<std::string> Ddl(const std::string& engine, const std::vector<warehouse::TableInfo>& tables,
                                const WarehouseAddress& address);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_DDL_H_
