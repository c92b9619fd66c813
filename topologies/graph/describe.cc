#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/java_order.h"
#include "graph/topology_builder.h"

namespace millrace::internal {
namespace {

struct DescribedNode;

/// Larger subtrees first, then by name. Sizes still grow while edges are added, and Kafka Streams sorts with the sizes of that
/// moment; a sorted tree keeps what it decided then. So the order of insertion below is part of the contract.
struct BySize {
  bool operator()(const DescribedNode* a, const DescribedNode* b) const;
};

struct DescribedNode {
  const NodeEntry* entry = nullptr;
  int size = 1;
  std::set<DescribedNode*, BySize> predecessors;
  std::set<DescribedNode*, BySize> successors;
};

bool BySize::operator()(const DescribedNode* a, const DescribedNode* b) const {
  if (a == b) return false;
  return a->size != b->size ? a->size > b->size : a->entry->name < b->entry->name;
}

void Grow(DescribedNode* node, int by) {
  node->size += by;
  for (DescribedNode* predecessor : node->predecessors) Grow(predecessor, by);
}

std::string Names(const std::set<DescribedNode*, BySize>& nodes) {
  if (nodes.empty()) return "none";
  return absl::StrJoin(nodes, ", ", [](std::string* out, const DescribedNode* node) { out->append(node->entry->name); });
}

std::string ToText(const DescribedNode& node) {
  const NodeEntry& entry = *node.entry;
  switch (entry.kind) {
    case NodeEntry::Kind::kSource:
      return absl::StrCat("Source: ", entry.name, " (topics: [", absl::StrJoin(JavaHashCopyOrder(entry.topics), ", "),
                          "])\n      --> ", Names(node.successors));
    case NodeEntry::Kind::kProcessor:
      return absl::StrCat("Processor: ", entry.name, " (stores: [",
                          absl::StrJoin(JavaHashCopyOrder(JavaHashOrder(entry.stores)), ", "), "])\n      --> ",
                          Names(node.successors), "\n      <-- ", Names(node.predecessors));
    case NodeEntry::Kind::kSink:
      break;
  }
  if (entry.topic.empty()) {
    return absl::StrCat("Sink: ", entry.name, " (extractor class: EXTRACTOR)\n      <-- ", Names(node.predecessors));
  }
  return absl::StrCat("Sink: ", entry.name, " (topic: ", entry.topic, ")\n      <-- ", Names(node.predecessors));
}

std::string DescribeGroup(const Topology::Impl& topology, int32_t group) {
  std::map<std::string, DescribedNode> nodes;
  std::vector<std::string> names;
  for (const NodeEntry& entry : topology.nodes) {
    if (entry.group != group) continue;
    nodes[entry.name].entry = &entry;
    names.push_back(entry.name);
  }
  // Twice: the group is a HashSet, and the nodes stand in a HashMap that was filled from it.
  for (const std::string& name : JavaHashOrder(JavaHashOrder(std::move(names)))) {
    DescribedNode& node = nodes[name];
    for (const std::string& parent : node.entry->predecessors) {
      DescribedNode& predecessor = nodes[parent];
      node.predecessors.insert(&predecessor);
      predecessor.successors.insert(&node);
      Grow(&predecessor, node.size);
    }
  }
  std::vector<const DescribedNode*> sorted;
  for (const auto& [name, node] : nodes) sorted.push_back(&node);
  std::sort(sorted.begin(), sorted.end(), BySize());
  std::string text = absl::StrCat("  Sub-topology: ", group, "\n");
  for (const DescribedNode* node : sorted) absl::StrAppend(&text, "    ", ToText(*node), "\n");
  return text + "\n";
}

}  // namespace

std::string Describe(const Topology::Impl& topology) {
  std::string text = "Topologies:\n ";
  for (const Subtopology& subtopology : topology.subtopologies) text += DescribeGroup(topology, subtopology.id);
  return text;
}

}  // namespace millrace::internal
