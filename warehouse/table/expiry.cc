#include "table/expiry.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "table/json_members.h"
#include "table/manifest.h"
#include "table/metadata_json.h"
#include "table/table_scan.h"

namespace millrace::warehouse {
namespace {

using Manifests = std::map<std::string, ManifestFile>;  // by path

// Adds the manifests of a snapshot. `may_be_gone`: an expiry that was interrupted may have deleted the list.
absl::Status CollectManifests(Storage& storage, const Snapshot& snapshot, bool may_be_gone, Manifests* manifests) {
  auto list = ReadManifestList(storage, snapshot);
  if (may_be_gone && absl::IsNotFound(list.status())) return absl::OkStatus();
  if (!list.ok()) return list.status();
  for (ManifestFile& manifest : *list) manifests->emplace(manifest.path, manifest);
  return absl::OkStatus();
}

std::set<std::string> StatisticsFiles(const TableMetadata& metadata) {
  std::set<std::string> files;
  auto others = ParseJson(metadata.other_members, "other members");
  if (!others.ok() || !others->is_object()) return files;
  for (const char* name : {"statistics", "partition-statistics"}) {
    const auto list = others->find(name);
    if (list == others->end() || !list->is_array()) continue;
    for (const nlohmann::json& entry : *list) {
      const auto path = entry.find("statistics-path");
      if (path != entry.end() && path->is_string()) files.insert(path->get<std::string>());
    }
  }
  return files;
}

// Files that need no manifest to be known: logged metadata, statistics, manifest lists.
std::set<std::string> NamedFiles(const TableMetadata& metadata) {
  std::set<std::string> files = StatisticsFiles(metadata);
  for (const auto& entry : metadata.metadata_log) files.insert(entry.metadata_file);
  for (const Snapshot& snapshot : metadata.snapshots) files.insert(snapshot.manifest_list);
  return files;
}

// Data files that only manifests of removed snapshots had.
absl::Status AddUnreferencedData(Storage& storage, const Manifests& gone, const Manifests& kept, std::set<std::string>* files) {
  std::set<std::string> candidates;
  for (const auto& [path, description] : gone) {
    auto manifest = ReadManifest(storage, description);
    if (absl::IsNotFound(manifest.status())) continue;
    if (!manifest.ok()) return manifest.status();
    for (const ManifestEntry& entry : manifest->entries) candidates.insert(entry.file.path);
  }
  for (const auto& [path, description] : kept) {
    if (candidates.empty()) break;
    if (!description.has_live_files()) continue;
    auto manifest = ReadManifest(storage, description);
    if (!manifest.ok()) return manifest.status();
    for (const ManifestEntry& entry : manifest->entries) {
      if (entry.status != FileStatus::kDeleted) candidates.erase(entry.file.path);
    }
  }
  files->insert(candidates.begin(), candidates.end());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> ExpiredSnapshots(const TableMetadata& metadata, int64_t older_than_ms, size_t keep_newest) {
  auto referred = SnapshotsOfRefs(metadata);
  if (!referred.ok()) return referred.status();
  std::vector<const Snapshot*> newest_first;
  for (const Snapshot& snapshot : metadata.snapshots) newest_first.push_back(&snapshot);
  std::stable_sort(newest_first.begin(), newest_first.end(),
                   [](const Snapshot* a, const Snapshot* b) { return a->sequence_number > b->sequence_number; });
  std::vector<int64_t> expired;
  for (size_t i = std::min(keep_newest, newest_first.size()); i < newest_first.size(); ++i) {
    const Snapshot& snapshot = *newest_first[i];
    if (snapshot.timestamp_ms < older_than_ms && !referred->contains(snapshot.id)) expired.push_back(snapshot.id);
  }
  return expired;
}

absl::StatusOr<std::set<std::string>> UnreferencedFiles(Storage& storage, const TableMetadata& before,
                                                        const TableMetadata& after) {
  std::set<std::string> files;
  const std::set<std::string> named = NamedFiles(after);
  for (const std::string& file : NamedFiles(before)) {
    if (!named.contains(file)) files.insert(file);
  }
  Manifests gone;
  for (const Snapshot& snapshot : before.snapshots) {
    if (after.FindSnapshot(snapshot.id)) continue;
    if (absl::Status read = CollectManifests(storage, snapshot, true, &gone); !read.ok()) return read;
  }
  if (gone.empty()) return files;
  Manifests kept;
  for (const Snapshot& snapshot : after.snapshots) {
    if (absl::Status read = CollectManifests(storage, snapshot, false, &kept); !read.ok()) return read;
  }
  std::erase_if(gone, [&](const auto& entry) { return kept.contains(entry.first); });
  for (const auto& [path, description] : gone) files.insert(path);
  if (absl::Status added = AddUnreferencedData(storage, gone, kept, &files); !added.ok()) return added;
  return files;
}

absl::StatusOr<std::set<std::string>> ReferencedFiles(Storage& storage, const TableMetadata& metadata) {
  std::set<std::string> files = NamedFiles(metadata);
  Manifests manifests;
  for (const Snapshot& snapshot : metadata.snapshots) {
    if (absl::Status read = CollectManifests(storage, snapshot, false, &manifests); !read.ok()) return read;
  }
  for (const auto& [path, description] : manifests) {
    files.insert(path);
    auto manifest = ReadManifest(storage, description);
    if (!manifest.ok()) return manifest.status();
    for (const ManifestEntry& entry : manifest->entries) files.insert(entry.file.path);
  }
  return files;
}

}  // namespace millrace::warehouse
