#ifndef MILLRACE_TOPOLOGIES_TOPOLOGY_CONFIG_H_
#define MILLRACE_TOPOLOGIES_TOPOLOGY_CONFIG_H_

#include <string>

namespace millrace {

/// What changes the shape of a topology while it is built. A plain value; follows the part of Kafka's `TopologyConfig` that the
/// builder reads.
struct TopologyConfig {
  /// `topology.optimization`: "none", "all", or a list of "reuse.ktable.source.topics" and "merge.repartition.topics".
  /// What is not known makes StreamsBuilder::Build fail. ("single.store.self.join" is not offered yet; "all" leaves it out.)
  std::string optimization = "none";
  /// `ensure.explicit.internal.resource.naming`: Build fails, with the list, if an internal topic or store has a generated name.
  bool ensure_explicit_internal_resource_naming = false;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_TOPOLOGY_CONFIG_H_
