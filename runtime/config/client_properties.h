#ifndef MILLRACE_RUNTIME_CONFIG_CLIENT_PROPERTIES_H_
#define MILLRACE_RUNTIME_CONFIG_CLIENT_PROPERTIES_H_

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

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CONFIG_CLIENT_PROPERTIES_H_
