#include "millrace/state/internal/window_overlay.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace millrace::internal {
namespace {

using Slot = WindowOverlay::Slot;
using SlotRef = WindowOverlay::SlotRef;

constexpr BytesView kObservedKey = "observed-time";
constexpr size_t kTail = kWindowTail;
constexpr int64_t kRunBytes = sizeof(WindowOverlay::Run) + 64;

absl::string_view ToAbsl(BytesView view) { return {view.data(), view.size()}; }

const Slot& AsSlot(const OverlayEntry& entry) { return static_cast<const Slot&>(entry); }

// Without duplicates the sequence number is 0.
void AppendTail(int64_t time, Bytes* out) {
  PutBigEndian(time, out);
  PutBigEndian(int32_t{0}, out);
}

auto LowerBound(std::vector<SlotRef>& slots, int64_t time) {
  // Streams are nearly in order: look at the end first.
  if (slots.empty() || slots.back().time < time) return slots.end();
  return std::lower_bound(slots.begin(), slots.end(), time, [](const SlotRef& ref, int64_t wanted) { return ref.time < wanted; });
}

// The slot of exactly that start, if `at` is its lower bound.
Slot* Exact(const std::vector<SlotRef>& slots, std::vector<SlotRef>::const_iterator at, int64_t time) {
  return at != slots.end() && at->time == time ? at->slot : nullptr;
}

}  // namespace

WindowOverlay::WindowOverlay(std::string name, StoreKind kind, ValueFormat format, Discipline discipline, std::string layout,
                             const WindowLayout& windows)
    : Overlay(std::move(name), kind, windows.Mark(layout), format, discipline),
      windows_(windows),
      segment_interval_(windows.segment_interval_ms()) {}

absl::Status WindowOverlay::OpenOverlay(const StoreContext& context) {
  if (absl::Status s = Open(context); !s.ok()) return s;
  const std::unique_ptr<EngineIterator> any = engine().Scan({}, false);
  const absl::StatusOr<std::optional<int64_t>> observed = ReadNumber(kObservedKey);
  if (!observed.ok()) return observed.status();
  observed_ = observed->value_or(-1);
  if (any->Valid()) resident_from_ = observed_ + 1;
  return any->status();
}

WindowOverlay::Run* WindowOverlay::FindRun(BytesView key) const {
  const auto it = runs_.find(ToAbsl(key));
  return it == runs_.end() ? nullptr : it->second.get();
}

WindowOverlay::Run* WindowOverlay::MakeRun(BytesView key) {
  if (Run* run = FindRun(key)) return run;
  auto run = std::make_unique<Run>();
  run->key.assign(key);
  Run* const made = run.get();
  runs_.emplace(ToAbsl(made->key), std::move(run));
  AddMemory(kRunBytes + static_cast<int64_t>(key.size()));
  return made;
}

Slot* WindowOverlay::AddSlot(Run* run, std::vector<SlotRef>::iterator at, int64_t time) {
  Slot* const slot = NewSlot();
  slot->run = run;
  slot->time = time;
  run->slots.insert(at, {time, slot});
  return slot;
}

Slot* WindowOverlay::Lookup(BytesView key, int64_t time) {
  if (time < Earliest() || time < 0) return nullptr;
  Run* run = FindRun(key);
  if (run != nullptr) {
    Slot* const slot = Exact(run->slots, LowerBound(run->slots, time), time);
    if (slot != nullptr) return slot->present ? slot : nullptr;
  }
  if (time >= resident_from_) return nullptr;
  AnnounceWrite(key);
  if (++loads_since_sweep_ > 4096) Evict();
  return Changing([&]() -> Slot* {
    run = MakeRun(key);
    Slot* const slot = AddSlot(run, LowerBound(run->slots, time), time);
    slot->known = true;
    Bytes engine_key;
    AppendEngineKey(*slot, &engine_key);
    slot->in_engine = Read(engine_key, &value_buffer);
    if (slot->in_engine) {
      if (absl::Status s = DecodeInto(value_buffer, slot); s.ok()) {
        slot->present = true;
      } else {
        Fail(s, "reading a stored value");
      }
    }
    Count(slot);
    return slot->present ? slot : nullptr;
  });
}

WindowOverlay::Admission WindowOverlay::Admit(int64_t time) {
  observed_ = std::max(observed_, time);
  return Segment(time) >= FirstLiveSegment() ? Admission::kTake : Admission::kLogOnly;
}

Slot* WindowOverlay::ForWrite(BytesView key, int64_t time) {
  AnnounceWrite(key);
  Run* const run = MakeRun(key);
  TrimRun(run);
  const auto at = LowerBound(run->slots, time);
  Slot* slot = Exact(run->slots, at, time);
  if (slot == nullptr) {
    slot = AddSlot(run, at, time);
    if (time >= resident_from_) {
      slot->known = true;
      slot->in_engine = false;
    }
  }
  BeginWrite(slot);
  return slot;
}

void WindowOverlay::LogUnstored(BytesView key, int64_t time, NullableBytesView engine_value) {
  if (context().changelog == nullptr) return;
  Bytes log_key(key);
  AppendTail(time, &log_key);
  Log(log_key, engine_value, record().timestamp, Headers::Empty());
}

void WindowOverlay::AppendChangelogKey(const OverlayEntry& entry, Bytes* out) const {
  const Slot& slot = AsSlot(entry);
  out->append(slot.run->key);
  AppendTail(slot.time, out);
}

void WindowOverlay::AppendEngineKey(const OverlayEntry& entry, Bytes* out) const {
  PutBigEndian(Segment(AsSlot(entry).time), out);
  AppendChangelogKey(entry, out);
}

absl::Status WindowOverlay::Persist(std::optional<int64_t> changelog_offset) {
  AnnouncePersist();
  std::sort(unpersisted_.begin(), unpersisted_.end(), [this](const OverlayEntry* a, const OverlayEntry* b) {
    const Slot& x = AsSlot(*a);
    const Slot& y = AsSlot(*b);
    const int64_t segment_x = Segment(x.time);
    const int64_t segment_y = Segment(y.time);
    return std::tie(segment_x, x.run->key, x.time) < std::tie(segment_y, y.run->key, y.time);
  });
  WriteBatch batch;
  const int64_t live = std::max<int64_t>(FirstLiveSegment(), 0);
  if (live > purged_before_segment_) {
    Bytes end;
    PutBigEndian(live, &end);
    batch.DeleteRange(Bytes(8, '\0'), end);
  }
  // First, for what is in the engine must not lie beyond it.
  if (!unpersisted_.empty()) PutNumber(kObservedKey, observed_, &batch);
  Bytes key;
  for (const OverlayEntry* entry : unpersisted_) {
    if (Segment(AsSlot(*entry).time) < live) continue;
    key.clear();
    AppendEngineKey(*entry, &key);
    if (entry->present) {
      value_buffer.clear();
      Encode(*entry, &value_buffer);
      batch.Put(key, value_buffer);
    } else if (entry->in_engine) {
      batch.Delete(key);
    }
    if (absl::Status s = WriteIfLarge(&batch); !s.ok()) return s;
  }
  if (absl::Status s = Write(&batch, changelog_offset); !s.ok()) return s;
  FinishPersist([this](OverlayEntry* entry) {
    if (!entry->present && !entry->touch.linked()) RemoveSlot(static_cast<Slot*>(entry));
  });
  if (live > purged_before_segment_) {
    purged_before_segment_ = live;
    Sweep(Earliest());
  }
  Evict();
  return absl::OkStatus();
}

absl::Status WindowOverlay::Restore(std::span<const ChangelogRecord> records, int64_t next_offset) {
  const auto time_of = [](const ChangelogRecord& r) { return GetBigEndian<int64_t>(r.key.data() + r.key.size() - kTail); };
  for (const ChangelogRecord& record : records) {
    if (absl::Status s = CheckWindowKey(name(), record); !s.ok()) return s;
    observed_ = std::max(observed_, time_of(record));
  }
  WriteBatch batch;
  Bytes key;
  for (const ChangelogRecord& record : records) {
    const int64_t time = time_of(record);
    if (Segment(time) < FirstLiveSegment()) continue;
    const BytesView run_key = record.key.substr(0, record.key.size() - kTail);
    if (Run* run = FindRun(run_key)) {
      Slot* const slot = Exact(run->slots, LowerBound(run->slots, time), time);
      if (slot != nullptr && !slot->unpersisted && !slot->touch.linked()) RemoveSlot(slot);
    }
    resident_from_ = std::max(resident_from_, time + 1);
    key.clear();
    PutBigEndian(Segment(time), &key);
    key.append(record.key);
    if (record.value) {
      batch.Put(key, EngineValue(format(), record, &value_buffer));
    } else {
      batch.Delete(key);
    }
  }
  PutNumber(kObservedKey, observed_, &batch);
  return Write(&batch, next_offset);
}

void WindowOverlay::FreeSlot(Slot* slot) {
  AddMemory(-slot->bytes);
  slot->touch.Unlink();
  DeleteSlot(slot);
}

void WindowOverlay::RemoveSlot(Slot* slot) {
  Run* const run = slot->run;
  run->slots.erase(LowerBound(run->slots, slot->time));
  FreeSlot(slot);
  if (!run->slots.empty()) return;
  AddMemory(-kRunBytes - static_cast<int64_t>(run->key.size()));
  runs_.erase(ToAbsl(run->key));
}

// Frees expired windows at the front of a run once they are half of it.
void WindowOverlay::TrimRun(Run* run) {
  const int64_t earliest = Earliest();
  if (run->slots.empty() || run->slots.front().time >= earliest) return;
  const auto expired = [earliest](const SlotRef& ref) {
    return ref.time < earliest && !ref.slot->unpersisted && !ref.slot->touch.linked();
  };
  size_t count = 0;
  while (count < run->slots.size() && expired(run->slots[count])) ++count;
  if (count * 2 < run->slots.size() || count == 0) return;
  for (size_t i = 0; i < count; ++i) FreeSlot(run->slots[i].slot);
  run->slots.erase(run->slots.begin(), run->slots.begin() + static_cast<ptrdiff_t>(count));
}

void WindowOverlay::Sweep(int64_t time) {
  for (auto it = runs_.begin(); it != runs_.end();) {
    const auto here = it++;
    Run& run = *here->second;
    std::erase_if(run.slots, [this, time](const SlotRef& ref) {
      if (ref.time >= time || ref.slot->unpersisted || ref.slot->touch.linked()) return false;
      FreeSlot(ref.slot);
      return true;
    });
    if (!run.slots.empty()) continue;
    AddMemory(-kRunBytes - static_cast<int64_t>(run.key.size()));
    runs_.erase(here);
  }
}

// Over the limit, the oldest clean windows go, and reads below the new watermark ask the engine.
void WindowOverlay::Evict() {
  const bool loaded = loads_since_sweep_ > 4096;
  if (loaded) loads_since_sweep_ = 0;
  const int64_t limit = MemoryLimit();
  if (memory_bytes() <= limit || memory_bytes() - dirty_bytes < limit / 2) return;
  AnnouncePersist();
  if (loaded) Sweep(resident_from_);
  for (int step = 0; step < 4 && memory_bytes() > limit; ++step) {
    const int64_t from = std::max({resident_from_, Earliest(), int64_t{0}});
    resident_from_ = step == 3 ? observed_ + 1 : from + (observed_ + 1 - from) / 3;
    Sweep(resident_from_);
  }
}

void WindowOverlay::DeleteAll() {
  for (auto& [key, run] : runs_) {
    for (const SlotRef& ref : run->slots) FreeSlot(ref.slot);
    run->slots.clear();
  }
  runs_.clear();
  unpersisted_.clear();
}

}  // namespace millrace::internal
