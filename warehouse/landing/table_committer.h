#ifndef MILLRACE_WAREHOUSE_LANDING_TABLE_COMMITTER_H_
#define MILLRACE_WAREHOUSE_LANDING_TABLE_COMMITTER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "landing/landed_positions.h"
#include "millrace/warehouse/warehouse.h"
#include "storage/storage.h"
#include "table/data_file.h"

namespace millrace::warehouse {

/// Makes files of rows part of a table together with the positions that they were read from: a compare-and-swap of the table's
/// metadata that is tried only while each range starts where the table is. Whoever loses, loses all of it; a zombie's ranges
/// start where the table was. Not thread-safe.
class TableCommitter {
 public:
  /// Wall clock in milliseconds since 1970, for snapshots.
  using Clock = std::function<int64_t()>;

  /// Catalog and storage outlive it.
  TableCommitter(Catalog* catalog, Storage* storage, TableName table, std::string application_id, std::string topic, Clock clock);

  /// The table as it is now, and where to go on.
  absl::Status Refresh();
  [[nodiscard]] const LoadedTable& table() const { return table_; }
  [[nodiscard]] const LandedPositions& positions() const { return positions_; }

  /// `files` are uploaded already, under names of their own. True: they are in the table, exactly once, and the positions have
  /// moved. False: a range does not start where the table is; nothing of it is in the table, nor ever will be. An error that
  /// Storage or Catalog gives when they cannot be reached: it is not known, or nothing happened; look at positions() after the
  /// next Refresh.
  absl::StatusOr<bool> Commit(const std::vector<DataFile>& files, const std::map<int32_t, PositionRange>& ranges);

 private:
  /// Unavailable if files that were written since `loaded_ms` may be there no more.
  [[nodiscard]] absl::Status CheckAge(int64_t loaded_ms) const;
  void Discard(const std::vector<DataFile>& files, const std::set<std::string>& written);

  Catalog* const catalog_;
  Storage* const storage_;
  const TableName name_;
  const std::string application_id_;
  const std::string topic_;
  const std::string property_;
  const Clock clock_;
  LoadedTable table_;
  int64_t loaded_ms_ = 0;  // when it was that
  LandedPositions positions_;
};

/// Table property and member of each snapshot's summary: milliseconds since 1970 up to which the table is complete, by the
/// timestamps of its topic's records.
inline constexpr char kValidThrough[] = "millrace.valid-through-ms";

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_TABLE_COMMITTER_H_
