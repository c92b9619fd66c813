#include "millrace/state/internal/overlay.h"

#include "millrace/state/internal/mutants.h"

namespace millrace::internal {
namespace {

OverlayEntry* Owner(TouchLink* link) { return static_cast<OverlayLink*>(link)->owner; }

}  // namespace

void Overlay::BeginWrite(OverlayEntry* entry) {
  entry->referenced = true;
  if (discipline_ != Discipline::kCached || entry->touch.linked()) return;
  entry->before = !entry->known ? Before::kUnknown : entry->present ? Before::kPresent : Before::kAbsent;
  if (send_old_values_ && forwards_later()) KeepBefore(entry);
}

void Overlay::EndWrite(OverlayEntry* entry, bool present) {
  entry->present = present;
  entry->known = true;
  if (!entry->unpersisted) {
    entry->unpersisted = true;
    unpersisted_.push_back(entry);
    dirty_bytes += entry->bytes;
    BecameUnpersisted(entry);
  }
  Count(entry);
  if (discipline_ == Discipline::kLogged) return LogEntry(*entry);
  if (entry->context == nullptr) {
    entry->context = std::make_unique<SavedRecordContext>(record());
  } else {
    *entry->context = SavedRecordContext(record());
  }
  if (Mutated(Mutant::kLastTouchOrderBroken) && entry->touch.linked()) return;
  if (!touched_.IsLast(&entry->touch)) touched_.MoveToBack(&entry->touch);
}

void Overlay::Count(OverlayEntry* entry) {
  const int64_t bytes = EntryBytes(*entry);
  AddMemory(bytes - entry->bytes);
  if (entry->unpersisted) dirty_bytes += bytes - entry->bytes;
  entry->bytes = bytes;
}

void Overlay::LogEntry(const OverlayEntry& entry) {
  if (context().changelog == nullptr) return;
  log_key_.clear();
  AppendChangelogKey(entry, &log_key_);
  NullableBytesView value;
  if (entry.present) {
    value_buffer.clear();
    Encode(entry, &value_buffer);
    value = value_buffer;
  }
  Log(log_key_, value, record().timestamp, Headers::Empty());
}

void Overlay::ResolveBefore(OverlayEntry* entry) {
  if (entry->before != Before::kUnknown) return;
  log_key_.clear();
  AppendEngineKey(*entry, &log_key_);
  entry->before = Before::kAbsent;
  if (!Read(log_key_, &value_buffer)) return;
  entry->before = Before::kPresent;
  if (!send_old_values_) return;
  if (absl::Status s = DecodeBefore(value_buffer, entry); !s.ok()) Fail(s, "reading a stored value");
}

void Overlay::ForwardDirty() {
  if (!forwards_later() || touched_.empty()) return;
  TouchList pass;
  pass.TakeAll(&touched_);
  while (!pass.empty()) {
    OverlayEntry* const entry = Owner(pass.front());
    entry->touch.Unlink();
    const std::unique_ptr<SavedRecordContext> context = std::move(entry->context);
    if (has_sink_) {
      if (!entry->present || send_old_values_) ResolveBefore(entry);
      // What came and went since the last forward, nobody needs to hear of.
      if (!entry->present && entry->before == Before::kAbsent) continue;
    }
    const RecordContextScope scope(&record(), context->View());
    LogEntry(*entry);
    if (has_sink_) Emit(entry, *context);
  }
}

void Overlay::LogDirty() {
  if (discipline_ != Discipline::kCached || context().caching) return;
  while (!touched_.empty()) {
    OverlayEntry* const entry = Owner(touched_.front());
    entry->touch.Unlink();
    const std::unique_ptr<SavedRecordContext> context = std::move(entry->context);
    if (!entry->present) {
      ResolveBefore(entry);
      if (entry->before == Before::kAbsent) continue;
    }
    const RecordContextScope scope(&record(), context->View());
    LogEntry(*entry);
  }
}

}  // namespace millrace::internal
