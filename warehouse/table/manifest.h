#ifndef MILLRACE_WAREHOUSE_TABLE_MANIFEST_H_
#define MILLRACE_WAREHOUSE_TABLE_MANIFEST_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "table/data_file.h"
#include "table/partition.h"
#include "table/types.h"

namespace millrace::warehouse {

/// Manifests and manifest lists of format version 2 ("Manifests" and "Manifest Lists" of the table specification); those of
/// version 1, which an upgraded table still has, can be read.

enum class FileStatus { kExisting = 0, kAdded = 1, kDeleted = 2 };

/// What a file of a manifest holds; also what a manifest holds, where kPositionDeletes stands for both kinds of deletes.
enum class FileContent { kData = 0, kPositionDeletes = 1, kEqualityDeletes = 2 };

/// A file in a manifest.
struct ManifestEntry {
  FileStatus status = FileStatus::kAdded;
  std::optional<int64_t> snapshot_id;  // that added or deleted it; none: inherited from the manifest's entry in the list
  /// When the rows became visible, and when the file did. None of an added file: inherited likewise.
  std::optional<int64_t> sequence_number;
  std::optional<int64_t> file_sequence_number;
  DataFile file;

  /// What other engines say about a file; kept when an entry is written again.
  FileContent content = FileContent::kData;
  std::string format = "PARQUET";
  std::map<int, int64_t> nan_value_counts;
  std::string key_metadata;
  std::vector<int> equality_ids;
  std::optional<int> sort_order_id;

  friend bool operator==(const ManifestEntry&, const ManifestEntry&) = default;
};

/// What a manifest's files have in one partition field.
struct FieldSummary {
  bool contains_null = false;
  std::optional<bool> contains_nan;
  std::optional<std::string> lower_bound;  // single-value binary form
  std::optional<std::string> upper_bound;

  friend bool operator==(const FieldSummary&, const FieldSummary&) = default;
};

/// A manifest, as a manifest list describes it.
struct ManifestFile {
  /// As sequence number: the manifest is new, and gets that of the snapshot whose list it comes into.
  static constexpr int64_t kUnassigned = -1;

  std::string path;
  int64_t size_bytes = 0;
  int spec_id = 0;
  FileContent content = FileContent::kData;
  int64_t sequence_number = kUnassigned;
  int64_t min_sequence_number = kUnassigned;  // of its live files
  int64_t added_snapshot_id = 0;
  /// Files and their rows by status; none if the writer (of version 1) did not count.
  std::optional<int> added_files, existing_files, deleted_files;
  std::optional<int64_t> added_rows, existing_rows, deleted_rows;
  std::vector<FieldSummary> partitions;
  std::string key_metadata;

  /// Also true if that is not known.
  [[nodiscard]] bool has_live_files() const { return added_files.value_or(1) > 0 || existing_files.value_or(1) > 0; }
  friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

/// A manifest that was read.
struct Manifest {
  int spec_id = 0;
  FileContent content = FileContent::kData;
  std::vector<ManifestEntry> entries;
};

/// The bytes of a manifest whose files are all of `spec`. InvalidArgument if a partition does not fit the spec, or an entry that
/// is not added has no sequence numbers.
absl::StatusOr<std::string> EncodeManifest(const Schema& schema, const PartitionSpec& spec,
                                           const std::vector<ManifestEntry>& entries);

/// How a list describes a manifest with these entries that snapshot `snapshot_id` wrote.
ManifestFile DescribeManifest(std::string path, int64_t size_bytes, const PartitionSpec& spec, int64_t snapshot_id,
                              const std::vector<ManifestEntry>& entries);

/// Values of a partition come in the order of the spec that stands in the manifest. InvalidArgument if the bytes are damaged;
/// Unimplemented if its partitions or its codec are of a kind that is not known here. `file` is for messages.
absl::StatusOr<Manifest> DecodeManifest(std::string_view content, const std::string& file);

/// Gives entries what they inherit from the description of their manifest. InvalidArgument if something stays unknown.
absl::Status InheritFrom(const ManifestFile& description, Manifest* manifest);

/// The bytes of the list of a snapshot. New manifests must have got their sequence numbers.
std::string EncodeManifestList(const std::vector<ManifestFile>& manifests, int64_t snapshot_id, std::optional<int64_t> parent_id,
                               int64_t sequence_number);
absl::StatusOr<std::vector<ManifestFile>> DecodeManifestList(std::string_view content, const std::string& file);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_MANIFEST_H_
