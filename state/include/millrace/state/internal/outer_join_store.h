#ifndef MILLRACE_STATE_INTERNAL_OUTER_JOIN_STORE_H_
#define MILLRACE_STATE_INTERNAL_OUTER_JOIN_STORE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "millrace/state/internal/key_value_stores.h"
#include "millrace/state/serdes.h"
#include "millrace/state/window_store.h"

namespace millrace::internal {

/// Lists of waiting records in Java's layout, kept as bytes: they are read only when they leave without a partner. Key:
/// timestamp, side (1 = left), key. List: byte 1, count, then (size, side, value) each.
class OuterJoinTable final : public KeyValueTable<Bytes> {
 public:
  OuterJoinTable(std::string name, StoreKind kind)
      : KeyValueTable(std::move(name), kind, ValueFormat::kPlain, Discipline::kLogged, "outer-join", AnySerde<Bytes>()) {}

  /// Puts the head of a key into the key buffer; the caller appends the key itself.
  Bytes* StartKey(Timestamp timestamp, bool left);
  /// Appends to the list under the key buffer.
  void Append(bool left, const Bytes& value);
  /// Deletes the list under the key buffer if there is one.
  void Drop();
};

/// Walks keys and the lists under them.
class OuterJoinCursor {
 public:
  explicit OuterJoinCursor(OuterJoinTable* table);
  [[nodiscard]] bool Valid() const { return valid_; }
  void Next();
  [[nodiscard]] Timestamp timestamp() const;
  [[nodiscard]] bool left() const { return left_; }
  [[nodiscard]] BytesView key() const { return BytesView(cursor_.key()).substr(9); }
  [[nodiscard]] BytesView value() const { return value_; }
  void Fail(const absl::Status& status) { table_->Fail(status, "reading a waiting record"); }

 private:
  bool StartList();
  void Damaged();
  OuterJoinTable* table_;
  OverlayCursor cursor_;
  Bytes list_;
  size_t at_ = 0;
  bool valid_ = true;
  bool left_ = false;
  BytesView value_;
};

template <class K, class VL, class VR>
class OuterJoinStoreImpl final : public StoreOver<OuterJoinStore<K, VL, VR>, OuterJoinTable> {
  using Base = StoreOver<OuterJoinStore<K, VL, VR>, OuterJoinTable>;
  using Base::table;
  using Interface = OuterJoinStore<K, VL, VR>;

 public:
  OuterJoinStoreImpl(std::string name, StoreKind kind, AnySerde<K> keys, AnySerde<VL> left, AnySerde<VR> right)
      : Base(std::move(name), kind), keys_(std::move(keys)), left_(std::move(left)), right_(std::move(right)) {}

  void PutLeft(const K& key, Timestamp timestamp, const VL& value) override { Put(key, timestamp, true, left_, value); }
  void PutRight(const K& key, Timestamp timestamp, const VR& value) override { Put(key, timestamp, false, right_, value); }
  void Delete(const K& key, Timestamp timestamp, bool left) override {
    keys_.Serialize(key, table().StartKey(timestamp, left));
    table().Drop();
  }
  std::unique_ptr<typename Interface::Cursor> All() override { return std::make_unique<Cursor>(this); }
  [[nodiscard]] bool Empty() override { return !OuterJoinCursor(&table()).Valid(); }

 private:
  class Cursor final : public Interface::Cursor {
   public:
    explicit Cursor(OuterJoinStoreImpl* store) : store_(store), cursor_(&store->table()) { Read(); }
    [[nodiscard]] bool Valid() const override { return cursor_.Valid(); }
    const typename Interface::Entry& entry() const override { return entry_; }
    void Next() override {
      cursor_.Next();
      Read();
    }

   private:
    void Read() {
      if (!cursor_.Valid()) return;
      entry_.timestamp = cursor_.timestamp();
      entry_.left = cursor_.left();
      entry_.left_value.reset();
      entry_.right_value.reset();
      absl::Status s = store_->keys_.Deserialize(cursor_.key(), &entry_.key);
      if (s.ok() && entry_.left) s = store_->left_.Deserialize(cursor_.value(), &entry_.left_value.emplace());
      if (s.ok() && !entry_.left) s = store_->right_.Deserialize(cursor_.value(), &entry_.right_value.emplace());
      if (!s.ok()) cursor_.Fail(s);
    }
    OuterJoinStoreImpl* store_;
    OuterJoinCursor cursor_;
    typename Interface::Entry entry_{};
  };

  template <class V>
  void Put(const K& key, Timestamp timestamp, bool left, const AnySerde<V>& serde, const V& value) {
    keys_.Serialize(key, table().StartKey(timestamp, left));
    value_.clear();
    serde.Serialize(value, &value_);
    table().Append(left, value_);
  }

  AnySerde<K> keys_;
  AnySerde<VL> left_;
  AnySerde<VR> right_;
  Bytes value_;
};

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_OUTER_JOIN_STORE_H_
