#ifndef MILLRACE_TOPOLOGIES_GRAPH_OPTIMIZER_H_
#define MILLRACE_TOPOLOGIES_GRAPH_OPTIMIZER_H_

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph_node.h"

namespace millrace::internal {

/// What the rewrites work on: the graph's root, its nodes in order of attachment, and the co-partition groups (by source name).
struct OptimizerInput {
  GraphNode* root;
  std::vector<GraphNode*> attached;
  std::vector<std::set<std::string>>* copartition;
  /// Makes a repartition node that is not attached; burns indices as the DSL does.
  std::function<RepartitionGraphNode*(RepartitionSpec)> make_repartition;
};

/// Two sources of equal topics become one; an error if topics overlap without being equal.
[[nodiscard]] absl::Status MergeSources(GraphNode* root);
/// Repartition topics below one key-changing step become one. Follows `merge.repartition.topics`.
void MergeRepartitionTopics(const OptimizerInput& input);
/// Marks repartitions whose null keys no outer join wants.
void DropNullKeys(GraphNode* root);

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_GRAPH_OPTIMIZER_H_
