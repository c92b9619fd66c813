#ifndef MILLRACE_STATE_INTERNAL_WINDOW_OVERLAY_H_
#define MILLRACE_STATE_INTERNAL_WINDOW_OVERLAY_H_

#include <cstdint>
#include <limits>
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
#include "millrace/state/internal/window_layout.h"

namespace millrace::internal {

/// The runs of windows in front of a window store's engine, free of the value's type. A run holds a key's windows in order of
/// start. Everything with a start from `resident_from_` on is in memory, so reads there never ask the engine.
class WindowOverlay : public Overlay {
 public:
  struct Run;
  struct Slot : OverlayEntry {
    Run* run = nullptr;
    int64_t time = 0;
  };
  /// The start stands here too, so that a search touches no slot but the one it finds.
  struct SlotRef {
    int64_t time;
    Slot* slot;
  };
  struct Run {
    Bytes key;
    std::vector<SlotRef> slots;
  };

  using Core = WindowOverlay;

  WindowOverlay(std::string name, StoreKind kind, ValueFormat format, Discipline discipline, std::string layout,
                const WindowLayout& windows);

  [[nodiscard]] absl::Status OpenOverlay(const StoreContext& context);
  [[nodiscard]] absl::Status Persist(std::optional<int64_t> changelog_offset);
  [[nodiscard]] absl::Status Restore(std::span<const ChangelogRecord> records, int64_t next_offset);

  void Trim() { Evict(); }
  /// The window at `time`, or null; loads from the engine.
  [[nodiscard]] Slot* Lookup(BytesView key, int64_t time);
  [[nodiscard]] int64_t window_size_ms() const { return windows_.window_size_ms; }

 protected:
  friend class WindowCursor;
  enum class Admission { kTake, kLogOnly };
  /// Advances time; says whether the window's segment lives.
  [[nodiscard]] Admission Admit(int64_t time);
  [[nodiscard]] Slot* ForWrite(BytesView key, int64_t time);
  /// Java logs puts into expired segments, which it then does not store.
  void LogUnstored(BytesView key, int64_t time, NullableBytesView engine_value);

  void AppendChangelogKey(const OverlayEntry& entry, Bytes* out) const final;
  void AppendEngineKey(const OverlayEntry& entry, Bytes* out) const final;
  void BecameUnpersisted(OverlayEntry*) final {}
  virtual Slot* NewSlot() = 0;
  virtual void DeleteSlot(Slot* slot) = 0;
  void DeleteAll();

 private:
  [[nodiscard]] int64_t Segment(int64_t time) const { return time / segment_interval_; }
  [[nodiscard]] int64_t FirstLiveSegment() const { return Segment(observed_ - windows_.retention_ms); }
  [[nodiscard]] int64_t Earliest() const { return observed_ - windows_.retention_ms + 1; }
  [[nodiscard]] Run* FindRun(BytesView key) const;
  Run* MakeRun(BytesView key);
  Slot* AddSlot(Run* run, std::vector<SlotRef>::iterator at, int64_t time);
  void FreeSlot(Slot* slot);
  void RemoveSlot(Slot* slot);
  void TrimRun(Run* run);
  /// Drops clean slots that started before `time`.
  void Sweep(int64_t time);
  void Evict();

  WindowLayout windows_;
  int64_t segment_interval_;
  absl::flat_hash_map<absl::string_view, std::unique_ptr<Run>> runs_;
  int64_t observed_ = -1;
  int64_t resident_from_ = std::numeric_limits<int64_t>::min();
  int64_t purged_before_segment_ = 0;
  int64_t loads_since_sweep_ = 0;
};

/// Walks the windows of one key, or of all, within a span of starts.
class WindowCursor : public LiveIterator {
 public:
  /// One key, by start.
  WindowCursor(WindowOverlay* store, BytesView key, int64_t from, int64_t to);
  /// All keys, by (segment, key, start).
  WindowCursor(WindowOverlay* store, int64_t from, int64_t to);

  void BeforeWrite(BytesView key) override;
  void BeforePersist() override { Detach(); }

 protected:
  [[nodiscard]] bool at_end() const { return !valid_; }
  void Advance();
  [[nodiscard]] int64_t time() const { return time_; }
  /// Of the window's key, if all keys are walked.
  [[nodiscard]] BytesView key() const { return key_; }
  /// The slot if the value is there, decoded; else null, and `bytes` has it.
  [[nodiscard]] const WindowOverlay::Slot* live() const { return live_; }
  [[nodiscard]] BytesView bytes() const { return item_->value; }
  /// The slot is about to change: the value must be kept.
  virtual void KeepCurrent() = 0;

 private:
  struct Item {
    Bytes engine_key;
    Bytes value;
  };
  using Merged = absl::btree_map<Bytes, NullableBytes>;
  void Clamp();
  void MergeSlot(const WindowOverlay::Slot& slot, Merged* merged) const;
  void MergeEngine(const EngineRange& range, NullableBytesView only_key, Merged* merged);
  void UseItems(Merged* merged);
  void Detach();

  WindowOverlay* store_;
  WindowOverlay::Run* run_ = nullptr;  // null once the items are used
  size_t next_slot_ = 0;
  int64_t from_;
  int64_t to_;
  std::vector<Item> items_;
  size_t next_item_ = 0;
  bool valid_ = true;
  int64_t time_ = 0;
  BytesView key_;
  const WindowOverlay::Slot* live_ = nullptr;
  const Item* item_ = nullptr;
};

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_WINDOW_OVERLAY_H_
