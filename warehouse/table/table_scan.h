#ifndef MILLRACE_WAREHOUSE_TABLE_TABLE_SCAN_H_
#define MILLRACE_WAREHOUSE_TABLE_TABLE_SCAN_H_

#include <vector>

#include "absl/status/statusor.h"
#include "storage/storage.h"
#include "table/data_file.h"
#include "table/manifest.h"
#include "table/table_metadata.h"

namespace millrace::warehouse {

/// The manifests of a snapshot. Errors are those of the storage and of DecodeManifestList.
absl::StatusOr<std::vector<ManifestFile>> ReadManifestList(Storage& storage, const Snapshot& snapshot);

/// A manifest of a list, with what it inherits from it.
absl::StatusOr<Manifest> ReadManifest(Storage& storage, const ManifestFile& manifest);

/// A data file of a snapshot.
struct LiveFile {
  DataFile file;
  int spec_id = 0;
  int64_t sequence_number = 0;  // of its rows
};

/// The data files of a snapshot. Partition values have the types that the current schema gives them. Unimplemented if another
/// engine has partitioned the table in a way that is not known here.
absl::StatusOr<std::vector<LiveFile>> ReadLiveFiles(Storage& storage, const TableMetadata& metadata, const Snapshot& snapshot);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_TABLE_SCAN_H_
