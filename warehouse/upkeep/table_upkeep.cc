#include "upkeep/table_upkeep.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "catalog/table_files.h"
#include "storage/uri.h"
#include "table/expiry.h"
#include "table/partition_values.h"
#include "table/snapshot_producer.h"
#include "table/table_scan.h"
#include "upkeep/data_file_reader.h"

namespace millrace::warehouse {
namespace {

// After the table is opened, so that processes that do not live long do their part, and not as their first deed.
constexpr int64_t kFirstExpiryMs = 300'000;
constexpr int64_t kFirstSweepMs = 3'600'000;
constexpr int64_t kFirstPauseMs = 60'000;
constexpr int64_t kLongestPauseMs = 3'600'000;
// Bounds the work of one call.
constexpr size_t kMostExpired = 500;
constexpr int kExpiryAttempts = 5;
constexpr int64_t kDayMs = 86'400'000;
constexpr char kDeed[] = "millrace.upkeep";  // member of a snapshot's summary

std::optional<int64_t> TotalFiles(const TableMetadata& table) {
  const Snapshot* snapshot = table.current_snapshot();
  int64_t total = 0;
  if (snapshot == nullptr) return total;
  const auto found = snapshot->summary.find("total-data-files");
  if (found == snapshot->summary.end() || !absl::SimpleAtoi(found->second, &total)) return std::nullopt;
  return total;
}

bool IsReplace(const Snapshot& snapshot) {
  const auto operation = snapshot.summary.find("operation");
  return operation != snapshot.summary.end() && operation->second == "replace";
}

}  // namespace

TableUpkeep::TableUpkeep(Catalog* catalog, Storage* storage, TableName name, Options options, UpkeepClock clock)
    : catalog_(catalog),
      storage_(storage),
      name_(std::move(name)),
      options_(std::move(options)),
      clock_(std::move(clock)),
      swap_{catalog, storage, name_, clock_},
      sweep_(storage),
      next_expiry_ms_(clock_() + std::min(options_.policy.expire_interval_ms, kFirstExpiryMs)),
      next_sweep_ms_(clock_() + std::min(options_.policy.sweep_interval_ms, kFirstSweepMs)),
      next_look_ms_(clock_() + options_.policy.idle_ms) {}

bool TableUpkeep::Run(const LoadedTable& table) {
  const int64_t now_ms = clock_();
  if (!options_.policy.on || now_ms < next_try_ms_ || table.metadata.current_snapshot() == nullptr) return false;
  const bool expiry = now_ms >= next_expiry_ms_;
  const bool look = LooksWorthwhile(table.metadata);
  if (!expiry && !look && !sweep_.is_running() && now_ms < next_sweep_ms_) return false;
  // Others may have committed for hours while the caller had nothing to commit.
  absl::StatusOr<LoadedTable> loaded = catalog_->Load(name_);
  if (!loaded.ok()) return Settle(loaded.status()), false;
  LoadedTable current = *std::move(loaded);
  absl::StatusOr<bool> done = false;
  if (expiry && expiry_first_) done = Expire(&current);
  if (look && done.ok() && !*done) done = Compact(&current);
  if (expiry && !expiry_first_ && done.ok() && !*done) done = Expire(&current);
  expiry_first_ = !expiry_first_;
  absl::Status status = done.status();
  if (status.ok()) status = Sweep(current);
  Settle(status);
  return current.metadata_file != table.metadata_file;
}

void TableUpkeep::Settle(const absl::Status& status) {
  if (status.ok()) {
    pause_ms_ = 0;
    return;
  }
  ++counts_.upkeep_errors;
  counts_.last_upkeep_error = absl::StrCat("upkeep of table ", name_.ToString(), ": ", std::string(status.message()));
  pause_ms_ = std::clamp(2 * pause_ms_, kFirstPauseMs, kLongestPauseMs);
  next_try_ms_ = clock_() + pause_ms_;
}

// Snapshots that nobody needs, and metadata files. What is forgotten by a commit and not deleted, the sweep finds.
absl::StatusOr<bool> TableUpkeep::Expire(LoadedTable* table) {
  const UpkeepPolicy& policy = options_.policy;
  for (int attempt = 0; attempt < kExpiryAttempts; ++attempt) {
    absl::StatusOr<std::vector<int64_t>> expired =
        ExpiredSnapshots(table->metadata, clock_() - policy.max_snapshot_age_ms, static_cast<size_t>(policy.min_snapshots));
    if (!expired.ok()) return expired.status();
    // They come newest first.
    if (expired->size() > kMostExpired) expired->erase(expired->begin(), expired->end() - kMostExpired);
    const TableMetadata before = table->metadata;
    if (!expired->empty()) {
      TableUpdate update;
      update.removed_snapshots = *expired;
      absl::StatusOr<std::optional<LoadedTable>> committed = catalog_->Commit(name_, *table, update);
      if (!committed.ok()) return committed.status();
      if (!committed->has_value()) {
        absl::StatusOr<LoadedTable> loaded = catalog_->Load(name_);
        if (!loaded.ok()) return loaded.status();
        *table = *std::move(loaded);
        continue;
      }
      *table = **std::move(committed);
      counts_.snapshots_expired += static_cast<int64_t>(expired->size());
    }
    next_expiry_ms_ = clock_() + policy.expire_interval_ms;
    if (absl::Status status = DeleteUnreferenced(before, *table); !status.ok()) return status;
    return !expired->empty();
  }
  return absl::UnavailableError("it is committed by others all the time");
}

absl::Status TableUpkeep::DeleteUnreferenced(const TableMetadata& before, const LoadedTable& after) {
  absl::StatusOr<std::set<std::string>> files = UnreferencedFiles(*storage_, before, after.metadata);
  if (!files.ok()) return files.status();
  for (const std::string& file : *files) {
    if (MetadataVersion(file)) continue;  // by their own age only
    if (absl::Status status = storage_->Delete(file); !status.ok()) return status;
    ++counts_.files_deleted;
  }
  if (absl::Status status = CheckFolderIsOwn(*storage_, after); !status.ok()) return status;
  absl::StatusOr<int> deleted =
      DeleteOldMetadata(*storage_, after, std::chrono::milliseconds(options_.policy.metadata_max_age_ms));
  if (!deleted.ok()) return deleted.status();
  counts_.files_deleted += *deleted;
  return absl::OkStatus();
}

// From what is in memory. Six files more than last time may be six of one partition; and partitions become closed with time.
bool TableUpkeep::LooksWorthwhile(const TableMetadata& table) const {
  if (more_ || clock_() >= next_look_ms_) return true;
  const std::optional<int64_t> total = TotalFiles(table);
  return !total || *total >= total_files_ + options_.policy.min_input_files;
}

absl::StatusOr<bool> TableUpkeep::Compact(LoadedTable* table) {
  more_ = true;  // as long as it is not known otherwise
  if (absl::Status status = Look(table->metadata); !status.ok()) return status;
  const std::vector<SmallFile> group = Group(table->metadata);
  const bool merge = mergeable_ >= options_.policy.manifest_min_count;
  absl::StatusOr<bool> done = false;
  if (!group.empty()) {
    done = Rewrite(table, group);
  } else if (merge) {
    done = MergeManifests(table);
  }
  if (done.ok()) more_ = !group.empty() || merge;
  total_files_ = TotalFiles(table->metadata).value_or(0);
  next_look_ms_ = clock_() + options_.policy.idle_ms;
  return done;
}

absl::Status TableUpkeep::Look(const TableMetadata& table) {
  absl::StatusOr<std::vector<ManifestFile>> manifests = ReadManifestList(*storage_, *table.current_snapshot());
  if (!manifests.ok()) return manifests.status();
  has_deletes_ = false;
  mergeable_ = 0;
  std::map<std::string, std::vector<SmallFile>> small_files;
  for (const ManifestFile& manifest : *manifests) {
    if (!manifest.has_live_files()) continue;
    has_deletes_ |= manifest.content != FileContent::kData;
    if (manifest.content != FileContent::kData || manifest.spec_id != table.default_spec_id) continue;
    if (manifest.size_bytes < options_.policy.manifest_target_bytes && manifest.key_metadata.empty()) ++mergeable_;
    if (auto known = small_files_.extract(manifest.path); !known.empty()) {
      small_files.insert(std::move(known));
      continue;
    }
    absl::StatusOr<std::vector<SmallFile>> files = SmallFilesOf(manifest, table);
    if (!files.ok()) return files.status();
    small_files[manifest.path] = *std::move(files);
  }
  small_files_ = std::move(small_files);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SmallFile>> TableUpkeep::SmallFilesOf(const ManifestFile& description, const TableMetadata& table) {
  absl::StatusOr<Manifest> manifest = ReadManifest(*storage_, description);
  if (!manifest.ok()) return manifest.status();
  absl::StatusOr<std::vector<Type>> types = PartitionTypes(table.spec(), table.schema());
  if (!types.ok()) return types.status();
  std::vector<SmallFile> files;
  for (const ManifestEntry& entry : manifest->entries) {
    if (entry.status == FileStatus::kDeleted || entry.format != "PARQUET" || !entry.key_metadata.empty()) continue;
    if (entry.file.size_bytes >= SmallFileBytes(options_.writer.target_bytes)) continue;
    absl::StatusOr<PartitionTuple> partition = AsTypes(entry.file.partition, *types);
    if (!partition.ok()) return partition.status();
    files.push_back({entry.file.path, *std::move(partition), entry.file.record_count, entry.file.size_bytes,
                     entry.sequence_number.value_or(0)});
  }
  return files;
}

std::vector<SmallFile> TableUpkeep::Group(const TableMetadata& table) const {
  if (has_deletes_) return {};  // they name rows by their files
  std::set<int64_t> recent;
  for (const Snapshot& snapshot : table.snapshots) {
    if (snapshot.timestamp_ms > clock_() - options_.policy.idle_ms && !IsReplace(snapshot)) {
      recent.insert(snapshot.sequence_number);
    }
  }
  std::vector<SmallFile> files;
  for (const auto& [manifest, of_manifest] : small_files_) files.insert(files.end(), of_manifest.begin(), of_manifest.end());
  PlanOptions plan;
  plan.target_bytes = options_.writer.target_bytes;
  plan.min_files = static_cast<size_t>(options_.policy.min_input_files);
  plan.is_recent = [&](int64_t sequence_number) { return recent.contains(sequence_number); };
  plan.is_left_out = [&](const PartitionTuple& partition) { return left_out_.contains(partition); };
  return ChooseGroup(files, plan);
}

absl::StatusOr<bool> TableUpkeep::Rewrite(LoadedTable* table, const std::vector<SmallFile>& group) {
  absl::StatusOr<std::vector<DataFile>> files = RewriteFiles(table->metadata, group);
  if (!files.ok()) {
    // What the file is does not change; what the storage says may.
    const absl::StatusCode code = files.status().code();
    if (code == absl::StatusCode::kUnimplemented || code == absl::StatusCode::kDataLoss) left_out_.insert(group[0].partition);
    return files.status();
  }
  SnapshotProducer producer(storage_);
  std::vector<std::string> paths;
  for (const SmallFile& file : group) paths.push_back(file.path);
  producer.Remove(std::move(paths), SnapshotProducer::Removal::kReplace);
  if (mergeable_ >= options_.policy.manifest_min_count) {
    producer.MergeManifests(static_cast<size_t>(options_.policy.manifest_min_count), options_.policy.manifest_target_bytes);
  }
  if (absl::Status status = producer.Add(table->metadata, *files); !status.ok()) {
    for (const DataFile& file : *files) (void)storage_->Delete(file.path);
    return status;
  }
  TableSwap::Change change;
  change.producer = &producer;
  change.summary = {{kDeed, "compaction"}};
  change.files = *files;
  change.prepare = [spec = table->metadata.default_spec_id](const TableMetadata& now, TableUpdate*) {
    return now.default_spec_id == spec ? absl::OkStatus() : absl::AbortedError("it is partitioned otherwise now");
  };
  absl::StatusOr<bool> done = swap_.Run(table, change);
  if (done.ok() && *done) {
    ++counts_.compactions;
    counts_.files_compacted += static_cast<int64_t>(group.size());
  }
  return done;
}

absl::StatusOr<std::vector<DataFile>> TableUpkeep::RewriteFiles(const TableMetadata& table, const std::vector<SmallFile>& group) {
  PartitionWriter writer(storage_, table, group[0].partition, options_.writer);
  RowBatch batch(table.schema());
  for (const SmallFile& file : group) {
    absl::StatusOr<std::unique_ptr<DataFileReader>> reader =
        DataFileReader::Open(storage_, file.path, file.size_bytes, table.schema());
    if (!reader.ok()) return reader.status();
    int64_t rows = 0;
    while (true) {
      absl::StatusOr<bool> read = (*reader)->Read(&batch);
      if (!read.ok()) return read.status();
      if (!*read) break;
      rows += batch.rows();
      if (absl::Status status = writer.Append(batch, 0, batch.rows()); !status.ok()) return status;
      batch.Clear();
    }
    if (rows != file.rows) {
      return absl::DataLossError(absl::StrCat(file.path, " has ", rows, " rows, its manifest says ", file.rows,
                                              ": one of them is damaged; the partition is not compacted"));
    }
  }
  return writer.Finish();
}

absl::StatusOr<bool> TableUpkeep::MergeManifests(LoadedTable* table) {
  SnapshotProducer producer(storage_);
  producer.MergeManifests(static_cast<size_t>(options_.policy.manifest_min_count), options_.policy.manifest_target_bytes);
  TableSwap::Change change;
  change.producer = &producer;
  change.summary = {{kDeed, "manifest merge"}};
  return swap_.Run(table, change);
}

// By the storage's clock. Ages are taken from it alone: were this machine's a day ahead, files would go that somebody is about
// to commit.
absl::StatusOr<int64_t> TableUpkeep::ModifiedMs(const std::string& path) const {
  std::optional<int64_t> modified_ms;
  absl::Status status = storage_->List(std::string(FolderOf(path)), [&](const Storage::FileInfo& file) {
    if (file.path == path) modified_ms = file.modified_ms;
  });
  if (!status.ok()) return status;
  if (modified_ms) return *modified_ms;
  return absl::UnavailableError(absl::StrCat(path, " is not in its folder's list"));
}

absl::Status TableUpkeep::Sweep(const LoadedTable& table) {
  if (!sweep_.is_running()) {
    if (clock_() < next_sweep_ms_) return absl::OkStatus();
    next_sweep_ms_ = clock_() + options_.policy.sweep_interval_ms;
    absl::StatusOr<int64_t> newest_ms = ModifiedMs(table.metadata_file);
    if (!newest_ms.ok()) return newest_ms.status();
    return sweep_.Begin(table, *newest_ms - std::max(options_.policy.orphan_max_age_ms, kDayMs));
  }
  absl::StatusOr<int64_t> deleted = sweep_.Step();
  if (!deleted.ok()) return deleted.status();
  counts_.files_deleted += *deleted;
  return absl::OkStatus();
}

}  // namespace millrace::warehouse
