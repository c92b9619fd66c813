#ifndef MILLRACE_TESTS_BENCH_WORKLOADS_H_
#define MILLRACE_TESTS_BENCH_WORKLOADS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/topologies/topology.h"
#include "options.h"

namespace millrace::bench {

/// Names of one workload, those of the Kafka Streams peer (tests/bench/peers/kafka-streams/README.md). The variants of a workload
/// (w2, w2m, w2d; w3, w3h) share the topics of their family.
struct Workload {
  std::string id;
  std::string family;
  /// Topics whose records are counted as "records".
  std::vector<std::string> inputs;
  /// A topic read as a table and not counted; may be empty.
  std::string table;
  std::string output;

  static absl::StatusOr<Workload> Of(const Options& options);
};

/// The same topology as the peer's, operator by operator.
absl::StatusOr<Topology> BuildTopology(const Workload& workload);

/// A table over the topic that `restore` reads.
absl::StatusOr<Topology> BuildRestoreTopology(const std::string& input, bool in_memory);

}  // namespace millrace::bench

#endif  // MILLRACE_TESTS_BENCH_WORKLOADS_H_
