#ifndef MILLRACE_TOPOLOGIES_TOPOLOGY_H_
#define MILLRACE_TOPOLOGIES_TOPOLOGY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/operators/processor_node.h"
#include "millrace/state/state_store.h"

namespace millrace {

/// A topic that the application makes for itself. Names are without the application id ("KSTREAM-...-repartition").
struct InternalTopic {
  std::string name;
  /// nullopt: the maximum over the topics upstream (repartition) or the number of tasks (changelog).
  std::optional<int32_t> partitions;
  /// Topic settings: cleanup.policy, retention.ms, ...
  std::map<std::string, std::string> config;
};

/// One store of a sub-topology, in registration order.
struct SubtopologyStore {
  std::shared_ptr<const StoreBuilder> builder;
  /// Changelog topic without application id, or the source topic that serves as changelog (reuse_source_topic); empty = not
  /// logged.
  std::string changelog_topic;
  bool source_topic_is_changelog = false;
};

/// A part of the topology that shares no state and no channel with the others except topics. Follows Kafka's `Subtopology`.
struct Subtopology {
  int32_t id = 0;
  std::vector<std::string> source_topics;              // external, as named by the user
  std::vector<std::string> repartition_source_topics;  // internal, without application id
  std::vector<std::string> sink_topics;                // external, static ones
  std::vector<std::string> repartition_sink_topics;
  std::vector<InternalTopic> repartition_topics;  // those that this sub-topology reads
  std::vector<InternalTopic> changelog_topics;
  std::vector<SubtopologyStore> stores;
  /// Groups of source topics (either kind) that must have equal partition counts.
  std::vector<std::set<std::string>> copartition_groups;
};

/// A topic that becomes a table of the warehouse (KStream::ToWarehouse, StreamsBuilder::LandTopic).
struct LandedTopic {
  std::string topic;
  std::string table;
  /// Full name of the protobuf message of its values, which is compiled into the program.
  std::string message;
  std::map<std::string, std::string> settings;
};

/// The nodes and stores of one task, made from suppliers.
struct ProcessorTopology {
  std::vector<std::unique_ptr<ProcessorNode>> nodes;  // in declaration order; already linked
  /// By topic name as it is in Kafka (internal ones with application id). Owned by nodes.
  std::map<std::string, SourceNode*> sources;
  /// In registration order, not opened.
  std::vector<std::unique_ptr<StateStore>> stores;
  std::vector<SubtopologyStore> store_specs;  // same order
};

/// What a StreamsBuilder builds: immutable, shared by all workers; copies are cheap. Follows Kafka's `Topology`.
class Topology {
 public:
  class Impl;
  explicit Topology(std::shared_ptr<const Impl> impl);

  /// Exactly the text of Kafka Streams' `Topology.describe().toString()`.
  [[nodiscard]] std::string Describe() const;
  [[nodiscard]] const std::vector<Subtopology>& subtopologies() const;
  /// Makes a task's nodes. nullopt = all sub-topologies as one (the test driver). Internal topics get "<application_id>-" in
  /// front.
  [[nodiscard]] absl::StatusOr<ProcessorTopology> Build(const std::string& application_id,
                                                        std::optional<int32_t> subtopology) const;
  /// Of user topics only, for messages; empty means nothing to run.
  [[nodiscard]] std::set<std::string> SourceTopics() const;
  /// In order of declaration. They are no part of the structure: what is landed may change while state stays.
  [[nodiscard]] const std::vector<LandedTopic>& landed_topics() const;
  /// A hash of structure and store formats, stable over processes.
  [[nodiscard]] std::string Hash() const;

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_TOPOLOGY_H_
