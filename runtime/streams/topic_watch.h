#ifndef MILLRACE_RUNTIME_STREAMS_TOPIC_WATCH_H_
#define MILLRACE_RUNTIME_STREAMS_TOPIC_WATCH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "log/log.h"
#include "streams/topology_plan.h"

namespace millrace {

/// Sees that the topics of a running application still have the partitions that its tasks were made for. Nobody reads partitions
/// that were added, and keys move between those that tasks know without a word; so the application has to end, as it would not
/// start.
class TopicWatch {
 public:
  explicit TopicWatch(const TopologyPlan* plan) : plan_(plan) {}

  /// So many looks in a row must see the same change. A broker that has just started may know fewer topics than there are, not
  /// more.
  static constexpr int kLooksForMore = 2;
  static constexpr int kLooksForLess = 30;

  /// Asks for the topics that tasks read and for changelogs. kFailedPrecondition, which names the topic, both counts and what to
  /// do, when a change is certain. OK while brokers do not answer.
  [[nodiscard]] absl::Status Look(log::Admin* admin);
  /// The last look saw a change: the next should come a second later.
  [[nodiscard]] bool suspects() const { return !suspects_.empty(); }

 private:
  struct Suspect {
    std::optional<int32_t> count;  // nullopt = it is gone
    int looks = 0;
  };
  [[nodiscard]] absl::Status Changed(const std::string& topic, std::optional<int32_t> now) const;

  const TopologyPlan* const plan_;
  std::map<std::string, Suspect> suspects_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_TOPIC_WATCH_H_
