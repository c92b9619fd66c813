#include "graph/topology_builder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/java_order.h"

namespace millrace::internal {
namespace {

std::map<std::string, std::string> RepartitionConfig() {
  return {{"cleanup.policy", "delete"},
          {"segment.bytes", "52428800"},
          {"retention.ms", "-1"},
          {"message.timestamp.type", "CreateTime"}};
}

std::map<std::string, std::string> ChangelogTopicConfig(const ChangelogConfig& changelog) {
  std::map<std::string, std::string> config{{"message.timestamp.type", "CreateTime"}};
  config["cleanup.policy"] = changelog.windowed ? "compact,delete" : "compact";
  if (changelog.windowed) config["retention.ms"] = std::to_string(changelog.retention.count());
  for (const auto& [key, value] : changelog.overrides) config[key] = value;
  return config;
}

std::string Fnv1a(const std::string& text) {
  uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return absl::StrCat(absl::Hex(hash, absl::kZeroPad16));
}

}  // namespace

NodeEntry* TopologyBuilder::Find(const std::string& name) {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &impl_->nodes[it->second];
}

absl::Status TopologyBuilder::AddNode(NodeEntry entry) {
  if (Find(entry.name) != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("two steps are named '", entry.name,
                                                 "': give one of them another name (Named::As, Consumed, Produced, ...)"));
  }
  for (const std::string& parent : entry.predecessors) {
    const NodeEntry* found = Find(parent);
    if (found == nullptr)
      return absl::InternalError(absl::StrCat("step '", entry.name, "' follows '", parent, "', which is unknown"));
    if (found->kind == NodeEntry::Kind::kSink) {
      return absl::InvalidArgumentError(
          absl::StrCat("step '", entry.name, "' follows the sink '", parent, "': sinks end a stream"));
    }
  }
  const std::string name = entry.name;
  const std::vector<std::string> parents = entry.predecessors;
  index_[name] = impl_->nodes.size();
  impl_->nodes.push_back(std::move(entry));
  union_[name] = name;
  for (const std::string& parent : parents) Unite(name, parent);
  return absl::OkStatus();
}

absl::Status TopologyBuilder::AddSource(const std::string& name, const std::vector<std::string>& topics, SourceFactory make) {
  if (topics.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("source '", name, "' has no topic: pass at least one to Stream or Table"));
  }
  std::set<std::string> own;
  for (const std::string& topic : topics) {
    const auto [it, fresh] = source_of_topic_.emplace(topic, name);
    if (!fresh && !own.contains(topic)) {
      return absl::InvalidArgumentError(absl::StrCat("topic '", topic, "' is read by source '", it->second, "' and by source '",
                                                     name, "': read it once and use that stream or table twice"));
    }
    own.insert(topic);
  }
  NodeEntry entry{.kind = NodeEntry::Kind::kSource,
                  .name = name,
                  .predecessors = {},
                  .topics = topics,
                  .topic = {},
                  .stores = {},
                  .make_processor = nullptr,
                  .make_source = std::move(make),
                  .make_sink = nullptr};
  return AddNode(std::move(entry));
}

absl::Status TopologyBuilder::AddProcessor(const std::string& name, const std::vector<std::string>& parents, NodeFactory make) {
  NodeEntry entry{.kind = NodeEntry::Kind::kProcessor,
                  .name = name,
                  .predecessors = parents,
                  .topics = {},
                  .topic = {},
                  .stores = {},
                  .make_processor = std::move(make),
                  .make_source = nullptr,
                  .make_sink = nullptr};
  return AddNode(std::move(entry));
}

absl::Status TopologyBuilder::AddSink(const std::string& name, const std::string& topic, const std::vector<std::string>& parents,
                                      SinkFactory make) {
  NodeEntry entry{.kind = NodeEntry::Kind::kSink,
                  .name = name,
                  .predecessors = parents,
                  .topics = {},
                  .topic = topic,
                  .stores = {},
                  .make_processor = nullptr,
                  .make_source = nullptr,
                  .make_sink = std::move(make)};
  return AddNode(std::move(entry));
}

absl::Status TopologyBuilder::AddStore(const StorePtr& store, const std::string& processor) {
  if (store == nullptr)
    return absl::InvalidArgumentError("a null store builder was added: make it with KeyValueStoreBuilder or its kin");
  const auto [it, fresh] = impl_->stores.try_emplace(store->name());
  if (!fresh && it->second.builder != store) {
    return absl::AlreadyExistsError(absl::StrCat("two stores are named '", store->name(),
                                                 "': give one of them another name (Materialized::As, StreamJoined)"));
  }
  it->second.builder = store;
  return processor.empty() ? absl::OkStatus() : Connect(processor, store->name());
}

absl::Status TopologyBuilder::Connect(const std::string& processor, const std::string& store) {
  const auto it = impl_->stores.find(store);
  if (it == impl_->stores.end()) {
    return absl::NotFoundError(absl::StrCat("step '", processor, "' uses the store '", store,
                                            "', which nobody added: call StreamsBuilder::AddStateStore before"));
  }
  NodeEntry* node = Find(processor);
  if (node == nullptr)
    return absl::InternalError(absl::StrCat("store '", store, "' belongs to '", processor, "', which is unknown"));
  if (!it->second.users.empty()) Unite(it->second.users.front(), processor);
  it->second.users.push_back(processor);
  if (std::find(node->stores.begin(), node->stores.end(), store) == node->stores.end()) node->stores.push_back(store);
  return absl::OkStatus();
}

absl::Status TopologyBuilder::ConnectSourceTopic(const std::string& store, const std::string& topic) {
  StoreEntry& entry = impl_->stores[store];
  if (!entry.source_topic.empty()) {
    return absl::AlreadyExistsError(
        absl::StrCat("store '", store, "' is filled by two source topics: give one of the tables another store name"));
  }
  entry.source_topic = topic;
  return absl::OkStatus();
}

std::string TopologyBuilder::Root(const std::string& name) {
  std::string root = name;
  while (union_[root] != root) root = union_[root];
  union_[name] = root;
  return root;
}

void TopologyBuilder::Unite(const std::string& a, const std::string& b) {
  const std::string root_a = Root(a);
  const std::string root_b = Root(b);
  if (root_a != root_b) union_[root_a] = root_b;
}

int32_t TopologyBuilder::NumberGroups() {
  std::map<std::string, int32_t> groups;
  for (NodeEntry& node : impl_->nodes) {
    node.group = groups.try_emplace(Root(node.name), static_cast<int32_t>(groups.size())).first->second;
  }
  return static_cast<int32_t>(groups.size());
}

void TopologyBuilder::DescribeTopics(const NodeEntry& node, Subtopology* subtopology) {
  for (const std::string& topic : node.topics) {
    const auto it = impl_->internal_topics.find(topic);
    if (it == impl_->internal_topics.end()) {
      subtopology->source_topics.push_back(topic);
    } else {
      subtopology->repartition_source_topics.push_back(topic);
      subtopology->repartition_topics.push_back({topic, it->second, RepartitionConfig()});
    }
  }
  if (node.kind != NodeEntry::Kind::kSink || node.topic.empty()) return;
  std::vector<std::string>* topics =
      impl_->internal_topics.contains(node.topic) ? &subtopology->repartition_sink_topics : &subtopology->sink_topics;
  if (std::find(topics->begin(), topics->end(), node.topic) == topics->end()) topics->push_back(node.topic);
}

void TopologyBuilder::DescribeStores(const NodeEntry& node, Subtopology* subtopology, std::set<std::string>* seen) {
  for (const std::string& name : JavaHashOrder(node.stores)) {
    if (!seen->insert(name).second) continue;
    const StoreEntry& entry = impl_->stores[name];
    SubtopologyStore store{.builder = entry.builder, .changelog_topic = {}, .source_topic_is_changelog = false};
    const ChangelogConfig& changelog = entry.builder->changelog();
    if (!entry.source_topic.empty()) {
      store.changelog_topic = entry.source_topic;
      store.source_topic_is_changelog = true;
    } else if (changelog.enabled) {
      store.changelog_topic = name + "-changelog";
      subtopology->changelog_topics.push_back({store.changelog_topic, std::nullopt, ChangelogTopicConfig(changelog)});
    }
    subtopology->stores.push_back(std::move(store));
  }
}

absl::Status TopologyBuilder::CheckPartitions(const std::set<std::string>& topics) const {
  std::map<std::string, int32_t> counts;
  for (const std::string& topic : topics) {
    const auto it = impl_->internal_topics.find(topic);
    if (it == impl_->internal_topics.end() || !it->second) return absl::OkStatus();
    counts[topic] = *it->second;
  }
  for (const auto& [topic, count] : counts) {
    if (count == counts.begin()->second) continue;
    return absl::InvalidArgumentError(absl::StrCat("the topics of one join must have equal partition counts, but these differ: ",
                                                   absl::StrJoin(counts, ", ", absl::PairFormatter("=")),
                                                   ". Give Repartitioned the same number on both sides"));
  }
  return absl::OkStatus();
}

absl::Status TopologyBuilder::Copartition(const std::vector<std::set<std::string>>& groups) {
  std::vector<std::set<std::string>> merged;
  for (const std::set<std::string>& group : groups) {
    std::set<std::string> topics;
    for (const std::string& source : group) {
      if (const NodeEntry* node = Find(source); node != nullptr) topics.insert(node->topics.begin(), node->topics.end());
    }
    if (absl::Status s = CheckPartitions(topics); !s.ok()) return s;
    if (topics.empty()) continue;
    std::vector<std::set<std::string>> rest;
    for (std::set<std::string>& other : merged) {
      const bool meets = std::any_of(other.begin(), other.end(), [&topics](const std::string& t) { return topics.contains(t); });
      if (meets) {
        topics.insert(other.begin(), other.end());
      } else {
        rest.push_back(std::move(other));
      }
    }
    rest.push_back(std::move(topics));
    merged = std::move(rest);
  }
  for (std::set<std::string>& topics : merged) {
    const auto source = source_of_topic_.find(*topics.begin());
    if (source == source_of_topic_.end()) continue;
    impl_->subtopologies[Find(source->second)->group].copartition_groups.push_back(std::move(topics));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Topology::Impl>> TopologyBuilder::Finish(
    const std::vector<std::set<std::string>>& copartition) {
  const bool has_source = std::any_of(impl_->nodes.begin(), impl_->nodes.end(),
                                      [](const NodeEntry& n) { return n.kind == NodeEntry::Kind::kSource; });
  if (!has_source) {
    return absl::InvalidArgumentError("the topology is empty: call StreamsBuilder::Stream or Table at least once before Build");
  }
  impl_->subtopologies.resize(NumberGroups());
  std::vector<std::set<std::string>> seen(impl_->subtopologies.size());
  for (const NodeEntry& node : impl_->nodes) {
    Subtopology& subtopology = impl_->subtopologies[node.group];
    subtopology.id = node.group;
    DescribeTopics(node, &subtopology);
    DescribeStores(node, &subtopology, &seen[node.group]);
  }
  if (absl::Status s = Copartition(copartition); !s.ok()) return s;
  impl_->description = internal::Describe(*impl_);
  std::string identity = impl_->description;
  for (const Subtopology& subtopology : impl_->subtopologies) {
    const auto add = [&identity](const InternalTopic& topic) {
      absl::StrAppend(&identity, "|", topic.name, ":", topic.partitions.value_or(-1));
      for (const auto& [key, value] : topic.config) absl::StrAppend(&identity, ",", key, "=", value);
    };
    for (const InternalTopic& topic : subtopology.repartition_topics) add(topic);
    for (const InternalTopic& topic : subtopology.changelog_topics) add(topic);
    for (const SubtopologyStore& store : subtopology.stores) {
      absl::StrAppend(&identity, "|", store.builder->name(), ">", store.changelog_topic);
    }
  }
  impl_->hash = Fnv1a(identity);
  return std::shared_ptr<const Topology::Impl>(impl_);
}

}  // namespace millrace::internal
