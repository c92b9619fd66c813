#ifndef MILLRACE_TOPOLOGIES_INTERNAL_GRAPH_BUILDER_H_
#define MILLRACE_TOPOLOGIES_INTERNAL_GRAPH_BUILDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/operators/processor_node.h"
#include "millrace/state/state_store.h"
#include "millrace/topologies/topology.h"
#include "millrace/topologies/topology_config.h"
#include "millrace/topologies/warehouse_table.h"

namespace millrace::internal {

/// A step of the logical graph that the DSL draws and the optimiser rewrites. Owned by its GraphBuilder; opaque to the DSL.
class GraphNode;

using StorePtr = std::shared_ptr<const StoreBuilder>;
using NodeFactory = std::function<std::unique_ptr<ProcessorNode>()>;
using SourceFactory = std::function<std::unique_ptr<SourceNode>()>;
/// Gets the sink's topic as it is in Kafka; empty for a sink that extracts it from the record.
using SinkFactory = std::function<std::unique_ptr<ProcessorNode>(const std::string& topic)>;

/// A processor of the physical topology.
struct ProcessorSpec {
  std::string name;
  NodeFactory make;
  /// Stores that the processor brings along; asked when the topology is built, since a table may be materialised late.
  std::function<std::vector<StorePtr>()> stores;
  /// Stores of others that it uses.
  std::function<std::vector<std::string>()> connected;
};

/// How the three nodes around a repartition topic are made; names are given late because the optimiser merges topics.
struct RepartitionSpec {
  std::string prefix;
  bool named_by_user = false;
  std::optional<int32_t> partitions;
  std::function<std::unique_ptr<ProcessorNode>(const std::string& name, bool drop_null_keys)> filter;
  std::function<std::unique_ptr<ProcessorNode>(const std::string& name, const std::string& topic)> sink;
  std::function<std::unique_ptr<SourceNode>(const std::string& name)> source;
};

/// What an operation does to records, for the optimiser.
struct GraphFlags {
  bool key_changing = false;
  bool value_changing = false;
  bool merge = false;
  bool null_key_relaxed = false;
};

/// Draws the logical graph, counts the indices of generated names, and turns the graph into a Topology. Errors are kept, the
/// first one is Build's answer. Not thread-safe. Follows Kafka's `InternalStreamsBuilder`.
class GraphBuilder {
 public:
  explicit GraphBuilder(TopologyConfig config);
  ~GraphBuilder();
  GraphBuilder(const GraphBuilder&) = delete;
  GraphBuilder& operator=(const GraphBuilder&) = delete;

  /// Each burns one index, also when `given` makes the generated name unnecessary, so that names downstream stay as they are.
  std::string NewName(std::string_view prefix);
  std::string NewStoreName(std::string_view prefix);
  std::string NameOr(const std::string& given, std::string_view prefix) { return SuffixedNameOr(given, "", prefix); }
  std::string SuffixedNameOr(const std::string& given, std::string_view suffix, std::string_view prefix);

  /// Keeps the first error for Build.
  void Fail(absl::Status status);
  void NoteGeneratedStore(const std::string& store, bool logged);
  void CheckName(const std::string& name, std::string_view what);

  GraphNode* AddSource(const std::string& name, std::vector<std::string> topics, SourceFactory make);
  /// `store(logged)` is asked at Build; null = not materialised. `reusable`: the topic can be the store's changelog.
  GraphNode* AddTableSource(const std::string& source_name, const std::string& topic, SourceFactory make, ProcessorSpec table,
                            std::function<StorePtr(bool logged)> store, bool reusable);
  GraphNode* AddProcessor(const std::vector<GraphNode*>& parents, ProcessorSpec spec, GraphFlags flags = {});
  GraphNode* AddSink(GraphNode* parent, const std::string& name, std::string topic, SinkFactory make);
  void AddStateStore(StorePtr store);
  /// The two join sides stand behind window processors of these names.
  GraphNode* AddStreamStreamJoin(GraphNode* left, GraphNode* right, const std::string& left_window,
                                 const std::string& right_window, ProcessorSpec this_join, ProcessorSpec other_join,
                                 ProcessorSpec merge, GraphFlags flags);
  /// Burns three indices and makes a node that is not in the graph yet; `source_name` is the name of the stream after it.
  GraphNode* MakeRepartition(RepartitionSpec spec, bool optimizable, std::string* source_name);
  void AddRepartition(GraphNode* parent, GraphNode* repartition);
  void Copartition(std::set<std::string> source_nodes);
  /// Fails if the topic or the table is there already.
  void LandTopic(const std::string& topic, const WarehouseTable& table, std::string message);

  [[nodiscard]] absl::StatusOr<Topology> Build();

 private:
  struct State;
  GraphNode* Attach(const std::vector<GraphNode*>& parents, std::unique_ptr<GraphNode> node);
  GraphNode* Attach(GraphNode* parent, GraphNode* node);
  std::unique_ptr<State> state_;
};

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_INTERNAL_GRAPH_BUILDER_H_
