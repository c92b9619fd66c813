#ifndef MILLRACE_RUNTIME_LANDING_LANDING_METRICS_H_
#define MILLRACE_RUNTIME_LANDING_LANDING_METRICS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "landing/landing_worker.h"
#include "millrace/runtime/health.h"

namespace millrace {

/// The progress of a landing in Prometheus' text format 0.0.4; every series has the labels application and table.
[[nodiscard]] std::string LandingMetrics(const std::string& application_id, const std::vector<LandingProgress>& progress);

/// Ready: nothing has failed, and no table waits; the body says what has, and lists those that do, with why.
[[nodiscard]] Health LandingReadiness(const std::vector<LandingProgress>& progress, const absl::Status& error);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_LANDING_LANDING_METRICS_H_
