#include <cstdio>
#include <string>

#include "cli/cli.h"
#include "config/client_properties.h"
#include "host/host.h"
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

absl::Status Reset(const StreamsConfig& config, const Topology& topology, const ResetFlags& flags) {
  const absl::StatusOr<ResetTarget> target = TargetOf(flags);
  if (!target.ok()) return target.status();
  auto properties = MakeClientProperties(config);
  if (!properties.ok()) return properties.status();
  auto client = log::kafka::Connect(*properties, LogClientLine);
  if (!client.ok()) return client.status();
  const StreamsOptions options = OptionsFrom(config);
  const auto plan = PlanReset(topology, options, *target, client->get(), &Host::Real());
  if (!plan.ok()) return plan.status();
  fputs(plan->ToString().c_str(), stdout);
  if (!flags.execute) {
    fputs("nothing was changed; with --execute it is done\n", stdout);
    return absl::OkStatus();
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
