#include "table/table_scan.h"

#include <algorithm>
#include <utility>

#include "table/partition_values.h"

namespace millrace::warehouse {

absl::StatusOr<std::vector<ManifestFile>> ReadManifestList(Storage& storage, const Snapshot& snapshot) {
  auto content = storage.Read(snapshot.manifest_list);
  if (!content.ok()) return content.status();
  return DecodeManifestList(*content, snapshot.manifest_list);
}

absl::StatusOr<Manifest> ReadManifest(Storage& storage, const ManifestFile& description) {
  auto content = storage.Read(description.path);
  if (!content.ok()) return content.status();
  auto manifest = DecodeManifest(*content, description.path);
  if (!manifest.ok()) return manifest;
  if (absl::Status inherited = InheritFrom(description, &*manifest); !inherited.ok()) return inherited;
  return manifest;
}

absl::StatusOr<std::vector<LiveFile>> ReadLiveFiles(Storage& storage, const TableMetadata& metadata, const Snapshot& snapshot) {
  auto manifests = ReadManifestList(storage, snapshot);
  if (!manifests.ok()) return manifests.status();
  std::vector<LiveFile> files;
  for (const ManifestFile& description : *manifests) {
    if (description.content != FileContent::kData || !description.has_live_files()) continue;
    auto manifest = ReadManifest(storage, description);
    if (!manifest.ok()) return manifest.status();
    const auto spec = std::find_if(metadata.specs.begin(), metadata.specs.end(),
                                   [&](const PartitionSpec& one) { return one.id == description.spec_id; });
    absl::StatusOr<std::vector<Type>> types = absl::NotFoundError("");
    if (spec != metadata.specs.end()) types = PartitionTypes(*spec, metadata.schema());
    for (ManifestEntry& entry : manifest->entries) {
      if (entry.status == FileStatus::kDeleted) continue;
      // The source of an old spec may be dropped; then its values stay as they were written.
      if (types.ok()) {
        auto typed = AsTypes(entry.file.partition, *types);
        if (!typed.ok()) return typed.status();
        entry.file.partition = *std::move(typed);
      }
      files.push_back({std::move(entry.file), description.spec_id, *entry.sequence_number});
    }
  }
  return files;
}

}  // namespace millrace::warehouse
