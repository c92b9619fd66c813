#ifndef MILLRACE_RUNTIME_STREAMS_WORKER_WATCH_H_
#define MILLRACE_RUNTIME_STREAMS_WORKER_WATCH_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "millrace/runtime/logging.h"
#include "streams/topology_plan.h"
#include "task/worker_activity.h"

namespace millrace {

/// What a worker does, in words and for log fields.
struct ActivityPlace {
  std::string what;  // "processing a record"
  std::string task;  // "1_3", empty if none
  std::string topic;
  std::optional<int32_t> partition;
  std::optional<int64_t> offset;

  /// "processing a record (task 1_3, topic orders, partition 3, offset 17)".
  [[nodiscard]] std::string ToString() const;
  /// Views of this.
  [[nodiscard]] LogFields Fields(std::string_view event) const;
};
[[nodiscard]] ActivityPlace PlaceOf(const WorkerActivity::View& view, const TopologyPlan& plan);

/// Tells for how long a worker has done nothing. Time in which nobody looked (the whole process stood still) counts as a second
/// at most: the worker could not have moved either. One thread.
class WorkerWatch {
 public:
  /// Looks; returns the time since the last step.
  std::chrono::nanoseconds Look(const WorkerActivity::View& view, std::chrono::nanoseconds now);
  [[nodiscard]] std::chrono::nanoseconds silence() const { return silence_; }

 private:
  std::optional<int64_t> steps_;
  std::chrono::nanoseconds looked_{0};
  std::chrono::nanoseconds silence_{0};
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_WORKER_WATCH_H_
