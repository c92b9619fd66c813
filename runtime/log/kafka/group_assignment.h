#ifndef MILLRACE_RUNTIME_LOG_KAFKA_GROUP_ASSIGNMENT_H_
#define MILLRACE_RUNTIME_LOG_KAFKA_GROUP_ASSIGNMENT_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "log/kafka/handle.h"

namespace millrace::log::kafka {

/// How many partitions of `topic` members of the group have, as its coordinator tells; nullopt while the group is rebalanced.
[[nodiscard]] absl::StatusOr<std::optional<size_t>> CountAssigned(rd_kafka_t* rk, const std::string& group,
                                                                  const std::string& topic, std::chrono::milliseconds timeout);

}  // namespace millrace::log::kafka

#endif  // MILLRACE_RUNTIME_LOG_KAFKA_GROUP_ASSIGNMENT_H_
