#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "commands.h"
#include "config/client_properties.h"
#include "log/kafka/kafka_log.h"
#include "workloads.h"

namespace millrace::bench {
namespace {

constexpr int kAttempts = 200;
constexpr std::chrono::milliseconds kPause(50);

absl::StatusOr<std::unique_ptr<log::LogClient>> Client(const StreamsConfig& config) {
  absl::StatusOr<ClientProperties> properties = MakeClientProperties(config);
  if (!properties.ok()) return properties.status();
  return log::kafka::Connect(*properties, [](int, std::string_view, std::string_view) {});
}

absl::Status RecreateOne(log::Admin& admin, const log::TopicSpec& spec) {
  absl::StatusOr<std::optional<int32_t>> present = admin.PartitionCount(spec.name);
  if (!present.ok()) return present.status();
  if (present->has_value()) {
    if (absl::Status deleted = admin.DeleteTopic(spec.name); !deleted.ok()) return deleted;
  }
  // The broker needs a moment before the name is free again.
  absl::Status created;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    created = admin.CreateTopic(spec);
    if (created.code() != absl::StatusCode::kAlreadyExists) return created;
    std::this_thread::sleep_for(kPause);
  }
  return created;
}

// Deletes the topics that exist and creates them empty; records never expire.
absl::Status Recreate(log::Admin& admin, const std::vector<std::string>& topics, int32_t partitions) {
  const std::map<std::string, std::string> config{
      {"retention.ms", "-1"}, {"message.timestamp.after.max.ms", std::to_string(std::numeric_limits<int64_t>::max())}};
  for (const std::string& topic : topics) {
    if (absl::Status s = RecreateOne(admin, {topic, partitions, 1, config}); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Topics(const Options& options) {
  if (absl::Status s = options.Require({"bootstrap"}); !s.ok()) return s;
  absl::StatusOr<StreamsConfig> config = ConfigOf(options, "bench-topics", "0");
  if (!config.ok()) return config.status();
  absl::StatusOr<std::unique_ptr<log::LogClient>> client = Client(*config);
  if (!client.ok()) return client.status();
  log::Admin& admin = (*client)->admin();
  if (options.Has("recreate")) {
    const std::vector<std::string> topics = absl::StrSplit(options.Get("recreate"), ',');
    return Recreate(admin, topics, static_cast<int32_t>(options.Number("partitions", 1)));
  }
  absl::StatusOr<Workload> workload = Workload::Of(options);
  if (!workload.ok()) return workload.status();
  absl::StatusOr<std::optional<int32_t>> partitions = admin.PartitionCount(workload->inputs[0]);
  if (!partitions.ok()) return partitions.status();
  if (!partitions->has_value()) {
    return absl::NotFoundError(
        absl::StrCat("topic ", workload->inputs[0], " does not exist: load the workload with the peer's loader"));
  }
  return Recreate(admin, {workload->output}, **partitions);
}

}  // namespace millrace::bench
