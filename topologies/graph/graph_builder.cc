#include "millrace/topologies/internal/graph_builder.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <queue>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "graph/graph_node.h"
#include "graph/optimizer.h"

namespace millrace::internal {
namespace {

constexpr char kRepartitionSuffix[] = "-repartition";

struct Optimizations {
  bool reuse_source_topics = false;
  bool merge_repartition_topics = false;
};

absl::StatusOr<Optimizations> ParseOptimizations(const std::string& setting) {
  Optimizations result;
  for (const absl::string_view piece : absl::StrSplit(setting, ',', absl::SkipWhitespace())) {
    const std::string name(absl::StripAsciiWhitespace(piece));
    if (name == "all") {
      result = {true, true};
    } else if (name == "reuse.ktable.source.topics") {
      result.reuse_source_topics = true;
    } else if (name == "merge.repartition.topics") {
      result.merge_repartition_topics = true;
    } else if (name != "none") {
      return absl::InvalidArgumentError(
          absl::StrCat("topology.optimization has '", name,
                       "': use none, all, or a list of reuse.ktable.source.topics and merge.repartition.topics"));
    }
  }
  return result;
}

/// Whether a name is one that the DSL generated for a stream step: KSTREAM...-0000000007.
bool IsGenerated(const std::string& name) {
  constexpr size_t kDigits = 10;
  if (!absl::StartsWith(name, "KSTREAM") || name.size() < sizeof("KSTREAM") + kDigits) return false;
  const size_t dash = name.size() - kDigits - 1;
  return name[dash] == '-' &&
         std::all_of(name.begin() + static_cast<ptrdiff_t>(dash) + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool GoodName(const std::string& name) {
  constexpr size_t kMaxLength = 249;
  if (name == "." || name == ".." || name.size() > kMaxLength) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace

struct GraphBuilder::State {
  TopologyConfig config;
  absl::Status error;
  int next_index = 0;
  int next_priority = 0;
  std::vector<std::unique_ptr<GraphNode>> nodes;
  std::vector<GraphNode*> attached;
  RootNode root;
  std::vector<std::set<std::string>> copartition;
  std::vector<LandedTopic> landed_topics;
  std::vector<std::string> generated_stores;
  std::vector<std::string> generated_topics;
  bool built = false;
};

GraphBuilder::GraphBuilder(TopologyConfig config) : state_(std::make_unique<State>()) { state_->config = std::move(config); }
GraphBuilder::~GraphBuilder() = default;

std::string GraphBuilder::NewName(std::string_view prefix) {
  char digits[16];
  std::snprintf(digits, sizeof(digits), "%010d", state_->next_index++);
  return std::string(prefix) + digits;
}

std::string GraphBuilder::NewStoreName(std::string_view prefix) { return NewName(std::string(prefix) + "STATE-STORE-"); }

std::string GraphBuilder::SuffixedNameOr(const std::string& given, std::string_view suffix, std::string_view prefix) {
  std::string generated = NewName(prefix);
  if (given.empty()) return generated;
  std::string name = given + std::string(suffix);
  CheckName(name, "step");
  return name;
}

void GraphBuilder::Fail(absl::Status status) {
  if (state_->error.ok()) state_->error = std::move(status);
}

void GraphBuilder::CheckName(const std::string& name, std::string_view what) {
  if (GoodName(name)) return;
  Fail(absl::InvalidArgumentError(
      absl::StrCat("the ", std::string(what), " name '", name,
                   "' cannot stand in a topic's name: use 1 to 249 letters, digits, '.', '_' or '-'")));
}

void GraphBuilder::NoteGeneratedStore(const std::string& store, bool logged) {
  state_->generated_stores.push_back(store);
  if (logged) state_->generated_topics.push_back(store + "-changelog");
}

GraphNode* GraphBuilder::Attach(GraphNode* parent, GraphNode* node) {
  parent->AddChild(node);
  node->build_priority = state_->next_priority++;
  if (std::find(state_->attached.begin(), state_->attached.end(), node) == state_->attached.end())
    state_->attached.push_back(node);
  return node;
}

GraphNode* GraphBuilder::Attach(const std::vector<GraphNode*>& parents, std::unique_ptr<GraphNode> node) {
  GraphNode* raw = node.get();
  state_->nodes.push_back(std::move(node));
  for (GraphNode* parent : parents) Attach(parent, raw);
  return raw;
}

GraphNode* GraphBuilder::AddSource(const std::string& name, std::vector<std::string> topics, SourceFactory make) {
  return Attach({&state_->root}, std::make_unique<StreamSourceGraphNode>(name, std::move(topics), std::move(make)));
}

GraphNode* GraphBuilder::AddTableSource(const std::string& source_name, const std::string& topic, SourceFactory make,
                                        ProcessorSpec table, std::function<StorePtr(bool)> store, bool reusable) {
  return Attach({&state_->root}, std::make_unique<TableSourceGraphNode>(source_name, topic, std::move(make), std::move(table),
                                                                        std::move(store), reusable));
}

GraphNode* GraphBuilder::AddProcessor(const std::vector<GraphNode*>& parents, ProcessorSpec spec, GraphFlags flags) {
  auto node = std::make_unique<ProcessorGraphNode>(std::move(spec));
  node->flags = flags;
  return Attach(parents, std::move(node));
}

GraphNode* GraphBuilder::AddSink(GraphNode* parent, const std::string& name, std::string topic, SinkFactory make) {
  return Attach({parent}, std::make_unique<SinkGraphNode>(name, std::move(topic), std::move(make)));
}

void GraphBuilder::AddStateStore(StorePtr store) {
  if (store == nullptr) {
    return Fail(absl::InvalidArgumentError("AddStateStore got null: make a builder with KeyValueStoreBuilder or its kin"));
  }
  CheckName(store->name(), "store");
  Attach({&state_->root}, std::make_unique<StateStoreGraphNode>(std::move(store)));
}

GraphNode* GraphBuilder::AddStreamStreamJoin(GraphNode* left, GraphNode* right, const std::string& left_window,
                                             const std::string& right_window, ProcessorSpec this_join, ProcessorSpec other_join,
                                             ProcessorSpec merge, GraphFlags flags) {
  auto node = std::make_unique<StreamStreamJoinGraphNode>(left_window, right_window, std::move(this_join), std::move(other_join),
                                                          std::move(merge));
  node->flags = flags;
  return Attach({left, right}, std::move(node));
}

GraphNode* GraphBuilder::MakeRepartition(RepartitionSpec spec, bool optimizable, std::string* source_name) {
  RepartitionGraphNode::Names names;
  names.topic = absl::EndsWith(spec.prefix, kRepartitionSuffix) ? spec.prefix : spec.prefix + kRepartitionSuffix;
  CheckName(names.topic, "repartition topic's");
  if (!spec.named_by_user) state_->generated_topics.push_back(names.topic);
  names.sink = NewName("KSTREAM-SINK-");
  names.filter = NewName("KSTREAM-FILTER-");
  names.source = NewName("KSTREAM-SOURCE-");
  if (!IsGenerated(spec.prefix)) {
    names.sink = names.topic + "-sink";
    names.filter = names.topic + "-filter";
    names.source = names.topic + "-source";
  }
  *source_name = names.source;
  state_->nodes.push_back(std::make_unique<RepartitionGraphNode>(std::move(names), std::move(spec), optimizable));
  return state_->nodes.back().get();
}

void GraphBuilder::AddRepartition(GraphNode* parent, GraphNode* repartition) { Attach(parent, repartition); }

void GraphBuilder::Copartition(std::set<std::string> source_nodes) { state_->copartition.push_back(std::move(source_nodes)); }

namespace {

/// Writes the graph in order of build priority, parents first.
absl::Status WriteGraph(GraphNode* root, TopologyBuilder* topology) {
  const auto later = [](const GraphNode* a, const GraphNode* b) { return a->build_priority > b->build_priority; };
  std::priority_queue<GraphNode*, std::vector<GraphNode*>, decltype(later)> queue(later);
  queue.push(root);
  while (!queue.empty()) {
    GraphNode* node = queue.top();
    queue.pop();
    const bool ready = std::all_of(node->parents.begin(), node->parents.end(), [](const GraphNode* p) { return p->written; });
    if (!ready || node->written) continue;
    if (absl::Status s = node->Write(topology); !s.ok()) return s;
    node->written = true;
    for (GraphNode* child : node->children) queue.push(child);
  }
  return absl::OkStatus();
}

}  // namespace

void GraphBuilder::LandTopic(const std::string& topic, const WarehouseTable& table, std::string message) {
  LandedTopic landed{.topic = topic, .table = table.name(), .message = std::move(message), .settings = table.settings()};
  if (landed.table.empty()) {
    landed.table = topic;
    std::replace_if(
        landed.table.begin(), landed.table.end(), [](char c) { return c == '.' || c == '-'; }, '_');
  }
  for (const LandedTopic& other : state_->landed_topics) {
    if (other.topic != landed.topic && other.table != landed.table) continue;
    return Fail(absl::InvalidArgumentError(absl::StrCat("topic '", landed.topic, "' is to be landed in table '", landed.table,
                                                        "', but topic '", other.topic, "' is landed in table '", other.table,
                                                        "' already: a topic becomes one table, and a table has one topic")));
  }
  state_->landed_topics.push_back(std::move(landed));
}

absl::StatusOr<Topology> GraphBuilder::Build() {
  if (!state_->error.ok()) return state_->error;
  if (std::exchange(state_->built, true)) {
    return absl::FailedPreconditionError(
        "Build was called twice on one StreamsBuilder: keep the first Topology, it can be copied");
  }
  const absl::StatusOr<Optimizations> optimizations = ParseOptimizations(state_->config.optimization);
  if (!optimizations.ok()) return optimizations.status();
  if (absl::Status s = MergeSources(&state_->root); !s.ok()) return s;
  if (optimizations->reuse_source_topics) {
    for (GraphNode* node : state_->attached) {
      if (node->kind() != GraphNode::Kind::kTableSource) continue;
      auto* table = static_cast<TableSourceGraphNode*>(node);
      table->reuse_topic = table->reusable;
    }
  }
  if (optimizations->merge_repartition_topics) {
    MergeRepartitionTopics({&state_->root, state_->attached, &state_->copartition, [this](RepartitionSpec spec) {
                              std::string name;
                              return static_cast<RepartitionGraphNode*>(MakeRepartition(std::move(spec), true, &name));
                            }});
  }
  DropNullKeys(&state_->root);
  TopologyBuilder topology;
  topology.SetLandedTopics(state_->landed_topics);
  if (absl::Status s = WriteGraph(&state_->root, &topology); !s.ok()) return s;
  const bool generated = !state_->generated_stores.empty() || !state_->generated_topics.empty();
  if (state_->config.ensure_explicit_internal_resource_naming && generated) {
    return absl::InvalidArgumentError(
        absl::StrCat("ensure.explicit.internal.resource.naming is on, but these have generated names: stores ",
                     absl::StrJoin(state_->generated_stores, ", "), "; topics ", absl::StrJoin(state_->generated_topics, ", "),
                     ". Name them with Materialized::As, Grouped::As, Joined::As, StreamJoined or Repartitioned::As"));
  }
  absl::StatusOr<std::shared_ptr<const Topology::Impl>> impl = topology.Finish(state_->copartition);
  if (!impl.ok()) return impl.status();
  return Topology(*std::move(impl));
}

}  // namespace millrace::internal
