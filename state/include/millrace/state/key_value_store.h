#ifndef MILLRACE_STATE_KEY_VALUE_STORE_H_
#define MILLRACE_STATE_KEY_VALUE_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "millrace/state/state_store.h"
#include "millrace/state/windowed.h"

namespace millrace {

/// Walks entries; shows the store as of its creation. Writes and deletes during iteration are allowed.
/// `for (auto it = store->All(); it->Valid(); it->Next()) use(it->key(), it->value());`
template <class K, class V>
class StoreIterator {
 public:
  virtual ~StoreIterator() = default;
  [[nodiscard]] virtual bool Valid() const = 0;
  virtual void Next() = 0;
  /// Valid until Next().
  [[nodiscard]] virtual const K& key() const = 0;
  [[nodiscard]] virtual const V& value() const = 0;
};

/// A map of keys to values that survives its process. Pointers returned by Get are valid until the next call on the store.
/// Order is that of the serialised key. An engine that fails makes the read empty and fails the task (see FirstError).
/// One thread at a time. Follows Kafka's `KeyValueStore`.
template <class K, class V>
class KeyValueStore : public virtual StateStore {
 public:
  /// Null if absent.
  virtual const V* Get(const K& key) = 0;
  virtual void Put(const K& key, V value) = 0;
  virtual void Delete(const K& key) = 0;
  /// Returns the value that stands already, or null after having stored the given one.
  virtual const V* PutIfAbsent(const K& key, V value) = 0;
  /// from and to inclusive; null = open end.
  virtual std::unique_ptr<StoreIterator<K, V>> Range(const K* from, const K* to) = 0;
  virtual std::unique_ptr<StoreIterator<K, V>> ReverseRange(const K* from, const K* to) = 0;
  std::unique_ptr<StoreIterator<K, V>> All() { return Range(nullptr, nullptr); }
  std::unique_ptr<StoreIterator<K, V>> ReverseAll() { return ReverseRange(nullptr, nullptr); }
};

/// Takes what a cached store forwards; implemented by operators. null new value = tombstone; old value is null unless
/// the sink asked for old values (or there was none). `timestamp` is that of the new value, or of the write if it is a tombstone.
template <class K, class V>
class ForwardSink {
 public:
  virtual ~ForwardSink() = default;
  virtual void Forward(const K& key, const V* new_value, const V* old_value, Timestamp timestamp, const Headers& headers) = 0;
};

/// What DSL aggregations and tables keep: a value with its timestamp for each key. When caching is on, a Put is forwarded to
/// the ForwardSink at the next ForwardDirty (the last value per key, in order of last touch; a key that came and went in between
/// is elided); `Put` then returns false. When it returns true the caller forwards itself, now. Follows Kafka's
/// `TimestampedKeyValueStore` under `CachingKeyValueStore`.
template <class K, class V>
class TimestampedKeyValueStore : public virtual StateStore {
 public:
  virtual const ValueAndTimestamp<V>* Get(const K& key) = 0;
  /// nullopt deletes; `timestamp` is then that of the deletion.
  [[nodiscard]] virtual bool Put(const K& key, std::optional<V> value, Timestamp timestamp) = 0;
  virtual std::unique_ptr<StoreIterator<K, ValueAndTimestamp<V>>> Range(const K* from, const K* to) = 0;
  virtual std::unique_ptr<StoreIterator<K, ValueAndTimestamp<V>>> ReverseRange(const K* from, const K* to) = 0;
  /// Set once by the operator that owns the store, before the first record.
  virtual void SetForwardSink(ForwardSink<K, V>* sink, bool send_old_values) = 0;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_KEY_VALUE_STORE_H_
