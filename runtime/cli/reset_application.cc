#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/cli.h"
#include "config/client_properties.h"
#include "host/host.h"
#include "landing/landing_settings.h"
#include "landing/landing_shares.h"
#include "landing/warehouse_module.h"
#include "log/kafka/kafka_log.h"
#include "logging/client_log.h"
#include "reset/application_reset.h"

namespace millrace {
namespace {

absl::StatusOr<ResetTarget> TargetOf(const ResetFlags& flags) {
  if (!flags.to_datetime.empty()) return ResetTarget::AtTime(flags.to_datetime);
  if (!flags.by_duration.empty()) return ResetTarget::Before(Host::Real().Now(), flags.by_duration);
  ResetTarget target;
  if (flags.to_latest) target.kind = ResetTarget::Kind::kLatest;
  return target;
}

/// A place that the application lands topics in.
struct LandedPlace {
  std::string group;
  std::unique_ptr<warehouse::Warehouse> warehouse;
};

absl::StatusOr<std::vector<LandedPlace>> PlacesOf(const StreamsConfig& config) {
  std::vector<LandedPlace> places;
  for (const LandingSink sink : {LandingSink::kWarehouse, LandingSink::kServing}) {
    if (!HasUri(config, sink)) continue;
    auto settings = WarehouseSettingsFrom(config, sink);
    if (!settings.ok()) return settings.status();
    auto opened = OpenWarehouse(*settings);
    if (!opened.ok()) return opened.status();
    places.push_back({LandingGroup(config.application_id(), SinkName(sink)), *std::move(opened)});
  }
  return places;
}

/// Says what becomes of the tables; FailedPrecondition while somebody lands.
absl::Status PlanTables(const StreamsConfig& config, const ResetFlags& flags, const LandedPlace& place, log::LogClient* client) {
  auto members = client->admin().GroupClientIds(place.group);
  if (!members.ok()) return members.status();
  if (!members->empty()) {
    return absl::FailedPreconditionError(absl::StrCat("group ", place.group, " has ", members->size(), " members (",
                                                      absl::StrJoin(*members, ", "),
                                                      "), who land topics in tables: stop them first"));
  }
  auto tables = place.warehouse->TablesLandedBy(config.application_id());
  if (!tables.ok()) return tables.status();
  for (const std::string& table : *tables) {
    printf("table %s: its topic is landed again from the beginning; rows that are there %s\n", table.c_str(),
           flags.empty_tables ? "are taken out" : "stay (--empty-tables takes them out)");
  }
  return absl::OkStatus();
}

absl::Status Reset(const StreamsConfig& config, const Topology& topology, const ResetFlags& flags) {
  const absl::StatusOr<ResetTarget> target = TargetOf(flags);
  if (!target.ok()) return target.status();
  auto properties = MakeClientProperties(config);
  if (!properties.ok()) return properties.status();
  auto client = log::kafka::Connect(*properties, LogClientLine);
  if (!client.ok()) return client.status();
  auto places = PlacesOf(config);
  if (!places.ok()) return places.status();
  const StreamsOptions options = OptionsFrom(config);
  const auto plan = PlanReset(topology, options, *target, client->get(), &Host::Real());
  if (!plan.ok()) return plan.status();
  fputs(plan->ToString().c_str(), stdout);
  for (const LandedPlace& place : *places) {
    if (absl::Status status = PlanTables(config, flags, place, client->get()); !status.ok()) return status;
  }
  if (!flags.execute) {
    fputs("nothing was changed; with --execute it is done\n", stdout);
    return absl::OkStatus();
  }
  // The tables first: should they be away, the application has not been changed, and the whole can be repeated.
  for (const LandedPlace& place : *places) {
    absl::Status status = place.warehouse->ResetPositions(config.application_id(), flags.empty_tables);
    if (!status.ok()) return status;
  }
  if (absl::Status status = ExecuteReset(*plan, options, client->get(), &Host::Real()); !status.ok()) return status;
  fputs("done\n", stdout);
  return absl::OkStatus();
}

}  // namespace

int ResetApplication(const StreamsConfig& config, const Topology& topology, const ResetFlags& flags) {
  ConfigureLoggingFrom(config);
  const absl::Status status = Reset(config, topology, flags);
  if (status.ok()) return kExitOk;
  PrintError(status);
  return kExitFailed;
}

}  // namespace millrace
