#ifndef MILLRACE_WAREHOUSE_SERVING_SERVING_OFFSETS_H_
#define MILLRACE_WAREHOUSE_SERVING_SERVING_OFFSETS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/postgres_session.h"
#include "millrace/warehouse/warehouse.h"

namespace millrace::warehouse {

/// How far an application has landed a topic in a table: rows of the table "millrace_offsets" beside it. Not thread-safe.
class ServingOffsets {
 public:
  explicit ServingOffsets(const LandingDescription& description);

  /// The next position of each partition.
  absl::StatusOr<std::map<int32_t, int64_t>> Read(PostgresSession* session);

  /// Moves the positions within the transaction that the session is in. False: a range does not start where its partition is, or
  /// one that is not in `known` has been landed by somebody else; then the transaction must be rolled back. Waits for others that
  /// are about to move the same.
  absl::StatusOr<bool> Advance(PostgresSession* session, const std::map<int32_t, PositionRange>& ranges,
                               const std::set<int32_t>& known);

  enum class Outcome { kDone, kNotDone, kOther };
  /// Whether the ranges were landed, after a commit that gave no answer; waits for one that is still under way.
  absl::StatusOr<Outcome> Look(PostgresSession* session, const std::map<int32_t, PositionRange>& ranges,
                               const std::set<int32_t>& known);

 private:
  absl::StatusOr<std::map<int32_t, int64_t>> Lock(PostgresSession* session, const std::map<int32_t, PositionRange>& ranges);

  const std::string table_;  // in quotes, with its schema
  const std::string application_id_;
  const std::string of_table_;
  const std::string topic_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_SERVING_SERVING_OFFSETS_H_
