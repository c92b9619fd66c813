#ifndef MILLRACE_TESTS_BENCH_COMMANDS_H_
#define MILLRACE_TESTS_BENCH_COMMANDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/runtime/streams_config.h"
#include "options.h"

namespace millrace::bench {

/// Works off what the input topics hold (or serves for --seconds) and prints one JSON line.
absl::Status Run(const Options& options);
/// Works as one process of the application --application until SIGTERM. Leaves topics, group and state as they are.
absl::Status Work(const Options& options);
/// Restores the store of BuildRestoreTopology from the peer's changelog and prints one JSON line.
absl::Status Restore(const Options& options);
/// Reads the output of a run that serves for a while and matches it with the peer generator's input; prints one JSON line.
absl::Status Latency(const Options& options);
/// Empties the output of --workload, or recreates --recreate T,T.
absl::Status Topics(const Options& options);

/// The configuration of one run: what the peer sets, by the same option names.
absl::StatusOr<StreamsConfig> ConfigOf(const Options& options, const std::string& application_id, const std::string& cache_bytes,
                                       bool exactly_once = false);

}  // namespace millrace::bench

#endif  // MILLRACE_TESTS_BENCH_COMMANDS_H_
