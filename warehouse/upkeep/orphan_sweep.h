#ifndef MILLRACE_WAREHOUSE_UPKEEP_ORPHAN_SWEEP_H_
#define MILLRACE_WAREHOUSE_UPKEEP_ORPHAN_SWEEP_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "storage/storage.h"

namespace millrace::warehouse {

/// FailedPrecondition if the metadata folder of a table has metadata files of another one, as after one was renamed in its
/// catalog, or dropped and made again: then nothing may be deleted for its age. Reads the metadata files that the table's log has
/// no more.
absl::Status CheckFolderIsOwn(Storage& storage, const LoadedTable& table);

/// Looks for files in the folder of a table that nothing refers to, as writers leave them that were killed, and deletes those
/// that are old enough: what was written lately may be about to be committed. Goes folder by folder, so that each call is a
/// bounded piece of work. Metadata files are left to DeleteOldMetadata, and files beside the folders of partitions to whoever put
/// them there. Not thread-safe; the storage outlives it.
class OrphanSweep {
 public:
  explicit OrphanSweep(Storage* storage) : storage_(storage) {}

  /// Begins anew with what the table refers to now: files that are older than `older_than_ms` (since 1970, by the storage's
  /// clock) and not among it go. FailedPrecondition as CheckFolderIsOwn.
  absl::Status Begin(const LoadedTable& table, int64_t older_than_ms);
  /// True: there are folders that have not been looked at.
  [[nodiscard]] bool is_running() const { return !folders_.empty(); }
  /// Sweeps one folder and returns how many files were deleted, a thousand at most; what is left over is the next sweep's. After
  /// an error the sweep has ended.
  absl::StatusOr<int64_t> Step();

 private:
  Storage* const storage_;
  int64_t older_than_ms_ = 0;
  std::set<std::string> referenced_;  // without schemes, of which one place may have several
  std::vector<std::string> folders_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_UPKEEP_ORPHAN_SWEEP_H_
