#ifndef MILLRACE_WAREHOUSE_CATALOG_CATALOG_H_
#define MILLRACE_WAREHOUSE_CATALOG_CATALOG_H_

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "table/partition.h"
#include "table/table_metadata.h"
#include "table/types.h"

namespace millrace::warehouse {

struct TableName {
  std::string name_space;  // "shop"; one level
  std::string table;       // "payments"

  [[nodiscard]] std::string ToString() const { return name_space + "." + table; }
  friend auto operator<=>(const TableName&, const TableName&) = default;
};

struct LoadedTable {
  TableMetadata metadata;
  std::string metadata_file;  // where it stands
};

/// Which metadata is a table's present one, and the only place where that changes: a compare-and-swap. Thread-safe.
class Catalog {
 public:
  virtual ~Catalog() = default;

  /// OK if this catalog can be trusted with a swap. Storage that ignores conditional writes gives FailedPrecondition: two writers
  /// would both believe that they have committed. Writes and removes a file of a random name.
  virtual absl::Status Probe() = 0;

  virtual absl::StatusOr<std::vector<TableName>> List() = 0;
  /// NotFound if there is no such table.
  virtual absl::StatusOr<LoadedTable> Load(const TableName& name) = 0;
  /// AlreadyExists if there is one, also if another creates it at the same time.
  virtual absl::StatusOr<LoadedTable> Create(const TableName& name, const Schema& schema, const PartitionSpec& partition_by,
                                             const std::map<std::string, std::string>& properties) = 0;
  /// Makes `update` happen if the table is still as in `base`. nullopt: it was not, and nothing has happened. Unavailable or
  /// DeadlineExceeded: it may or may not have happened; load the table and look. Any other error: it has not.
  virtual absl::StatusOr<std::optional<LoadedTable>> Commit(const TableName& name, const LoadedTable& base,
                                                            const TableUpdate& update) = 0;

  /// For how long a metadata file must stay that is not the table's state any more, and for how long the metadata log names it.
  [[nodiscard]] virtual std::chrono::milliseconds MetadataKept() const = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_CATALOG_CATALOG_H_
