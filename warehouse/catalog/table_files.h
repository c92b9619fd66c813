#ifndef MILLRACE_WAREHOUSE_CATALOG_TABLE_FILES_H_
#define MILLRACE_WAREHOUSE_CATALOG_TABLE_FILES_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "storage/storage.h"

namespace millrace::warehouse {

/// Catalog::MetadataKept where a commit compares what the table is with what it was: readers who have just been told of a file
/// go on for so long.
inline constexpr std::chrono::hours kMetadataKept{1};

/// InvalidArgument if a part of the name is empty, starts with a dot, or has a slash or a control character in it, or the name
/// space a dot: it has one level.
absl::Status CheckTableName(const TableName& name);
/// "<warehouse>/<name space>/<table>"
std::string TableLocation(std::string_view warehouse, const TableName& name);
std::string MetadataFolder(std::string_view location);

/// The number at the start of a metadata file's name: of "v12.metadata.json" and of "00012-<uuid>.metadata.json" 12. nullopt if
/// it is no such name.
std::optional<int64_t> MetadataVersion(std::string_view file);

/// FailedPrecondition if a catalog names a file that is not there: as NotFound, it would pass for a table that is not there.
absl::StatusOr<LoadedTable> ReadTable(Storage& storage, const std::string& metadata_file);

/// Deletes metadata files of a table that are at least `min_age` older than its current one, by the storage's clock, and not in
/// its metadata log. Returns how many. `min_age` is at least Catalog::MetadataKept.
absl::StatusOr<int> DeleteOldMetadata(Storage& storage, const LoadedTable& table, std::chrono::milliseconds min_age);

/// Milliseconds since 1970.
int64_t WallClockMs();

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_CATALOG_TABLE_FILES_H_
