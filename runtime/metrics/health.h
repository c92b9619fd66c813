#ifndef MILLRACE_RUNTIME_METRICS_HEALTH_H_
#define MILLRACE_RUNTIME_METRICS_HEALTH_H_

#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/health.h"

namespace millrace {

/// Not ok only when a restart would help: the application has failed or a worker died. Restoring is alive.
[[nodiscard]] Health Liveness(const RuntimeSnapshot& snapshot);
/// Ok when the application runs and none of its tasks restores; the body lists what it waits for.
[[nodiscard]] Health Readiness(const RuntimeSnapshot& snapshot);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_METRICS_HEALTH_H_
