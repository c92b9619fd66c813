#ifndef MILLRACE_TOPOLOGIES_TIME_WINDOWED_KSTREAM_H_
#define MILLRACE_TOPOLOGIES_TIME_WINDOWED_KSTREAM_H_

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
#include "millrace/topologies/internal/group_steps.h"
#include "millrace/topologies/kgrouped_stream.h"
#include "millrace/topologies/ktable.h"
#include "millrace/topologies/materialized.h"
#include "millrace/topologies/named.h"

namespace millrace {

/// A stream grouped by key and time window. Each update of a window is emitted. Records older than their window's end plus grace
/// are dropped, counted. Results have Windowed keys, written as Kafka's time-windowed serde does. Follows `TimeWindowedKStream`.
template <class K, class V>
class TimeWindowedKStream {
 public:
  /// How many records each key has had in each window.
  KTable<Windowed<K>, int64_t> Count(const Materialized& materialized = {}) const { return Count(Named(), materialized); }
  KTable<Windowed<K>, int64_t> Count(const Named& named, const Materialized& materialized = {}) const {
    if (materialized.given() && materialized.store_name().empty()) group_->place->graph->NewStoreName(kAggregate);
    return Add<int64_t>(
        kAggregate, named, materialized, AnySerde<int64_t>(), [] { return std::optional<int64_t>(0); },
        internal::CountingAggregator<K, V>());
  }

  /// As KGroupedStream::Reduce.
  template <class F>
  KTable<Windowed<K>, V> Reduce(F reducer, const Materialized& materialized = {}) const {
    return Reduce(std::move(reducer), Named(), materialized);
  }
  template <class F>
  KTable<Windowed<K>, V> Reduce(F reducer, const Named& named, const Materialized& materialized = {}) const {
    static_assert(std::is_invocable_v<F&, const V&, const V&> || std::is_invocable_v<F&, const V&, const V*>,
                  "Reduce: the reducer takes (const V& so_far, const V& value)");
    return Add<V>(
        kReduce, named, materialized, value_, [] { return std::optional<V>(); },
        [reducer = std::move(reducer)](const K&, const V* value, std::optional<V> so_far) mutable -> std::optional<V> {
          if (!so_far) return value != nullptr ? std::optional<V>(*value) : std::nullopt;
          if constexpr (std::is_invocable_v<F&, const V&, const V&>) {
            return value != nullptr ? internal::ToOptional<V>(reducer(*so_far, *value)) : so_far;
          } else {
            return internal::ToOptional<V>(reducer(*so_far, value));
          }
        });
  }

  /// As KGroupedStream::Aggregate.
  template <class Init, class F>
  auto Aggregate(Init initializer, F aggregator, const Materialized& materialized = {}) const {
    return Aggregate(std::move(initializer), std::move(aggregator), Named(), materialized);
  }
  template <class Init, class F>
  auto Aggregate(Init initializer, F aggregator, const Named& named, const Materialized& materialized = {}) const {
    using VA = internal::Unwrapped<std::invoke_result_t<Init&>>;
    static_assert(internal::kTakesAggregate<F, K, V, VA>,
                  "Aggregate: the aggregator takes (value, aggregate) or (key, value, aggregate)");
    return Add<VA>(
        kAggregate, named, materialized, std::nullopt,
        [init = std::move(initializer)]() mutable { return internal::ToOptional<VA>(init()); },
        internal::MakeAggregator<K, V, VA>(std::move(aggregator)));
  }

 private:
  friend class KGroupedStream<K, V>;
  static constexpr char kAggregate[] = "KSTREAM-AGGREGATE-";
  static constexpr char kReduce[] = "KSTREAM-REDUCE-";

  TimeWindowedKStream(std::shared_ptr<internal::GroupedPlace> group, const TimeWindows& windows, internal::MaybeSerde<K> key,
                      internal::MaybeSerde<V> value)
      : group_(std::move(group)), windows_(windows), key_(std::move(key)), value_(std::move(value)) {}

  template <class VA>
  KTable<Windowed<K>, VA> Add(const char* prefix, const Named& named, const Materialized& materialized,
                              const internal::MaybeSerde<VA>& value_serde, std::function<std::optional<VA>()> init,
                              std::function<std::optional<VA>(const K&, const V*, std::optional<VA>)> aggregate) const {
    internal::GraphBuilder* graph = group_->place->graph.get();
    KTable<Windowed<K>, VA> table;
    table.queryable_ = !materialized.store_name().empty();
    table.info_ = std::make_shared<internal::TableInfo>();
    table.info_->store_name = internal::StoreNameOf(graph, materialized, prefix);
    table.info_->materialized = true;
    table.view_ = internal::StoreView<Windowed<K>, VA>(table.info_);
    internal::AggregateStep step;
    step.name = graph->NameOr(named.name(), prefix);
    step.queryable = table.queryable_;
    step.make = [name = step.name, windows = windows_, init = std::move(init), aggregate = std::move(aggregate),
                 info = table.info_] {
      return std::make_unique<internal::WindowAggregateNode<K, V, VA>>(name, info->store_name, windows, init, aggregate,
                                                                       info->send_old_values);
    };
    const auto key = internal::Resolve(
        graph, internal::FirstOf(materialized.key_serde().template Get<K>(graph, "Materialized"), key_), "key", step.name);
    table.value_ = internal::FirstOf(materialized.value_serde().template Get<VA>(graph, "Materialized"), value_serde);
    const auto value = internal::Resolve(graph, table.value_, "value", step.name);
    if (!key || !value) {
      table.place_ = group_->place;
      return table;
    }
    table.key_ = AnySerde<Windowed<K>>(TimeWindowedSerde<K>{*key, windows_.size()});
    step.store = TimestampedWindowStoreBuilder<K, VA>(
        internal::WindowOptionsOf(graph, materialized, table.info_->store_name, windows_), *key, *value);
    table.place_ = internal::AppendAggregate(group_.get(), std::move(step), [this, graph](std::string prefix_name, bool given) {
      return internal::MakeRepartitionSpec<K, V>(graph, std::move(prefix_name), given, key_, value_);
    });
    return table;
  }

  std::shared_ptr<internal::GroupedPlace> group_;
  TimeWindows windows_;
  internal::MaybeSerde<K> key_;
  internal::MaybeSerde<V> value_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_TIME_WINDOWED_KSTREAM_H_
