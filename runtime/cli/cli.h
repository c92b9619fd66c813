#ifndef MILLRACE_RUNTIME_CLI_CLI_H_
#define MILLRACE_RUNTIME_CLI_CLI_H_

#include <string>

#include "absl/status/status.h"
#include "millrace/runtime/streams_config.h"
#include "millrace/topologies/topology.h"

namespace millrace {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitAborted = 130;

class KafkaStreams;

/// Starts an instance, serves its metrics and health if configured, and waits for a signal or a failure. Returns the exit code;
/// ends the process itself only at a second signal or when threads hang.
[[nodiscard]] int RunStreams(const StreamsConfig& config, KafkaStreams* streams);

/// Reads the status topic of the application and prints its fleet; the exit code.
[[nodiscard]] int PrintStatus(const StreamsConfig& config);

/// What the command line says of a reset; at most one of the first four.
struct ResetFlags {
  bool to_earliest = false;  // also if none is given
  bool to_latest = false;
  std::string to_datetime;
  std::string by_duration;
  /// Otherwise it is only shown.
  bool execute = false;
};

/// Shows what a reset of the application does, and does it if asked; the exit code.
[[nodiscard]] int ResetApplication(const StreamsConfig& config, const Topology& topology, const ResetFlags& flags);

/// On stderr, each line of the message with "error: " in front.
void PrintError(const absl::Status& status);

/// Level, format and application of the process's log.
void ConfigureLoggingFrom(const StreamsConfig& config);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CLI_CLI_H_
