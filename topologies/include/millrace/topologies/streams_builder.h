#ifndef MILLRACE_TOPOLOGIES_STREAMS_BUILDER_H_
#define MILLRACE_TOPOLOGIES_STREAMS_BUILDER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/state/stores.h"
#include "millrace/topologies/consumed.h"
#include "millrace/topologies/kstream.h"
#include "millrace/topologies/ktable.h"
#include "millrace/topologies/materialized.h"
#include "millrace/topologies/topology.h"
#include "millrace/topologies/topology_config.h"
#include "millrace/topologies/warehouse_table.h"

namespace millrace {

/// Where a topology starts: declare streams and tables, chain their methods, then Build once. Mistakes are kept and told by
/// Build, so declarations need no error handling. Used by one thread; the Topology may go to any. Follows Kafka's
/// `StreamsBuilder`.
class StreamsBuilder {
 public:
  explicit StreamsBuilder(const TopologyConfig& config = {}) : graph_(std::make_shared<internal::GraphBuilder>(config)) {}
  /// From what knows its TopologyConfig, as StreamsConfig does.
  template <class Config>
  requires requires(const Config& config) {
    { config.topology_config() } -> std::convertible_to<TopologyConfig>;
  }
  explicit StreamsBuilder(const Config& config) : StreamsBuilder(TopologyConfig(config.topology_config())) {}

  /// Reads topics, which must exist when the application starts. Serdes are those of the types, or of Consumed.
  template <class K, class V>
  KStream<K, V> Stream(const std::string& topic, const Consumed<K, V>& consumed = {}) {
    return Stream<K, V>(std::vector<std::string>{topic}, consumed);
  }
  template <class K, class V>
  KStream<K, V> Stream(std::vector<std::string> topics, const Consumed<K, V>& consumed = {}) {
    auto place = std::make_shared<internal::Place>();
    place->graph = graph_;
    place->name = graph_->NameOr(consumed.name(), "KSTREAM-SOURCE-");
    place->node = graph_->AddSource(place->name, std::move(topics), Source(place->name, consumed));
    place->sources = {place->name};
    return KStream<K, V>(std::move(place), consumed.key_serde(), consumed.value_serde());
  }

  /// Reads a topic as a table: the last value of a key is its row, null deletes it, a null key is dropped. Kept in a store if
  /// `materialized` names one or a step looks rows up.
  template <class K, class V>
  KTable<K, V> Table(const std::string& topic, const Consumed<K, V>& consumed, const Materialized& materialized = {}) {
    KTable<K, V> table =
        KTable<K, V>::Source(graph_.get(), materialized, topic + "-", consumed.key_serde(), consumed.value_serde());
    Consumed<K, V> source = consumed;
    if (table.key_) source.WithKeySerde(*table.key_);
    if (table.value_) source.WithValueSerde(*table.value_);
    const std::string source_name = graph_->SuffixedNameOr(consumed.name(), "-source", "KSTREAM-SOURCE-");
    table.place_ = std::make_shared<internal::Place>();
    table.place_->graph = graph_;
    table.place_->name = graph_->NameOr(consumed.name(), "KTABLE-SOURCE-");
    table.place_->sources = {source_name};
    internal::ProcessorSpec spec;
    spec.name = table.place_->name;
    spec.make = table.SourceNodeFactory(spec.name);
    table.place_->node =
        graph_->AddTableSource(source_name, topic, Source(source_name, source), std::move(spec),
                               internal::TableStoreMaker<K, V>(graph_.get(), table.info_, table.key_, table.value_, materialized),
                               !internal::HasNullsInUse(table.key_) && !internal::HasNullsInUse(table.value_));
    return table;
  }
  template <class K, class V>
  KTable<K, V> Table(const std::string& topic, const Materialized& materialized = {}) {
    return Table<K, V>(topic, Consumed<K, V>(), materialized);
  }

  /// Adds a store for processors, who name it in Process or ProcessValues. Follows `addStateStore`.
  StreamsBuilder& AddStateStore(std::shared_ptr<const StoreBuilder> store) {
    graph_->AddStateStore(std::move(store));
    return *this;
  }

  /// Makes a topic that others write a table of the warehouse, as KStream::ToWarehouse does; this topology need not read it. V is
  /// the protobuf message of its values.
  template <class V>
  StreamsBuilder& LandTopic(const std::string& topic, const WarehouseTable& table = {}) {
    static_assert(internal::kIsMessage<V>, "LandTopic: the values must be protobuf messages, whose fields become columns");
    if constexpr (internal::kIsMessage<V>) graph_->LandTopic(topic, table, V::descriptor()->full_name());
    return *this;
  }

  /// The topology, or the first mistake of the declaration with what to do. Call it once.
  [[nodiscard]] absl::StatusOr<Topology> Build() { return graph_->Build(); }

 private:
  template <class K, class V>
  internal::SourceFactory Source(const std::string& name, const Consumed<K, V>& consumed) {
    const auto key = internal::Resolve(graph_.get(), consumed.key_serde(), "key", name);
    const auto value = internal::Resolve(graph_.get(), consumed.value_serde(), "value", name);
    if (!key || !value) return nullptr;
    return [name, key = *key, value = *value, extractor = consumed.timestamp_extractor()] {
      return std::make_unique<internal::TypedSourceNode<K, V>>(name, key, value, extractor);
    };
  }

  std::shared_ptr<internal::GraphBuilder> graph_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_STREAMS_BUILDER_H_
