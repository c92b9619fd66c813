#ifndef MILLRACE_STATE_INTERNAL_WINDOW_STORES_H_
#define MILLRACE_STATE_INTERNAL_WINDOW_STORES_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "millrace/state/internal/key_value_stores.h"
#include "millrace/state/internal/window_overlay.h"
#include "millrace/state/serdes.h"
#include "millrace/state/window_store.h"

namespace millrace::internal {

/// WindowOverlay with values of type T.
template <class T>
class WindowTable : public WindowOverlay {
 public:
  struct TypedSlot : Slot {
    std::optional<T> value;
  };
  struct TypedSlotWithBefore : TypedSlot {
    std::optional<T> before_value;
  };

  WindowTable(std::string name, StoreKind kind, ValueFormat format, Discipline discipline, std::string layout,
              const WindowLayout& windows, AnySerde<T> serde)
      : WindowOverlay(std::move(name), kind, format, discipline, std::move(layout), windows),
        serde_(std::move(serde)),
        cached_(discipline == Discipline::kCached) {}
  ~WindowTable() override { DeleteAll(); }

  [[nodiscard]] const T* Get(BytesView key, Timestamp start) {
    const Slot* slot = Lookup(key, start.millis());
    return slot != nullptr ? &*static_cast<const TypedSlot*>(slot)->value : nullptr;
  }
  void Put(BytesView key, std::optional<T> value, Timestamp start) {
    this->Changing([&] {
      if (Admit(start.millis()) == Admission::kLogOnly) {
        NullableBytes bytes;
        if (value) serde_.Serialize(*value, &bytes.emplace());
        return LogUnstored(key, start.millis(), NullableBytesView(bytes));
      }
      auto* slot = static_cast<TypedSlot*>(ForWrite(key, start.millis()));
      slot->value = std::move(value);
      EndWrite(slot, slot->value.has_value());
    });
  }
  [[nodiscard]] absl::Status Decode(BytesView bytes, T* value) const { return serde_.Deserialize(bytes, value); }

 protected:
  Slot* NewSlot() final {
    if (cached_) return new TypedSlotWithBefore();
    return new TypedSlot();
  }
  void DeleteSlot(Slot* slot) final {
    if (cached_) {
      delete static_cast<TypedSlotWithBefore*>(slot);
    } else {
      delete static_cast<TypedSlot*>(slot);
    }
  }
  absl::Status DecodeInto(BytesView bytes, OverlayEntry* entry) final {
    return serde_.Deserialize(bytes, &static_cast<TypedSlot*>(entry)->value.emplace());
  }
  absl::Status DecodeBefore(BytesView bytes, OverlayEntry* entry) final {
    return serde_.Deserialize(bytes, &static_cast<TypedSlotWithBefore*>(entry)->before_value.emplace());
  }
  void Encode(const OverlayEntry& entry, Bytes* out) const final {
    serde_.Serialize(*static_cast<const TypedSlot&>(entry).value, out);
  }
  int64_t EntryBytes(const OverlayEntry& entry) const final {
    constexpr size_t kReferenceAndAllocator = sizeof(SlotRef) + 16;
    const auto& typed = static_cast<const TypedSlot&>(entry);
    return static_cast<int64_t>((cached_ ? sizeof(TypedSlotWithBefore) : sizeof(TypedSlot)) + kReferenceAndAllocator +
                                (typed.value ? serde_.MemoryBytes(*typed.value) - sizeof(T) : 0));
  }
  void KeepBefore(OverlayEntry* entry) final {
    auto* typed = static_cast<TypedSlotWithBefore*>(entry);
    typed->before_value = std::move(typed->value);
  }
  void Emit(OverlayEntry*, const SavedRecordContext&) override {}

 private:
  AnySerde<T> serde_;
  bool cached_;
};

/// What both iterators of window stores do with values: show the slot's own while it stands, else a copy.
template <class T>
class WindowValueCursor : public WindowCursor {
 public:
  template <class... Args>
  explicit WindowValueCursor(WindowTable<T>* table, Args... args) : WindowCursor(table, args...), table_(table) {}

 protected:
  void Read() {
    if (at_end()) return;
    if (live() != nullptr) {
      value_ = &*static_cast<const typename WindowTable<T>::TypedSlot*>(live())->value;
      return;
    }
    if (absl::Status s = table_->Decode(bytes(), &Own()); !s.ok()) table_->Fail(s, "reading a stored value");
    value_ = &*own_;
  }
  void KeepCurrent() override {
    own_ = *value_;
    value_ = &*own_;
  }
  [[nodiscard]] const T& current() const { return *value_; }
  [[nodiscard]] WindowTable<T>* table() const { return table_; }

 private:
  T& Own() { return own_ ? *own_ : own_.emplace(); }
  WindowTable<T>* table_;
  const T* value_ = nullptr;
  std::optional<T> own_;
};

template <class T>
class WindowRunIterator final : public StoreIterator<Timestamp, T>, private WindowValueCursor<T> {
 public:
  WindowRunIterator(WindowTable<T>* table, BytesView key, int64_t from, int64_t to) : WindowValueCursor<T>(table, key, from, to) {
    Next();
  }
  [[nodiscard]] bool Valid() const override { return !this->at_end(); }
  void Next() override {
    if (!this->at_end()) this->Advance();
    start_ = Timestamp::FromMillis(this->time());
    this->Read();
  }
  [[nodiscard]] const Timestamp& key() const override { return start_; }
  [[nodiscard]] const T& value() const override { return this->current(); }

 private:
  Timestamp start_;
};

template <class K, class T>
class WindowAllIterator final : public StoreIterator<Windowed<K>, T>, private WindowValueCursor<T> {
 public:
  WindowAllIterator(WindowTable<T>* table, const AnySerde<K>* keys, int64_t from, int64_t to)
      : WindowValueCursor<T>(table, from, to), keys_(keys) {
    Next();
  }
  [[nodiscard]] bool Valid() const override { return !this->at_end(); }
  void Next() override {
    if (!this->at_end()) this->Advance();
    if (this->at_end()) return;
    const BytesView key = WindowCursor::key();
    if (absl::Status s = keys_->Deserialize(key, &key_.key); !s.ok()) this->table()->Fail(s, "reading a stored key");
    key_.window.start = Timestamp::FromMillis(this->time());
    key_.window.end = WindowEnd(key_.window.start, std::chrono::milliseconds(this->table()->window_size_ms()));
    this->Read();
  }
  [[nodiscard]] const Windowed<K>& key() const override { return key_; }
  [[nodiscard]] const T& value() const override { return this->current(); }

 private:
  const AnySerde<K>* keys_;
  Windowed<K> key_{};
};

template <class K, class V>
class WindowStoreImpl final : public StoreOver<WindowStore<K, V>, WindowTable<V>> {
  using Base = StoreOver<WindowStore<K, V>, WindowTable<V>>;
  using Base::table;

 public:
  WindowStoreImpl(std::string name, StoreKind kind, Discipline discipline, const WindowLayout& windows, AnySerde<K> keys,
                  AnySerde<V> values)
      : Base(std::move(name), kind, ValueFormat::kPlain, discipline, "window", windows, std::move(values)),
        keys_(std::move(keys)) {}

  void Put(const K& key, std::optional<V> value, Timestamp window_start) override {
    table().Put(KeyBytes(table(), keys_, key), std::move(value), window_start);
  }
  void PutCopy(const K& key, const V* value, Timestamp window_start) override {
    Put(key, value != nullptr ? std::optional<V>(*value) : std::nullopt, window_start);
  }
  const V* Fetch(const K& key, Timestamp window_start) override {
    return table().Get(KeyBytes(table(), keys_, key), window_start);
  }
  void ForEach(const K& key, Timestamp from, Timestamp to, absl::FunctionRef<void(Timestamp, const V&)> visit) override {
    WindowRunIterator<V> it(&table(), KeyBytes(table(), keys_, key), from.millis(), to.millis());
    for (; it.Valid(); it.Next()) visit(it.key(), it.value());
  }
  std::unique_ptr<StoreIterator<Timestamp, V>> Fetch(const K& key, Timestamp from, Timestamp to) override {
    return std::make_unique<WindowRunIterator<V>>(&table(), KeyBytes(table(), keys_, key), from.millis(), to.millis());
  }
  std::unique_ptr<StoreIterator<Windowed<K>, V>> FetchAll(Timestamp from, Timestamp to) override {
    return std::make_unique<WindowAllIterator<K, V>>(&table(), &keys_, from.millis(), to.millis());
  }

 private:
  AnySerde<K> keys_;
};

/// A window table that forwards.
template <class K, class V>
class ForwardingWindowTable final : public WindowTable<ValueAndTimestamp<V>> {
  using Base = WindowTable<ValueAndTimestamp<V>>;

 public:
  ForwardingWindowTable(std::string name, StoreKind kind, Discipline discipline, const WindowLayout& windows, AnySerde<K> keys,
                        AnySerde<V> values)
      : Base(std::move(name), kind, ValueFormat::kTimestamped, discipline, "timestamped-window", windows,
             AnySerde<ValueAndTimestamp<V>>(TimestampedSerde<V>{std::move(values)})),
        keys_(std::move(keys)) {}

  [[nodiscard]] const AnySerde<K>& keys() const { return keys_; }
  void SetSink(ForwardSink<Windowed<K>, V>* sink, bool send_old_values) {
    sink_ = sink;
    this->has_sink_ = sink != nullptr;
    this->send_old_values_ = send_old_values;
  }

 protected:
  void Emit(OverlayEntry* entry, const SavedRecordContext& context) override {
    auto* slot = static_cast<typename Base::TypedSlotWithBefore*>(entry);
    if (absl::Status s = keys_.Deserialize(slot->run->key, &key_.key); !s.ok()) return this->Fail(s, "reading a stored key");
    key_.window.start = Timestamp::FromMillis(slot->time);
    key_.window.end = WindowEnd(key_.window.start, std::chrono::milliseconds(this->window_size_ms()));
    const std::optional<ValueAndTimestamp<V>> before = std::move(slot->before_value);
    slot->before_value.reset();
    const V* old_value = before ? &before->value : nullptr;
    if (slot->value) {
      sink_->Forward(key_, &slot->value->value, old_value, slot->value->timestamp, context.headers);
    } else {
      sink_->Forward(key_, nullptr, old_value, context.timestamp, context.headers);
    }
  }

 private:
  AnySerde<K> keys_;
  ForwardSink<Windowed<K>, V>* sink_ = nullptr;
  Windowed<K> key_{};
};

template <class K, class V>
class TimestampedWindowStoreImpl final : public StoreOver<TimestampedWindowStore<K, V>, ForwardingWindowTable<K, V>> {
  using Base = StoreOver<TimestampedWindowStore<K, V>, ForwardingWindowTable<K, V>>;
  using Base::table;
  using Stored = ValueAndTimestamp<V>;

 public:
  using Base::Base;

  const Stored* Fetch(const K& key, Timestamp window_start) override {
    return table().Get(KeyBytes(table(), table().keys(), key), window_start);
  }
  bool Put(const K& key, std::optional<V> value, Timestamp timestamp, Timestamp window_start) override {
    const BytesView bytes = KeyBytes(table(), table().keys(), key);
    if (value) {
      table().Put(bytes, Stored{std::move(*value), timestamp}, window_start);
    } else {
      table().Put(bytes, std::nullopt, window_start);
    }
    return !table().forwards_later();
  }
  std::unique_ptr<StoreIterator<Timestamp, Stored>> Fetch(const K& key, Timestamp from, Timestamp to) override {
    return std::make_unique<WindowRunIterator<Stored>>(&table(), KeyBytes(table(), table().keys(), key), from.millis(),
                                                       to.millis());
  }
  std::unique_ptr<StoreIterator<Windowed<K>, Stored>> FetchAll(Timestamp from, Timestamp to) override {
    return std::make_unique<WindowAllIterator<K, Stored>>(&table(), &table().keys(), from.millis(), to.millis());
  }
  void SetForwardSink(ForwardSink<Windowed<K>, V>* sink, bool send_old_values) override {
    table().SetSink(sink, send_old_values);
  }
};

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_WINDOW_STORES_H_
