#ifndef MILLRACE_WAREHOUSE_SERVING_SERVING_COLUMNS_H_
#define MILLRACE_WAREHOUSE_SERVING_SERVING_COLUMNS_H_

#include <google/protobuf/descriptor.h>

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "protobuf/table_schema.h"
#include "serving/serving_policy.h"
#include "table/types.h"

namespace millrace::warehouse {

/// A column of a table in PostgreSQL.
struct ServingColumn {
  Field field;
  std::string type;  // as format_type() writes it
  bool key = false;
};

/// The type of PostgreSQL for values of a type:
///
///   boolean, int, long, float, double      boolean, integer, bigint, real, double precision
///   decimal(p,s)                           numeric(p,s)
///   date, timestamptz                      date, timestamp with time zone
///   string, binary                         text, bytea
///   struct, list, map                      jsonb
std::string PostgresType(const Type& type);

/// Which columns hold JSON though their type is string: those of fields that are Struct, Value, ListValue, Any, or a message
/// inside itself. By id in `record`.
std::set<int> JsonColumns(const google::protobuf::Descriptor& message, const MappingOptions& options, const ColumnRecord& record);

/// The columns of a table, those of the key first. InvalidArgument if a column of the key is not there, or of a type that rows
/// cannot be told apart by: numbers with a floating point and nested values; or if a name is longer than PostgreSQL's 63 bytes.
absl::StatusOr<std::vector<ServingColumn>> ServingColumns(const Schema& schema, const std::set<int>& json,
                                                          const ServingPolicy& policy);

/// A name in quotes; with its schema.
std::string Quoted(const std::string& name);
std::string Quoted(const std::string& name_space, const std::string& name);
/// A text in quotes.
std::string Literal(const std::string& text);
/// InvalidArgument if the name is empty or too long, as PostgreSQL would cut it.
absl::Status CheckName(const std::string& name);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_SERVING_SERVING_COLUMNS_H_
