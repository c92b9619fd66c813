#ifndef MILLRACE_STATE_INTERNAL_OVERLAY_H_
#define MILLRACE_STATE_INTERNAL_OVERLAY_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/state/internal/store_core.h"

namespace millrace::internal {

/// What is known of a key's value as of the last forward, for an entry that was touched since.
enum class Before : uint8_t { kUnknown, kAbsent, kPresent };

/// When a store logs and forwards.
enum class Discipline : uint8_t { kLogged, kCached };

struct OverlayEntry;
struct OverlayLink : TouchLink {
  OverlayEntry* owner = nullptr;
};

/// One entry of a store's overlay with its marks: touched (not forwarded, or without caching not logged yet) and unpersisted.
struct OverlayEntry {
  OverlayEntry() { touch.owner = this; }
  OverlayLink touch;
  std::unique_ptr<SavedRecordContext> context;  // of the last write, while touched
  int64_t bytes = 0;
  bool present = false;
  bool known = false;  // present says how it stands (false only between creation for a blind write and that write)
  bool unpersisted = false;
  bool in_engine = true;  // false only if surely not
  bool referenced = true;
  Before before = Before::kUnknown;
};

/// The three acts over entries of any layout, free of the value's type. Derived classes say where entries live.
class Overlay : public StoreCore {
 public:
  Overlay(std::string name, StoreKind kind, std::string layout, ValueFormat format, Discipline discipline)
      : StoreCore(std::move(name), kind, std::move(layout), format), discipline_(discipline) {}
  virtual ~Overlay() = default;

  void ForwardDirty();
  void LogDirty();
  /// Writes wait for ForwardDirty; false = the writer forwards itself.
  [[nodiscard]] bool forwards_later() const { return discipline_ == Discipline::kCached && context().caching; }

 protected:
  /// Before the entry's value is replaced.
  void BeginWrite(OverlayEntry* entry);
  /// After it was: marks, counts, logs.
  void EndWrite(OverlayEntry* entry, bool present);
  void Count(OverlayEntry* entry);
  /// Clears the marks of everything persisted; `done` may drop entries that are no longer needed.
  template <class F>
  void FinishPersist(F done) {
    for (OverlayEntry* entry : unpersisted_) {
      entry->unpersisted = false;
      entry->in_engine = entry->present;
      done(entry);
    }
    unpersisted_.clear();
    dirty_bytes = 0;
  }

  virtual void AppendChangelogKey(const OverlayEntry& entry, Bytes* out) const = 0;
  virtual void AppendEngineKey(const OverlayEntry& entry, Bytes* out) const = 0;
  virtual void BecameUnpersisted(OverlayEntry* entry) = 0;
  [[nodiscard]] virtual absl::Status DecodeInto(BytesView bytes, OverlayEntry* entry) = 0;
  [[nodiscard]] virtual absl::Status DecodeBefore(BytesView bytes, OverlayEntry* entry) = 0;
  virtual void Encode(const OverlayEntry& entry, Bytes* out) const = 0;
  /// All memory of an entry.
  [[nodiscard]] virtual int64_t EntryBytes(const OverlayEntry& entry) const = 0;
  /// Moves the value to be the one as of the last forward.
  virtual void KeepBefore(OverlayEntry* entry) = 0;
  virtual void Emit(OverlayEntry* entry, const SavedRecordContext& context) = 0;

  bool has_sink_ = false;
  bool send_old_values_ = false;
  std::vector<OverlayEntry*> unpersisted_;

 private:
  void ResolveBefore(OverlayEntry* entry);
  void LogEntry(const OverlayEntry& entry);

  Discipline discipline_;
  TouchList touched_;
  Bytes log_key_;
};

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_OVERLAY_H_
