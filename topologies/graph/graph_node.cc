#include "graph/graph_node.h"

namespace millrace::internal {
namespace {

absl::Status WriteProcessor(TopologyBuilder* topology, const ProcessorSpec& spec, const std::vector<std::string>& parents) {
  if (absl::Status s = topology->AddProcessor(spec.name, parents, spec.make); !s.ok()) return s;
  if (spec.stores) {
    for (const StorePtr& store : spec.stores()) {
      if (absl::Status s = topology->AddStore(store, spec.name); !s.ok()) return s;
    }
  }
  if (spec.connected) {
    for (const std::string& store : spec.connected()) {
      if (absl::Status s = topology->Connect(spec.name, store); !s.ok()) return s;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ProcessorGraphNode::Write(TopologyBuilder* topology) const { return WriteProcessor(topology, spec, ParentNames()); }

absl::Status TableSourceGraphNode::Write(TopologyBuilder* topology) const {
  if (absl::Status s = topology->AddSource(source_name, {topic}, make); !s.ok()) return s;
  if (absl::Status s = WriteProcessor(topology, table, {source_name}); !s.ok()) return s;
  const StorePtr builder = store(!reuse_topic);
  if (builder == nullptr) return absl::OkStatus();
  if (absl::Status s = topology->AddStore(builder, table.name); !s.ok()) return s;
  return reuse_topic ? topology->ConnectSourceTopic(builder->name(), topic) : absl::OkStatus();
}

absl::Status RepartitionGraphNode::Write(TopologyBuilder* topology) const {
  topology->AddInternalTopic(names.topic, spec.partitions);
  const bool drop = drop_null_keys;
  absl::Status s = topology->AddProcessor(names.filter, ParentNames(),
                                          [make = spec.filter, name = names.filter, drop] { return make(name, drop); });
  if (!s.ok()) return s;
  s = topology->AddSink(names.sink, names.topic, {names.filter},
                        [make = spec.sink, name = names.sink](const std::string& topic) { return make(name, topic); });
  if (!s.ok()) return s;
  return topology->AddSource(names.source, {names.topic}, [make = spec.source, name = names.source] { return make(name); });
}

absl::Status StreamStreamJoinGraphNode::Write(TopologyBuilder* topology) const {
  if (absl::Status s = WriteProcessor(topology, left, {left_window}); !s.ok()) return s;
  if (absl::Status s = WriteProcessor(topology, right, {right_window}); !s.ok()) return s;
  return WriteProcessor(topology, merge, {left.name, right.name});
}

}  // namespace millrace::internal
