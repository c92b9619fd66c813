#ifndef MILLRACE_WAREHOUSE_TABLE_TABLE_METADATA_H_
#define MILLRACE_WAREHOUSE_TABLE_TABLE_METADATA_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "table/partition.h"
#include "table/types.h"

namespace millrace::warehouse {

/// The state of a table after one commit.
struct Snapshot {
  int64_t id = 0;
  std::optional<int64_t> parent_id;
  int64_t sequence_number = 0;
  int64_t timestamp_ms = 0;  // since 1970
  std::string manifest_list;
  std::map<std::string, std::string> summary;  // with "operation"
  std::optional<int> schema_id;
};

/// What a metadata file of an Iceberg v2 table says. A value; JSON as in "Table Metadata" of the table specification. Members
/// that this does not know (another engine's statistics, tags and branches, sort orders) are kept as they were read.
struct TableMetadata {
  struct LogEntry {
    int64_t timestamp_ms = 0;
    std::string metadata_file;
  };
  struct SnapshotLogEntry {
    int64_t timestamp_ms = 0;
    int64_t snapshot_id = 0;
  };

  std::string uuid;
  std::string location;
  int64_t last_sequence_number = 0;
  int64_t last_updated_ms = 0;
  int last_column_id = 0;
  std::vector<Schema> schemas;
  int current_schema_id = 0;
  std::vector<PartitionSpec> specs;
  int default_spec_id = 0;
  int last_partition_id = 999;
  std::map<std::string, std::string> properties;
  std::vector<Snapshot> snapshots;
  std::optional<int64_t> current_snapshot_id;
  std::vector<SnapshotLogEntry> snapshot_log;
  std::vector<LogEntry> metadata_log;
  std::string other_members;  // a JSON object; empty = none

  /// A table without rows. Fields get ids from 1 in the order in which engines assign them: all of one level before those below;
  /// `partition_by` names columns of `schema` by their ids in it, and follows.
  static TableMetadata New(std::string location, const Schema& schema, const PartitionSpec& partition_by, int64_t now_ms,
                           std::map<std::string, std::string> properties);
  /// InvalidArgument if the text is no metadata, or not of format version 2. `file` is for messages.
  static absl::StatusOr<TableMetadata> Parse(std::string_view json, std::string_view file);
  [[nodiscard]] std::string Serialize() const;

  [[nodiscard]] const Schema& schema() const;       // the current one
  [[nodiscard]] const PartitionSpec& spec() const;  // the default one
  /// nullptr: there is no such one, or the table has no rows yet.
  [[nodiscard]] const Snapshot* FindSnapshot(int64_t id) const;
  [[nodiscard]] const Snapshot* current_snapshot() const;
};

/// One change of a table, which happens whole or not at all.
struct TableUpdate {
  /// Becomes the current one; its id is set by Apply, its fields have their ids already.
  std::optional<Schema> schema;
  /// Becomes the current one; refers to the schema that is current after the update if it says nothing else.
  std::optional<Snapshot> snapshot;
  std::map<std::string, std::string> set_properties;
  std::vector<std::string> removed_properties;
  std::vector<int64_t> removed_snapshots;  // expired; never the current one
};

/// The metadata after `update`. `base_file` is where `base` stands, for the metadata log, of which entries older than
/// `keep_log_ms` go, but never the newest hundred. InvalidArgument if the update does not fit: its snapshot's parent is not
/// current, a column id is used anew.
absl::StatusOr<TableMetadata> Apply(const TableMetadata& base, const std::string& base_file, const TableUpdate& update,
                                    int64_t now_ms, int64_t keep_log_ms);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_TABLE_METADATA_H_
