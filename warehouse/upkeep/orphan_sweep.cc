#include "upkeep/orphan_sweep.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "catalog/table_files.h"
#include "storage/uri.h"
#include "table/expiry.h"
#include "table/table_metadata.h"

namespace millrace::warehouse {
namespace {

constexpr size_t kMostDeleted = 1000;

// Metadata files go by the rules of their own age.
bool IsMetadata(const std::string& path) { return MetadataVersion(path).has_value(); }

// Other engines write "file:/x" and "s3a://x".
std::string PlaceOf(const std::string& path) {
  absl::StatusOr<Uri> uri = ParseUri(path);
  return uri.ok() ? uri->path : path;
}

}  // namespace

absl::Status CheckFolderIsOwn(Storage& storage, const LoadedTable& table) {
  std::set<std::string> known = {PlaceOf(table.metadata_file)};
  for (const TableMetadata::LogEntry& entry : table.metadata.metadata_log) known.insert(PlaceOf(entry.metadata_file));
  std::vector<std::string> unknown;
  absl::Status status = storage.List(MetadataFolder(table.metadata.location), [&](const Storage::FileInfo& file) {
    if (IsMetadata(file.path) && !known.contains(PlaceOf(file.path))) unknown.push_back(file.path);
  });
  if (!status.ok()) return status;
  for (const std::string& file : unknown) {
    absl::StatusOr<std::string> text = storage.Read(file);
    if (absl::IsNotFound(text.status())) continue;  // another deletes old ones, too
    if (!text.ok()) return text.status();
    absl::StatusOr<TableMetadata> metadata = TableMetadata::Parse(*text, file);
    if (metadata.ok() && metadata->uuid == table.metadata.uuid) continue;
    return absl::FailedPreconditionError(absl::StrCat(file, " is of another table than ", table.metadata_file,
                                                      ": what lies in their folder is not cleared. Move ",
                                                      "one of the tables, or delete what is left of one that was dropped"));
  }
  return absl::OkStatus();
}

absl::Status OrphanSweep::Begin(const LoadedTable& table, int64_t older_than_ms) {
  folders_.clear();
  referenced_.clear();
  older_than_ms_ = older_than_ms;
  if (absl::Status status = CheckFolderIsOwn(*storage_, table); !status.ok()) return status;
  absl::StatusOr<std::set<std::string>> referenced = ReferencedFiles(*storage_, table.metadata);
  if (!referenced.ok()) return referenced.status();
  for (const std::string& file : *referenced) referenced_.insert(PlaceOf(file));
  std::vector<std::string> folders = {MetadataFolder(table.metadata.location)};
  const std::string data = JoinPath(table.metadata.location, "data");
  absl::Status status = storage_->ListFolders(data, [&](const std::string& name) { folders.push_back(JoinPath(data, name)); });
  if (!status.ok()) return status;
  if (folders.size() == 1) folders.push_back(data);  // not partitioned
  folders_ = std::move(folders);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> OrphanSweep::Step() {
  if (folders_.empty()) return 0;
  const std::string folder = std::move(folders_.back());
  folders_.pop_back();
  std::vector<std::string> orphans;
  absl::Status status = storage_->List(folder, [&](const Storage::FileInfo& file) {
    if (file.modified_ms >= older_than_ms_ || referenced_.contains(PlaceOf(file.path)) || IsMetadata(file.path)) return;
    if (NameOf(file.path) != "version-hint.text" && orphans.size() < kMostDeleted) orphans.push_back(file.path);
  });
  for (size_t i = 0; status.ok() && i < orphans.size(); ++i) status = storage_->Delete(orphans[i]);
  if (!status.ok()) folders_.clear();
  if (folders_.empty()) referenced_.clear();
  if (!status.ok()) return status;
  return static_cast<int64_t>(orphans.size());
}

}  // namespace millrace::warehouse
