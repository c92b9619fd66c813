#ifndef MILLRACE_RUNTIME_CLI_CLI_H_
#define MILLRACE_RUNTIME_CLI_CLI_H_

#include "millrace/runtime/streams_config.h"

namespace millrace {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitAborted = 130;

/// Level, format and application of the process's log.
void ConfigureLoggingFrom(const StreamsConfig& config);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CLI_CLI_H_
