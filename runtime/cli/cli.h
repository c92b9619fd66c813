#ifndef MILLRACE_RUNTIME_CLI_CLI_H_
#define MILLRACE_RUNTIME_CLI_CLI_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "http/observability_server.h"
#include "millrace/runtime/streams_config.h"
#include "millrace/topologies/topology.h"

namespace millrace {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitAborted = 130;

class KafkaStreams;
class WarehouseLanding;

/// Starts an instance, and a landing beside it unless that is null, serves their metrics and health if configured, and waits for
/// a signal or a failure of the instance. Returns the exit code; ends the process itself only at a second signal or when threads
/// hang.
[[nodiscard]] int RunStreams(const StreamsConfig& config, KafkaStreams* streams, WarehouseLanding* landing = nullptr);

/// Where the configuration says; null if it says nowhere.
[[nodiscard]] absl::StatusOr<std::unique_ptr<ObservabilityServer>> StartObservabilityServer(const StreamsConfig& config,
                                                                                            ObservedPages pages);

/// Reads the status topic of the application and prints its fleet; the exit code.
[[nodiscard]] int PrintStatus(const StreamsConfig& config);

/// What the command line says of a reset; at most one of the first four.
struct ResetFlags {
  bool to_earliest = false;  // also if none is given
  bool to_latest = false;
  std::string to_datetime;
  std::string by_duration;
  /// Takes the rows out of the tables that are landed again.
  bool empty_tables = false;
  /// Otherwise it is only shown.
  bool execute = false;
};

/// Shows what a reset of the application does, and does it if asked; the exit code.
[[nodiscard]] int ResetApplication(const StreamsConfig& config, const Topology& topology, const ResetFlags& flags);

/// Lands topics in tables, those of a topology and those of the configuration, until a signal or a failure; the exit code.
[[nodiscard]] int LandTopics(const StreamsConfig& config, const std::vector<LandedTopic>& topics);

/// On stderr, each line of the message with "error: " in front.
void PrintError(const absl::Status& status);

/// PrintError, and the exit code that fits: kExitUsage if the command line or the configuration is wrong.
[[nodiscard]] int ErrorExit(const absl::Status& status);

/// Level, format and application of the process's log.
void ConfigureLoggingFrom(const StreamsConfig& config);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CLI_CLI_H_
