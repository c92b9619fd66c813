#ifndef MILLRACE_TOPOLOGIES_GRAPH_TOPOLOGY_BUILDER_H_
#define MILLRACE_TOPOLOGIES_GRAPH_TOPOLOGY_BUILDER_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/topologies/internal/graph_builder.h"
#include "millrace/topologies/topology.h"

namespace millrace::internal {

/// A source, processor or sink of the physical topology, in order of registration.
struct NodeEntry {
  enum class Kind { kSource, kProcessor, kSink };
  Kind kind;
  std::string name;
  std::vector<std::string> predecessors;
  std::vector<std::string> topics;  // sources
  std::string topic;                // sinks; empty = extracted from the record
  std::vector<std::string> stores;  // processors, in order of connection
  NodeFactory make_processor;
  SourceFactory make_source;
  SinkFactory make_sink;
  int32_t group = 0;
};

struct StoreEntry {
  StorePtr builder;
  std::vector<std::string> users;
  /// Set when a source topic is the store's changelog.
  std::string source_topic;
};

}  // namespace millrace::internal

namespace millrace {

/// The finished physical topology.
class Topology::Impl {
 public:
  std::vector<internal::NodeEntry> nodes;
  std::map<std::string, internal::StoreEntry> stores;
  /// Repartition topics with their fixed partition counts, if any.
  std::map<std::string, std::optional<int32_t>> internal_topics;
  std::vector<Subtopology> subtopologies;
  std::vector<LandedTopic> landed_topics;
  std::string description;
  std::string hash;
};

}  // namespace millrace

namespace millrace::internal {

/// Collects nodes and stores, checks them, groups them into sub-topologies. Follows Kafka's `InternalTopologyBuilder`.
class TopologyBuilder {
 public:
  [[nodiscard]] absl::Status AddSource(const std::string& name, const std::vector<std::string>& topics, SourceFactory make);
  [[nodiscard]] absl::Status AddProcessor(const std::string& name, const std::vector<std::string>& parents, NodeFactory make);
  [[nodiscard]] absl::Status AddSink(const std::string& name, const std::string& topic, const std::vector<std::string>& parents,
                                     SinkFactory make);
  /// Adds a store, and connects it if `processor` is not empty.
  [[nodiscard]] absl::Status AddStore(const StorePtr& store, const std::string& processor);
  [[nodiscard]] absl::Status Connect(const std::string& processor, const std::string& store);
  [[nodiscard]] absl::Status ConnectSourceTopic(const std::string& store, const std::string& topic);
  void AddInternalTopic(const std::string& topic, std::optional<int32_t> partitions) {
    impl_->internal_topics[topic] = partitions;
  }

  void SetLandedTopics(std::vector<LandedTopic> topics) { impl_->landed_topics = std::move(topics); }

  [[nodiscard]] absl::StatusOr<std::shared_ptr<const Topology::Impl>> Finish(
      const std::vector<std::set<std::string>>& copartition);

 private:
  [[nodiscard]] absl::Status AddNode(NodeEntry entry);
  [[nodiscard]] NodeEntry* Find(const std::string& name);
  std::string Root(const std::string& name);
  void Unite(const std::string& a, const std::string& b);
  int32_t NumberGroups();
  void DescribeStores(const NodeEntry& node, Subtopology* subtopology, std::set<std::string>* seen);
  void DescribeTopics(const NodeEntry& node, Subtopology* subtopology);
  [[nodiscard]] absl::Status Copartition(const std::vector<std::set<std::string>>& groups);
  [[nodiscard]] absl::Status CheckPartitions(const std::set<std::string>& topics) const;

  std::shared_ptr<Topology::Impl> impl_ = std::make_shared<Topology::Impl>();
  std::map<std::string, size_t> index_;
  std::map<std::string, std::string> union_;
  std::map<std::string, std::string> source_of_topic_;
};

/// The text of `Topology.describe()`.
[[nodiscard]] std::string Describe(const Topology::Impl& topology);

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_GRAPH_TOPOLOGY_BUILDER_H_
