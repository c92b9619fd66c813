#ifndef MILLRACE_TESTS_CHAOS_KILL_POINTS_H_
#define MILLRACE_TESTS_CHAOS_KILL_POINTS_H_

#include <memory>
#include <string>
#include <vector>

#include "log/log.h"

namespace millrace::chaos {

/// Names of the points at which the process can be made to kill itself, in the order of a worker's life.
std::vector<std::string> KillPoints();

/// A log over `inner` that sends the process SIGKILL when it comes to the point for the n-th time, after a line in its log.
/// `point`: "name:n", "name" for the first time, empty for never. kInvalidArgument if there is no such point.
absl::StatusOr<std::shared_ptr<log::LogClient>> WithKillPoint(std::shared_ptr<log::LogClient> inner, const std::string& point);

}  // namespace millrace::chaos

#endif  // MILLRACE_TESTS_CHAOS_KILL_POINTS_H_
