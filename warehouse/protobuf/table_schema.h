#ifndef MILLRACE_WAREHOUSE_PROTOBUF_TABLE_SCHEMA_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_TABLE_SCHEMA_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protobuf/column_record.h"
#include "protobuf/field_mapping.h"
#include "table/types.h"

namespace millrace::warehouse {

/// The columns of a table, and to which fields they belong.
struct MappedSchema {
  Schema schema;
  ColumnRecord record;
};

/// The columns of a new table of messages:
///
///   bool                          boolean
///   int32, sint32, sfixed32       int
///   int64, sint64, sfixed64       long
///   uint32, fixed32               long
///   uint64, fixed64               decimal(20,0)
///   float, double                 float, double
///   string, bytes                 string, binary
///   enum                          string: the name, UNKNOWN_<number> without one
///   message, group                struct; boolean if it has no fields; JSON string inside itself
///   repeated, map                 list, map; empty if unset
///   oneof                         its members, and a string <oneof>_case that names the one that is set
///   google.protobuf.Timestamp     timestamptz, microseconds rounded down
///   google.protobuf.Duration      long, microseconds rounded down
///   google.protobuf.*Value        what is wrapped
///   Struct, Value, ListValue, Any string: JSON
///   google.type.Date              date
///   google.type.Money             struct of amount decimal(28,9) and currency_code string
///   with a line .decimal          decimal of an integer; of units and nanos, with the currency in a column <name>_currency
///
/// Fields without presence, repeated fields and maps are required, fields with presence are optional. Then follow the date
/// columns of `options`, and _topic, _topic_partition, _offset, _timestamp and, if asked for, _key of the record that the message
/// came in. Comments of the .proto file are docs, if the descriptor has them. Fields have ids from 1 in the order in which
/// engines give them: those of one struct before those inside it.
///
/// InvalidArgument: two columns would have one name (also if only case differs: readers do not tell them apart), an option names
/// no field that it fits, or there would be more than 10,000 columns.
absl::StatusOr<MappedSchema> MapSchema(const google::protobuf::Descriptor& message, const MappingOptions& options);

/// Gives the fields, and what is inside them, ids from `*next` on; those of one level before those below. `*next` is the next
/// free one then. In `record` the old ids are replaced.
void AssignIds(std::vector<Field>* fields, int* next, ColumnRecord* record);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_TABLE_SCHEMA_H_
