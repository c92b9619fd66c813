#ifndef MILLRACE_RUNTIME_LANDING_LANDING_SHARES_H_
#define MILLRACE_RUNTIME_LANDING_LANDING_SHARES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "log/log.h"

namespace millrace {

/// How many shares the partitions of all landed topics are dealt into; the group assigns shares ("tasks") to its members. Fixed,
/// so that topics and partitions may come and go, and copies that do not agree yet about the list of topics agree about who has
/// each partition.
inline constexpr int32_t kLandingShares = 64;

/// Partitions of one topic go to shares one after the other, from one that its name decides.
[[nodiscard]] int32_t LandingShare(std::string_view topic, int32_t partition);

/// "<application.id>-<sink>": the consumer group of those who land for an application in one place, "warehouse" or "serving". Its
/// committed offsets are for lag tools only.
[[nodiscard]] std::string LandingGroup(const std::string& application_id, const std::string& sink = "warehouse");
/// The topic without records that the group shares out: partition i is share i.
[[nodiscard]] std::string LandingTaskTopic(const std::string& application_id, const std::string& sink = "warehouse");

/// Makes that topic unless it is there. FailedPrecondition if it has another number of partitions.
[[nodiscard]] absl::Status EnsureLandingTaskTopic(const std::string& application_id, int16_t replication_factor,
                                                  log::Admin* admin, const std::string& sink = "warehouse");

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_LANDING_LANDING_SHARES_H_
