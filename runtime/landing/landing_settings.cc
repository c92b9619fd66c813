#include "landing/landing_settings.h"

#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "host/host.h"
#include "landing/message_descriptors.h"

namespace millrace {
namespace {

constexpr char kTablePrefix[] = "table.";
constexpr char kRegistry[] = "registry";

/// The lines of one table.
struct TableLines {
  std::string value;  // "<topic> <message>"
  std::map<std::string, std::string> settings;
  bool of_topology = false;
};

using TablesByName = std::map<std::string, TableLines>;

TablesByName TablesOf(const std::vector<LandedTopic>& topics) {
  TablesByName tables;
  for (const LandedTopic& landed : topics) {
    tables[landed.table] = {absl::StrCat(landed.topic, " ", landed.message), landed.settings, true};
  }
  return tables;
}

const Properties& PropertiesOf(const StreamsConfig& config, LandingSink sink) {
  return sink == LandingSink::kServing ? config.serving_properties() : config.warehouse_properties();
}

/// "warehouse.table.": what lines about tables begin with.
std::string LinePrefix(LandingSink sink) { return absl::StrCat(SinkName(sink), ".", kTablePrefix); }

std::string TopicOf(const std::string& value) { return value.substr(0, value.find_first_of(" \t")); }

/// A line that gives a topic another table than the topology does takes it away from that.
void TakeOver(const std::string& table, const std::string& topic, TablesByName* tables) {
  for (auto it = tables->begin(); it != tables->end();) {
    it = it->first != table && it->second.of_topology && TopicOf(it->second.value) == topic ? tables->erase(it) : std::next(it);
  }
}

absl::Status AddLines(const StreamsConfig& config, LandingSink sink, TablesByName* tables) {
  for (const auto& [name, value] : PropertiesOf(config, sink)) {
    if (!name.starts_with(kTablePrefix)) continue;
    const std::string rest = name.substr(sizeof(kTablePrefix) - 1);
    const size_t dot = rest.find('.');
    TableLines& lines = (*tables)[rest.substr(0, dot)];
    if (dot == std::string::npos) {
      lines.value = value;
      lines.of_topology = false;
      TakeOver(rest, TopicOf(value), tables);
    } else {
      lines.settings[rest.substr(dot + 1)] = value;
    }
  }
  for (const auto& [table, lines] : *tables) {
    if (!lines.value.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat(LinePrefix(sink), table, ".", lines.settings.begin()->first,
                                                   " is of a table that no topic is landed in: add ", LinePrefix(sink), table,
                                                   "=<topic> <protobuf message>"));
  }
  return absl::OkStatus();
}

absl::Status ReadDescriptors(const StreamsConfig& config, MessageDescriptors* descriptors) {
  const std::string file = config.Get("warehouse.descriptors").value_or("");
  if (file.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> text = Host::Real().files().Read(file);
  if (!text.ok()) return absl::InvalidArgumentError(absl::StrCat("warehouse.descriptors: ", text.status().message()));
  return descriptors->Add(*text, file);
}

absl::StatusOr<warehouse::LandingDescription> Describe(const StreamsConfig& config, LandingSink sink, const std::string& table,
                                                       TableLines lines, const MessageDescriptors& descriptors) {
  const std::vector<std::string> words = absl::StrSplit(lines.value, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (words.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(LinePrefix(sink), table, "=", lines.value, ": expected <topic> <protobuf message>"));
  }
  warehouse::LandingDescription description;
  const bool registered = words[1] == kRegistry || words[1].starts_with(absl::StrCat(kRegistry, ":"));
  if (registered) {
    // The module asks for it.
    if (!PropertiesOf(config, sink).contains("schema.registry.url")) {
      return absl::InvalidArgumentError(
          absl::StrCat(LinePrefix(sink), table, "=", lines.value, ": set ", SinkName(sink), ".schema.registry.url as well"));
    }
    if (words[1] != kRegistry) description.message = words[1].substr(sizeof(kRegistry));
  } else {
    absl::StatusOr<std::string> descriptor_set = descriptors.Find(words[1]);
    if (!descriptor_set.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(LinePrefix(sink), table, ": ", descriptor_set.status().message()));
    }
    description.descriptor_set = *std::move(descriptor_set);
    description.message = words[1];
  }
  description.application_id = config.application_id();
  description.topic = words[0];
  description.name_space = *config.Get(absl::StrCat(SinkName(sink), ".namespace"));
  description.table = table;
  description.settings = std::move(lines.settings);
  return description;
}

/// The limits of a landing.
LandingOptions OptionsOf(const StreamsConfig& config, LandingSink sink) {
  LandingOptions landing;
  landing.application_id = config.application_id();
  landing.sink = SinkName(sink);
  const bool serving = sink == LandingSink::kServing;
  landing.threads = serving ? config.serving_threads() : config.warehouse_threads();
  landing.commit_interval = serving ? config.serving_commit_interval() : config.warehouse_commit_interval();
  landing.commit_bytes = serving ? config.serving_commit_bytes() : config.warehouse_commit_bytes();
  landing.max_poll_interval = config.max_poll_interval();
  landing.group_instance_id = config.group_instance_id();
  landing.replication_factor = static_cast<int16_t>(config.replication_factor());
  return landing;
}

}  // namespace

std::string SinkName(LandingSink sink) { return sink == LandingSink::kServing ? "serving" : "warehouse"; }

absl::StatusOr<std::map<std::string, std::string>> WarehouseSettingsFrom(const StreamsConfig& config, LandingSink sink) {
  const std::string name = absl::StrCat(SinkName(sink), ".uri");
  if (!HasUri(config, sink)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is not set: it says where the tables are, as in ",
                     sink == LandingSink::kServing ? "postgresql://user@host/database" : "file:///data/warehouse"));
  }
  std::map<std::string, std::string> settings = {{"uri", *config.Get(name)}};
  if (sink == LandingSink::kWarehouse) {
    settings["catalog"] = *config.Get("warehouse.catalog");
    settings["spool.dir"] = absl::StrCat(config.state_dir(), "/", config.application_id(), "-warehouse");
  } else if (!settings["uri"].starts_with("postgresql://") && !settings["uri"].starts_with("postgres://")) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is no address of PostgreSQL: write postgresql://user@host/database"));
  }
  for (const auto& [setting, value] : PropertiesOf(config, sink)) {
    if (!setting.starts_with(kTablePrefix)) settings[setting] = value;
  }
  return settings;
}

bool HasUri(const StreamsConfig& config, LandingSink sink) {
  return !config.Get(absl::StrCat(SinkName(sink), ".uri")).value_or("").empty();
}

absl::StatusOr<warehouse::LandingDescription> DescribeTopic(const StreamsConfig& config, const std::vector<LandedTopic>& topics,
                                                            const std::string& topic, const std::string& message) {
  TablesByName tables = TablesOf(topics);
  if (absl::Status status = AddLines(config, LandingSink::kWarehouse, &tables); !status.ok()) return status;
  MessageDescriptors descriptors;
  if (absl::Status status = ReadDescriptors(config, &descriptors); !status.ok()) return status;
  for (const auto& [table, lines] : tables) {
    const std::vector<std::string> words = absl::StrSplit(lines.value, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.empty() || words[0] != topic) continue;
    if (message.empty() || (words.size() == 2 && words[1] == message))
      return Describe(config, LandingSink::kWarehouse, table, lines, descriptors);
    return Describe(config, LandingSink::kWarehouse, table, {absl::StrCat(topic, " ", message), {}, false}, descriptors);
  }
  if (message.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("topic ", topic,
                                                   " is landed in no table here, so that nothing says what its values ",
                                                   "are: give --message with the name of a protobuf message"));
  }
  return Describe(config, LandingSink::kWarehouse, topic, {absl::StrCat(topic, " ", message), {}, false}, descriptors);
}

bool NamesTables(const StreamsConfig& config, LandingSink sink) {
  const Properties& properties = PropertiesOf(config, sink);
  const auto first = properties.lower_bound(kTablePrefix);
  return first != properties.end() && first->first.starts_with(kTablePrefix);
}

absl::StatusOr<LandingSettings> LandingSettingsFrom(const StreamsConfig& config, const std::vector<LandedTopic>& topics,
                                                    LandingSink sink) {
  LandingSettings settings;
  auto of_warehouse = WarehouseSettingsFrom(config, sink);
  if (!of_warehouse.ok()) return of_warehouse.status();
  settings.warehouse = *std::move(of_warehouse);
  TablesByName tables = TablesOf(topics);
  if (absl::Status status = AddLines(config, sink, &tables); !status.ok()) return status;
  settings.landing = OptionsOf(config, sink);
  MessageDescriptors descriptors;
  if (absl::Status status = ReadDescriptors(config, &descriptors); !status.ok()) return status;
  std::set<std::string> landed;
  for (auto& [table, lines] : tables) {
    absl::StatusOr<warehouse::LandingDescription> description = Describe(config, sink, table, std::move(lines), descriptors);
    if (!description.ok()) return description.status();
    if (!landed.insert(description->topic).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(LinePrefix(sink), table, ": topic ", description->topic, " is landed in another table already"));
    }
    settings.landing.tables.push_back(*std::move(description));
  }
  return settings;
}

}  // namespace millrace
