#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/cli.h"
#include "config/client_properties.h"
#include "host/host.h"
#include "log/kafka/kafka_log.h"
#include "logging/client_log.h"
#include "status/fleet_table.h"
#include "status/status_topic.h"

namespace millrace {
namespace {

absl::StatusOr<std::string> ReadFleet(const StreamsConfig& config) {
  auto properties = MakeClientProperties(config);
  if (!properties.ok()) return properties.status();
  auto client = log::kafka::Connect(*properties, LogClientLine);
  if (!client.ok()) return client.status();
  const std::string topic = StatusTopicName(config.application_id());
  auto exists = (*client)->admin().PartitionCount(topic);
  if (!exists.ok()) return exists.status();
  if (!exists->has_value()) {
    return absl::NotFoundError(absl::StrCat("no application ", config.application_id(),
                                            " at bootstrap.servers=", config.bootstrap_servers(), ": there is no topic ", topic,
                                            "; was it ever started there, and is application.id right?"));
  }
  auto contents = ReadStatusTopic(topic, client->get(), &Host::Real());
  if (!contents.ok()) return contents.status();
  return FleetTable(config.application_id(), *contents, Host::Real().Now());
}

}  // namespace

int PrintStatus(const StreamsConfig& config) {
  ConfigureLoggingFrom(config);
  const absl::StatusOr<std::string> text = ReadFleet(config);
  if (!text.ok()) {
    PrintError(text.status());
    return kExitFailed;
  }
  fputs(text->c_str(), stdout);
  return kExitOk;
}

}  // namespace millrace
