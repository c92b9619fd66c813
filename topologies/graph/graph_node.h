#ifndef MILLRACE_TOPOLOGIES_GRAPH_GRAPH_NODE_H_
#define MILLRACE_TOPOLOGIES_GRAPH_GRAPH_NODE_H_

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "graph/topology_builder.h"
#include "millrace/topologies/internal/graph_builder.h"

namespace millrace::internal {

/// A step of the logical graph. Parents and children keep the order in which they were added. Follows Kafka's `GraphNode`.
class GraphNode {
 public:
  enum class Kind { kOther, kStreamSource, kTableSource, kRepartition };

  explicit GraphNode(std::string name) : name(std::move(name)) {}
  virtual ~GraphNode() = default;
  GraphNode(const GraphNode&) = delete;
  GraphNode& operator=(const GraphNode&) = delete;

  [[nodiscard]] virtual Kind kind() const { return Kind::kOther; }
  [[nodiscard]] virtual absl::Status Write(TopologyBuilder* topology) const = 0;

  void AddChild(GraphNode* child) {
    if (std::find(children.begin(), children.end(), child) == children.end()) children.push_back(child);
    if (std::find(child->parents.begin(), child->parents.end(), this) == child->parents.end()) child->parents.push_back(this);
  }
  void RemoveChild(GraphNode* child) {
    std::erase(children, child);
    std::erase(child->parents, this);
  }
  [[nodiscard]] std::vector<std::string> ParentNames() const {
    std::vector<std::string> names;
    for (const GraphNode* parent : parents) names.push_back(parent->name);
    return names;
  }
  [[nodiscard]] bool IsChildOf(const GraphNode* parent) const {
    return std::find(parents.begin(), parents.end(), parent) != parents.end();
  }

  const std::string name;
  GraphFlags flags;
  int build_priority = 0;
  bool written = false;
  std::vector<GraphNode*> parents;
  std::vector<GraphNode*> children;
};

class RootNode final : public GraphNode {
 public:
  RootNode() : GraphNode("root") {}
  [[nodiscard]] absl::Status Write(TopologyBuilder*) const override { return absl::OkStatus(); }
};

class StreamSourceGraphNode final : public GraphNode {
 public:
  StreamSourceGraphNode(std::string name, std::vector<std::string> topics, SourceFactory make)
      : GraphNode(std::move(name)), topics(std::move(topics)), make(std::move(make)) {}
  [[nodiscard]] Kind kind() const override { return Kind::kStreamSource; }
  [[nodiscard]] absl::Status Write(TopologyBuilder* topology) const override { return topology->AddSource(name, topics, make); }

  const std::vector<std::string> topics;
  const SourceFactory make;
};

class ProcessorGraphNode final : public GraphNode {
 public:
  explicit ProcessorGraphNode(ProcessorSpec spec) : GraphNode(spec.name), spec(std::move(spec)) {}
  [[nodiscard]] absl::Status Write(TopologyBuilder* topology) const override;
  const ProcessorSpec spec;
};

/// A table read from a topic: the source and the processor behind it.
class TableSourceGraphNode final : public GraphNode {
 public:
  TableSourceGraphNode(std::string source_name, std::string topic, SourceFactory make, ProcessorSpec table,
                       std::function<StorePtr(bool)> store, bool reusable)
      : GraphNode(table.name),
        source_name(std::move(source_name)),
        topic(std::move(topic)),
        make(std::move(make)),
        table(std::move(table)),
        store(std::move(store)),
        reusable(reusable) {}
  [[nodiscard]] Kind kind() const override { return Kind::kTableSource; }
  [[nodiscard]] absl::Status Write(TopologyBuilder* topology) const override;

  const std::string source_name;
  const std::string topic;
  const SourceFactory make;
  const ProcessorSpec table;
  const std::function<StorePtr(bool)> store;
  const bool reusable;
  bool reuse_topic = false;
};

class SinkGraphNode final : public GraphNode {
 public:
  SinkGraphNode(std::string name, std::string topic, SinkFactory make)
      : GraphNode(std::move(name)), topic(std::move(topic)), make(std::move(make)) {}
  [[nodiscard]] absl::Status Write(TopologyBuilder* topology) const override {
    return topology->AddSink(name, topic, ParentNames(), make);
  }
  const std::string topic;
  const SinkFactory make;
};

class StateStoreGraphNode final : public GraphNode {
 public:
  explicit StateStoreGraphNode(StorePtr store) : GraphNode(store->name()), store(std::move(store)) {}
  [[nodiscard]] absl::Status Write(TopologyBuilder* topology) const override { return topology->AddStore(store, ""); }
  const StorePtr store;
};

/// Filter and sink into a repartition topic, and the source out of it; the node carries the source's name.
class RepartitionGraphNode final : public GraphNode {
 public:
  struct Names {
    std::string topic;
    std::string filter;
    std::string sink;
    std::string source;
  };
  RepartitionGraphNode(Names names, RepartitionSpec spec, bool optimizable)
      : GraphNode(names.source), names(std::move(names)), spec(std::move(spec)), optimizable(optimizable) {}
  [[nodiscard]] Kind kind() const override { return Kind::kRepartition; }
  [[nodiscard]] absl::Status Write(TopologyBuilder* topology) const override;

  const Names names;
  const RepartitionSpec spec;
  const bool optimizable;
  bool drop_null_keys = false;
};

/// The two sides of a stream-stream join behind their window processors, and the merge of both.
class StreamStreamJoinGraphNode final : public GraphNode {
 public:
  StreamStreamJoinGraphNode(std::string left_window, std::string right_window, ProcessorSpec left, ProcessorSpec right,
                            ProcessorSpec merge)
      : GraphNode(merge.name),
        left_window(std::move(left_window)),
        right_window(std::move(right_window)),
        left(std::move(left)),
        right(std::move(right)),
        merge(std::move(merge)) {}
  [[nodiscard]] absl::Status Write(TopologyBuilder* topology) const override;

  const std::string left_window;
  const std::string right_window;
  const ProcessorSpec left;
  const ProcessorSpec right;
  const ProcessorSpec merge;
};

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_GRAPH_GRAPH_NODE_H_
