#ifndef MILLRACE_RUNTIME_CONFIG_CLIENT_PROPERTIES_H_
#define MILLRACE_RUNTIME_CONFIG_CLIENT_PROPERTIES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "millrace/runtime/streams_config.h"

namespace millrace {

/// Settings for rd_kafka_conf_set, complete, one map for each kind of client. What the runtime decides stands in them explicitly.
struct ClientProperties {
  /// Subscribed to the task topic; commits.
  Properties membership;
  /// Assign-only, source topics. queued.max.messages.kbytes is for one partition; the log divides it by need.
  Properties consumer;
  /// Assign-only, changelogs.
  Properties restore;
  Properties producer;
  Properties admin;
};

/// kInvalidArgument if bootstrap.servers is not set, or if a secret's file cannot be read.
[[nodiscard]] absl::StatusOr<ClientProperties> MakeClientProperties(const StreamsConfig& config);

/// Sets a number to what is given, or to `otherwise` if nothing is, but to no more than `limit`.
void LimitProperty(const std::string& name, int64_t otherwise, int64_t limit, Properties* properties);
/// Bounds what the records that wait in a producer take, with what the client keeps for each.
void LimitProducerMemory(int64_t bytes, Properties* producer);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CONFIG_CLIENT_PROPERTIES_H_
