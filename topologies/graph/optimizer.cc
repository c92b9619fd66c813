#include "graph/optimizer.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"

namespace millrace::internal {
namespace {

using NodePredicate = std::function<bool(const GraphNode*)>;

/// The start itself, or the first ancestor that matches, looking depth first in order of the parents.
GraphNode* FindUpstream(GraphNode* start, const NodePredicate& matches) {
  if (matches(start)) return start;
  for (GraphNode* parent : start->parents) {
    if (matches(parent)) return parent;
    if (GraphNode* found = FindUpstream(parent, matches); found != nullptr) return found;
  }
  return nullptr;
}

/// Key changers (or merges of several) with the repartitions that they cause, in order of attachment.
class RepartitionGroups {
 public:
  explicit RepartitionGroups(const std::vector<GraphNode*>& attached) {
    for (GraphNode* node : attached) {
      if (node->flags.key_changing) {
        groups_.push_back({node, {}});
      } else if (node->kind() == GraphNode::Kind::kRepartition) {
        auto* repartition = static_cast<RepartitionGraphNode*>(node);
        Group* group = repartition->optimizable ? Find(KeyChanger(node)) : nullptr;
        if (group != nullptr) AddUnique(group, repartition);
      } else if (node->flags.merge) {
        merges_.push_back(node);
      }
    }
    MoveToMerges();
  }

  struct Group {
    GraphNode* changer;
    std::vector<RepartitionGraphNode*> repartitions;
  };
  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }

 private:
  static void AddUnique(Group* group, RepartitionGraphNode* node) {
    if (std::find(group->repartitions.begin(), group->repartitions.end(), node) == group->repartitions.end()) {
      group->repartitions.push_back(node);
    }
  }
  Group* Find(const GraphNode* changer) {
    const auto it = std::find_if(groups_.begin(), groups_.end(), [changer](const Group& g) { return g.changer == changer; });
    return it == groups_.end() ? nullptr : &*it;
  }
  /// Null if values change between the key changer and the repartition: then records differ and topics cannot be shared.
  static GraphNode* KeyChanger(GraphNode* repartition) {
    GraphNode* first =
        FindUpstream(repartition, [](const GraphNode* n) { return n->flags.key_changing || n->flags.value_changing; });
    GraphNode* key = FindUpstream(repartition, [](const GraphNode* n) { return n->flags.key_changing; });
    return first == key ? key : nullptr;
  }
  /// Key changers above a merge, with repartitions only below it, give their repartitions to the merge.
  void MoveToMerges() {
    std::vector<Group> of_merges;
    std::set<const GraphNode*> moved;
    for (GraphNode* merge : merges_) {
      Group group{merge, {}};
      for (const Group& candidate : groups_) {
        const bool all_below = std::all_of(candidate.repartitions.begin(), candidate.repartitions.end(), [merge](GraphNode* r) {
          return FindUpstream(r, [merge](const GraphNode* n) { return n->IsChildOf(merge); }) != nullptr;
        });
        const GraphNode* changer = candidate.changer;
        if (!all_below || FindUpstream(merge, [changer](const GraphNode* n) { return n->IsChildOf(changer); }) == nullptr)
          continue;
        for (RepartitionGraphNode* r : candidate.repartitions) AddUnique(&group, r);
        moved.insert(changer);
      }
      of_merges.push_back(std::move(group));
    }
    std::erase_if(groups_, [&moved](const Group& g) { return moved.contains(g.changer); });
    groups_.insert(groups_.end(), of_merges.begin(), of_merges.end());
  }

  std::vector<Group> groups_;
  std::vector<GraphNode*> merges_;
};

/// Puts `single` between the changer and the step that leads to `replaced`, and takes `replaced` out of the graph.
void Replace(GraphNode* changer, RepartitionGraphNode* single, RepartitionGraphNode* replaced) {
  GraphNode* step = FindUpstream(replaced, [changer](const GraphNode* n) { return n->IsChildOf(changer); });
  if (step == nullptr) return;
  single->AddChild(step);
  changer->RemoveChild(step);
  const std::vector<GraphNode*> parents = replaced->parents;
  for (GraphNode* child : std::vector<GraphNode*>(replaced->children)) {
    for (GraphNode* parent : parents) parent->AddChild(child);
  }
  for (GraphNode* parent : parents) parent->RemoveChild(replaced);
  for (GraphNode* child : std::vector<GraphNode*>(replaced->children)) replaced->RemoveChild(child);
}

void FindNullKeyWanted(GraphNode* node, std::set<GraphNode*>* visited, std::set<GraphNode*>* wanted) {
  if (visited->contains(node)) return;
  for (GraphNode* child : node->children) {
    FindNullKeyWanted(child, visited, wanted);
    if (child->flags.null_key_relaxed || wanted->contains(child)) wanted->insert(node);
  }
  visited->insert(node);
}

}  // namespace

absl::Status MergeSources(GraphNode* root) {
  std::map<std::string, StreamSourceGraphNode*> by_topic;
  for (GraphNode* node : std::vector<GraphNode*>(root->children)) {
    if (node->kind() != GraphNode::Kind::kStreamSource) continue;
    auto* source = static_cast<StreamSourceGraphNode*>(node);
    for (const std::string& topic : source->topics) {
      StreamSourceGraphNode* main = by_topic.try_emplace(topic, source).first->second;
      if (main == source) continue;
      if (main->topics != source->topics) {
        return absl::InvalidArgumentError(
            absl::StrCat("sources '", main->name, "' and '", source->name, "' both read topic '", topic,
                         "' but not the same list of topics: read each topic in one Stream call and use its result twice"));
      }
      for (GraphNode* child : std::vector<GraphNode*>(source->children)) {
        source->RemoveChild(child);
        main->AddChild(child);
      }
      root->RemoveChild(source);
    }
  }
  return absl::OkStatus();
}

void MergeRepartitionTopics(const OptimizerInput& input) {
  const RepartitionGroups groups(input.attached);
  for (const RepartitionGroups::Group& group : groups.groups()) {
    if (group.repartitions.empty()) continue;
    RepartitionSpec spec = group.repartitions.front()->spec;
    spec.prefix = group.repartitions.front()->names.topic;
    spec.named_by_user = true;
    RepartitionGraphNode* single = input.make_repartition(std::move(spec));
    single->build_priority = group.changer->build_priority;
    for (RepartitionGraphNode* replaced : group.repartitions) {
      Replace(group.changer, single, replaced);
      for (std::set<std::string>& sources : *input.copartition) {
        if (sources.erase(replaced->name) > 0) sources.insert(single->name);
      }
    }
    group.changer->AddChild(single);
  }
}

void DropNullKeys(GraphNode* root) {
  std::set<GraphNode*> visited;
  std::set<GraphNode*> wanted;
  FindNullKeyWanted(root, &visited, &wanted);
  for (GraphNode* node : visited) {
    if (node->kind() == GraphNode::Kind::kRepartition && !wanted.contains(node)) {
      static_cast<RepartitionGraphNode*>(node)->drop_null_keys = true;
    }
  }
}

}  // namespace millrace::internal
