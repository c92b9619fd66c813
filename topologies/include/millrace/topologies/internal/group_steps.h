#ifndef MILLRACE_TOPOLOGIES_INTERNAL_GROUP_STEPS_H_
#define MILLRACE_TOPOLOGIES_INTERNAL_GROUP_STEPS_H_

#include <functional>
#include <memory>
#include <string>

#include "millrace/operators/windows.h"
#include "millrace/topologies/internal/dsl_core.h"

namespace millrace::internal {

/// What the aggregations of one grouped stream share.
struct GroupedPlace {
  PlacePtr place;
  /// Of Grouped; empty = each aggregation has a topic of its own.
  std::string repartition_name;
  GraphNode* repartition = nullptr;
};

/// An aggregation: its name, node and store.
struct AggregateStep {
  std::string name;
  NodeFactory make;
  StorePtr store;
  bool queryable = false;
};

/// Adds the aggregation, behind a repartition topic if the key was changed. `spec` makes the topic's nodes from prefix and
/// whether the user gave it. Follows `GroupedStreamAggregateBuilder`.
[[nodiscard]] PlacePtr AppendAggregate(GroupedPlace* group, AggregateStep step,
                                       const std::function<RepartitionSpec(std::string, bool)>& spec);
[[nodiscard]] WindowStoreOptions WindowOptionsOf(GraphBuilder* graph, const Materialized& materialized,
                                                 const std::string& store_name, const TimeWindows& windows);

/// One more for each value, null values of windowed counts included.
template <class K, class V>
std::function<std::optional<int64_t>(const K&, const V*, std::optional<int64_t>)> CountingAggregator() {
  return [](const K&, const V*, std::optional<int64_t> count) { return std::optional<int64_t>(count.value_or(0) + 1); };
}

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_INTERNAL_GROUP_STEPS_H_
