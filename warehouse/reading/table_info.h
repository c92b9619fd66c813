#ifndef MILLRACE_WAREHOUSE_READING_TABLE_INFO_H_
#define MILLRACE_WAREHOUSE_READING_TABLE_INFO_H_

#include <vector>

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

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_READING_TABLE_INFO_H_
