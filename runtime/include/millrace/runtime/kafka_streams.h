#ifndef MILLRACE_RUNTIME_KAFKA_STREAMS_H_
#define MILLRACE_RUNTIME_KAFKA_STREAMS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "millrace/runtime/exception_handlers.h"
#include "millrace/runtime/health.h"
#include "millrace/runtime/streams_config.h"
#include "millrace/topologies/topology.h"

namespace millrace {

class Host;
struct RuntimeSnapshot;
namespace log {
class LogClient;
}  // namespace log

/// How far an instance is. Counters grow while it lives; the rest is of the moment.
struct StreamsProgress {
  std::map<std::string, int64_t> records_consumed;  // by topic as in Kafka; taken into processing
  std::map<std::string, int64_t> records_produced;  // by topic, changelogs included; handed to the producer
  int64_t tasks_running = 0;
  int64_t tasks_restoring = 0;
  /// Changelog records still to be read before all own tasks run.
  int64_t restore_remaining = 0;
  int64_t records_restored = 0;
  int64_t commits = 0;
};

/// Runs a topology on Kafka: one instance of an application. Start as many instances (threads, processes, machines) with the same
/// application.id as the load needs; they share the tasks through Kafka. Follows Kafka's `KafkaStreams`.
///
/// Life: CREATED -> Start -> REBALANCING <-> RUNNING -> Close -> PENDING_SHUTDOWN -> NOT_RUNNING; an error that ends it leads
/// over PENDING_ERROR to ERROR. An instance is started once.
///
/// All methods may be called from any thread, but not from the state listener (state() may).
class KafkaStreams {
 public:
  enum class State { kCreated, kRebalancing, kRunning, kPendingShutdown, kNotRunning, kPendingError, kError };
  /// Called in order, on the thread that changes the state; keep it short.
  using StateListener = std::function<void(State now, State before)>;

  /// Connects to config.bootstrap_servers() at Start.
  KafkaStreams(Topology topology, StreamsConfig config);
  /// On a given log (embedded, for tests and demos) and host; null host = the machine. The host must outlive the instance.
  KafkaStreams(Topology topology, StreamsConfig config, std::shared_ptr<log::LogClient> client, Host* host = nullptr);
  /// Closes, waiting at most 30 s for the commit.
  ~KafkaStreams();
  KafkaStreams(const KafkaStreams&) = delete;
  KafkaStreams& operator=(const KafkaStreams&) = delete;

  /// Before Start.
  void SetStateListener(StateListener listener);
  /// Before Start: what the application decides itself about records that fail, in place of the properties
  /// deserialization, processing and production.exception.handler.
  void SetExceptionHandlers(ExceptionHandlers handlers);

  /// Checks topics, state directory and manifest, creates internal topics, joins the group, and returns; processing goes on in
  /// threads of its own. Errors say what to do: kNotFound missing source topics; kFailedPrecondition partition counts that do not
  /// fit, a state directory in use or of another application, a manifest that differs; kUnavailable no broker. After an error the
  /// state is ERROR.
  [[nodiscard]] absl::Status Start();

  /// Stops reading, commits, persists, leaves the group. True when all has ended within `timeout`; otherwise what is left ends in
  /// the background (the destructor waits for it). The state is NOT_RUNNING then, or ERROR after an error. May be called again.
  bool Close(std::chrono::milliseconds timeout = std::chrono::seconds(30));

  [[nodiscard]] State state() const;
  /// Why the state is PENDING_ERROR or ERROR; OK otherwise.
  [[nodiscard]] absl::Status error() const;
  [[nodiscard]] StreamsProgress Progress() const;
  /// All metrics (docs/metrics.md) in Prometheus' text format 0.0.4, for programs that serve or push them themselves; Main and
  /// RunUntilStopped serve them at /metrics when http.port is set.
  [[nodiscard]] std::string MetricsText() const;
  /// Not ok only when a restart would help: the instance has failed, a worker hangs (max.poll.interval.ms), or a partition stands
  /// still although it could be read (progress.stall.timeout.ms). As /livez.
  [[nodiscard]] Health Liveness() const;
  /// Ok when the instance runs and none of its tasks restores; the body lists what it waits for. As /readyz.
  [[nodiscard]] Health Readiness() const;
  /// All that metrics and health show; for the runtime's own exporters.
  [[nodiscard]] RuntimeSnapshot Snapshot() const;

  /// "RUNNING", as Kafka prints it.
  [[nodiscard]] static std::string_view StateName(State state);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_KAFKA_STREAMS_H_
