#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/cli.h"
#include "cli/stop_signals.h"
#include "http/observability_server.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/runtime/logging.h"
#include "millrace/runtime/main.h"
#include "millrace/runtime/warehouse_landing.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kCloseTimeout{30};
/// For a start that is under way when the stop comes; before its end nothing has been processed, so that it may simply be left.
constexpr std::chrono::seconds kStartGrace{2};

int Failed(const absl::Status& status) {
  fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return kExitFailed;
}

absl::Status StartBoth(KafkaStreams* streams, WarehouseLanding* landing) {
  if (absl::Status status = streams->Start(); !status.ok() || landing == nullptr) return status;
  absl::Status status = landing->Start();
  if (!status.ok()) streams->Close(kCloseTimeout);
  return status;
}

/// Starts on a thread of its own, so that a signal is answered while a broker does not answer. nullopt: a stop came before the
/// end.
std::optional<absl::Status> StartOrStop(KafkaStreams* streams, WarehouseLanding* landing, StopSignals* signals) {
  struct Start {
    std::atomic<bool> done{false};
    absl::Status status;
  };
  Start start;
  std::thread thread([&] {
    SetLogThreadName("start");
    start.status = StartBoth(streams, landing);
    start.done = true;
    StopSignals::Wake();
  });
  while (!start.done && !signals->stop_requested()) signals->Wait(milliseconds(200));
  const auto deadline = steady_clock::now() + kStartGrace;
  while (!start.done && steady_clock::now() < deadline) signals->Wait(milliseconds(50));
  if (!start.done) {
    LogInfo("stopped by a signal before the start was over", {.event = "stopped"});
    // The thread waits for a broker and cannot be called back.
    _exit(kExitOk);
  }
  thread.join();
  if (!start.status.ok() && signals->stop_requested()) return std::nullopt;
  return start.status;
}

Health BothReady(const Health& streams, const Health& landing) {
  return {streams.ok && landing.ok, absl::StrCat(R"({"streams":)", streams.body, R"(,"warehouse":)", landing.body, "}")};
}

ObservedPages PagesOf(KafkaStreams* streams, const WarehouseLanding* landing) {
  ObservedPages pages = ObservedPages::Of([streams] { return streams->Snapshot(); });
  if (landing == nullptr) return pages;
  pages.metrics = [metrics = pages.metrics, landing] { return absl::StrCat(metrics(), landing->MetricsText()); };
  pages.ready = [ready = pages.ready, landing] { return BothReady(ready(), landing->Readiness()); };
  return pages;
}

}  // namespace

void ConfigureLoggingFrom(const StreamsConfig& config) {
  ConfigureLogging({.level = ParseLogLevel(config.log_level()).value_or(LogLevel::kInfo),
                    .json = config.log_json(),
                    .application = config.application_id(),
                    .sink = nullptr});
  SetLogThreadName("main");
}

absl::StatusOr<std::unique_ptr<ObservabilityServer>> StartObservabilityServer(const StreamsConfig& config, ObservedPages pages) {
  if (!config.http_port().has_value()) return nullptr;
  auto server = ObservabilityServer::Start({.host = config.http_host(), .port = *config.http_port()}, std::move(pages));
  if (server.ok()) {
    LogInfo(absl::StrCat("metrics and health at http://", config.http_host(), ":", (*server)->port()), {.event = "http-started"});
  }
  return server;
}

int RunStreams(const StreamsConfig& config, KafkaStreams* streams, WarehouseLanding* landing) {
  ConfigureLoggingFrom(config);
  StopSignals signals;
  streams->SetStateListener([](KafkaStreams::State, KafkaStreams::State) { StopSignals::Wake(); });
  absl::StatusOr<std::unique_ptr<ObservabilityServer>> server = StartObservabilityServer(config, PagesOf(streams, landing));
  if (!server.ok()) return Failed(server.status());

  const std::optional<absl::Status> started = StartOrStop(streams, landing, &signals);
  if (started.has_value() && !started->ok()) return Failed(*started);
  const auto ending = [streams] {
    const KafkaStreams::State state = streams->state();
    return state == KafkaStreams::State::kPendingError || state == KafkaStreams::State::kError ||
           state == KafkaStreams::State::kNotRunning;
  };
  while (!signals.stop_requested() && !ending()) signals.Wait(milliseconds(500));

  if (!ending()) LogInfo("a signal asks for the end: committing and leaving", {.event = "stopping"});
  const auto begin = steady_clock::now();
  const bool closed = streams->Close(kCloseTimeout);
  // What the topology has written at the end is landed by this process if it comes in time, or by another.
  if (landing != nullptr) landing->Close();
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  server->reset();
  const absl::Status error = streams->error();
  if (!error.ok()) (void)Failed(error);
  if (!closed) {
    fprintf(stderr, "error: not closed within %lld s: what was not committed will be processed again\n",
            static_cast<long long>(kCloseTimeout.count()));
    // Threads that hang cannot be waited for.
    _exit(kExitFailed);
  }
  if (!error.ok()) return kExitFailed;
  LogInfo(absl::StrCat("closed cleanly in ", took.count(), " ms"), {.event = "stopped"});
  return kExitOk;
}

int RunUntilStopped(const StreamsConfig& config, const Topology& topology, ExceptionHandlers handlers) {
  ConfigureLoggingFrom(config);
  KafkaStreams streams(topology, config);
  streams.SetExceptionHandlers(std::move(handlers));
  const std::vector<LandedTopic>& landed = topology.landed_topics();
  if (!WarehouseLanding::Wanted(config, landed)) {
    if (!landed.empty()) {
      LogInfo(absl::StrCat(landed.size(),
                           " topics are tables of the warehouse; this process does not land them, as warehouse.uri "
                           "is not set (`land` does, where it is)"),
              {.event = "landing-elsewhere"});
    }
    return RunStreams(config, &streams);
  }
  WarehouseLanding landing(config, landed);
  return RunStreams(config, &streams, &landing);
}

}  // namespace millrace
