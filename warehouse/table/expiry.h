#ifndef MILLRACE_WAREHOUSE_TABLE_EXPIRY_H_
#define MILLRACE_WAREHOUSE_TABLE_EXPIRY_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/storage.h"
#include "table/table_metadata.h"

namespace millrace::warehouse {

/// The snapshots that nobody needs any more: older than `older_than_ms` (since 1970), not among the `keep_newest` newest, named
/// by no branch or tag. For TableUpdate::removed_snapshots. InvalidArgument if the refs of the table cannot be read.
absl::StatusOr<std::vector<int64_t>> ExpiredSnapshots(const TableMetadata& metadata, int64_t older_than_ms, size_t keep_newest);

/// What `before` referred to and `after` does not: metadata files, manifest lists, manifests, data and delete files, statistics.
/// To be deleted when `after` is committed, not before. Reads the manifests of removed snapshots, and of kept ones as far as
/// needed; what another expiry deleted already counts as not there. An error means that nothing may be deleted: it is not known
/// what is in use.
absl::StatusOr<std::set<std::string>> UnreferencedFiles(Storage& storage, const TableMetadata& before,
                                                        const TableMetadata& after);

/// All files that `metadata` refers to: what a sweep of orphans must leave alone, with the metadata file itself. Files that were
/// deleted from the table count as long as a snapshot that had them is there.
absl::StatusOr<std::set<std::string>> ReferencedFiles(Storage& storage, const TableMetadata& metadata);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_EXPIRY_H_
