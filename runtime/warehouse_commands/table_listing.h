#ifndef MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_TABLE_LISTING_H_
#define MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_TABLE_LISTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/warehouse/warehouse.h"

// Tables of the warehouse, for people and for programs.

namespace millrace {

/// The tables with these names, "<namespace>.<table>" or "<table>"; all if there are no names. NotFound, with the tables that
/// there are, if one is not there; InvalidArgument if several namespaces have it.
absl::StatusOr<std::vector<warehouse::TableInfo>> SelectTables(std::vector<warehouse::TableInfo> tables,
                                                               const std::vector<std::string>& names);

/// One line for each table, under a line of titles. `now_ms` is since 1970, for ages.
std::string ListTables(const std::vector<warehouse::TableInfo>& tables, int64_t now_ms);
/// All that is known of one.
std::string DescribeTable(const warehouse::TableInfo& table, int64_t now_ms);
/// An array with an object for each; times as ISO 8601 in UTC and as milliseconds since 1970.
std::string TablesAsJson(const std::vector<warehouse::TableInfo>& tables);

/// "2026-11-30T07:00:00.123Z", of milliseconds since 1970.
std::string IsoTime(int64_t time_ms);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_TABLE_LISTING_H_
