#ifndef MILLRACE_WAREHOUSE_READING_TABLE_INFO_H_
#define MILLRACE_WAREHOUSE_READING_TABLE_INFO_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "millrace/warehouse/warehouse.h"
#include "table/types.h"

namespace millrace::warehouse {

/// A property of tables with date columns: the name of the time zone of their days. Without it, UTC.
inline constexpr char kTimeZone[] = "millrace.time-zone";

/// A table as it was loaded. Rows, files and bytes are those that the summary of the newest snapshot says.
TableInfo DescribeTable(const TableName& name, const LoadedTable& table);

/// With what is inside them.
ColumnInfo DescribeColumn(const Field& field);

/// The fields with these names, in their order; all if there are no names. NotFound says which there are.
absl::StatusOr<std::vector<Field>> SelectFields(const Schema& schema, const std::vector<std::string>& names);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_READING_TABLE_INFO_H_
