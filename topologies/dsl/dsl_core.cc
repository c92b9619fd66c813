#include "millrace/topologies/internal/dsl_core.h"

#include "millrace/topologies/internal/process_steps.h"

namespace millrace::internal {

PlacePtr Behind(const Place& before, GraphNode* node, std::string name, bool repartition_required) {
  auto place = std::make_shared<Place>();
  place->graph = before.graph;
  place->name = std::move(name);
  place->node = node;
  place->sources = before.sources;
  place->repartition_required = repartition_required;
  return place;
}

PlacePtr Append(const Place& before, std::string name, NodeFactory make, bool repartition_required, GraphFlags flags) {
  ProcessorSpec spec;
  spec.name = name;
  spec.make = std::move(make);
  GraphNode* node = before.graph->AddProcessor({before.node}, std::move(spec), flags);
  return Behind(before, node, std::move(name), repartition_required);
}

PlacePtr AppendMerge(const Place& left, const Place& right, std::string name, NodeFactory make) {
  ProcessorSpec spec;
  spec.name = name;
  spec.make = std::move(make);
  GraphFlags flags;
  flags.merge = true;
  GraphNode* node = left.graph->AddProcessor({left.node, right.node}, std::move(spec), flags);
  PlacePtr place = Behind(left, node, std::move(name), left.repartition_required || right.repartition_required);
  place->sources.insert(right.sources.begin(), right.sources.end());
  return place;
}

PlacePtr RepartitionForJoin(Place* place, const std::string& topic_name, RepartitionSpec spec) {
  std::string source;
  GraphNode* fresh = place->graph->MakeRepartition(std::move(spec), true, &source);
  if (place->repartition == nullptr || place->name != topic_name) {
    place->repartition = fresh;
    place->graph->AddRepartition(place->node, fresh);
  }
  PlacePtr result = Behind(*place, place->repartition, source, false);
  result->sources = {source};
  return result;
}

PlacePtr AppendRepartition(const Place& place, RepartitionSpec spec) {
  std::string source;
  GraphNode* node = place.graph->MakeRepartition(std::move(spec), false, &source);
  place.graph->AddRepartition(place.node, node);
  PlacePtr result = Behind(place, node, source, false);
  result->sources = {source};
  return result;
}

PlacePtr AppendProcessSpec(const Place& before, ProcessorSpec spec, std::vector<StorePtr> own, std::vector<std::string> connected,
                           bool repartition_required) {
  spec.stores = [own = std::move(own)] { return own; };
  spec.connected = [connected = std::move(connected)] { return connected; };
  std::string name = spec.name;
  GraphNode* node = before.graph->AddProcessor({before.node}, std::move(spec));
  return Behind(before, node, std::move(name), repartition_required);
}

bool EnableSendingOldValues(TableInfo* table, bool force_materialization) {
  if (table->send_old_values) return true;
  if (table->is_source && force_materialization) table->materialized = true;
  const bool can =
      table->materialized || (table->parent != nullptr && EnableSendingOldValues(table->parent.get(), force_materialization));
  table->send_old_values = can;
  return can;
}

StoreOptions OptionsOf(const Materialized& materialized, const std::string& store_name, bool logged) {
  StoreOptions options;
  options.name = store_name;
  options.kind = materialized.store_kind();
  options.caching = materialized.cached();
  options.changelog.enabled = materialized.logged() && logged;
  options.changelog.overrides = materialized.topic_config();
  return options;
}

std::string StoreNameOf(GraphBuilder* graph, const Materialized& materialized, std::string_view prefix) {
  if (!materialized.store_name().empty()) {
    graph->CheckName(materialized.store_name(), "store");
    return materialized.store_name();
  }
  std::string name = graph->NewStoreName(prefix);
  graph->NoteGeneratedStore(name, materialized.logged());
  return name;
}

}  // namespace millrace::internal
