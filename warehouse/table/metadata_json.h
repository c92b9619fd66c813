#ifndef MILLRACE_WAREHOUSE_TABLE_METADATA_JSON_H_
#define MILLRACE_WAREHOUSE_TABLE_METADATA_JSON_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "table/table_metadata.h"

namespace millrace::warehouse {

/// A snapshot as metadata files and REST catalogs write it ("Appendix C: JSON serialization" of the table specification).
nlohmann::json SnapshotToJson(const Snapshot& snapshot);
/// InvalidArgument if `json` is no snapshot of format version 2. `where` is for messages.
absl::StatusOr<Snapshot> SnapshotFromJson(const nlohmann::json& json, const std::string& where);

/// The snapshots that branches and tags name, "main" among them: they must stay, by this program's or another engine's will.
/// InvalidArgument if the refs cannot be read.
absl::StatusOr<std::set<int64_t>> SnapshotsOfRefs(const TableMetadata& metadata);

/// OK if what the metadata refers to inside itself is there: the current schema, the default spec and its columns, the current
/// snapshot, sequence numbers and column ids below their maxima. InvalidArgument says what is not.
absl::Status CheckMetadata(const TableMetadata& metadata);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_METADATA_JSON_H_
