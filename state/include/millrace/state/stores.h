#ifndef MILLRACE_STATE_STORES_H_
#define MILLRACE_STATE_STORES_H_

#include <chrono>
#include <memory>
#include <string>

#include "millrace/state/key_value_store.h"
#include "millrace/state/serde.h"
#include "millrace/state/window_store.h"

namespace millrace {

/// Options common to all stores.
struct StoreOptions {
  std::string name;
  StoreKind kind = StoreKind::kPersistent;
  /// Cached discipline (DSL tables and aggregations) against logged discipline (every put one changelog record, in order).
  bool caching = false;
  ChangelogConfig changelog;
};

struct WindowStoreOptions {
  StoreOptions store;
  std::chrono::milliseconds retention{0};
  std::chrono::milliseconds window_size{0};
  bool retain_duplicates = false;
};

/// Makes builders of stores; add one with StreamsBuilder::AddStateStore, or let the DSL do it. Follows Kafka's `Stores`.
template <class K, class V>
std::shared_ptr<const StoreBuilder> KeyValueStoreBuilder(StoreOptions options, AnySerde<K> key = {}, AnySerde<V> value = {});
template <class K, class V>
std::shared_ptr<const StoreBuilder> TimestampedKeyValueStoreBuilder(StoreOptions options, AnySerde<K> key = {},
                                                                    AnySerde<V> value = {});
template <class K, class V>
std::shared_ptr<const StoreBuilder> WindowStoreBuilder(WindowStoreOptions options, AnySerde<K> key = {}, AnySerde<V> value = {});
template <class K, class V>
std::shared_ptr<const StoreBuilder> TimestampedWindowStoreBuilder(WindowStoreOptions options, AnySerde<K> key = {},
                                                                  AnySerde<V> value = {});
template <class K, class VL, class VR>
std::shared_ptr<const StoreBuilder> OuterJoinStoreBuilder(StoreOptions options, AnySerde<K> key = {}, AnySerde<VL> left = {},
                                                          AnySerde<VR> right = {});

}  // namespace millrace

#include "millrace/state/internal/store_builders.h"

#endif  // MILLRACE_STATE_STORES_H_
