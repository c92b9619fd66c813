#ifndef MILLRACE_RUNTIME_METRICS_HEALTH_H_
#define MILLRACE_RUNTIME_METRICS_HEALTH_H_

#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/health.h"

namespace millrace {

/// Not ok only when a restart would help: the application has failed, a worker hangs in a function of the topology for longer
/// than max.poll.interval.ms, or a partition is not read although it could be. Restoring is alive.
[[nodiscard]] Health Liveness(const RuntimeSnapshot& snapshot);
/// Ok when the application runs, none of its tasks restores and no disk is full; the body lists what it waits for: stores with
/// what they miss and how long that will take, and tasks whose stores are not read yet, with why.
[[nodiscard]] Health Readiness(const RuntimeSnapshot& snapshot);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_METRICS_HEALTH_H_
