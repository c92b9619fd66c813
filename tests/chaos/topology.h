#ifndef MILLRACE_TESTS_CHAOS_TOPOLOGY_H_
#define MILLRACE_TESTS_CHAOS_TOPOLOGY_H_

#include <string>

#include "absl/status/statusor.h"
#include "millrace/topologies/topology.h"

namespace millrace::chaos {

constexpr int64_t kOversizedAmount = 424242;

struct TopologySettings {
  /// Of every topic: "<prefix>in", "<prefix>echo" and so on.
  std::string prefix;
  /// While this file exists, workers stand still at the next record of the input, as a function of a user that hangs. Empty:
  /// never.
  std::string stall_file;
  /// How long a key waits for its timer.
  int64_t timer_ms = 3000;
  /// Makes the echo of a record with the amount `kOversizedAmount` larger than any broker takes.
  bool oversize = false;
};

/// What chaos runs: of records "<id> <amount>" an echo; a fan-out to `left` and `right`; per key count, sum, least, greatest and
/// last id in `stats` (cached); per amount modulo 7 count and sum in `groups`, behind a repartition; in `sequences` the place of
/// each record within its key (logged store); in `timers` one record per key, some time after its first. Every value is a line of
/// text that tests/chaos/model.py knows how to judge.
absl::StatusOr<Topology> ChaosTopology(const TopologySettings& settings);

}  // namespace millrace::chaos

#endif  // MILLRACE_TESTS_CHAOS_TOPOLOGY_H_
