#include "millrace/topologies/internal/table_steps.h"

#include "millrace/topologies/internal/group_steps.h"

namespace millrace::internal {

PlacePtr AppendTable(const Place& before, std::string name, NodeFactory make, StoreMaker store) {
  ProcessorSpec spec;
  spec.name = name;
  spec.make = std::move(make);
  if (store) {
    spec.stores = [store = std::move(store)] {
      const StorePtr builder = store(true);
      return builder != nullptr ? std::vector<StorePtr>{builder} : std::vector<StorePtr>{};
    };
  }
  GraphNode* node = before.graph->AddProcessor({before.node}, std::move(spec));
  return Behind(before, node, std::move(name), false);
}

PlacePtr AppendTableRepartition(const Place& before, RepartitionSpec spec) {
  std::string source;
  GraphNode* node = before.graph->MakeRepartition(std::move(spec), true, &source);
  before.graph->AddRepartition(before.node, node);
  PlacePtr place = Behind(before, node, source, false);
  place->sources = {source};
  return place;
}

PlacePtr AppendAggregate(GroupedPlace* group, AggregateStep step, const std::function<RepartitionSpec(std::string, bool)>& spec) {
  Place& before = *group->place;
  GraphBuilder& graph = *before.graph;
  std::set<std::string> sources = before.sources;
  GraphNode* parent = before.node;
  if (before.repartition_required) {
    const bool named = !group->repartition_name.empty();
    std::string source;
    GraphNode* fresh =
        graph.MakeRepartition(spec(named ? group->repartition_name : step.store->name(), named || step.queryable), true, &source);
    // A repartition topic that the user named is shared by all aggregations of the group.
    if (group->repartition == nullptr || !named) group->repartition = fresh;
    graph.AddRepartition(parent, group->repartition);
    parent = group->repartition;
    sources = {source};
  }
  ProcessorSpec processor;
  processor.name = step.name;
  processor.make = std::move(step.make);
  processor.stores = [store = std::move(step.store)] { return std::vector<StorePtr>{store}; };
  GraphNode* node = graph.AddProcessor({parent}, std::move(processor));
  PlacePtr place = Behind(before, node, std::move(step.name), false);
  place->sources = std::move(sources);
  return place;
}

WindowStoreOptions WindowOptionsOf(GraphBuilder* graph, const Materialized& materialized, const std::string& store_name,
                                   const TimeWindows& windows) {
  WindowStoreOptions options;
  options.store = OptionsOf(materialized, store_name, true);
  const std::chrono::milliseconds least = windows.size() + windows.grace();
  options.retention = materialized.retention().value_or(least);
  options.window_size = windows.size();
  options.store.changelog.windowed = true;
  options.store.changelog.retention = options.retention;
  if (!windows.valid()) {
    graph->Fail(absl::InvalidArgumentError(
        "TimeWindows: the size must be positive, the advance positive and at most the size, the grace not negative"));
  } else if (options.retention < least) {
    graph->Fail(absl::InvalidArgumentError(absl::StrCat("store '", store_name, "' keeps windows for ", options.retention.count(),
                                                        " ms, but size plus grace are ", least.count(),
                                                        " ms: raise Materialized::WithRetention")));
  }
  return options;
}

}  // namespace millrace::internal
