#ifndef MILLRACE_RUNTIME_CLI_CLI_H_
#define MILLRACE_RUNTIME_CLI_CLI_H_

#include "millrace/runtime/streams_config.h"

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

/// Level, format and application of the process's log.
void ConfigureLoggingFrom(const StreamsConfig& config);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CLI_CLI_H_
