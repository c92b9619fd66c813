#ifndef MILLRACE_TOPOLOGIES_KGROUPED_STREAM_H_
#define MILLRACE_TOPOLOGIES_KGROUPED_STREAM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "millrace/operators/internal/aggregate_nodes.h"
#include "millrace/operators/windows.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/grouped.h"
#include "millrace/topologies/internal/group_steps.h"
#include "millrace/topologies/ktable.h"
#include "millrace/topologies/materialized.h"
#include "millrace/topologies/named.h"

namespace millrace {

template <class K, class V>
class TimeWindowedKStream;

/// A stream grouped by its key, ready to be aggregated into a table. Records with a null key or value are left out. Functions and
/// threads as in KStream. Follows Kafka's `KGroupedStream`.
template <class K, class V>
class KGroupedStream {
 public:
  /// How many records each key has had.
  KTable<K, int64_t> Count(const Materialized& materialized = {}) const { return Count(Named(), materialized); }
  KTable<K, int64_t> Count(const Named& named, const Materialized& materialized = {}) const {
    internal::GraphBuilder* graph = group_->place->graph.get();
    // One index more than the store needs: that is Kafka Streams' way when a Materialized has no name.
    if (materialized.given() && materialized.store_name().empty()) graph->NewStoreName(kAggregate);
    return Add<int64_t>(kAggregate, named, materialized, AnySerde<int64_t>(), [](const std::string& name, const auto& info) {
      return std::make_unique<internal::StreamAggregateNode<K, V, int64_t>>(
          name, info.store_name, [] { return std::optional<int64_t>(0); }, internal::CountingAggregator<K, V>(),
          info.send_old_values);
    });
  }

  /// Combines values of a key, two by two: (const V& so_far, const V& value) gives V, or an optional whose emptiness deletes.
  template <class F>
  KTable<K, V> Reduce(F reducer, const Materialized& materialized = {}) const {
    return Reduce(std::move(reducer), Named(), materialized);
  }
  template <class F>
  KTable<K, V> Reduce(F reducer, const Named& named, const Materialized& materialized = {}) const {
    static_assert(std::is_invocable_v<F&, const V&, const V&>, "Reduce: the reducer takes (const V& so_far, const V& value)");
    return Add<V>(
        kReduce, named, materialized, value_, [reducer = std::move(reducer)](const std::string& name, const auto& info) {
          return std::make_unique<internal::StreamReduceNode<K, V>>(
              name, info.store_name,
              [reducer](const V& so_far, const V& value) mutable { return internal::ToOptional<V>(reducer(so_far, value)); },
              info.send_old_values);
        });
  }

  /// Folds values into an aggregate, which `initializer` makes: the aggregator takes (value, aggregate) or (key, value,
  /// aggregate), the aggregate by value (or as an optional, then null too), and gives the new one; an empty optional deletes the
  /// row.
  template <class Init, class F>
  auto Aggregate(Init initializer, F aggregator, const Materialized& materialized = {}) const {
    return Aggregate(std::move(initializer), std::move(aggregator), Named(), materialized);
  }
  template <class Init, class F>
  auto Aggregate(Init initializer, F aggregator, const Named& named, const Materialized& materialized = {}) const {
    using VA = internal::Unwrapped<std::invoke_result_t<Init&>>;
    static_assert(internal::kTakesAggregate<F, K, V, VA>,
                  "Aggregate: the aggregator takes (value, aggregate) or (key, value, aggregate)");
    return Add<VA>(kAggregate, named, materialized, std::nullopt,
                   [init = std::move(initializer), aggregate = internal::MakeAggregator<K, V, VA>(std::move(aggregator))](
                       const std::string& name, const auto& info) {
                     return std::make_unique<internal::StreamAggregateNode<K, V, VA>>(
                         name, info.store_name, [init]() mutable { return internal::ToOptional<VA>(init()); }, aggregate,
                         info.send_old_values);
                   });
  }

  /// Aggregates by key and window.
  TimeWindowedKStream<K, V> WindowedBy(const TimeWindows& windows) const {
    return TimeWindowedKStream<K, V>(group_, windows, key_, value_);
  }

 private:
  template <class, class>
  friend class KStream;
  static constexpr char kAggregate[] = "KSTREAM-AGGREGATE-";
  static constexpr char kReduce[] = "KSTREAM-REDUCE-";

  KGroupedStream(const internal::PlacePtr& place, const Grouped& grouped, const internal::MaybeSerde<K>& key,
                 const internal::MaybeSerde<V>& value)
      : group_(std::make_shared<internal::GroupedPlace>()),
        key_(internal::FirstOf(grouped.key_serde().template Get<K>(place->graph.get(), "Grouped"), key)),
        value_(internal::FirstOf(grouped.value_serde().template Get<V>(place->graph.get(), "Grouped"), value)) {
    group_->place = place;
    group_->repartition_name = grouped.name();
  }

  template <class VA, class Make>
  KTable<K, VA> Add(const char* prefix, const Named& named, const Materialized& materialized,
                    const internal::MaybeSerde<VA>& value_serde, Make make) const {
    internal::GraphBuilder* graph = group_->place->graph.get();
    KTable<K, VA> table = KTable<K, VA>::Source(graph, materialized, prefix, key_, value_serde);
    table.info_->is_source = false;
    table.info_->materialized = true;
    internal::AggregateStep step;
    step.name = graph->NameOr(named.name(), prefix);
    step.queryable = table.queryable_;
    step.make = [name = step.name, make = std::move(make), info = table.info_]() -> std::unique_ptr<ProcessorNode> {
      return make(name, *info);
    };
    const auto key = internal::Resolve(graph, table.key_, "key", step.name);
    const auto value = internal::Resolve(graph, table.value_, "value", step.name);
    if (!key || !value) {
      table.place_ = group_->place;
      return table;
    }
    step.store =
        TimestampedKeyValueStoreBuilder<K, VA>(internal::OptionsOf(materialized, table.info_->store_name, true), *key, *value);
    table.place_ = internal::AppendAggregate(group_.get(), std::move(step), [this, graph](std::string prefix_name, bool given) {
      return internal::MakeRepartitionSpec<K, V>(graph, std::move(prefix_name), given, key_, value_);
    });
    return table;
  }

  std::shared_ptr<internal::GroupedPlace> group_;
  internal::MaybeSerde<K> key_;
  internal::MaybeSerde<V> value_;
};

}  // namespace millrace

#include "millrace/topologies/time_windowed_kstream.h"

#endif  // MILLRACE_TOPOLOGIES_KGROUPED_STREAM_H_
