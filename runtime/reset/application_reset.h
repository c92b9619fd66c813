#ifndef MILLRACE_RUNTIME_RESET_APPLICATION_RESET_H_
#define MILLRACE_RUNTIME_RESET_APPLICATION_RESET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "log/log.h"
#include "millrace/state/timestamp.h"
#include "millrace/topologies/topology.h"
#include "streams/streams_options.h"

// Makes an application begin anew: positions of its source topics, internal topics, local state. What it has written to its
// output topics stays. Follows Kafka's `StreamsResetter`, which leaves local state alone.

namespace millrace {

/// Where the application reads on.
struct ResetTarget {
  enum class Kind { kEarliest, kLatest, kTime };
  Kind kind = Kind::kEarliest;
  /// For kTime: the first record of each partition at or after it.
  Timestamp time;

  /// "2026-11-25T10:00:00Z", with any offset from UTC, or milliseconds since the epoch.
  [[nodiscard]] static absl::StatusOr<ResetTarget> AtTime(std::string_view text);
  /// So long before `now`: an ISO 8601 duration of days, hours, minutes and seconds ("P1DT12H", "PT90M").
  [[nodiscard]] static absl::StatusOr<ResetTarget> Before(Timestamp now, std::string_view duration);
};

/// What a reset will do.
struct ResetPlan {
  struct Position {
    log::TopicPartition partition;
    std::optional<int64_t> committed;
    int64_t to = 0;
  };

  std::string application_id;
  std::vector<Position> positions;
  std::vector<std::string> missing_sources;
  /// Repartition and changelog topics of this program and of the application's manifest, and the task topic.
  std::vector<std::string> topics;
  /// Empty if there is none. Deleted last: until then the application refuses to start.
  std::string status_topic;
  /// An earlier reset has begun and not ended.
  bool interrupted = false;
  /// Empty if there is no local state on this machine.
  std::string state_path;

  [[nodiscard]] std::string ToString() const;
};

/// Changes nothing. kFailedPrecondition, with their names, while the application has members: stop them, and wait for
/// `session.timeout.ms` after a crash.
[[nodiscard]] absl::StatusOr<ResetPlan> PlanReset(const Topology& topology, const StreamsOptions& options,
                                                  const ResetTarget& target, log::LogClient* client, Host* host);

/// Does it: marks the status topic, deletes the group, which is refused while it has members, sets the positions, and only then
/// deletes local state and topics. If members have joined since the plan was made, kFailedPrecondition, and nothing is changed.
/// After another error in between the application does not start until a reset has ended; repeating it is safe.
[[nodiscard]] absl::Status ExecuteReset(const ResetPlan& plan, const StreamsOptions& options, log::LogClient* client, Host* host);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_RESET_APPLICATION_RESET_H_
