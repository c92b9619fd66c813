#include "table/snapshot_producer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "table/partition_values.h"
#include "table/table_scan.h"
#include "table/unique_ids.h"

namespace millrace::warehouse {
namespace {

const PartitionSpec* FindSpec(const TableMetadata& metadata, int id) {
  const auto found =
      std::find_if(metadata.specs.begin(), metadata.specs.end(), [&](const PartitionSpec& spec) { return spec.id == id; });
  return found == metadata.specs.end() ? nullptr : &*found;
}

std::string MetadataFile(const TableMetadata& table, const std::string& name) {
  return absl::StrCat(table.location, "/metadata/", name);
}

// A total goes on from the one before; where another engine left it out nobody knows it, and it stays out.
void AddTotal(const Snapshot* before, const std::string& name, int64_t change, std::map<std::string, std::string>* summary) {
  int64_t total = 0;
  if (before) {
    const auto known = before->summary.find(name);
    if (known == before->summary.end() || !absl::SimpleAtoi(known->second, &total)) return;
  }
  if (total + change >= 0) (*summary)[name] = absl::StrCat(total + change);
}

void AddCount(const std::string& name, int64_t count, std::map<std::string, std::string>* summary) {
  if (count > 0) (*summary)[name] = absl::StrCat(count);
}

}  // namespace

SnapshotProducer::SnapshotProducer(Storage* storage) : storage_(storage), snapshot_id_(NewSnapshotId()), unique_(NewUuid()) {}

absl::Status SnapshotProducer::Write(const std::string& path, const std::string& content) {
  absl::Status written = storage_->Write(path, content);
  if (written.ok()) written_.insert(path);
  return written;
}

absl::StatusOr<ManifestFile> SnapshotProducer::WriteManifest(const TableMetadata& table, const PartitionSpec& spec,
                                                             const std::vector<ManifestEntry>& entries) {
  auto content = EncodeManifest(table.schema(), spec, entries);
  if (!content.ok()) return content.status();
  const std::string path = MetadataFile(table, absl::StrCat(unique_, "-m", manifests_++, ".avro"));
  if (absl::Status written = Write(path, *content); !written.ok()) return written;
  return DescribeManifest(path, static_cast<int64_t>(content->size()), spec, snapshot_id_, entries);
}

absl::Status SnapshotProducer::Add(const TableMetadata& table, const std::vector<DataFile>& files) {
  if (files.empty()) return absl::OkStatus();
  const PartitionSpec& spec = table.spec();
  std::vector<ManifestEntry> entries;
  for (const DataFile& file : files) {
    ManifestEntry entry;
    entry.status = FileStatus::kAdded;
    entry.snapshot_id = snapshot_id_;
    entry.file = file;
    entries.push_back(std::move(entry));
  }
  auto manifest = WriteManifest(table, spec, entries);
  if (!manifest.ok()) return manifest.status();
  added_.push_back(*std::move(manifest));
  for (const DataFile& file : files) {
    ++added_counters_.added_files;
    added_counters_.added_rows += file.record_count;
    added_counters_.added_bytes += file.size_bytes;
    added_counters_.partitions.emplace(spec.id, file.partition);
  }
  return absl::OkStatus();
}

void SnapshotProducer::Remove(std::vector<std::string> paths, Removal removal) {
  removed_paths_.insert(std::make_move_iterator(paths.begin()), std::make_move_iterator(paths.end()));
  removal_ = removal;
}

void SnapshotProducer::MergeManifests(size_t min_count, int64_t target_bytes) {
  merge_min_count_ = std::max<size_t>(min_count, 2);
  merge_target_bytes_ = target_bytes;
}

absl::StatusOr<bool> SnapshotProducer::RemoveFrom(const TableMetadata& base, const ManifestFile& description,
                                                  std::set<std::string>* missing, Rewritten* rewritten) {
  auto manifest = ReadManifest(*storage_, description);
  if (!manifest.ok()) return manifest.status();
  std::vector<ManifestEntry> entries;
  for (ManifestEntry& entry : manifest->entries) {
    if (entry.status == FileStatus::kDeleted) continue;
    entry.status = FileStatus::kExisting;
    if (missing->erase(entry.file.path) > 0) {
      entry.status = FileStatus::kDeleted;
      entry.snapshot_id = snapshot_id_;
      rewritten->removed.push_back(entry);
    }
    entries.push_back(std::move(entry));
  }
  if (rewritten->removed.empty()) return false;
  const PartitionSpec* spec = FindSpec(base, description.spec_id);
  if (!spec) {
    return absl::UnimplementedError(
        absl::StrCat(description.path, " is of partition spec ", description.spec_id, ", by which this program cannot write"));
  }
  auto types = PartitionTypes(*spec, base.schema());
  if (!types.ok()) return types.status();
  for (ManifestEntry& entry : entries) {
    auto typed = AsTypes(entry.file.partition, *types);
    if (!typed.ok()) return typed.status();
    entry.file.partition = *std::move(typed);
  }
  auto written = WriteManifest(base, *spec, entries);
  if (!written.ok()) return written.status();
  rewritten->manifest = *std::move(written);
  return true;
}

absl::StatusOr<std::vector<ManifestFile>> SnapshotProducer::WithoutRemoved(const TableMetadata& base,
                                                                           std::vector<ManifestFile> manifests,
                                                                           Counters* counters) {
  std::set<std::string> missing = removed_paths_;
  for (ManifestFile& manifest : manifests) {
    if (manifest.content != FileContent::kData) {
      if (!added_.empty() && manifest.has_live_files()) {
        return absl::FailedPreconditionError(
            absl::StrCat("files of ", base.location, " cannot be replaced: ", manifest.path,
                         " has row-level deletes by another engine, which name them; compact the table with that engine"));
      }
      continue;
    }
    if (missing.empty() || !manifest.has_live_files()) continue;
    auto known = rewritten_.find(manifest.path);
    if (known == rewritten_.end()) {
      Rewritten rewritten;
      auto touched = RemoveFrom(base, manifest, &missing, &rewritten);
      if (!touched.ok()) return touched.status();
      if (!*touched) continue;
      known = rewritten_.emplace(manifest.path, std::move(rewritten)).first;
    }
    for (const ManifestEntry& entry : known->second.removed) {
      missing.erase(entry.file.path);
      ++counters->removed_files;
      counters->removed_rows += entry.file.record_count;
      counters->removed_bytes += entry.file.size_bytes;
      counters->partitions.emplace(manifest.spec_id, entry.file.partition);
    }
    manifest = known->second.manifest;
  }
  if (!missing.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(*missing.begin(), " cannot be removed from ", base.location,
                                                      ": it is not in the table; read the table again"));
  }
  return manifests;
}

absl::StatusOr<ManifestFile> SnapshotProducer::MergedGroup(const TableMetadata& base, const std::vector<ManifestFile>& group) {
  std::vector<std::string> paths;
  for (const ManifestFile& manifest : group) paths.push_back(manifest.path);
  if (const auto known = merged_.find(paths); known != merged_.end()) return known->second;
  auto types = PartitionTypes(base.spec(), base.schema());
  if (!types.ok()) return types.status();
  std::vector<ManifestEntry> entries;
  for (const ManifestFile& description : group) {
    auto manifest = ReadManifest(*storage_, description);
    if (!manifest.ok()) return manifest.status();
    for (ManifestEntry& entry : manifest->entries) {
      if (entry.status == FileStatus::kDeleted) continue;
      entry.status = FileStatus::kExisting;
      auto typed = AsTypes(entry.file.partition, *types);
      if (!typed.ok()) return typed.status();
      entry.file.partition = *std::move(typed);
      entries.push_back(std::move(entry));
    }
  }
  auto written = WriteManifest(base, base.spec(), entries);
  if (written.ok()) merged_.emplace(std::move(paths), *written);
  return written;
}

absl::StatusOr<std::vector<ManifestFile>> SnapshotProducer::Merged(const TableMetadata& base, std::vector<ManifestFile> manifests,
                                                                   Counters* counters) {
  std::vector<ManifestFile> small;
  std::vector<ManifestFile> result;
  for (ManifestFile& manifest : manifests) {
    // A manifest of this snapshot says what it deletes; nobody may write that again.
    const bool mergeable = manifest.content == FileContent::kData && manifest.spec_id == base.default_spec_id &&
                           manifest.size_bytes < merge_target_bytes_ && manifest.sequence_number != ManifestFile::kUnassigned &&
                           manifest.key_metadata.empty();
    (mergeable ? small : result).push_back(std::move(manifest));
  }
  const bool enough = small.size() >= merge_min_count_;
  std::vector<ManifestFile> group;
  int64_t group_bytes = 0;
  for (size_t i = 0; i < small.size(); ++i) {
    group_bytes += small[i].size_bytes;
    group.push_back(std::move(small[i]));
    if (enough && group_bytes < merge_target_bytes_ && i + 1 < small.size()) continue;
    if (enough && group.size() > 1) {
      auto merged = MergedGroup(base, group);
      if (!merged.ok()) return merged.status();
      counters->manifests_replaced += static_cast<int64_t>(group.size());
      result.push_back(*std::move(merged));
    } else {
      std::move(group.begin(), group.end(), std::back_inserter(result));
    }
    group.clear();
    group_bytes = 0;
  }
  return result;
}

std::map<std::string, std::string> SnapshotProducer::Summary(const TableMetadata& base,
                                                             const std::map<std::string, std::string>& given,
                                                             const Counters& counters) const {
  std::map<std::string, std::string> summary = given;
  if (!removed_paths_.empty()) {
    summary["operation"] = removal_ == Removal::kReplace ? "replace" : removal_ == Removal::kOverwrite ? "overwrite" : "delete";
  } else {
    summary["operation"] = added_.empty() && counters.manifests_replaced > 0 ? "replace" : "append";
  }
  AddCount("added-data-files", counters.added_files, &summary);
  AddCount("added-records", counters.added_rows, &summary);
  AddCount("added-files-size", counters.added_bytes, &summary);
  AddCount("deleted-data-files", counters.removed_files, &summary);
  AddCount("deleted-records", counters.removed_rows, &summary);
  AddCount("removed-files-size", counters.removed_bytes, &summary);
  AddCount("manifests-replaced", counters.manifests_replaced, &summary);
  summary["changed-partition-count"] = absl::StrCat(counters.partitions.size());
  const Snapshot* before = base.current_snapshot();
  AddTotal(before, "total-records", counters.added_rows - counters.removed_rows, &summary);
  AddTotal(before, "total-files-size", counters.added_bytes - counters.removed_bytes, &summary);
  AddTotal(before, "total-data-files", counters.added_files - counters.removed_files, &summary);
  for (const char* untouched : {"total-delete-files", "total-position-deletes", "total-equality-deletes"}) {
    AddTotal(before, untouched, 0, &summary);
  }
  return summary;
}

absl::StatusOr<Snapshot> SnapshotProducer::Build(const TableMetadata& base, const std::map<std::string, std::string>& summary,
                                                 int64_t now_ms) {
  std::vector<ManifestFile> manifests;
  if (const Snapshot* current = base.current_snapshot()) {
    auto read = ReadManifestList(*storage_, *current);
    if (!read.ok()) return read.status();
    manifests = *std::move(read);
  }
  // What only says which files some earlier snapshot deleted is of no use to later ones.
  std::erase_if(manifests, [](const ManifestFile& manifest) { return !manifest.has_live_files(); });
  Counters counters = added_counters_;
  if (!removed_paths_.empty()) {
    auto kept = WithoutRemoved(base, std::move(manifests), &counters);
    if (!kept.ok()) return kept.status();
    manifests = *std::move(kept);
  }
  if (merge_min_count_ > 0) {
    auto merged = Merged(base, std::move(manifests), &counters);
    if (!merged.ok()) return merged.status();
    manifests = *std::move(merged);
  }
  manifests.insert(manifests.begin(), added_.begin(), added_.end());

  Snapshot snapshot;
  snapshot.id = snapshot_id_;
  snapshot.parent_id = base.current_snapshot_id;
  snapshot.sequence_number = base.last_sequence_number + 1;
  snapshot.timestamp_ms = std::max(now_ms, base.last_updated_ms);
  snapshot.schema_id = base.current_schema_id;
  snapshot.summary = Summary(base, summary, counters);
  snapshot.manifest_list = MetadataFile(base, absl::StrCat("snap-", snapshot_id_, "-", ++attempts_, "-", unique_, ".avro"));
  used_ = {snapshot.manifest_list};
  for (ManifestFile& manifest : manifests) {
    if (written_.contains(manifest.path)) used_.insert(manifest.path);
    if (manifest.sequence_number == ManifestFile::kUnassigned) manifest.sequence_number = snapshot.sequence_number;
    if (manifest.min_sequence_number == ManifestFile::kUnassigned) manifest.min_sequence_number = snapshot.sequence_number;
  }
  const std::string list = EncodeManifestList(manifests, snapshot.id, snapshot.parent_id, snapshot.sequence_number);
  if (absl::Status written = Write(snapshot.manifest_list, list); !written.ok()) return written;
  return snapshot;
}

}  // namespace millrace::warehouse
