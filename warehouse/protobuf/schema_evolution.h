#ifndef MILLRACE_WAREHOUSE_PROTOBUF_SCHEMA_EVOLUTION_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_SCHEMA_EVOLUTION_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protobuf/column_record.h"
#include "protobuf/table_schema.h"
#include "table/types.h"

namespace millrace::warehouse {

struct EvolutionPolicy {
  /// A field has got a type that its column cannot take.
  enum class TypeChange { kRefuse, kNewColumn };
  /// A field is gone. Keep it while older programs still write it, which would add it again.
  enum class Removal { kDrop, kKeep };

  TypeChange type_change = TypeChange::kRefuse;
  Removal removal = Removal::kDrop;
  /// Columns that stay whatever happens, by id: those that the table is partitioned by.
  std::set<int> pinned;
};

struct EvolvedSchema {
  Schema schema;  // its id is the present one's: whoever commits it gives it another
  ColumnRecord record;
  /// One for each change, in words: "rename payer to customer".
  std::vector<std::string> changes;
};

/// What the columns of a table must become for its message as it is now. `present` and `record` are the table's, `wanted` is what
/// MapSchema makes of the message, `last_column_id` the table's. nullopt: nothing, rows can be written as they are.
///
/// A field is the one with the same number in the same message. Another name renames its column. A new one gets a column with a
/// new id, optional since older files lack it, after the others. A removed one's column is dropped and its id never used again,
/// or kept as an optional one. Presence makes a column optional, and nothing makes it required again. int becomes long, float
/// double and a decimal wider; the other way round the column stays as it is, which is what a program older than the table needs.
/// Any other change of type is refused with InvalidArgument, or the field gets a new column "name_v2" beside the old one, which
/// stays for its rows. This holds for fields inside structs too. Follows "Schema Evolution" of the table specification.
absl::StatusOr<std::optional<EvolvedSchema>> EvolveSchema(const Schema& present, const ColumnRecord& record,
                                                          const MappedSchema& wanted, int last_column_id,
                                                          const EvolutionPolicy& policy);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_SCHEMA_EVOLUTION_H_
