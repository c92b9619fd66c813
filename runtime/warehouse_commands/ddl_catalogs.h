#ifndef MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_DDL_CATALOGS_H_
#define MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_DDL_CATALOGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/warehouse/warehouse.h"
#include "warehouse_commands/warehouse_address.h"

// Engines that know Iceberg's catalogs: what they are told is where the catalog is. Names, types and descriptions of columns they
// have from the tables themselves. See Ddl.

namespace millrace {

/// Statements of Spark SQL.
absl::StatusOr<std::string> SparkDdl(const std::vector<warehouse::TableInfo>& tables, const WarehouseAddress& address);
/// A properties file of a catalog; for tables in a file system alone, statements of Trino's SQL.
absl::StatusOr<std::string> TrinoDdl(const std::vector<warehouse::TableInfo>& tables, const WarehouseAddress& address);
/// Commands of a shell; FailedPrecondition unless the tables are on S3.
absl::StatusOr<std::string> AthenaDdl(const std::vector<warehouse::TableInfo>& tables, const WarehouseAddress& address);

/// What `aws glue create-table --cli-input-json` is given for a table.
std::string GlueTableJson(const warehouse::TableInfo& table);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_DDL_CATALOGS_H_
