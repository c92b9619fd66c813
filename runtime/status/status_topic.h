#ifndef MILLRACE_RUNTIME_STATUS_STATUS_TOPIC_H_
#define MILLRACE_RUNTIME_STATUS_STATUS_TOPIC_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "host/host.h"
#include "log/log.h"

namespace millrace {

/// <application.id>-status with its one partition: a compacted topic, kept small by the broker.
[[nodiscard]] std::string StatusTopicName(const std::string& application_id);
[[nodiscard]] log::TopicSpec StatusTopicSpec(const std::string& application_id, int16_t replication_factor);

/// The last value of each key, not decoded; what was removed is not there.
struct StatusTopicContents {
  std::optional<std::string> manifest;
  std::map<std::string, std::string> instances;  // by id
  /// Names the state that local directories may hold, for as long as this topic lives: the first that was written.
  std::string state_id;
  /// A reset began and did not end.
  bool reset_under_way = false;
};

/// Writes records and waits until they are there, for 30 s at most; errors name the topic.
[[nodiscard]] absl::Status WriteStatusTopic(const std::string& topic, log::LogClient* client, Timestamp now,
                                            const std::vector<std::pair<std::string, NullableBytes>>& records);

/// Reads the topic from its beginning to the end that it has now. Blocks, for 30 s at most; errors name the topic.
[[nodiscard]] absl::StatusOr<StatusTopicContents> ReadStatusTopic(const std::string& topic, log::LogClient* client, Host* host);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STATUS_STATUS_TOPIC_H_
