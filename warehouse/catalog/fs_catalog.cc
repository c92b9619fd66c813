#include "catalog/fs_catalog.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "catalog/table_files.h"
#include "storage/random_name.h"
#include "storage/uri.h"

namespace millrace::warehouse {
namespace {

std::string VersionFile(const std::string& folder, int64_t version) {
  return JoinPath(folder, absl::StrCat("v", version, ".metadata.json"));
}

std::string HintFile(const std::string& folder) { return JoinPath(folder, "version-hint.text"); }

}  // namespace

FsCatalog::FsCatalog(std::shared_ptr<Storage> storage, std::string warehouse, std::function<int64_t()> clock)
    : storage_(std::move(storage)), warehouse_(std::move(warehouse)), clock_(std::move(clock)) {}

std::string FsCatalog::Folder(const TableName& name) const { return MetadataFolder(TableLocation(warehouse_, name)); }

absl::Status FsCatalog::Probe() {
  const std::string path = JoinPath(warehouse_, absl::StrCat(".millrace-probe-", RandomName()));
  const absl::StatusOr<bool> first = storage_->WriteIfAbsent(path, "first");
  if (!first.ok()) return first.status();
  const absl::StatusOr<bool> second = storage_->WriteIfAbsent(path, "second");
  const absl::StatusOr<std::string> stands = storage_->Read(path);
  if (absl::Status gone = storage_->Delete(path); !gone.ok()) return gone;
  if (!second.ok()) return second.status();
  if (!stands.ok()) return stands.status();
  if (!*first || *second || *stands != "first") {
    return absl::FailedPreconditionError(absl::StrCat(
        warehouse_, " is no place for tables of the fs catalog: it lets two writers write the same new file, so that both ",
        "would believe to have committed. Use another storage, or the sql catalog"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TableName>> FsCatalog::List() {
  std::vector<std::string> name_spaces;
  const auto visible = [](const std::string& name) { return !name.starts_with('.') && !name.starts_with('_'); };
  absl::Status status = storage_->ListFolders(warehouse_, [&](const std::string& name) {
    if (visible(name)) name_spaces.push_back(name);
  });
  std::vector<TableName> folders;
  for (const std::string& name_space : name_spaces) {
    if (!status.ok()) return status;
    status = storage_->ListFolders(JoinPath(warehouse_, name_space), [&](const std::string& name) {
      if (visible(name)) folders.push_back({name_space, name});
    });
  }
  if (!status.ok()) return status;
  std::vector<TableName> tables;
  for (TableName& name : folders) {
    absl::StatusOr<int64_t> highest = HighestVersion(Folder(name));
    if (!highest.ok()) return highest.status();
    if (*highest > 0) tables.push_back(std::move(name));
  }
  std::sort(tables.begin(), tables.end());
  return tables;
}

std::optional<int64_t> FsCatalog::ReadHint(const std::string& folder) {
  const absl::StatusOr<std::string> text = storage_->Read(HintFile(folder));
  int64_t version = 0;
  if (!text.ok() || !absl::SimpleAtoi(std::string(absl::StripAsciiWhitespace(*text)), &version) || version < 1)
    return std::nullopt;
  return version;
}

void FsCatalog::RaiseHint(const std::string& folder, int64_t version) {
  const std::lock_guard<std::mutex> lock(hint_mutex_);
  if (ReadHint(folder).value_or(0) < version) (void)storage_->Write(HintFile(folder), absl::StrCat(version));
}

absl::StatusOr<int64_t> FsCatalog::HighestVersion(const std::string& folder) {
  int64_t highest = 0;
  absl::Status status = storage_->List(folder, [&](const Storage::FileInfo& file) {
    const std::optional<int64_t> version = MetadataVersion(file.path);
    if (version && file.path == VersionFile(folder, *version)) highest = std::max(highest, *version);
  });
  if (!status.ok()) return status;
  return highest;
}

absl::StatusOr<std::optional<LoadedTable>> FsCatalog::NewestFrom(const std::string& folder, int64_t from) {
  std::optional<std::string> newest;
  int64_t version = from;
  for (;; ++version) {
    absl::StatusOr<std::string> text = storage_->Read(VersionFile(folder, version));
    if (absl::IsNotFound(text.status())) break;
    if (!text.ok()) return text.status();
    newest = *std::move(text);
  }
  if (!newest) return std::nullopt;
  const std::string file = VersionFile(folder, version - 1);
  absl::StatusOr<TableMetadata> metadata = TableMetadata::Parse(*newest, file);
  if (!metadata.ok()) return metadata.status();
  return LoadedTable{*std::move(metadata), file};
}

absl::StatusOr<LoadedTable> FsCatalog::Load(const TableName& name) {
  if (absl::Status status = CheckTableName(name); !status.ok()) return status;
  const std::string folder = Folder(name);
  if (const std::optional<int64_t> hint = ReadHint(folder)) {
    absl::StatusOr<std::optional<LoadedTable>> found = NewestFrom(folder, *hint);
    if (!found.ok()) return found.status();
    if (*found) return **std::move(found);
  }
  // No hint, or one of a file that is gone: the folder knows.
  absl::StatusOr<int64_t> highest = HighestVersion(folder);
  if (!highest.ok()) return highest.status();
  if (*highest > 0) {
    absl::StatusOr<std::optional<LoadedTable>> found = NewestFrom(folder, *highest);
    if (!found.ok()) return found.status();
    if (*found) return **std::move(found);
  }
  return absl::NotFoundError(absl::StrCat("there is no table ", name.ToString(), " in ", warehouse_));
}

absl::StatusOr<LoadedTable> FsCatalog::Create(const TableName& name, const Schema& schema, const PartitionSpec& partition_by,
                                              const std::map<std::string, std::string>& properties) {
  // Its first version may be gone by age.
  const absl::Status exists = Load(name).status();
  if (exists.ok()) return absl::AlreadyExistsError(absl::StrCat("there is a table ", name.ToString(), " in ", warehouse_));
  if (!absl::IsNotFound(exists)) return exists;
  LoadedTable table{TableMetadata::New(TableLocation(warehouse_, name), schema, partition_by, clock_(), properties),
                    VersionFile(Folder(name), 1)};
  absl::StatusOr<bool> written = storage_->WriteIfAbsent(table.metadata_file, table.metadata.Serialize());
  if (!written.ok()) return written.status();
  if (!*written)
    return absl::AlreadyExistsError(absl::StrCat("another has just made table ", name.ToString(), " in ", warehouse_));
  RaiseHint(Folder(name), 1);
  return table;
}

absl::StatusOr<bool> FsCatalog::WasInTime(const std::string& folder, int64_t version, const LoadedTable& written) {
  const auto unknown = [&](const absl::Status& why) {
    return absl::UnavailableError(
        absl::StrCat(written.metadata_file, " is written, but whether in time is not known: ", why.message()));
  };
  absl::StatusOr<int64_t> highest = HighestVersion(folder);
  if (!highest.ok()) return unknown(highest.status());
  if (*highest > version) {
    absl::StatusOr<LoadedTable> next = ReadTable(*storage_, VersionFile(folder, version + 1));
    if (absl::IsFailedPrecondition(next.status())) return false;  // the ones in between are gone by age
    if (!next.ok()) return unknown(next.status());
    const auto& log = next->metadata.metadata_log;
    // Another file may have stood under this name when the next one was made: its time tells.
    if (log.empty() || log.back().metadata_file != written.metadata_file ||
        log.back().timestamp_ms != written.metadata.last_updated_ms) {
      return false;
    }
  }
  RaiseHint(folder, std::max(*highest, version));
  return true;
}

absl::StatusOr<std::optional<LoadedTable>> FsCatalog::Commit(const TableName& name, const LoadedTable& base,
                                                             const TableUpdate& update) {
  if (absl::Status status = CheckTableName(name); !status.ok()) return status;
  const std::string folder = Folder(name);
  const std::optional<int64_t> version = MetadataVersion(base.metadata_file);
  if (!version || base.metadata_file != VersionFile(folder, *version)) {
    return absl::InvalidArgumentError(
        absl::StrCat(base.metadata_file, " is no metadata file of ", name.ToString(), " in ", warehouse_));
  }
  absl::StatusOr<TableMetadata> metadata = Apply(base.metadata, base.metadata_file, update, clock_(), MetadataKept().count());
  if (!metadata.ok()) return metadata.status();
  LoadedTable table{*std::move(metadata), VersionFile(folder, *version + 1)};
  absl::StatusOr<bool> written = storage_->WriteIfAbsent(table.metadata_file, table.metadata.Serialize());
  if (!written.ok()) return written.status();
  if (!*written) return std::nullopt;
  absl::StatusOr<bool> in_time = WasInTime(folder, *version + 1, table);
  if (!in_time.ok()) return in_time.status();
  if (!*in_time) {
    (void)storage_->Delete(table.metadata_file);  // nobody looks for it: the hint is higher
    return std::nullopt;
  }
  return table;
}

}  // namespace millrace::warehouse
