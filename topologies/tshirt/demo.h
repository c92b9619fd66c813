#ifndef MILLRACE_TOPOLOGIES_TSHIRT_DEMO_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_DEMO_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "generator.h"
#include "millrace/runtime/streams_config.h"
#include "millrace/runtime/topic_io.h"

namespace millrace::tshirt {

struct DemoOptions {
  int64_t users = 40000;
  int64_t seed = 1;
  int workers = 1;
  int partitions = 2;
  /// Brokers; empty for the embedded log.
  std::string kafka;
  /// Where state and facts are written; empty for a new folder under /tmp.
  std::string directory;
  /// Where tables are written; empty for a folder "warehouse" in the directory.
  std::string warehouse;
  /// In which days begin and end.
  absl::TimeZone zone = absl::UTCTimeZone();
};

/// Makes the input and output topics that do not exist. kFailedPrecondition if orders and deliveries differ in their partitions.
[[nodiscard]] absl::Status CreateTopics(TopicClient* client, int partitions);
/// Writes a generator's records to the input topics.
[[nodiscard]] absl::Status Load(TopicClient* client, Generator* generator);
/// kInvalidArgument for a name that is no time zone.
[[nodiscard]] absl::StatusOr<absl::TimeZone> FindTimeZone(const std::string& name);

/// Loads thirty days that end now, runs the shop until all is processed and landed in tables, checks it, and prints how it went.
/// 0 only if every fact is right, and every event in its table.
[[nodiscard]] absl::StatusOr<int> RunDemo(const DemoOptions& options);
/// The same over a log that is there already; `options.kafka` must say where if it is Kafka.
[[nodiscard]] absl::StatusOr<int> RunDemo(TopicClient* client, const DemoOptions& options);

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_DEMO_H_
