#ifndef MILLRACE_WAREHOUSE_LANDING_LANDED_POSITIONS_H_
#define MILLRACE_WAREHOUSE_LANDING_LANDED_POSITIONS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "millrace/warehouse/warehouse.h"

namespace millrace::warehouse {

/// How far an application has landed a topic in a table. Kept as a property of the table, so that it changes with the list of
/// files or not at all, and is not lost when snapshots expire; and in the summary of each snapshot, for people.
struct LandedPositions {
  struct Partition {
    int64_t next = 0;  // position
    std::optional<int64_t> stream_time_ms;
  };
  std::map<int32_t, Partition> partitions;

  /// "<application>.offsets.<topic>"
  [[nodiscard]] static std::string PropertyName(const std::string& application_id, const std::string& topic);
  /// Of a table's properties; without partitions if the application has landed nothing. DataLoss if the value is damaged.
  [[nodiscard]] static absl::StatusOr<LandedPositions> From(const std::map<std::string, std::string>& properties,
                                                            const std::string& property);
  /// {"0": {"next": 17, "time": 1700000000000}}
  [[nodiscard]] std::string ToString() const;

  /// True if each range starts where its partition is; one that was never landed starts anywhere.
  [[nodiscard]] bool Continue(const std::map<int32_t, PositionRange>& ranges) const;
  void Advance(const std::map<int32_t, PositionRange>& ranges);
  /// The least stream time of all partitions that had records; nullopt if none had.
  [[nodiscard]] std::optional<int64_t> valid_through_ms() const;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_LANDED_POSITIONS_H_
