#ifndef MILLRACE_TOPOLOGIES_INTERNAL_DSL_CORE_H_
#define MILLRACE_TOPOLOGIES_INTERNAL_DSL_CORE_H_

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "millrace/operators/internal/io_nodes.h"
#include "millrace/operators/internal/stateless_nodes.h"
#include "millrace/state/stores.h"
#include "millrace/topologies/internal/callables.h"
#include "millrace/topologies/internal/graph_builder.h"
#include "millrace/topologies/internal/serde_argument.h"
#include "millrace/topologies/materialized.h"
#include "millrace/topologies/stream_partitioner.h"

// What the typed classes of the DSL stand on. Everything that does not need the types is in dsl/*.cc.

namespace millrace::internal {

/// Where a stream or table stands in the graph. Shared by copies of the object that the user holds.
struct Place {
  std::shared_ptr<GraphBuilder> graph;
  std::string name;
  GraphNode* node = nullptr;
  /// Sources that feed it, for co-partitioning.
  std::set<std::string> sources;
  bool repartition_required = false;
  /// The repartition before a join or aggregation, made at first need.
  GraphNode* repartition = nullptr;
};
using PlacePtr = std::shared_ptr<Place>;

/// The place behind a new step.
[[nodiscard]] PlacePtr Behind(const Place& before, GraphNode* node, std::string name, bool repartition_required);
/// Adds a processor behind `before`.
[[nodiscard]] PlacePtr Append(const Place& before, std::string name, NodeFactory make, bool repartition_required,
                              GraphFlags flags = {});
[[nodiscard]] PlacePtr AppendMerge(const Place& left, const Place& right, std::string name, NodeFactory make);
/// Puts a repartition topic before a join of `place`; a second join of the same stream shares it.
[[nodiscard]] PlacePtr RepartitionForJoin(Place* place, const std::string& topic_name, RepartitionSpec spec);
[[nodiscard]] PlacePtr AppendRepartition(const Place& place, RepartitionSpec spec);

/// A step that makes a typed node from a name and functions; keeps the factories of all operators in one shape.
template <class Node, class... Args>
NodeFactory MakeNode(std::string name, Args... args) {
  return [name = std::move(name), ... args = std::move(args)] { return std::make_unique<Node>(name, args...); };
}

/// The three nodes around a repartition topic. Empty functions if a serde is missing: then the build has failed already.
template <class K, class V>
RepartitionSpec MakeRepartitionSpec(GraphBuilder* graph, std::string prefix, bool named_by_user, const MaybeSerde<K>& key,
                                    const MaybeSerde<V>& value, StreamPartitioner<K, V> partitioner = nullptr) {
  RepartitionSpec spec;
  spec.prefix = std::move(prefix);
  spec.named_by_user = named_by_user;
  const MaybeSerde<K> k = Resolve(graph, key, "key", spec.prefix);
  const MaybeSerde<V> v = Resolve(graph, value, "value", spec.prefix);
  if (!k || !v) return spec;
  spec.filter = [](const std::string& name, bool drop_null_keys) {
    return std::make_unique<FilterNode<K, V>>(
        name, [drop_null_keys](const K* each, const V*) { return !drop_null_keys || each != nullptr; });
  };
  spec.sink = [k = *k, v = *v, partitioner = std::move(partitioner)](const std::string& name, const std::string& topic) {
    return std::make_unique<SinkNode<K, V>>(name, topic, k, v, partitioner);
  };
  spec.source = [k = *k, v = *v](const std::string& name) {
    return std::make_unique<TypedSourceNode<K, V>>(name, k, v, TimestampExtractor<K, V>());
  };
  return spec;
}

/// How a table is kept; shared by the table, its node's factory and what is derived from it.
struct TableInfo {
  /// Its store, materialised or not yet.
  std::string store_name;
  bool materialized = false;
  bool send_old_values = false;
  /// Only a table read from a topic or made of a stream can be materialised after its declaration.
  bool is_source = false;
  /// The table that a filter or mapping is over.
  std::shared_ptr<TableInfo> parent;

  [[nodiscard]] std::string StoreOrNone() const { return materialized ? store_name : std::string(); }
};
/// Asks a table to send old values along, which may mean materialising its source. False if it cannot. Follows
/// `enableSendingOldValues`.
bool EnableSendingOldValues(TableInfo* table, bool force_materialization);

/// Looks a row up; the pointer is valid until the next call.
template <class K, class V>
using TableGetter = std::function<const V*(const K&)>;

/// How a join reads a table: straight from a store, or through filters and mappings above one.
template <class K, class V>
struct TableView {
  std::string store;
  bool direct = false;
  std::function<absl::StatusOr<TableGetter<K, V>>(TaskContext*)> open;
};

/// Store options of a Materialized under the store's final name.
[[nodiscard]] StoreOptions OptionsOf(const Materialized& materialized, const std::string& store_name, bool logged);
/// The given store name, or a generated one (`prefix` + "STATE-STORE-" + index).
[[nodiscard]] std::string StoreNameOf(GraphBuilder* graph, const Materialized& materialized, std::string_view prefix);

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_INTERNAL_DSL_CORE_H_
