#ifndef MILLRACE_TOPOLOGIES_INTERNAL_TABLE_STEPS_H_
#define MILLRACE_TOPOLOGIES_INTERNAL_TABLE_STEPS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "millrace/operators/internal/table_nodes.h"
#include "millrace/state/window_store.h"
#include "millrace/topologies/internal/dsl_core.h"

namespace millrace::internal {

/// Asked when the topology is built; null = the table is not kept. `logged` is false if the source topic serves as changelog.
using StoreMaker = std::function<StorePtr(bool logged)>;

/// Adds a table's node behind `before`; `store` may be empty.
[[nodiscard]] PlacePtr AppendTable(const Place& before, std::string name, NodeFactory make, StoreMaker store);
/// A repartition topic before a table made of a stream.
[[nodiscard]] PlacePtr AppendTableRepartition(const Place& before, RepartitionSpec spec);

template <class K, class V>
StoreMaker TableStoreMaker(GraphBuilder* graph, const std::shared_ptr<TableInfo>& info, const MaybeSerde<K>& given_key,
                           const MaybeSerde<V>& given_value, const Materialized& materialized) {
  const MaybeSerde<K> key = Resolve(graph, given_key, "key", info->store_name);
  const MaybeSerde<V> value = Resolve(graph, given_value, "value", info->store_name);
  return [key, value, info, materialized](bool logged) -> StorePtr {
    if (!info->materialized || !key || !value) return nullptr;
    return TimestampedKeyValueStoreBuilder<K, V>(OptionsOf(materialized, info->store_name, logged), *key, *value);
  };
}

/// Where a table's rows lie in its store.
template <class K, class V>
struct KeyValueGetter {
  using Store = TimestampedKeyValueStore<K, V>;
  static const ValueAndTimestamp<V>* Get(Store* store, const K& key) { return store->Get(key); }
};
template <class K, class V>
struct StoreGetter : KeyValueGetter<K, V> {};
template <class K, class V>
struct StoreGetter<Windowed<K>, V> {
  using Store = TimestampedWindowStore<K, V>;
  static const ValueAndTimestamp<V>* Get(Store* store, const Windowed<K>& key) { return store->Fetch(key.key, key.window.start); }
};
template <class K>
inline constexpr bool kIsWindowed = false;
template <class K>
inline constexpr bool kIsWindowed<Windowed<K>> = true;

template <class K, class V, class Getter = StoreGetter<K, V>>
std::function<absl::StatusOr<TableGetter<K, V>>(TaskContext*)> OpenStore(const std::string& name) {
  return [name](TaskContext* context) -> absl::StatusOr<TableGetter<K, V>> {
    auto* store = dynamic_cast<typename Getter::Store*>(context->FindStore(name));
    if (store == nullptr) return NoStore("of a join", name);
    return TableGetter<K, V>([store](const K& key) -> const V* {
      const ValueAndTimestamp<V>* row = Getter::Get(store, key);
      return row != nullptr ? &row->value : nullptr;
    });
  };
}

/// A table's own store, which is materialised by asking.
template <class K, class V>
std::function<TableView<K, V>()> StoreView(const std::shared_ptr<TableInfo>& info) {
  return [info] {
    info->materialized = true;
    return TableView<K, V>{info->store_name, !kIsWindowed<K>, OpenStore<K, V>(info->store_name)};
  };
}
/// A derived table: its own store if it has one, else what `through` makes of its parent's.
template <bool kStored, class K, class V, class F>
std::function<TableView<K, V>()> ViewOver(const std::shared_ptr<TableInfo>& info, F through) {
  if constexpr (kStored) {
    if (info->materialized)
      return [info] { return TableView<K, V>{info->store_name, true, OpenStore<K, V, KeyValueGetter<K, V>>(info->store_name)}; };
  }
  return through;
}

template <class K, class V>
TableView<K, V> Filtered(TableView<K, V> parent, const std::function<bool(const K*, const V*)>& holds) {
  auto open = [open = std::move(parent.open), holds](TaskContext* context) -> absl::StatusOr<TableGetter<K, V>> {
    absl::StatusOr<TableGetter<K, V>> get = open(context);
    if (!get.ok()) return get.status();
    return TableGetter<K, V>([get = *std::move(get), holds](const K& key) -> const V* {
      const V* value = get(key);
      return value != nullptr && holds(&key, value) ? value : nullptr;
    });
  };
  return {std::move(parent.store), false, std::move(open)};
}

template <class K, class V, class V2>
TableView<K, V2> Mapped(TableView<K, V> parent, const std::function<std::optional<V2>(const K*, const V*)>& map) {
  auto open = [open = std::move(parent.open), map](TaskContext* context) -> absl::StatusOr<TableGetter<K, V2>> {
    absl::StatusOr<TableGetter<K, V>> get = open(context);
    if (!get.ok()) return get.status();
    return TableGetter<K, V2>([get = *std::move(get), map, result = std::optional<V2>()](const K& key) mutable -> const V2* {
      const V* value = get(key);
      result = value != nullptr ? map(&key, value) : std::nullopt;
      return result ? &*result : nullptr;
    });
  };
  return {std::move(parent.store), false, std::move(open)};
}

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_INTERNAL_TABLE_STEPS_H_
