#ifndef MILLRACE_RUNTIME_LANDING_LANDING_SETTINGS_H_
#define MILLRACE_RUNTIME_LANDING_LANDING_SETTINGS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "landing/landing.h"
#include "millrace/runtime/streams_config.h"
#include "millrace/topologies/topology.h"

namespace millrace {

/// Where topics are landed. The settings of a place have its name in front, "warehouse." or "serving.".
enum class LandingSink { kWarehouse, kServing };
[[nodiscard]] std::string SinkName(LandingSink sink);

/// What a configuration says of one of them.
struct LandingSettings {
  LandingOptions landing;
  /// For OpenWarehouse.
  std::map<std::string, std::string> warehouse;
};

/// A line makes a table of a topic:
///
///   warehouse.table.<table>=<topic> <protobuf message>
///
/// (or serving.table...), and lines warehouse.table.<table>.<setting>=<value> say more about it. The message is one that is
/// compiled into the program, or stands in warehouse.descriptors; "registry", or "registry:<message>", is what
/// warehouse.schema.registry.url has for the topic. `topics` are those of a topology; a line about one of their tables is
/// stronger than what the topology says. InvalidArgument for a line that says nothing, an unknown message, a topic that becomes
/// two tables, or if warehouse.uri is not set.
[[nodiscard]] absl::StatusOr<LandingSettings> LandingSettingsFrom(const StreamsConfig& config,
                                                                  const std::vector<LandedTopic>& topics = {},
                                                                  LandingSink sink = LandingSink::kWarehouse);

/// The properties of the warehouse itself, for OpenWarehouse. InvalidArgument if warehouse.uri is not set.
[[nodiscard]] absl::StatusOr<std::map<std::string, std::string>> WarehouseSettingsFrom(
    const StreamsConfig& config, LandingSink sink = LandingSink::kWarehouse);

/// Whether the place has an address.
[[nodiscard]] bool HasUri(const StreamsConfig& config, LandingSink sink);
/// What the configuration says of a topic's rows: as of the table that it is landed in, if it is landed in one. A message that is
/// given is stronger. InvalidArgument if nothing names a message, or it is not known. Needs no warehouse.
[[nodiscard]] absl::StatusOr<warehouse::LandingDescription> DescribeTopic(const StreamsConfig& config,
                                                                          const std::vector<LandedTopic>& topics,
                                                                          const std::string& topic, const std::string& message);

/// Whether there is a line about a table.
[[nodiscard]] bool NamesTables(const StreamsConfig& config, LandingSink sink = LandingSink::kWarehouse);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_LANDING_LANDING_SETTINGS_H_
