#ifndef MILLRACE_TOPOLOGIES_KTABLE_H_
#define MILLRACE_TOPOLOGIES_KTABLE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/operators/internal/table_nodes.h"
#include "millrace/topologies/internal/dsl_core.h"
#include "millrace/topologies/internal/table_steps.h"
#include "millrace/topologies/kstream.h"
#include "millrace/topologies/materialized.h"
#include "millrace/topologies/named.h"

namespace millrace {

class StreamsBuilder;

/// A table: the latest value of each key, and the stream of its updates. Functions and threads as in KStream; they are never
/// called for deleted rows. A table is kept in a store only if that was asked for (Materialized::As) or a step needs to look
/// rows up. Follows Kafka's `KTable`.
template <class K, class V>
class KTable {
  template <class F>
  static constexpr bool kFits = internal::kTakesKeyValue<F, K, V>;

 public:
  using Key = K;
  using Value = V;

  /// Rows for which the predicate holds; kept in a store of its own if `materialized` names one.
  template <class F>
  KTable Filter(F predicate, const Named& named = {}) const {
    static_assert(kFits<F>, "Filter: the predicate takes (value) or (key, value), each by const reference or pointer");
    return Select<false>(std::move(predicate), named, Materialized(), false);
  }
  template <class F>
  KTable Filter(F predicate, const Named& named, const Materialized& materialized) const {
    static_assert(kFits<F>, "Filter: the predicate takes (value) or (key, value), each by const reference or pointer");
    return Select<true>(std::move(predicate), named, materialized, false);
  }
  template <class F>
  KTable Filter(F predicate, const Materialized& materialized) const {
    return Filter(std::move(predicate), Named(), materialized);
  }
  /// Rows for which the predicate does not hold.
  template <class F>
  KTable FilterNot(F predicate, const Named& named = {}) const {
    static_assert(kFits<F>, "FilterNot: the predicate takes (value) or (key, value), each by const reference or pointer");
    return Select<false>(std::move(predicate), named, Materialized(), true);
  }
  template <class F>
  KTable FilterNot(F predicate, const Named& named, const Materialized& materialized) const {
    static_assert(kFits<F>, "FilterNot: the predicate takes (value) or (key, value), each by const reference or pointer");
    return Select<true>(std::move(predicate), named, materialized, true);
  }
  template <class F>
  KTable FilterNot(F predicate, const Materialized& materialized) const {
    return FilterNot(std::move(predicate), Named(), materialized);
  }
  /// A new value for each row; an empty optional deletes it downstream.
  template <class F>
  auto MapValues(F mapper, const Named& named = {}) const {
    static_assert(kFits<F>, "MapValues: the mapper takes (value) or (key, value), each by const reference or pointer");
    return Mapped<false>(std::move(mapper), named, Materialized());
  }
  template <class F>
  auto MapValues(F mapper, const Named& named, const Materialized& materialized) const {
    static_assert(kFits<F>, "MapValues: the mapper takes (value) or (key, value), each by const reference or pointer");
    return Mapped<true>(std::move(mapper), named, materialized);
  }
  template <class F>
  auto MapValues(F mapper, const Materialized& materialized) const {
    return MapValues(std::move(mapper), Named(), materialized);
  }

  /// The updates as a stream: new values; null where a row was deleted.
  KStream<K, V> ToStream(const Named& named = {}) const {
    const std::string name = place_->graph->NameOr(named.name(), "KTABLE-TOSTREAM-");
    return KStream<K, V>(internal::Append(*place_, name, internal::MakeNode<internal::TableToStreamNode<K, V>>(name), false),
                         key_, value_);
  }
  /// The updates as a stream with new keys.
  template <class F>
  requires internal::kTakesKeyValue<F, K, V>
  auto ToStream(F key_mapper, const Named& named = {}) const { return ToStream(named).SelectKey(std::move(key_mapper)); }

  /// The store's name if the table can be queried, else empty.
  [[nodiscard]] std::string QueryableStoreName() const { return queryable_ ? info_->store_name : std::string(); }

 private:
  template <class, class>
  friend class KTable;
  template <class, class>
  friend class KStream;
  template <class, class>
  friend class KGroupedStream;
  template <class, class>
  friend class TimeWindowedKStream;
  friend class StreamsBuilder;

  KTable() = default;

  /// Name, serdes and store of a table read from a topic or made of a stream.
  static KTable Source(internal::GraphBuilder* graph, const Materialized& materialized, std::string_view store_prefix,
                       const internal::MaybeSerde<K>& key, const internal::MaybeSerde<V>& value) {
    KTable table;
    table.queryable_ = !materialized.store_name().empty();
    table.info_ = std::make_shared<internal::TableInfo>();
    table.info_->store_name = internal::StoreNameOf(graph, materialized, store_prefix);
    table.info_->materialized = table.queryable_;
    table.info_->is_source = true;
    table.key_ = internal::FirstOf(materialized.key_serde().template Get<K>(graph, "Materialized"), key);
    table.value_ = internal::FirstOf(materialized.value_serde().template Get<V>(graph, "Materialized"), value);
    table.view_ = internal::StoreView<K, V>(table.info_);
    return table;
  }
  internal::NodeFactory SourceNodeFactory(const std::string& name) const {
    return [name, info = info_] {
      return std::make_unique<internal::TableSourceNode<K, V>>(name, info->StoreOrNone(), info->send_old_values);
    };
  }
  static KTable OfStream(const KStream<K, V>& stream, const Named& named, const Materialized& materialized) {
    internal::GraphBuilder* graph = stream.place_->graph.get();
    const std::string name = graph->NameOr(named.name(), "KSTREAM-TOTABLE-");
    KTable table = Source(graph, materialized, "KSTREAM-TOTABLE-", stream.key_, stream.value_);
    internal::PlacePtr before = stream.place_;
    if (before->repartition_required) {
      before = internal::AppendTableRepartition(
          *before, internal::MakeRepartitionSpec<K, V>(graph, name, !named.name().empty(), table.key_, table.value_));
    }
    table.place_ =
        internal::AppendTable(*before, name, table.SourceNodeFactory(name),
                              internal::TableStoreMaker<K, V>(graph, table.info_, table.key_, table.value_, materialized));
    return table;
  }

  /// A table over another one; place and view are still to be set.
  template <class VParent>
  static KTable Derived(const KTable<K, VParent>& parent, const std::string& name, const Materialized& materialized,
                        internal::MaybeSerde<V> value) {
    KTable table;
    table.queryable_ = !materialized.store_name().empty();
    table.info_ = std::make_shared<internal::TableInfo>();
    table.info_->store_name = table.queryable_ ? materialized.store_name() : name;
    table.info_->materialized = table.queryable_;
    table.info_->parent = parent.info_;
    table.key_ =
        internal::FirstOf(materialized.key_serde().template Get<K>(parent.place_->graph.get(), "Materialized"), parent.key_);
    table.value_ = std::move(value);
    return table;
  }
  /// The store of a derived table that has one; without Materialized no store code is compiled for its types.
  template <bool kStored>
  internal::StoreMaker OwnStore(internal::GraphBuilder* graph, const Materialized& materialized) const {
    if constexpr (kStored) {
      if (!info_->materialized) return nullptr;
      graph->CheckName(info_->store_name, "store");
      return internal::TableStoreMaker<K, V>(graph, info_, key_, value_, materialized);
    }
    return nullptr;
  }

  template <bool kStored, class F>
  auto Mapped(F mapper, const Named& named, const Materialized& materialized) const {
    using V2 = internal::Unwrapped<internal::KeyValueResult<F, K, V>>;
    internal::GraphBuilder* graph = place_->graph.get();
    if (materialized.given() && materialized.store_name().empty()) graph->NewStoreName("KTABLE-MAPVALUES-");
    const std::string name = graph->NameOr(named.name(), "KTABLE-MAPVALUES-");
    auto map = internal::MakeMapper<V2, K, V>(std::move(mapper));
    KTable<K, V2> result = KTable<K, V2>::template Derived<V>(*this, name, materialized,
                                                              materialized.value_serde().template Get<V2>(graph, "Materialized"));
    auto view = [parent = view_, map]() { return internal::Mapped<K, V, V2>(parent(), map); };
    result.view_ = internal::ViewOver<kStored, K, V2>(result.info_, std::move(view));
    result.place_ = internal::AppendTable(
        *place_, name,
        [name, map, info = result.info_]() {
          return std::make_unique<internal::TableMapValuesNode<K, V, V2>>(name, map, info->StoreOrNone(), info->send_old_values);
        },
        result.template OwnStore<kStored>(graph, materialized));
    return result;
  }

  template <bool kStored, class F>
  KTable Select(F predicate, const Named& named, const Materialized& materialized, bool negate) const {
    internal::GraphBuilder* graph = place_->graph.get();
    if (materialized.given() && materialized.store_name().empty()) graph->NewStoreName("KTABLE-FILTER-");
    const std::string name = graph->NameOr(named.name(), "KTABLE-FILTER-");
    auto holds = internal::MakePredicate<K, V>(std::move(predicate), negate);
    KTable result = Derived<V>(*this, name, materialized,
                               internal::FirstOf(materialized.value_serde().template Get<V>(graph, "Materialized"), value_));
    // A table that is kept anyway sends old values, which spares tombstones for rows that never passed.
    result.info_->send_old_values = internal::EnableSendingOldValues(info_.get(), false);
    auto view = [parent = view_, holds] { return internal::Filtered<K, V>(parent(), holds); };
    result.view_ = internal::ViewOver<kStored, K, V>(result.info_, std::move(view));
    result.place_ = internal::AppendTable(
        *place_, name,
        [name, holds, info = result.info_]() {
          return std::make_unique<internal::TableFilterNode<K, V>>(name, holds, info->StoreOrNone(), info->send_old_values);
        },
        result.template OwnStore<kStored>(graph, materialized));
    return result;
  }

  internal::PlacePtr place_;
  internal::MaybeSerde<K> key_;
  internal::MaybeSerde<V> value_;
  std::shared_ptr<internal::TableInfo> info_;
  /// Makes the table readable for a join, which may materialise it.
  std::function<internal::TableView<K, V>()> view_;
  bool queryable_ = false;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_KTABLE_H_
