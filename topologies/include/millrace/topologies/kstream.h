#ifndef MILLRACE_TOPOLOGIES_KSTREAM_H_
#define MILLRACE_TOPOLOGIES_KSTREAM_H_

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/operators/internal/processor_nodes.h"
#include "millrace/operators/internal/stateless_nodes.h"
#include "millrace/operators/processor.h"
#include "millrace/operators/windows.h"
#include "millrace/topologies/branched.h"
#include "millrace/topologies/grouped.h"
#include "millrace/topologies/internal/dsl_core.h"
#include "millrace/topologies/internal/join_steps.h"
#include "millrace/topologies/internal/process_steps.h"
#include "millrace/topologies/joined.h"
#include "millrace/topologies/materialized.h"
#include "millrace/topologies/named.h"
#include "millrace/topologies/produced.h"
#include "millrace/topologies/repartitioned.h"
#include "millrace/topologies/stream_joined.h"
#include "millrace/topologies/warehouse_table.h"

namespace millrace {

template <class K, class V>
class KTable;
template <class K, class V>
class KGroupedStream;
template <class K, class V>
class BranchedKStream;

/// Names the topic of an output record. Key and value may be null. Called on the worker's thread. Follows `TopicNameExtractor`.
template <class K, class V>
using TopicNameExtractor = std::function<std::string(const K*, const V*, const RecordContext&)>;

/// A stream of records: each method adds a step behind this one and gives the stream after it; a stream may be used many times.
///
/// Functions take (value) or (key, value), each by const reference or const pointer, and run on worker threads, one copy for each
/// task. One that takes a reference is never called with null: a predicate counts as false, a mapper gives null, a flat mapper
/// nothing. Results may be std::optional, empty = null. Exceptions of a function fail the task. What is wrong with the
/// declaration itself (a name twice, a missing serde) is reported by StreamsBuilder::Build. A cheap handle, used on the thread
/// that declares the topology. Follows Kafka's `KStream`.
template <class K, class V>
class KStream {
  template <class F>
  static constexpr bool kFits = internal::kTakesKeyValue<F, K, V>;

 public:
  using Key = K;
  using Value = V;

  /// Keeps records for which the predicate holds.
  template <class F>
  KStream Filter(F predicate, const Named& named = {}) const {
    static_assert(kFits<F>, "Filter: the predicate takes (value) or (key, value), each by const reference or pointer");
    return Select(std::move(predicate), named, false);
  }
  /// Drops records for which the predicate holds.
  template <class F>
  KStream FilterNot(F predicate, const Named& named = {}) const {
    static_assert(kFits<F>, "FilterNot: the predicate takes (value) or (key, value), each by const reference or pointer");
    return Select(std::move(predicate), named, true);
  }

  /// A new value for each record; the key stays, so nothing is repartitioned later.
  template <class F>
  auto MapValues(F mapper, const Named& named = {}) const {
    static_assert(kFits<F>, "MapValues: the mapper takes (value) or (key, value), each by const reference or pointer");
    using V2 = internal::Unwrapped<internal::KeyValueResult<F, K, V>>;
    using Node = internal::MapValuesNode<K, V, V2>;
    return KStream<K, V2>(Step<Node>("KSTREAM-MAPVALUES-", named, internal::MakeMapper<V2, K, V>(std::move(mapper)), KeepsKey()),
                          key_, std::nullopt);
  }
  /// None or more values for each record, from any range; the key stays.
  template <class F>
  auto FlatMapValues(F mapper, const Named& named = {}) const {
    static_assert(kFits<F>, "FlatMapValues: the mapper takes (value) or (key, value), each by const reference or pointer");
    using V2 = internal::Unwrapped<internal::ElementOf<internal::KeyValueResult<F, K, V>>>;
    using Node = internal::FlatMapValuesNode<K, V, V2>;
    return KStream<K, V2>(
        Step<Node>("KSTREAM-FLATMAPVALUES-", named, internal::MakeValuesMapper<V2, K, V>(std::move(mapper)), KeepsKey()), key_,
        std::nullopt);
  }
  /// A new key and value for each record, as std::pair. Joins and aggregations behind it repartition.
  template <class F>
  auto Map(F mapper, const Named& named = {}) const {
    static_assert(kFits<F>, "Map: the mapper takes (value) or (key, value), each by const reference or pointer");
    using Pair = std::remove_cvref_t<internal::KeyValueResult<F, K, V>>;
    using K2 = internal::Unwrapped<typename Pair::first_type>;
    using V2 = internal::Unwrapped<typename Pair::second_type>;
    using Node = internal::MapNode<K, V, K2, V2>;
    return KStream<K2, V2>(
        Step<Node>("KSTREAM-MAP-", named, internal::MakePairMapper<K2, V2, K, V>(std::move(mapper)), ChangesKey()), std::nullopt,
        std::nullopt);
  }
  /// None or more records for each, from any range of std::pair. Joins and aggregations behind it repartition.
  template <class F>
  auto FlatMap(F mapper, const Named& named = {}) const {
    static_assert(kFits<F>, "FlatMap: the mapper takes (value) or (key, value), each by const reference or pointer");
    using Pair = internal::ElementOf<internal::KeyValueResult<F, K, V>>;
    using K2 = internal::Unwrapped<typename Pair::first_type>;
    using V2 = internal::Unwrapped<typename Pair::second_type>;
    using Node = internal::FlatMapNode<K, V, K2, V2>;
    return KStream<K2, V2>(
        Step<Node>("KSTREAM-FLATMAP-", named, internal::MakePairsMapper<K2, V2, K, V>(std::move(mapper)), ChangesKey()),
        std::nullopt, std::nullopt);
  }
  /// A new key for each record. Joins and aggregations behind it repartition.
  template <class F>
  auto SelectKey(F mapper, const Named& named = {}) const {
    static_assert(kFits<F>, "SelectKey: the mapper takes (value) or (key, value), each by const reference or pointer");
    using K2 = internal::Unwrapped<internal::KeyValueResult<F, K, V>>;
    using Node = internal::SelectKeyNode<K, V, K2>;
    return KStream<K2, V>(
        Step<Node>("KSTREAM-KEY-SELECT-", named, internal::MakeMapper<K2, K, V>(std::move(mapper)), ChangesKey()), std::nullopt,
        value_);
  }

  /// Calls the action for each record, which goes on unchanged.
  template <class F>
  KStream Peek(F action, const Named& named = {}) const {
    static_assert(kFits<F>, "Peek: the action takes (value) or (key, value), each by const reference or pointer");
    return KStream(Step<internal::PeekNode<K, V>>("KSTREAM-PEEK-", named, internal::MakeAction<K, V>(std::move(action)), Keeps()),
                   key_, value_);
  }
  /// Calls the action for each record; the stream ends here.
  template <class F>
  void ForEach(F action, const Named& named = {}) const {
    static_assert(kFits<F>, "ForEach: the action takes (value) or (key, value), each by const reference or pointer");
    Step<internal::PeekNode<K, V>>("KSTREAM-FOREACH-", named, internal::MakeAction<K, V>(std::move(action)), Keeps());
  }
  /// The records of both streams; their order between each other is that of arrival.
  KStream Merge(const KStream& other, const Named& named = {}) const {
    const std::string name = place_->graph->NameOr(named.name(), "KSTREAM-MERGE-");
    return KStream(internal::AppendMerge(*place_, *other.place_, name, internal::MakeNode<internal::PassThroughNode<K, V>>(name)),
                   std::nullopt, std::nullopt);
  }
  /// Sends each record to the first branch whose predicate holds.
  BranchedKStream<K, V> Split(const Named& named = {}) const { return BranchedKStream<K, V>(*this, named); }

  /// Through a topic "<application.id>-<name>-repartition", partitioned by the key.
  KStream Repartition(const Repartitioned& repartitioned = {}) const {
    internal::GraphBuilder* graph = place_->graph.get();
    const bool named = !repartitioned.name().empty();
    const std::string name = named ? repartitioned.name() : graph->NewName("KSTREAM-REPARTITION-");
    const auto key = internal::FirstOf(repartitioned.key_serde().template Get<K>(graph, "Repartitioned"), key_);
    const auto value = internal::FirstOf(repartitioned.value_serde().template Get<V>(graph, "Repartitioned"), value_);
    internal::RepartitionSpec spec =
        internal::MakeRepartitionSpec<K, V>(graph, name, named, key, value, repartitioned.template partitioner<K, V>());
    spec.partitions = repartitioned.partitions();
    return KStream(internal::AppendRepartition(*place_, std::move(spec)), key, value);
  }
  /// Reads the stream as updates of a table: the last value of a key is its row, null deletes it.
  KTable<K, V> ToTable(const Materialized& materialized = {}) const { return ToTable(Named(), materialized); }
  KTable<K, V> ToTable(const Named& named, const Materialized& materialized = {}) const {
    return KTable<K, V>::OfStream(*this, named, materialized);
  }

  /// Writes to a topic, which must exist.
  void To(std::string topic, const Produced& produced = {}) const { Sink(std::move(topic), nullptr, produced); }
  /// Writes to the topic that the function names; it gets key and value (null where the record has null) and the record's
  /// context.
  template <std::invocable<const K*, const V*, const RecordContext&> F>
  void To(F topic_of, const Produced& produced = {}) const {
    Sink("", std::move(topic_of), produced);
  }

  /// Writes to a topic, which must exist, and makes it a table of the warehouse: To, and word for who lands topics (`land`, and
  /// `run` where warehouse.uri is set). V is a protobuf message, written as its own serde does. Kafka Streams has no such thing.
  void ToWarehouse(const std::string& topic, const WarehouseTable& table = {}, const Produced& produced = {}) const {
    static_assert(internal::kIsMessage<V>, "ToWarehouse: the values must be protobuf messages, whose fields become columns");
    if constexpr (internal::kIsMessage<V>) place_->graph->LandTopic(topic, table, V::descriptor()->full_name());
    To(topic, produced);
  }

  /// Groups by the key as it is; repartitions first if the key was changed since the last repartition.
  KGroupedStream<K, V> GroupByKey(const Grouped& grouped = {}) const {
    return KGroupedStream<K, V>(place_, grouped, key_, value_);
  }
  /// Groups by a new key, through a repartition topic. Short for SelectKey and GroupByKey.
  template <class F>
  auto GroupBy(F mapper, const Grouped& grouped = {}) const {
    static_assert(kFits<F>, "GroupBy: the key mapper takes (value) or (key, value), each by const reference or pointer");
    return SelectKey(std::move(mapper), Named::As(grouped.name())).GroupByKey(grouped);
  }

  /// Joins with records of the other stream that are near in time. The joiner takes (left, right) or (key, left, right).
  template <class VOther, class F>
  auto Join(const KStream<K, VOther>& other, F joiner, const JoinWindows& windows, const StreamJoined& joined = {}) const {
    constexpr int kForm = internal::JoinForm<F, K, V, VOther, false, false>();
    static_assert(kForm >= 0, "Join: the joiner takes (left, right) or (key, left, right) values");
    return JoinStream<kForm>(other, std::move(joiner), windows, joined, internal::JoinKind::kInner);
  }
  /// As Join; a record of this stream without a partner is joined with null once its window has closed.
  template <class VOther, class F>
  auto LeftJoin(const KStream<K, VOther>& other, F joiner, const JoinWindows& windows, const StreamJoined& joined = {}) const {
    constexpr int kForm = internal::JoinForm<F, K, V, VOther, false, true>();
    static_assert(kForm >= 0, "LeftJoin: the joiner must take the right value as a pointer: it is null where no partner came");
    return JoinStream<kForm>(other, std::move(joiner), windows, joined, internal::JoinKind::kLeft);
  }
  /// As LeftJoin, for both sides.
  template <class VOther, class F>
  auto OuterJoin(const KStream<K, VOther>& other, F joiner, const JoinWindows& windows, const StreamJoined& joined = {}) const {
    constexpr int kForm = internal::JoinForm<F, K, V, VOther, true, true>();
    static_assert(kForm >= 0, "OuterJoin: the joiner must take both values as pointers: either is null where no partner came");
    return JoinStream<kForm>(other, std::move(joiner), windows, joined, internal::JoinKind::kOuter);
  }
  /// Joins each record with the row that the table has for its key now; drops it if there is none.
  template <class VTable, class F>
  auto Join(const KTable<K, VTable>& table, F joiner, const Joined& joined = {}) const {
    constexpr int kForm = internal::JoinForm<F, K, V, VTable, false, false>();
    static_assert(kForm >= 0, "Join: the joiner takes (value, row) or (key, value, row)");
    return JoinTable<kForm>(table, std::move(joiner), joined, false);
  }
  /// As Join; where there is no row, the joiner gets null.
  template <class VTable, class F>
  auto LeftJoin(const KTable<K, VTable>& table, F joiner, const Joined& joined = {}) const {
    constexpr int kForm = internal::JoinForm<F, K, V, VTable, false, true>();
    static_assert(kForm >= 0, "LeftJoin: the joiner must take the row as a pointer: it is null where the table has none");
    return JoinTable<kForm>(table, std::move(joiner), joined, true);
  }

  /// Runs a processor: a callable that makes one for each task, from any thread, as std::unique_ptr. `stores` are names of stores
  /// added to the builder; a supplier with a method `stores()` (a vector of std::shared_ptr<const StoreBuilder>) brings its own.
  template <class Supplier>
  auto Process(Supplier supplier, const std::vector<std::string>& stores = {}) const {
    return Process(std::move(supplier), Named(), stores);
  }
  template <class Supplier>
  auto Process(Supplier supplier, const Named& named, const std::vector<std::string>& stores = {}) const {
    static_assert(internal::MakesProcessor<Supplier, K, V>,
                  "Process: pass a callable that gives std::unique_ptr of a Processor<K, V, ...> for this stream's K and V");
    using Out = internal::ProcessorOutput<Supplier>;
    using Node = internal::ProcessNode<K, V, typename Out::Key, typename Out::Value>;
    const std::string name = internal::ProcessorName(place_->graph.get(), named, "KSTREAM-PROCESSOR-");
    return KStream<typename Out::Key, typename Out::Value>(
        internal::AppendProcess<Node>(*place_, name, std::move(supplier), stores, true), std::nullopt, std::nullopt);
  }
  /// As Process, with processors that cannot change the key (FixedKeyProcessor): nothing is repartitioned later.
  template <class Supplier>
  auto ProcessValues(Supplier supplier, const std::vector<std::string>& stores = {}) const {
    return ProcessValues(std::move(supplier), Named(), stores);
  }
  template <class Supplier>
  auto ProcessValues(Supplier supplier, const Named& named, const std::vector<std::string>& stores = {}) const {
    static_assert(internal::MakesFixedKeyProcessor<Supplier, K, V>,
                  "ProcessValues: pass a callable that gives std::unique_ptr of a FixedKeyProcessor<K, V, ...> for this stream");
    using VOut = typename internal::FixedKeyProcessorOutput<Supplier>::Value;
    using Node = internal::FixedKeyProcessNode<K, V, VOut>;
    const std::string name = internal::ProcessorName(place_->graph.get(), named, "KSTREAM-PROCESSVALUES-");
    return KStream<K, VOut>(
        internal::AppendProcess<Node>(*place_, name, std::move(supplier), stores, place_->repartition_required), key_,
        std::nullopt);
  }

  /// For the DSL itself: use StreamsBuilder::Stream.
  KStream(internal::PlacePtr place, internal::MaybeSerde<K> key, internal::MaybeSerde<V> value)
      : place_(std::move(place)), key_(std::move(key)), value_(std::move(value)) {}

 private:
  template <class, class>
  friend class KStream;
  template <class, class>
  friend class KTable;
  template <class, class>
  friend class BranchedKStream;

  static internal::GraphFlags Keeps() { return {}; }
  static internal::GraphFlags KeepsKey() { return {.value_changing = true}; }
  static internal::GraphFlags ChangesKey() { return {.key_changing = true}; }

  template <class Node, class Function>
  internal::PlacePtr Step(const char* prefix, const Named& named, Function function, internal::GraphFlags flags) const {
    const std::string name = place_->graph->NameOr(named.name(), prefix);
    return internal::Append(*place_, name, internal::MakeNode<Node>(name, std::move(function)),
                            place_->repartition_required || flags.key_changing, flags);
  }
  template <class F>
  KStream Select(F predicate, const Named& named, bool negate) const {
    return KStream(Step<internal::FilterNode<K, V>>("KSTREAM-FILTER-", named,
                                                    internal::MakePredicate<K, V>(std::move(predicate), negate), Keeps()),
                   key_, value_);
  }

  void Sink(std::string topic, TopicNameExtractor<K, V> topic_of, const Produced& produced) const {
    internal::GraphBuilder* graph = place_->graph.get();
    const std::string name = graph->NameOr(produced.name(), "KSTREAM-SINK-");
    const auto given_key = internal::FirstOf(produced.key_serde().template Get<K>(graph, "Produced"), key_);
    const auto given_value = internal::FirstOf(produced.value_serde().template Get<V>(graph, "Produced"), value_);
    const auto key = internal::Resolve(graph, given_key, "key", name);
    const auto value = internal::Resolve(graph, given_value, "value", name);
    if (!key || !value) return;
    if (topic.empty() && !topic_of)
      return graph->Fail(absl::InvalidArgumentError("sink '" + name + "' has no topic: pass one to To"));
    graph->AddSink(place_->node, name, std::move(topic),
                   [name, topic_of = std::move(topic_of), key = *key, value = *value,
                    partitioner = produced.template partitioner<K, V>()](const std::string& in_kafka) {
                     using Node = internal::SinkNode<K, V>;
                     typename Node::Topic target = in_kafka;
                     if (topic_of) target = topic_of;
                     return std::make_unique<Node>(name, std::move(target), key, value, partitioner);
                   });
  }

  /// This stream behind a repartition topic if its key was changed.
  KStream ReadyToJoin(const std::string& topic_name, bool named, const internal::MaybeSerde<K>& key,
                      const internal::MaybeSerde<V>& value) const {
    if (!place_->repartition_required) return *this;
    const auto k = internal::FirstOf(key, key_);
    const auto v = internal::FirstOf(value, value_);
    return KStream(
        internal::RepartitionForJoin(place_.get(), topic_name,
                                     internal::MakeRepartitionSpec<K, V>(place_->graph.get(), topic_name, named, k, v)),
        k, v);
  }

  template <int kForm, class VOther, class F>
  auto JoinStream(const KStream<K, VOther>& other, F joiner, const JoinWindows& windows, const StreamJoined& joined,
                  internal::JoinKind kind) const {
    using VOut = internal::JoinResult<kForm, F, K, V, VOther>;
    internal::GraphBuilder* graph = place_->graph.get();
    const auto key = joined.key_serde().template Get<K>(graph, "StreamJoined");
    const auto left_value = joined.value_serde().template Get<V>(graph, "StreamJoined");
    const auto right_value = joined.other_value_serde().template Get<VOther>(graph, "StreamJoined");
    const std::string& base = joined.name();
    const bool named = !base.empty();
    const KStream left = ReadyToJoin(named ? base + "-left" : place_->name, named, key, left_value);
    const KStream<K, VOther> right = other.ReadyToJoin(named ? base + "-right" : other.place_->name, named, key, right_value);
    std::set<std::string> sources = left.place_->sources;
    sources.insert(right.place_->sources.begin(), right.place_->sources.end());
    graph->Copartition(std::move(sources));
    if (!windows.valid()) {
      graph->Fail(absl::InvalidArgumentError("JoinWindows: before plus after, and grace, must not be negative"));
    }
    const auto k = internal::Resolve(graph, internal::FirstOf(key, left.key_), "key", "stream join");
    const auto l = internal::Resolve(graph, internal::FirstOf(left_value, left.value_), "value", "stream join");
    const auto r = internal::Resolve(graph, internal::FirstOf(right_value, right.value_), "value", "stream join");
    if (!k || !l || !r) return KStream<K, VOut>(left.place_, key, std::nullopt);
    return KStream<K, VOut>(internal::JoinStreams<K, V, VOther, VOut>(
                                *left.place_, *right.place_, internal::MakeJoiner<kForm, VOut, K, V, VOther>(std::move(joiner)),
                                windows, joined, kind, *k, *l, *r),
                            key, std::nullopt);
  }

  template <int kForm, class VTable, class F>
  auto JoinTable(const KTable<K, VTable>& table, F joiner, const Joined& joined, bool left) const {
    using VOut = internal::JoinResult<kForm, F, K, V, VTable>;
    internal::GraphBuilder* graph = place_->graph.get();
    const auto key = joined.key_serde().template Get<K>(graph, "Joined");
    const auto value = joined.value_serde().template Get<V>(graph, "Joined");
    const bool named = !joined.name().empty();
    const KStream stream = ReadyToJoin(named ? joined.name() : place_->name, named, key, value);
    std::set<std::string> sources = stream.place_->sources;
    sources.insert(table.place_->sources.begin(), table.place_->sources.end());
    graph->Copartition(std::move(sources));
    return KStream<K, VOut>(
        internal::JoinTable<K, V, VTable, VOut>(*stream.place_, *table.place_, table.view_(),
                                                internal::MakeJoiner<kForm, VOut, K, V, VTable>(std::move(joiner)), joined, left),
        internal::FirstOf(key, stream.key_), std::nullopt);
  }

  internal::PlacePtr place_;
  internal::MaybeSerde<K> key_;
  internal::MaybeSerde<V> value_;
};

}  // namespace millrace

#include "millrace/topologies/branched_kstream.h"
#include "millrace/topologies/kgrouped_stream.h"
#include "millrace/topologies/ktable.h"

#endif  // MILLRACE_TOPOLOGIES_KSTREAM_H_
