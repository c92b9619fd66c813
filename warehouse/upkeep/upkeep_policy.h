#ifndef MILLRACE_WAREHOUSE_UPKEEP_UPKEEP_POLICY_H_
#define MILLRACE_WAREHOUSE_UPKEEP_UPKEEP_POLICY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"

namespace millrace::warehouse {

/// What settings of a warehouse, or of one of its tables, say of upkeep. Names are those of Iceberg's table properties where it
/// has them:
///
///   upkeep                                 "on" (default) or "off"
///   compaction.min-input-files             so many small files of a partition are rewritten (6); small is what has less than
///                                          three quarters of file.bytes
///   compaction.idle-ms                     a partition without a new row for so long is closed (an hour): see ChooseGroup
///   commit.manifest.min-count-to-merge     so many small manifests are rewritten (100)
///   commit.manifest.target-size-bytes      below which a manifest is small (8 MiB)
///   history.expire.max-snapshot-age-ms     older snapshots are forgotten (a day), and
///   history.expire.min-snapshots-to-keep   the newest are kept however old they are (100)
///   metadata.max-age-ms                    older metadata files are deleted (a day; Catalog::MetadataKept is the least that is
///                                          taken). With the fs catalog it must be longer than any process may be stopped and
///                                          go on; with others, than a registration or a backup of the catalog names a file
///   expire.interval-ms                     how often the three above are looked at (an hour)
///   orphan.max-age-ms                      older files that nothing refers to are deleted (a day, the least that is taken)
///   sweep.interval-ms                      how often those are looked for (six hours)
struct UpkeepPolicy {
  bool on = true;
  int64_t min_input_files = 6;
  int64_t idle_ms = 3'600'000;
  int64_t manifest_min_count = 100;
  int64_t manifest_target_bytes = int64_t{8} << 20;
  int64_t max_snapshot_age_ms = 86'400'000;
  int64_t min_snapshots = 100;
  int64_t metadata_max_age_ms = 86'400'000;
  int64_t expire_interval_ms = 3'600'000;
  int64_t orphan_max_age_ms = 86'400'000;
  int64_t sweep_interval_ms = 6 * 3'600'000;

  /// The settings above.
  static const std::vector<std::string>& Names();
  /// Takes them out of `settings`; the others stay. InvalidArgument names one with a value that it cannot have.
  static absl::StatusOr<UpkeepPolicy> Take(std::map<std::string, std::string>* settings);
  /// InvalidArgument if metadata files would be deleted earlier than the catalog may bear.
  [[nodiscard]] absl::Status CheckFor(const Catalog& catalog) const;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_UPKEEP_UPKEEP_POLICY_H_
