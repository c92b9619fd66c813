#ifndef MILLRACE_RUNTIME_METRICS_PROMETHEUS_TEXT_H_
#define MILLRACE_RUNTIME_METRICS_PROMETHEUS_TEXT_H_

#include <string>

#include "metrics/runtime_snapshot.h"

namespace millrace {

/// A snapshot in Prometheus' text format 0.0.4. Every series has the label `application`; none has a client id, a thread or
/// anything else that changes at a restart.
[[nodiscard]] std::string PrometheusText(const RuntimeSnapshot& snapshot);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_METRICS_PROMETHEUS_TEXT_H_
