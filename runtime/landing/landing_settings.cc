#include "landing/landing_settings.h"

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
};

using TablesByName = std::map<std::string, TableLines>;

TablesByName TablesOf(const std::vector<LandedTopic>& topics) {
  TablesByName tables;
  for (const LandedTopic& landed : topics) {
    tables[landed.table] = {absl::StrCat(landed.topic, " ", landed.message), landed.settings};
  }
  return tables;
}

absl::Status AddLines(const Properties& properties, TablesByName* tables) {
  for (const auto& [name, value] : properties) {
    if (!name.starts_with(kTablePrefix)) continue;
    const std::string rest = name.substr(sizeof(kTablePrefix) - 1);
    const size_t dot = rest.find('.');
    TableLines& lines = (*tables)[rest.substr(0, dot)];
    if (dot == std::string::npos) {
      lines.value = value;
    } else {
      lines.settings[rest.substr(dot + 1)] = value;
    }
  }
  for (const auto& [table, lines] : *tables) {
    if (!lines.value.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat("warehouse.table.", table, ".", lines.settings.begin()->first,
                                                   " is of a table that no topic is landed in: add warehouse.table.", table,
                                                   "=<topic> <protobuf message>"));
  }
  return absl::OkStatus();
}

absl::StatusOr<MessageDescriptors*> ReadDescriptors(const StreamsConfig& config, MessageDescriptors* descriptors) {
  const std::string file = config.Get("warehouse.descriptors").value_or("");
  if (file.empty()) return descriptors;
  absl::StatusOr<std::string> text = Host::Real().files().Read(file);
  if (!text.ok()) return absl::InvalidArgumentError(absl::StrCat("warehouse.descriptors: ", text.status().message()));
  if (absl::Status status = descriptors->Add(*text, file); !status.ok()) return status;
  return descriptors;
}

absl::StatusOr<warehouse::LandingDescription> Describe(const StreamsConfig& config, const std::string& table, TableLines lines,
                                                       const MessageDescriptors& descriptors) {
  const std::vector<std::string> words = absl::StrSplit(lines.value, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (words.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("warehouse.table.", table, "=", lines.value, ": expected <topic> <protobuf message>"));
  }
  warehouse::LandingDescription description;
  const bool registered = words[1] == kRegistry || words[1].starts_with(absl::StrCat(kRegistry, ":"));
  if (registered) {
    // The module asks for it.
    if (!config.warehouse_properties().contains("schema.registry.url")) {
      return absl::InvalidArgumentError(
          absl::StrCat("warehouse.table.", table, "=", lines.value, ": set warehouse.schema.registry.url as well"));
    }
    if (words[1] != kRegistry) description.message = words[1].substr(sizeof(kRegistry));
  } else {
    absl::StatusOr<std::string> descriptor_set = descriptors.Find(words[1]);
    if (!descriptor_set.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("warehouse.table.", table, ": ", descriptor_set.status().message()));
    }
    description.descriptor_set = *std::move(descriptor_set);
    description.message = words[1];
  }
  description.application_id = config.application_id();
  description.topic = words[0];
  description.name_space = *config.Get("warehouse.namespace");
  description.table = table;
  description.settings = std::move(lines.settings);
  return description;
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> WarehouseSettingsFrom(const StreamsConfig& config) {
  const std::string uri = config.Get("warehouse.uri").value_or("");
  if (uri.empty()) {
    return absl::InvalidArgumentError("warehouse.uri is not set: it says where the tables are, as in file:///data/warehouse");
  }
  std::map<std::string, std::string> settings = {
      {"uri", uri},
      {"catalog", *config.Get("warehouse.catalog")},
      {"spool.dir", absl::StrCat(config.state_dir(), "/", config.application_id(), "-warehouse")}};
  for (const auto& [name, value] : config.warehouse_properties()) {
    if (!name.starts_with(kTablePrefix)) settings[name] = value;
  }
  return settings;
}

bool NamesTables(const StreamsConfig& config) {
  const Properties& properties = config.warehouse_properties();
  const auto first = properties.lower_bound(kTablePrefix);
  return first != properties.end() && first->first.starts_with(kTablePrefix);
}

absl::StatusOr<LandingSettings> LandingSettingsFrom(const StreamsConfig& config, const std::vector<LandedTopic>& topics) {
  LandingSettings settings;
  auto of_warehouse = WarehouseSettingsFrom(config);
  if (!of_warehouse.ok()) return of_warehouse.status();
  settings.warehouse = *std::move(of_warehouse);
  TablesByName tables = TablesOf(topics);
  if (absl::Status status = AddLines(config.warehouse_properties(), &tables); !status.ok()) return status;

  LandingOptions& landing = settings.landing;
  landing.application_id = config.application_id();
  landing.threads = config.warehouse_threads();
  landing.commit_interval = config.warehouse_commit_interval();
  landing.commit_bytes = config.warehouse_commit_bytes();
  landing.max_poll_interval = config.max_poll_interval();
  landing.group_instance_id = config.group_instance_id();
  landing.replication_factor = static_cast<int16_t>(config.replication_factor());
  MessageDescriptors descriptors;
  if (auto read = ReadDescriptors(config, &descriptors); !read.ok()) return read.status();
  std::set<std::string> landed;
  for (auto& [table, lines] : tables) {
    absl::StatusOr<warehouse::LandingDescription> description = Describe(config, table, std::move(lines), descriptors);
    if (!description.ok()) return description.status();
    if (!landed.insert(description->topic).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("warehouse.table.", table, ": topic ", description->topic, " is landed in another table already"));
    }
    landing.tables.push_back(*std::move(description));
  }
  return settings;
}

}  // namespace millrace
