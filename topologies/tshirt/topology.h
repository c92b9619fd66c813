#ifndef MILLRACE_TOPOLOGIES_TSHIRT_TOPOLOGY_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_TOPOLOGY_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "millrace/topologies/topology.h"
#include "millrace/topologies/topology_config.h"

namespace millrace::tshirt {

struct TShirtOptions {
  /// In which days begin and end.
  absl::TimeZone zone = absl::UTCTimeZone();
};

/// The shop's topology: registrations, orders, deliveries and payments in; t-shirt facts, first buyers, daily totals, pending
/// deliveries and what found no partner out.
///
/// What it emits depends on the events' own times only, not on the order in which topics and partitions are read, so that the
/// last record of each key in each output topic is exactly the model's. That rules out windowed joins, which forget by the
/// progress of time in a task: orders and deliveries meet in a store by order_id, and a purchase waits in a store until its buyer
/// is known. Each output topic is therefore a table by its key: a correction (an earlier delivery seen later, a registration that
/// comes after all) is a new record of the same key, or a tombstone.
///
/// Nothing is counted twice when records are processed again after a failure: each partition of an input keeps its own share of a
/// day's total together with the offset up to which it has counted, and a total is the sum of the newest shares.
///
/// orders and deliveries must have equal partition counts; registrations as many as orders.
[[nodiscard]] absl::StatusOr<Topology> TShirtTopology(const TopologyConfig& config, const TShirtOptions& options);

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_TOPOLOGY_H_
