#include "config/client_properties.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "config/client_settings.h"
#include "host/host.h"

namespace millrace {
namespace {

constexpr std::string_view kFile = ".file";

/// Adds one user setting; the contents of a secret's file take the place of its path.
absl::Status Put(const std::string& name, const std::string& value, Properties* properties) {
  if (!std::string_view(name).ends_with(kFile)) {
    (*properties)[name] = value;
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> contents = Host::Real().files().Read(value);
  if (!contents.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(name, "=", value, ": cannot read the secret: ", contents.status().message()));
  }
  while (!contents->empty() && (contents->back() == '\n' || contents->back() == '\r')) contents->pop_back();
  (*properties)[name.substr(0, name.size() - kFile.size())] = *std::move(contents);
  return absl::OkStatus();
}

void PutDecided(std::string_view client, bool fixed, Properties* properties) {
  for (const DecidedSetting& setting : DecidedSettings()) {
    if (setting.client != client || setting.fixed != fixed) continue;
    (*properties)[CanonicalClientSetting(setting.name)] = std::string(setting.value);
  }
}

/// Defaults, then what the user gave for all clients, then for these clients, then what is fixed.
absl::StatusOr<Properties> Make(const StreamsConfig& config, std::string_view client, std::string_view role) {
  Properties properties;
  PutDecided("all", false, &properties);
  PutDecided(client, false, &properties);
  const std::string prefix = absl::StrCat(std::string(client == "membership" ? "consumer" : client), ".");
  for (const auto& [name, value] : config.client_properties("")) {
    if (!ClientReads(prefix, name)) continue;
    if (absl::Status status = Put(name, value, &properties); !status.ok()) return status;
  }
  if (client == "restore") {
    for (const auto& [name, value] : config.client_properties("consumer.")) {
      if (absl::Status status = Put(name, value, &properties); !status.ok()) return status;
    }
  }
  for (const auto& [name, value] : config.client_properties(prefix)) {
    if (absl::Status status = Put(name, value, &properties); !status.ok()) return status;
  }
  PutDecided(client, true, &properties);
  properties["bootstrap.servers"] = config.bootstrap_servers();
  const std::string& id = config.client_id().empty() ? config.application_id() : config.client_id();
  properties["client.id"] = absl::StrCat(id, "-", std::string(role));
  return properties;
}

}  // namespace

absl::StatusOr<ClientProperties> MakeClientProperties(const StreamsConfig& config) {
  if (config.bootstrap_servers().empty()) {
    return absl::InvalidArgumentError(
        "bootstrap.servers is not set: give --bootstrap-servers HOST:PORT, APP_BOOTSTRAP_SERVERS or a line in the properties "
        "file");
  }
  ClientProperties clients;
  for (const auto& [client, role, target] : {std::tuple("membership", "member", &clients.membership),
                                             {"consumer", "consumer", &clients.consumer},
                                             {"restore", "restore-consumer", &clients.restore},
                                             {"producer", "producer", &clients.producer},
                                             {"admin", "admin", &clients.admin}}) {
    absl::StatusOr<Properties> properties = Make(config, client, role);
    if (!properties.ok()) return properties.status();
    *target = *std::move(properties);
  }
  for (Properties* consumer : {&clients.membership, &clients.consumer, &clients.restore, &clients.admin})
    (*consumer)["group.id"] = config.application_id();
  Properties& membership = clients.membership;
  membership["session.timeout.ms"] = std::to_string(config.session_timeout().count());
  membership["heartbeat.interval.ms"] = std::to_string(config.heartbeat_interval().count());
  membership["max.poll.interval.ms"] = std::to_string(config.max_poll_interval().count());
  if (!config.group_instance_id().empty()) membership["group.instance.id"] = config.group_instance_id();
  clients.consumer["isolation.level"] = config.read_committed() ? "read_committed" : "read_uncommitted";
  // Under at_least_once a changelog holds no transactions.
  const bool exactly_once = config.processing_guarantee() == ProcessingGuarantee::kExactlyOnceV2;
  clients.restore["isolation.level"] = exactly_once ? "read_committed" : "read_uncommitted";
  return clients;
}

void LimitProperty(const std::string& name, int64_t otherwise, int64_t limit, Properties* properties) {
  const auto given = properties->find(name);
  const int64_t wanted = given == properties->end() ? otherwise : std::strtoll(given->second.c_str(), nullptr, 10);
  (*properties)[name] = std::to_string(std::min(wanted, limit));
}

// librdkafka counts keys and values only: half of the memory is for these, half for what it keeps besides.
void LimitProducerMemory(int64_t bytes, Properties* producer) {
  constexpr int64_t kRecordBytes = 256;
  constexpr int64_t kLeastRecords = 1'000;
  LimitProperty("queue.buffering.max.kbytes", 65'536, std::max<int64_t>(1'024, bytes / 2 / 1'024), producer);
  LimitProperty("queue.buffering.max.messages", 1'000'000, std::max(kLeastRecords, bytes / 2 / kRecordBytes), producer);
}

}  // namespace millrace
