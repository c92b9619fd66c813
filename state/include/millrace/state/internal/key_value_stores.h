#ifndef MILLRACE_STATE_INTERNAL_KEY_VALUE_STORES_H_
#define MILLRACE_STATE_INTERNAL_KEY_VALUE_STORES_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "millrace/state/internal/key_value_overlay.h"
#include "millrace/state/internal/state_store_over.h"
#include "millrace/state/key_value_store.h"
#include "millrace/state/serde.h"

namespace millrace::internal {

/// KeyValueOverlay with values of type T.
template <class T>
class KeyValueTable : public KeyValueOverlay {
 public:
  struct TypedEntry : Entry {
    std::optional<T> value;
    std::optional<T> before_value;
  };

  KeyValueTable(std::string name, StoreKind kind, ValueFormat format, Discipline discipline, std::string layout,
                AnySerde<T> serde)
      : KeyValueOverlay(std::move(name), kind, format, discipline, std::move(layout)), serde_(std::move(serde)) {}
  ~KeyValueTable() override { DeleteAll(); }

  [[nodiscard]] const T* Get(BytesView key) {
    const Entry* entry = Lookup(key);
    return entry != nullptr && entry->present ? &*static_cast<const TypedEntry*>(entry)->value : nullptr;
  }
  /// Takes what `value` points to; null deletes. Not inlined: messages are large code to move.
  [[gnu::noinline]] void Put(BytesView key, T* value) {
    this->Changing([&] {
      auto* entry = static_cast<TypedEntry*>(ForWrite(key));
      if (value == nullptr) {
        entry->value.reset();
      } else if (entry->value) {
        *entry->value = std::move(*value);
      } else {
        entry->value.emplace(std::move(*value));
      }
      EndWrite(entry, value != nullptr);
    });
  }
  [[nodiscard]] absl::Status Decode(BytesView bytes, T* value) const { return serde_.Deserialize(bytes, value); }
  /// What the cursor stands at.
  void ReadCursor(const OverlayCursor& cursor, T* value) {
    if (cursor.live() != nullptr) {
      *value = *static_cast<const TypedEntry*>(cursor.live())->value;
    } else if (absl::Status s = Decode(cursor.bytes(), value); !s.ok()) {
      Fail(s, "reading a stored value");
    }
  }

 protected:
  Entry* NewEntry() final { return new TypedEntry(); }
  void DeleteEntry(Entry* entry) final { delete static_cast<TypedEntry*>(entry); }
  absl::Status DecodeInto(BytesView bytes, OverlayEntry* entry) final {
    return serde_.Deserialize(bytes, &static_cast<TypedEntry*>(entry)->value.emplace());
  }
  absl::Status DecodeBefore(BytesView bytes, OverlayEntry* entry) final {
    return serde_.Deserialize(bytes, &static_cast<TypedEntry*>(entry)->before_value.emplace());
  }
  void Encode(const OverlayEntry& entry, Bytes* out) const final {
    serde_.Serialize(*static_cast<const TypedEntry&>(entry).value, out);
  }
  int64_t EntryBytes(const OverlayEntry& entry) const final {
    constexpr size_t kTableAndAllocator = 48;
    const auto& typed = static_cast<const TypedEntry&>(entry);
    return static_cast<int64_t>(sizeof(TypedEntry) + kTableAndAllocator + (typed.key.size() > 15 ? typed.key.capacity() : 0) +
                                (typed.value ? serde_.MemoryBytes(*typed.value) - sizeof(T) : 0));
  }
  void KeepBefore(OverlayEntry* entry) final {
    auto* typed = static_cast<TypedEntry*>(entry);
    typed->before_value = std::move(typed->value);
  }
  void Emit(OverlayEntry*, const SavedRecordContext&) override {}

 private:
  AnySerde<T> serde_;
};

/// StoreIterator over a table. On read errors the task fails and the value is a default one.
template <class K, class T>
class TableIterator final : public StoreIterator<K, T> {
 public:
  TableIterator(KeyValueTable<T>* table, const AnySerde<K>* keys, NullableBytes from, NullableBytes to, bool reverse)
      : table_(table), keys_(keys), cursor_(table, std::move(from), std::move(to), reverse) {
    Read();
  }
  [[nodiscard]] bool Valid() const override { return cursor_.Valid(); }
  void Next() override {
    cursor_.Next();
    Read();
  }
  [[nodiscard]] const K& key() const override { return key_; }
  [[nodiscard]] const T& value() const override { return value_; }

 private:
  void Read() {
    if (!cursor_.Valid()) return;
    if (absl::Status s = keys_->Deserialize(cursor_.key(), &key_); !s.ok()) table_->Fail(s, "reading a stored key");
    table_->ReadCursor(cursor_, &value_);
  }
  KeyValueTable<T>* table_;
  const AnySerde<K>* keys_;
  OverlayCursor cursor_;
  K key_{};
  T value_{};
};

/// A store of an interface over a table of its types.
template <class Interface, class Table>
class StoreOver : public Interface, public StateStoreOver<typename Table::Core> {
 public:
  template <class... Args>
  explicit StoreOver(Args&&... args) : StateStoreOver<typename Table::Core>(&table_), table_(std::forward<Args>(args)...) {}

 protected:
  Table& table() { return table_; }

 private:
  Table table_;
};

/// Serialises keys into the store's buffer, which stays valid until the next key.
template <class K>
BytesView KeyBytes(StoreCore& core, const AnySerde<K>& serde, const K& key) {
  core.key_buffer.clear();
  serde.Serialize(key, &core.key_buffer);
  return core.key_buffer;
}

template <class K>
NullableBytes BytesOrOpen(const AnySerde<K>& serde, const K* key) {
  return key != nullptr ? NullableBytes(serde.ToBytes(*key)) : std::nullopt;
}

template <class K, class T>
std::unique_ptr<StoreIterator<K, T>> MakeTableIterator(KeyValueTable<T>* table, const AnySerde<K>* keys, const K* from,
                                                       const K* to, bool reverse) {
  return std::make_unique<TableIterator<K, T>>(table, keys, BytesOrOpen(*keys, from), BytesOrOpen(*keys, to), reverse);
}

template <class K, class V>
class KeyValueStoreImpl final : public StoreOver<KeyValueStore<K, V>, KeyValueTable<V>> {
  using Base = StoreOver<KeyValueStore<K, V>, KeyValueTable<V>>;
  using Base::table;

 public:
  KeyValueStoreImpl(std::string name, StoreKind kind, Discipline discipline, AnySerde<K> keys, AnySerde<V> values)
      : Base(std::move(name), kind, ValueFormat::kPlain, discipline, "key-value", std::move(values)), keys_(std::move(keys)) {}

  const V* Get(const K& key) override { return table().Get(KeyBytes(table(), keys_, key)); }
  void Put(const K& key, V value) override { table().Put(KeyBytes(table(), keys_, key), &value); }
  void Delete(const K& key) override { table().Put(KeyBytes(table(), keys_, key), nullptr); }
  const V* PutIfAbsent(const K& key, V value) override {
    const BytesView bytes = KeyBytes(table(), keys_, key);
    if (const V* there = table().Get(bytes)) return there;
    table().Put(bytes, &value);
    return nullptr;
  }
  std::unique_ptr<StoreIterator<K, V>> Range(const K* from, const K* to) override {
    return MakeTableIterator(&table(), &keys_, from, to, false);
  }
  std::unique_ptr<StoreIterator<K, V>> ReverseRange(const K* from, const K* to) override {
    return MakeTableIterator(&table(), &keys_, from, to, true);
  }

 private:
  AnySerde<K> keys_;
};

/// A table that forwards.
template <class K, class V>
class ForwardingTable final : public KeyValueTable<ValueAndTimestamp<V>> {
  using Base = KeyValueTable<ValueAndTimestamp<V>>;

 public:
  ForwardingTable(std::string name, StoreKind kind, Discipline discipline, AnySerde<K> keys, AnySerde<V> values)
      : Base(std::move(name), kind, ValueFormat::kTimestamped, discipline, "timestamped-key-value",
             AnySerde<ValueAndTimestamp<V>>(TimestampedSerde<V>{std::move(values)})),
        keys_(std::move(keys)) {}

  [[nodiscard]] const AnySerde<K>& keys() const { return keys_; }
  void SetSink(ForwardSink<K, V>* sink, bool send_old_values) {
    sink_ = sink;
    this->has_sink_ = sink != nullptr;
    this->send_old_values_ = send_old_values;
  }

 protected:
  void Emit(OverlayEntry* entry, const SavedRecordContext& context) override {
    auto* typed = static_cast<typename Base::TypedEntry*>(entry);
    if (absl::Status s = keys_.Deserialize(typed->key, &key_); !s.ok()) return this->Fail(s, "reading a stored key");
    const std::optional<ValueAndTimestamp<V>> before = std::move(typed->before_value);
    typed->before_value.reset();
    const V* old_value = before ? &before->value : nullptr;
    if (typed->value) {
      sink_->Forward(key_, &typed->value->value, old_value, typed->value->timestamp, context.headers);
    } else {
      sink_->Forward(key_, nullptr, old_value, context.timestamp, context.headers);
    }
  }

 private:
  AnySerde<K> keys_;
  ForwardSink<K, V>* sink_ = nullptr;
  K key_{};
};

template <class K, class V>
class TimestampedKeyValueStoreImpl final : public StoreOver<TimestampedKeyValueStore<K, V>, ForwardingTable<K, V>> {
  using Base = StoreOver<TimestampedKeyValueStore<K, V>, ForwardingTable<K, V>>;
  using Base::table;
  using Iterator = StoreIterator<K, ValueAndTimestamp<V>>;

 public:
  using Base::Base;

  const ValueAndTimestamp<V>* Get(const K& key) override { return table().Get(KeyBytes(table(), table().keys(), key)); }
  bool Put(const K& key, std::optional<V> value, Timestamp timestamp) override {
    const BytesView bytes = KeyBytes(table(), table().keys(), key);
    if (value) {
      ValueAndTimestamp<V> stamped{std::move(*value), timestamp};
      table().Put(bytes, &stamped);
    } else {
      table().Put(bytes, nullptr);
    }
    return !table().forwards_later();
  }
  std::unique_ptr<Iterator> Range(const K* from, const K* to) override {
    return MakeTableIterator<K, ValueAndTimestamp<V>>(&table(), &table().keys(), from, to, false);
  }
  std::unique_ptr<Iterator> ReverseRange(const K* from, const K* to) override {
    return MakeTableIterator<K, ValueAndTimestamp<V>>(&table(), &table().keys(), from, to, true);
  }
  void SetForwardSink(ForwardSink<K, V>* sink, bool send_old_values) override { table().SetSink(sink, send_old_values); }
};

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_KEY_VALUE_STORES_H_
