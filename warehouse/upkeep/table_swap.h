#ifndef MILLRACE_WAREHOUSE_UPKEEP_TABLE_SWAP_H_
#define MILLRACE_WAREHOUSE_UPKEEP_TABLE_SWAP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "storage/storage.h"
#include "table/data_file.h"
#include "table/snapshot_producer.h"

namespace millrace::warehouse {

/// Wall clock in milliseconds since 1970.
using UpkeepClock = std::function<int64_t()>;

/// A change of a table that holds against whoever commits at the same time: it is made on the newest state, and again after each
/// race that is lost, as long as it still makes sense there.
struct TableSwap {
  Catalog* catalog = nullptr;
  Storage* storage = nullptr;
  TableName name;
  UpkeepClock clock;

  struct Change {
    /// Not changed by it; has been told what to add and to remove.
    SnapshotProducer* producer = nullptr;
    std::map<std::string, std::string> summary;
    /// Before each attempt: adds to the update what depends on the table's state. A status that is not OK ends it; Aborted says
    /// that the change makes no sense any more. May be empty.
    std::function<absl::Status(const TableMetadata& table, TableUpdate* update)> prepare;
    /// Uploaded for this change; deleted if it is certain that it will never happen.
    std::vector<DataFile> files;
  };

  /// `table` is where to begin, and the state after the change when true is returned. False: what it would replace is not there
  /// any more, or it makes no sense any more; it has not happened. Other outcomes are errors, after which it may have happened if
  /// they are Unavailable or DeadlineExceeded.
  absl::StatusOr<bool> Run(LoadedTable* table, const Change& change) const;

 private:
  absl::StatusOr<bool> Attempt(LoadedTable* table, const Change& change, bool* doubt, bool* again) const;
  void Discard(const std::vector<DataFile>& files, const std::set<std::string>& written) const;
};

/// Files that were written longer ago may have been swept as orphans: whoever has not committed them by then, while others did,
/// must not any more. Less than the least age of an orphan by far.
inline constexpr int64_t kLongestCommitMs = 12 * 3'600'000;

/// True for what Catalog::Commit answers when nobody knows.
[[nodiscard]] bool IsOutcomeUnknown(const absl::Status& status);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_UPKEEP_TABLE_SWAP_H_
