#ifndef MILLRACE_STATE_INTERNAL_DUPLICATE_WINDOW_STORE_H_
#define MILLRACE_STATE_INTERNAL_DUPLICATE_WINDOW_STORE_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "millrace/state/internal/duplicate_windows.h"
#include "millrace/state/internal/key_value_stores.h"
#include "millrace/state/serdes.h"
#include "millrace/state/window_store.h"

namespace millrace::internal {

/// StoreIterator over the windows of one key. On read errors the task fails and the value is a default one.
template <class T>
class DuplicateRunIterator final : public StoreIterator<Timestamp, T> {
 public:
  DuplicateRunIterator(DuplicateWindows* store, const AnySerde<T>* values, BytesView key, int64_t from, int64_t to)
      : store_(store), values_(values), cursor_(store, key, from, to) {
    Read();
  }
  [[nodiscard]] bool Valid() const override { return cursor_.Valid(); }
  void Next() override {
    cursor_.Next();
    Read();
  }
  [[nodiscard]] const Timestamp& key() const override { return start_; }
  [[nodiscard]] const T& value() const override { return value_; }

 private:
  void Read() {
    if (!cursor_.Valid()) return;
    start_ = Timestamp::FromMillis(cursor_.time());
    if (absl::Status s = values_->Deserialize(cursor_.value(), &value_); !s.ok()) store_->Fail(s, "reading a stored value");
  }
  DuplicateWindows* store_;
  const AnySerde<T>* values_;
  DuplicateWindowsCursor cursor_;
  Timestamp start_;
  T value_{};
};

template <class K, class T>
class DuplicateAllIterator final : public StoreIterator<Windowed<K>, T> {
 public:
  DuplicateAllIterator(DuplicateWindows* store, const AnySerde<K>* keys, const AnySerde<T>* values, int64_t from, int64_t to)
      : store_(store), keys_(keys), values_(values), cursor_(store, from, to) {
    Read();
  }
  [[nodiscard]] bool Valid() const override { return cursor_.Valid(); }
  void Next() override {
    cursor_.Next();
    Read();
  }
  [[nodiscard]] const Windowed<K>& key() const override { return key_; }
  [[nodiscard]] const T& value() const override { return value_; }

 private:
  void Read() {
    if (!cursor_.Valid()) return;
    if (absl::Status s = keys_->Deserialize(cursor_.key(), &key_.key); !s.ok()) store_->Fail(s, "reading a stored key");
    key_.window.start = Timestamp::FromMillis(cursor_.time());
    key_.window.end = WindowEnd(key_.window.start, std::chrono::milliseconds(store_->window_size_ms()));
    if (absl::Status s = values_->Deserialize(cursor_.value(), &value_); !s.ok()) store_->Fail(s, "reading a stored value");
  }
  DuplicateWindows* store_;
  const AnySerde<K>* keys_;
  const AnySerde<T>* values_;
  DuplicateWindowsCursor cursor_;
  Windowed<K> key_{};
  T value_{};
};

/// A window store that retains duplicates.
template <class K, class V>
class DuplicateWindowStoreImpl final : public StoreOver<WindowStore<K, V>, DuplicateWindows> {
  using Base = StoreOver<WindowStore<K, V>, DuplicateWindows>;
  using Base::table;

 public:
  DuplicateWindowStoreImpl(std::string name, StoreKind kind, const WindowLayout& windows, AnySerde<K> keys, AnySerde<V> values)
      : Base(std::move(name), kind, windows), keys_(std::move(keys)), values_(std::move(values)) {}

  void Put(const K& key, std::optional<V> value, Timestamp window_start) override {
    PutCopy(key, value ? &*value : nullptr, window_start);
  }
  void PutCopy(const K& key, const V* value, Timestamp window_start) override {
    NullableBytesView bytes;
    if (value != nullptr) {
      table().value_buffer.clear();
      values_.Serialize(*value, &table().value_buffer);
      bytes = table().value_buffer;
    }
    table().Add(KeyBytes(table(), keys_, key), bytes, window_start.millis());
  }
  const V* Fetch(const K& key, Timestamp window_start) override {
    const int64_t time = window_start.millis();
    const DuplicateWindowsCursor cursor(&table(), KeyBytes(table(), keys_, key), time, time);
    if (!cursor.Valid() || cursor.sequence() != 0) return nullptr;
    return Decode(cursor.value(), &fetched_) ? &fetched_ : nullptr;
  }
  std::unique_ptr<StoreIterator<Timestamp, V>> Fetch(const K& key, Timestamp from, Timestamp to) override {
    return std::make_unique<DuplicateRunIterator<V>>(&table(), &values_, KeyBytes(table(), keys_, key), from.millis(),
                                                     to.millis());
  }
  void ForEach(const K& key, Timestamp from, Timestamp to, absl::FunctionRef<void(Timestamp, const V&)> visit) override {
    DuplicateWindowsCursor cursor(&table(), KeyBytes(table(), keys_, key), from.millis(), to.millis());
    if (!cursor.Valid()) return;
    // Its memory is reused, unless the visitor comes here again.
    V value = std::move(fetched_);
    for (; cursor.Valid(); cursor.Next()) {
      if (!Decode(cursor.value(), &value)) break;
      visit(Timestamp::FromMillis(cursor.time()), value);
    }
    fetched_ = std::move(value);
  }
  std::unique_ptr<StoreIterator<Windowed<K>, V>> FetchAll(Timestamp from, Timestamp to) override {
    return std::make_unique<DuplicateAllIterator<K, V>>(&table(), &keys_, &values_, from.millis(), to.millis());
  }

 private:
  bool Decode(BytesView bytes, V* value) {
    absl::Status status = values_.Deserialize(bytes, value);
    if (!status.ok()) table().Fail(status, "reading a stored value");
    return status.ok();
  }

  AnySerde<K> keys_;
  AnySerde<V> values_;
  V fetched_{};
};

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_DUPLICATE_WINDOW_STORE_H_
