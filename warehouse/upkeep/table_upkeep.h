#ifndef MILLRACE_WAREHOUSE_UPKEEP_TABLE_UPKEEP_H_
#define MILLRACE_WAREHOUSE_UPKEEP_TABLE_UPKEEP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "millrace/warehouse/warehouse.h"
#include "storage/storage.h"
#include "table/manifest.h"
#include "upkeep/compaction_plan.h"
#include "upkeep/orphan_sweep.h"
#include "upkeep/partition_writer.h"
#include "upkeep/table_swap.h"
#include "upkeep/upkeep_policy.h"

namespace millrace::warehouse {

/// Keeps one table small and quick to read, by the process that commits to it: rewrites small files, merges manifests, forgets
/// old snapshots, deletes what nothing refers to. Rows and positions stay as they are, whoever else commits at the same time.
/// Several processes may do it for one table: what two of them do at once, one does in vain.
///
/// Each call does one bounded piece of work, or finds in memory that there is none. What fails is counted and tried again after a
/// pause; it never fails the caller. Not thread-safe. Catalog and storage outlive it.
class TableUpkeep {
 public:
  struct Options {
    UpkeepPolicy policy;
    PartitionWriter::Options writer;
  };

  TableUpkeep(Catalog* catalog, Storage* storage, TableName name, Options options, UpkeepClock clock);

  /// With the table as the caller knows it. True: that is not how it is any more, load it again.
  bool Run(const LoadedTable& table);
  /// What was done so far.
  [[nodiscard]] const LandingCounts& counts() const { return counts_; }

 private:
  [[nodiscard]] bool LooksWorthwhile(const TableMetadata& table) const;
  absl::StatusOr<bool> Expire(LoadedTable* table);
  absl::Status DeleteUnreferenced(const TableMetadata& before, const LoadedTable& after);
  /// Of files or manifests.
  absl::StatusOr<bool> Compact(LoadedTable* table);
  /// Reads what is new in the list of manifests: how many could be merged, and the small files.
  absl::Status Look(const TableMetadata& table);
  absl::StatusOr<std::vector<SmallFile>> SmallFilesOf(const ManifestFile& description, const TableMetadata& table);
  [[nodiscard]] std::vector<SmallFile> Group(const TableMetadata& table) const;
  absl::StatusOr<bool> Rewrite(LoadedTable* table, const std::vector<SmallFile>& group);
  absl::StatusOr<std::vector<DataFile>> RewriteFiles(const TableMetadata& table, const std::vector<SmallFile>& group);
  absl::StatusOr<bool> MergeManifests(LoadedTable* table);
  absl::Status Sweep(const LoadedTable& table);
  [[nodiscard]] absl::StatusOr<int64_t> ModifiedMs(const std::string& path) const;
  void Settle(const absl::Status& status);

  Catalog* const catalog_;
  Storage* const storage_;
  const TableName name_;
  const Options options_;
  const UpkeepClock clock_;
  const TableSwap swap_;
  LandingCounts counts_;
  OrphanSweep sweep_;

  int64_t next_expiry_ms_;
  int64_t next_sweep_ms_;
  int64_t next_look_ms_;
  int64_t next_try_ms_ = 0;  // after an error
  int64_t pause_ms_ = 0;
  bool expiry_first_ = false;                                  // it and compaction go first in turns
  int64_t total_files_ = 0;                                    // of the table when it was looked at last
  bool more_ = false;                                          // there was more to do then than was done
  bool has_deletes_ = false;                                   // of rows, by another engine
  int64_t mergeable_ = 0;                                      // manifests
  std::map<std::string, std::vector<SmallFile>> small_files_;  // by the path of their manifest
  std::set<PartitionTuple> left_out_;                          // have files that cannot be rewritten
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_UPKEEP_TABLE_UPKEEP_H_
