#include "catalog/table_files.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/uri.h"

namespace millrace::warehouse {
namespace {

constexpr char kSuffix[] = ".metadata.json";

absl::Status CheckPart(const std::string& part, const char* what, const TableName& name) {
  const bool control =
      std::any_of(part.begin(), part.end(), [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
  if (!part.empty() && part[0] != '.' && part.find('/') == std::string::npos && !control) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", name.ToString(), "': ", what, " must not be empty, start with a dot, or have a slash in it"));
}

}  // namespace

absl::Status CheckTableName(const TableName& name) {
  if (absl::Status status = CheckPart(name.name_space, "a name space", name); !status.ok()) return status;
  if (name.name_space.find('.') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("'", name.ToString(), "': a name space has one level, without dots"));
  }
  return CheckPart(name.table, "a table's name", name);
}

std::string TableLocation(std::string_view warehouse, const TableName& name) {
  return JoinPath(JoinPath(warehouse, name.name_space), name.table);
}

std::string MetadataFolder(std::string_view location) { return JoinPath(location, "metadata"); }

std::optional<int64_t> MetadataVersion(std::string_view file) {
  std::string name(NameOf(file));
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.resize(name.size() - std::string_view(kSuffix).size());
  const bool numbered = name.starts_with('v');
  const std::string digits = numbered ? name.substr(1) : name.substr(0, name.find('-'));
  int64_t version = 0;
  if (digits.find_first_not_of("0123456789") != std::string::npos || !absl::SimpleAtoi(digits, &version)) return std::nullopt;
  return version;
}

absl::StatusOr<LoadedTable> ReadTable(Storage& storage, const std::string& metadata_file) {
  absl::StatusOr<std::string> text = storage.Read(metadata_file);
  if (absl::IsNotFound(text.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat("the catalog names a metadata file that is not there: ", text.status().message()));
  }
  if (!text.ok()) return text.status();
  absl::StatusOr<TableMetadata> metadata = TableMetadata::Parse(*text, metadata_file);
  if (!metadata.ok()) return metadata.status();
  return LoadedTable{*std::move(metadata), metadata_file};
}

absl::StatusOr<int> DeleteOldMetadata(Storage& storage, const LoadedTable& table, std::chrono::milliseconds min_age) {
  std::set<std::string> kept = {table.metadata_file};
  for (const TableMetadata::LogEntry& entry : table.metadata.metadata_log) kept.insert(entry.metadata_file);
  std::vector<Storage::FileInfo> candidates;
  std::optional<int64_t> current_ms;
  absl::Status status = storage.List(std::string(FolderOf(table.metadata_file)), [&](const Storage::FileInfo& file) {
    if (file.path == table.metadata_file) current_ms = file.modified_ms;
    if (MetadataVersion(file.path) && !kept.contains(file.path)) candidates.push_back(file);
  });
  if (!status.ok()) return status;
  if (!current_ms) return absl::FailedPreconditionError(absl::StrCat(table.metadata_file, " is not in its folder's list"));
  const int64_t oldest_ms = *current_ms - min_age.count();
  int deleted = 0;
  for (const Storage::FileInfo& file : candidates) {
    if (file.modified_ms > oldest_ms) continue;
    if (absl::Status gone = storage.Delete(file.path); !gone.ok()) return gone;
    ++deleted;
  }
  return deleted;
}

int64_t WallClockMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace millrace::warehouse
