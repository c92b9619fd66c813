#ifndef MILLRACE_WAREHOUSE_TABLE_SNAPSHOT_PRODUCER_H_
#define MILLRACE_WAREHOUSE_TABLE_SNAPSHOT_PRODUCER_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/storage.h"
#include "table/data_file.h"
#include "table/manifest.h"
#include "table/table_metadata.h"

namespace millrace::warehouse {

/// Makes one snapshot of a table: says once what it adds and removes, and builds it on whatever state of the table is current, as
/// often as a commit loses its race. Manifests are written once and used by all attempts; the snapshot's id is the same in all of
/// them, so that one whose outcome is not known can be looked for. Not thread-safe; the storage must outlive it.
///
///     SnapshotProducer producer(&storage);
///     producer.Add(table.metadata, files);
///     auto snapshot = producer.Build(table.metadata, summary, now_ms);   // again with the next state after a lost race
///
/// What it does is in the summary as "operation": "append" if nothing is removed (also if nothing is added: a snapshot that only
/// moves offsets), otherwise what Remove was told; "replace" if manifests are merged and nothing else happens.
class SnapshotProducer {
 public:
  enum class Removal {
    kReplace,    // the same rows are in the files that are added: compaction
    kOverwrite,  // other rows take their place
    kDelete,     // nothing does
  };

  explicit SnapshotProducer(Storage* storage);

  [[nodiscard]] int64_t snapshot_id() const { return snapshot_id_; }

  /// Writes a manifest of files of the table's default spec. Several calls make several manifests. InvalidArgument if a file's
  /// partition does not fit; other errors are the storage's.
  absl::Status Add(const TableMetadata& table, const std::vector<DataFile>& files);

  /// Takes these data files out of the table. Build looks for them, and fails if one of them is not there (any more).
  void Remove(std::vector<std::string> paths, Removal removal);

  /// Rewrites small data manifests into larger ones, if there are at least `min_count` (two or more) below `target_bytes` of the
  /// default spec. The manifests that this snapshot adds are not among them.
  void MergeManifests(size_t min_count, int64_t target_bytes);

  /// Writes the manifest list for a state of the table, and what Remove and MergeManifests need beside it. `summary` comes into
  /// the snapshot's, with the counters that engines keep there. FailedPrecondition if a file that is to be removed is not in the
  /// table, or if files are replaced while the table has row-level deletes of another engine, which would come to nothing.
  absl::StatusOr<Snapshot> Build(const TableMetadata& base, const std::map<std::string, std::string>& summary, int64_t now_ms);

  /// All that was written so far. What the committed snapshot does not use may be deleted once a commit is known to have happened
  /// or to be given up.
  [[nodiscard]] const std::set<std::string>& written() const { return written_; }
  /// Of those, what the snapshot that was built last uses.
  [[nodiscard]] const std::set<std::string>& used() const { return used_; }

 private:
  /// A manifest that takes the place of others, for all attempts.
  struct Rewritten {
    ManifestFile manifest;
    std::vector<ManifestEntry> removed;
  };
  struct Counters {
    int64_t added_files = 0, added_rows = 0, added_bytes = 0;
    int64_t removed_files = 0, removed_rows = 0, removed_bytes = 0;
    std::set<std::pair<int, PartitionTuple>> partitions;
    int64_t manifests_replaced = 0;
  };

  absl::StatusOr<ManifestFile> WriteManifest(const TableMetadata& table, const PartitionSpec& spec,
                                             const std::vector<ManifestEntry>& entries);
  absl::StatusOr<std::vector<ManifestFile>> WithoutRemoved(const TableMetadata& base, std::vector<ManifestFile> manifests,
                                                           Counters* counters);
  absl::StatusOr<bool> RemoveFrom(const TableMetadata& base, const ManifestFile& manifest, std::set<std::string>* missing,
                                  Rewritten* rewritten);
  absl::StatusOr<std::vector<ManifestFile>> Merged(const TableMetadata& base, std::vector<ManifestFile> manifests,
                                                   Counters* counters);
  absl::StatusOr<ManifestFile> MergedGroup(const TableMetadata& base, const std::vector<ManifestFile>& group);
  std::map<std::string, std::string> Summary(const TableMetadata& base, const std::map<std::string, std::string>& given,
                                             const Counters& counters) const;
  absl::Status Write(const std::string& path, const std::string& content);

  Storage* storage_;
  const int64_t snapshot_id_;
  const std::string unique_;
  int manifests_ = 0;
  int attempts_ = 0;
  std::vector<ManifestFile> added_;
  Counters added_counters_;
  std::set<std::string> removed_paths_;
  Removal removal_ = Removal::kReplace;
  size_t merge_min_count_ = 0;  // 0: no merge
  int64_t merge_target_bytes_ = 0;
  std::map<std::string, Rewritten> rewritten_;               // by the path of the manifest before
  std::map<std::vector<std::string>, ManifestFile> merged_;  // by the paths of those before
  std::set<std::string> written_;
  std::set<std::string> used_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_SNAPSHOT_PRODUCER_H_
