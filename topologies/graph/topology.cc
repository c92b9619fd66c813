#include "millrace/topologies/topology.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/java_order.h"
#include "graph/topology_builder.h"

namespace millrace {
namespace {

using internal::NodeEntry;

class TaskBuilder {
 public:
  TaskBuilder(const Topology::Impl& impl, const std::string& application_id) : impl_(impl), application_id_(application_id) {}

  absl::Status Add(const NodeEntry& entry) {
    absl::StatusOr<std::unique_ptr<ProcessorNode>> node = Make(entry);
    if (!node.ok()) return node.status();
    for (const std::string& parent : entry.predecessors) {
      if (absl::Status s = by_name_[parent]->AddChild(node->get()); !s.ok()) return s;
    }
    by_name_[entry.name] = node->get();
    result_.nodes.push_back(*std::move(node));
    return absl::OkStatus();
  }

  void AddStores(const Subtopology& subtopology) {
    for (const SubtopologyStore& store : subtopology.stores) specs_.emplace(store.builder->name(), store);
  }

  /// In order of the nodes, as Kafka Streams registers stores; that is the order in which caches are flushed.
  void OrderStores(const NodeEntry& entry) {
    for (const std::string& name : internal::JavaHashOrder(entry.stores)) {
      const auto it = specs_.find(name);
      if (it == specs_.end()) continue;
      result_.stores.push_back(it->second.builder->Build());
      result_.store_specs.push_back(it->second);
      specs_.erase(it);
    }
  }

  ProcessorTopology Take() { return std::move(result_); }

 private:
  std::string InKafka(const std::string& topic) const {
    return impl_.internal_topics.contains(topic) ? absl::StrCat(application_id_, "-", topic) : topic;
  }

  absl::StatusOr<std::unique_ptr<ProcessorNode>> Make(const NodeEntry& entry) {
    if (entry.kind == NodeEntry::Kind::kSource) {
      std::unique_ptr<SourceNode> source = entry.make_source();
      if (source == nullptr) return NotMade(entry);
      for (const std::string& topic : entry.topics) result_.sources[InKafka(topic)] = source.get();
      return std::unique_ptr<ProcessorNode>(std::move(source));
    }
    std::unique_ptr<ProcessorNode> node =
        entry.kind == NodeEntry::Kind::kSink ? entry.make_sink(InKafka(entry.topic)) : entry.make_processor();
    if (node == nullptr) return NotMade(entry);
    return node;
  }

  static absl::Status NotMade(const NodeEntry& entry) {
    return absl::InvalidArgumentError(
        absl::StrCat("the supplier of step '", entry.name, "' gave null: it must make a new processor"));
  }

  const Topology::Impl& impl_;
  const std::string& application_id_;
  std::map<std::string, ProcessorNode*> by_name_;
  std::map<std::string, SubtopologyStore> specs_;
  ProcessorTopology result_;
};

}  // namespace

Topology::Topology(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

std::string Topology::Describe() const { return impl_->description; }

const std::vector<Subtopology>& Topology::subtopologies() const { return impl_->subtopologies; }

const std::vector<LandedTopic>& Topology::landed_topics() const { return impl_->landed_topics; }

std::string Topology::Hash() const { return impl_->hash; }

std::set<std::string> Topology::SourceTopics() const {
  std::set<std::string> topics;
  for (const Subtopology& subtopology : impl_->subtopologies) {
    topics.insert(subtopology.source_topics.begin(), subtopology.source_topics.end());
  }
  return topics;
}

absl::StatusOr<ProcessorTopology> Topology::Build(const std::string& application_id, std::optional<int32_t> subtopology) const {
  if (subtopology && (*subtopology < 0 || *subtopology >= static_cast<int32_t>(impl_->subtopologies.size()))) {
    return absl::NotFoundError(absl::StrCat("there is no sub-topology ", *subtopology, ": ids are 0 to ",
                                            static_cast<int64_t>(impl_->subtopologies.size()) - 1));
  }
  TaskBuilder builder(*impl_, application_id);
  for (const Subtopology& each : impl_->subtopologies) {
    if (!subtopology || each.id == *subtopology) builder.AddStores(each);
  }
  for (const NodeEntry& entry : impl_->nodes) {
    if (subtopology && entry.group != *subtopology) continue;
    if (absl::Status s = builder.Add(entry); !s.ok()) return s;
    builder.OrderStores(entry);
  }
  return builder.Take();
}

}  // namespace millrace
