#ifndef MILLRACE_STATE_INTERNAL_KEY_VALUE_OVERLAY_H_
#define MILLRACE_STATE_INTERNAL_KEY_VALUE_OVERLAY_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "millrace/state/internal/overlay.h"

namespace millrace::internal {

/// The table of entries in front of a key-value store's engine, free of the value's type (KeyValueTable adds it).
class KeyValueOverlay : public Overlay {
 public:
  struct Entry : OverlayEntry {
    Entry() { ring.owner = this; }
    OverlayLink ring;  // in ring_ always
    Bytes key;
  };

  using Core = KeyValueOverlay;

  KeyValueOverlay(std::string name, StoreKind kind, ValueFormat format, Discipline discipline, std::string layout);

  [[nodiscard]] absl::Status OpenOverlay(const StoreContext& context);
  [[nodiscard]] absl::Status Persist(std::optional<int64_t> changelog_offset);
  [[nodiscard]] absl::Status Restore(std::span<const ChangelogRecord> records, int64_t next_offset);
  void Trim() { Evict(table_.size() * 2); }
  /// Null = no such entry (absent). Loads from the engine.
  [[nodiscard]] Entry* Lookup(BytesView key);

 protected:
  friend class OverlayCursor;
  /// The entry to write to, without loading.
  [[nodiscard]] Entry* ForWrite(BytesView key);
  void AppendChangelogKey(const OverlayEntry& entry, Bytes* out) const final {
    out->append(static_cast<const Entry&>(entry).key);
  }
  void AppendEngineKey(const OverlayEntry& entry, Bytes* out) const final { out->append(static_cast<const Entry&>(entry).key); }
  void BecameUnpersisted(OverlayEntry* entry) final;
  virtual Entry* NewEntry() = 0;
  virtual void DeleteEntry(Entry* entry) = 0;
  void DeleteAll();

 private:
  Entry* Add(BytesView key);
  void Remove(Entry* entry);
  void Evict(size_t steps);
  void BuildIndex();

  absl::flat_hash_map<absl::string_view, Entry*> table_;
  TouchList ring_;
  // Unpersisted entries by key, from the first scan until they are persisted.
  absl::btree_map<BytesView, Entry*> index_;
  bool indexed_ = false;
  // Every entry of the engine is in the table, so a miss is an answer.
  bool resident_ = false;
};

/// Walks overlay and engine together, in order of key.
class OverlayCursor final : public LiveIterator {
 public:
  /// Both ends inclusive; null = open.
  OverlayCursor(KeyValueOverlay* store, NullableBytes from, NullableBytes to, bool reverse);
  ~OverlayCursor() override;
  [[nodiscard]] bool Valid() const { return valid_; }
  void Next();
  [[nodiscard]] const Bytes& key() const { return position_; }
  /// The entry if the value is there, decoded; else null, and `bytes` has it. Look before the next call on the store.
  [[nodiscard]] const KeyValueOverlay::Entry* live() const { return live_; }
  [[nodiscard]] BytesView bytes() const { return bytes_; }

  void BeforeWrite(BytesView key) override;
  void BeforePersist() override { Detach(); }

 private:
  struct Copy {
    Bytes key;
    NullableBytes value;
  };
  [[nodiscard]] bool Before(BytesView a, BytesView b) const { return reverse_ ? b < a : a < b; }
  [[nodiscard]] bool Remaining(BytesView key) const;
  [[nodiscard]] KeyValueOverlay::Entry* NextDirty() const;
  void Detach();
  bool Step();

  KeyValueOverlay* store_;
  NullableBytes from_;
  NullableBytes to_;
  bool reverse_;
  bool started_ = false;
  bool valid_ = true;
  bool detached_ = false;
  std::unique_ptr<EngineIterator> engine_;
  std::vector<Copy> copies_;
  size_t next_copy_ = 0;
  Bytes position_;
  Bytes bytes_;
  const KeyValueOverlay::Entry* live_ = nullptr;
};

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_KEY_VALUE_OVERLAY_H_
