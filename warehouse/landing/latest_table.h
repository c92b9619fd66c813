#ifndef MILLRACE_WAREHOUSE_LANDING_LATEST_TABLE_H_
#define MILLRACE_WAREHOUSE_LANDING_LATEST_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "landing/changed_rows.h"
#include "landing/landed_positions.h"
#include "landing/message_table.h"
#include "landing/table_committer.h"
#include "storage/storage.h"
#include "table/table_scan.h"
#include "upkeep/partition_writer.h"
#include "upkeep/table_swap.h"

namespace millrace::warehouse {

/// The table of the latest row of each key, which follows a log of changes: a table with the same columns and `_op`. Partitioned
/// by
/// `_partition`, for a key belongs to one partition of the topic.
///
/// It holds the positions up to which it has followed, in the same property as the log. A commit takes the newest change of each
/// key from there on, rewrites the files in which such a key has a row, and moves the positions in the same swap; it is dropped
/// if somebody else has moved them. So nothing comes twice or is lost, whoever does it and wherever it is killed. No delete
/// files.
///
/// Memory: the changes of a million positions or 256 MiB at most, a file of the log or of the table, and what is written. Not
/// thread-safe.
class LatestTable {
 public:
  struct Options {
    std::string application_id;
    std::string topic;
    MessageTable table;
    int64_t interval_ms = 0;  // to wait before it is followed again
    PartitionWriter::Options writer;
  };

  /// Catalog and storage outlive it.
  LatestTable(Catalog* catalog, Storage* storage, Options options, TableCommitter::Clock clock);

  /// Creates the table or evolves it, as MessageTable.
  absl::Status Ensure();
  /// Follows the log, of which `log` is a state; up to four million positions at once. True: it has changed.
  absl::StatusOr<bool> Follow(const LoadedTable& log);
  [[nodiscard]] const LoadedTable& table() const { return committer_.table(); }
  [[nodiscard]] const TableName& name() const { return options_.table.name; }

 private:
  /// What the next commit does.
  struct Step {
    ChangedRows::Positions positions;
    LandedPositions followed;  // afterwards
    bool is_last = false;      // nothing of the log is left then
  };
  /// The rows of a partition as they become.
  struct Rewritten {
    std::vector<DataFile> added;
    std::vector<std::string> removed;
  };

  absl::StatusOr<bool> FollowOnce(const LoadedTable& log, bool* is_last);
  absl::StatusOr<std::vector<LiveFile>> NewFiles(const TableMetadata& log) const;
  [[nodiscard]] Step NextStep(const LandedPositions& of_log, const std::vector<LiveFile>& files, int offset_id) const;
  absl::Status ReadChanges(const Schema& schema, int offset_id, const std::vector<LiveFile>& files, const Step& step,
                           ChangedRows* changes) const;
  absl::Status RewritePartition(int32_t partition, const ChangedRows& changes, const std::vector<LiveFile>& files,
                                Rewritten* rewritten) const;
  absl::StatusOr<bool> HasChangedKey(const DataFile& file, int32_t partition, const ChangedRows& changes) const;
  absl::Status CopyOthers(const DataFile& file, int32_t partition, const ChangedRows& changes, PartitionWriter* writer) const;
  absl::StatusOr<bool> Commit(const Step& step, const Rewritten& rewritten, int64_t sequence_number);
  [[nodiscard]] int KeyId() const;

  Catalog* const catalog_;
  Storage* const storage_;
  const Options options_;
  const std::string property_;
  const TableCommitter::Clock clock_;
  TableCommitter committer_;
  int64_t next_ms_ = 0;
  int64_t most_positions_;
  int64_t followed_sequence_number_ = -1;  // of the log, as far as is known without a look
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_LATEST_TABLE_H_
