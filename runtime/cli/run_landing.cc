#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/cli.h"
#include "cli/stop_signals.h"
#include "http/observability_server.h"
#include "millrace/runtime/logging.h"
#include "millrace/runtime/warehouse_landing.h"

namespace millrace {
namespace {

absl::StatusOr<std::unique_ptr<ObservabilityServer>> StartServer(const StreamsConfig& config, const WarehouseLanding* landing) {
  if (!config.http_port().has_value()) return nullptr;
  ObservedPages pages;
  pages.metrics = [landing] { return landing->MetricsText(); };
  pages.ready = [landing] { return landing->Readiness(); };
  pages.live = [landing] {
    return Health{landing->error().ok(), landing->error().ok() ? R"({"live":true})" : R"({"live":false})"};
  };
  return StartObservabilityServer(config, std::move(pages));
}

absl::Status Land(const StreamsConfig& config, const std::vector<LandedTopic>& topics) {
  StopSignals signals;
  WarehouseLanding landing(config, topics);
  landing.SetFailureListener([] { StopSignals::Wake(); });
  auto server = StartServer(config, &landing);
  if (!server.ok()) return server.status();
  if (absl::Status status = landing.Start(); !status.ok()) return status;
  absl::Status error = landing.error();
  for (; !signals.stop_requested() && error.ok(); error = landing.error()) signals.Wait(std::chrono::milliseconds(500));
  landing.Close();
  server->reset();
  error.Update(landing.error());
  // What goes wrong from here on, a record that is no row for one, is no matter of the command line.
  if (!error.ok()) return absl::FailedPreconditionError(error.message());
  for (const auto& [table, rows] : landing.RowsLanded()) {
    LogInfo(absl::StrCat(table, ": ", rows, " rows were landed by this process"), {.event = "landing-ended"});
  }
  const std::map<std::string, std::string> failed = landing.FailedTables();
  return failed.empty() ? absl::OkStatus()
                        : absl::FailedPreconditionError(absl::StrJoin(
                              failed, "\n", [](std::string* out, const auto& table) { absl::StrAppend(out, table.second); }));
}

}  // namespace

int LandTopics(const StreamsConfig& config, const std::vector<LandedTopic>& topics) {
  ConfigureLoggingFrom(config);
  const absl::Status status = Land(config, topics);
  return status.ok() ? kExitOk : ErrorExit(status);
}

}  // namespace millrace
