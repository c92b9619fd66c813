#ifndef MILLRACE_TESTS_SIMULATION_APPLICATION_H_
#define MILLRACE_TESTS_SIMULATION_APPLICATION_H_

#include <string>
#include <string_view>

#include "millrace/runtime/exception_handlers.h"
#include "millrace/runtime/streams_config.h"
#include "millrace/topologies/topology.h"

namespace millrace::simulation {

inline constexpr char kApplication[] = "shop";
inline constexpr int32_t kPartitions = 2;

// Input: orders (order id -> customer), payments (order id -> payment), customers (customer -> version).
inline constexpr char kOrders[] = "orders";
inline constexpr char kPayments[] = "payments";
inline constexpr char kCustomers[] = "customers";
// Output: each order as it came; each pair of order and payment; each order once its timer has fired; all orders of a customer
// so far, at each of them; each order with its customer's row.
inline constexpr char kEcho[] = "echo";
inline constexpr char kPaid[] = "paid";
inline constexpr char kTimed[] = "timed";
inline constexpr char kLists[] = "lists";
inline constexpr char kEnriched[] = "enriched";
// Copies of orders that were refused.
inline constexpr char kLetters[] = "letters";

/// Where kEcho takes records of some orders only, who says so for this one: the client at once, the client when it knows the
/// topic's partitions, or the broker, with the batch that it came in.
enum class RefusedBy { kNobody, kClient, kPartition, kBroker };
[[nodiscard]] RefusedBy RefusedOf(std::string_view order);
/// Writes those to kLetters, and goes on with nothing else.
[[nodiscard]] ExceptionHandlers RefusalHandlers();

/// Two sub-topologies with a repartition between them, five stores: stream-stream join, timers of a processor, an aggregation
/// and a table for a stream-table join.
[[nodiscard]] Topology MakeTopology(const StreamsConfig& config);

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_APPLICATION_H_
