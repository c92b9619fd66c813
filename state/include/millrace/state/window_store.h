#ifndef MILLRACE_STATE_WINDOW_STORE_H_
#define MILLRACE_STATE_WINDOW_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "millrace/state/key_value_store.h"
#include "millrace/state/windowed.h"

namespace millrace {

/// Values by key and window start, dropped when older than the retention. Time advances with the largest start ever put; a put at
/// or below (time - retention) is ignored, and fetches see nothing there. Stream-stream joins use it with `retain_duplicates` (a
/// sequence number makes each put an entry of its own). Follows Kafka's `WindowStore`.
template <class K, class V>
class WindowStore : public virtual StateStore {
 public:
  /// nullopt deletes. Under retain_duplicates it stores nothing, yet takes a sequence number and is logged, as in Kafka Streams:
  /// so joins put null values too.
  virtual void Put(const K& key, std::optional<V> value, Timestamp window_start) = 0;
  /// The same for a value that stays with the caller; null deletes.
  virtual void PutCopy(const K& key, const V* value, Timestamp window_start) = 0;
  virtual const V* Fetch(const K& key, Timestamp window_start) = 0;
  /// Entries of the key with from <= start <= to, by start then sequence. The iterator's key is the window start.
  virtual std::unique_ptr<StoreIterator<Timestamp, V>> Fetch(const K& key, Timestamp from, Timestamp to) = 0;
  /// Visits what Fetch of the same span would walk, without an allocation for what is in memory. The value is valid during the
  /// visit. The visitor may write to the store; it does not see that.
  virtual void ForEach(const K& key, Timestamp from, Timestamp to, absl::FunctionRef<void(Timestamp, const V&)> visit) = 0;
  /// All entries with from <= start <= to, by segment of time (half the retention, 60 s at least), key and start, as in Kafka
  /// Streams. The window's end is start + window size.
  virtual std::unique_ptr<StoreIterator<Windowed<K>, V>> FetchAll(Timestamp from, Timestamp to) = 0;
};

/// What time-windowed aggregations keep. Put returns as in TimestampedKeyValueStore. Follows `TimestampedWindowStore` under
/// `CachingWindowStore`.
template <class K, class V>
class TimestampedWindowStore : public virtual StateStore {
 public:
  virtual const ValueAndTimestamp<V>* Fetch(const K& key, Timestamp window_start) = 0;
  [[nodiscard]] virtual bool Put(const K& key, std::optional<V> value, Timestamp timestamp, Timestamp window_start) = 0;
  virtual std::unique_ptr<StoreIterator<Timestamp, ValueAndTimestamp<V>>> Fetch(const K& key, Timestamp from, Timestamp to) = 0;
  virtual std::unique_ptr<StoreIterator<Windowed<K>, ValueAndTimestamp<V>>> FetchAll(Timestamp from, Timestamp to) = 0;
  virtual void SetForwardSink(ForwardSink<Windowed<K>, V>* sink, bool send_old_values) = 0;
};

/// The records of a left or outer stream-stream join that have found no partner yet, in order of (timestamp, left before right...
/// as the serialised key orders them). Several values may wait under one (timestamp, side, key). Follows Kafka's outer-join
/// shared store
/// (`ListValueStore` of `TimestampedKeyAndJoinSide` to `LeftOrRightValue`).
template <class K, class VL, class VR>
class OuterJoinStore : public virtual StateStore {
 public:
  struct Entry {
    Timestamp timestamp;
    bool left = false;
    K key;
    /// Exactly one is set.
    std::optional<VL> left_value;
    std::optional<VR> right_value;
  };
  virtual void PutLeft(const K& key, Timestamp timestamp, const VL& value) = 0;
  virtual void PutRight(const K& key, Timestamp timestamp, const VR& value) = 0;
  /// Removes the whole list of (timestamp, side, key), if there is one (checks first: no tombstone for what is absent).
  virtual void Delete(const K& key, Timestamp timestamp, bool left) = 0;
  /// Entry by entry in store order; a list gives its values in order of insertion. Shows the store as of creation.
  class Cursor {
   public:
    virtual ~Cursor() = default;
    [[nodiscard]] virtual bool Valid() const = 0;
    virtual const Entry& entry() const = 0;
    virtual void Next() = 0;
  };
  virtual std::unique_ptr<Cursor> All() = 0;
  [[nodiscard]] virtual bool Empty() = 0;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_WINDOW_STORE_H_
