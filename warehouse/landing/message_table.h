#ifndef MILLRACE_WAREHOUSE_LANDING_MESSAGE_TABLE_H_
#define MILLRACE_WAREHOUSE_LANDING_MESSAGE_TABLE_H_

#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "landing/table_committer.h"
#include "protobuf/column_record.h"
#include "protobuf/schema_evolution.h"
#include "protobuf/table_schema.h"
#include "table/partition.h"
#include "table/table_metadata.h"

namespace millrace::warehouse {

/// Table property: which column belongs to which field of the message, see ColumnRecord.
inline constexpr char kColumnsProperty[] = "millrace.columns";

/// Table property: what a table of mode=upsert is, "changes" or "latest". Others have none.
inline constexpr char kRoleProperty[] = "millrace.role";

/// A table whose columns are those of a message.
struct MessageTable {
  TableName name;
  MappedSchema columns;
  std::function<absl::StatusOr<PartitionSpec>(const Schema&)> spec;  // of a new table
  EvolutionPolicy evolution;
  std::string role;                                    // of kRoleProperty; may be empty
  std::map<std::string, std::string> properties = {};  // others, of a new table or a change of the schema

  /// Creates the table, or brings its schema to that of the message; `committer` knows it then. InvalidArgument for a change that
  /// the policy refuses, FailedPrecondition if the table was not made so or has another role, Unavailable if others change it all
  /// the time.
  absl::Status Ensure(Catalog* catalog, TableCommitter* committer) const;

 private:
  absl::StatusOr<bool> Evolve(Catalog* catalog, const LoadedTable& table) const;
};

/// InvalidArgument if the property is damaged; empty without one.
absl::StatusOr<ColumnRecord> ColumnRecordOf(const TableMetadata& table);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_MESSAGE_TABLE_H_
