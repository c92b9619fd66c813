#include <algorithm>

#include "millrace/state/internal/window_overlay.h"

namespace millrace::internal {
namespace {

constexpr size_t kTail = kWindowTail;

Bytes EngineKey(int64_t segment, BytesView key, int64_t time) {
  Bytes out;
  PutBigEndian(segment, &out);
  out.append(key);
  PutBigEndian(time, &out);
  return out;
}

}  // namespace

void WindowCursor::Clamp() {
  from_ = std::max({from_, store_->Earliest(), int64_t{0}});
  to_ = std::min(to_, store_->observed_);
}

WindowCursor::WindowCursor(WindowOverlay* store, BytesView key, int64_t from, int64_t to)
    : LiveIterator(store), store_(store), from_(from), to_(to) {
  Clamp();
  if (to_ < from_) {
    valid_ = false;
    return;
  }
  run_ = store_->FindRun(key);
  if (run_ != nullptr) {
    const auto& slots = run_->slots;
    const auto at = std::lower_bound(slots.begin(), slots.end(), from_,
                                     [](const WindowOverlay::SlotRef& ref, int64_t time) { return ref.time < time; });
    next_slot_ = static_cast<size_t>(at - slots.begin());
  }
  if (from_ < store_->resident_from_) {
    Merged merged;
    const int64_t last = std::min(to_, store_->resident_from_ - 1);
    for (int64_t segment = store_->Segment(from_); segment <= store_->Segment(last); ++segment) {
      MergeEngine({EngineKey(segment, key, from_), EngineKey(segment, key, last + 1)}, key, &merged);
    }
    for (; run_ != nullptr && next_slot_ < run_->slots.size() && run_->slots[next_slot_].time <= to_; ++next_slot_) {
      MergeSlot(*run_->slots[next_slot_].slot, &merged);
    }
    UseItems(&merged);
  } else if (run_ != nullptr) {
    store_->Register(this);
  }
}

WindowCursor::WindowCursor(WindowOverlay* store, int64_t from, int64_t to)
    : LiveIterator(store), store_(store), from_(from), to_(to) {
  Clamp();
  if (to_ < from_) {
    valid_ = false;
    return;
  }
  Merged merged;
  if (from_ < store_->resident_from_) {
    Bytes begin;
    Bytes end;
    PutBigEndian(store_->Segment(from_), &begin);
    PutBigEndian(store_->Segment(to_) + 1, &end);
    MergeEngine({begin, end}, std::nullopt, &merged);
  }
  for (const auto& [key, run] : store_->runs_) {
    for (const WindowOverlay::SlotRef& ref : run->slots) {
      if (ref.time >= from_ && ref.time <= to_) MergeSlot(*ref.slot, &merged);
    }
  }
  UseItems(&merged);
}

void WindowCursor::MergeSlot(const WindowOverlay::Slot& slot, Merged* merged) const {
  Bytes key;
  store_->AppendEngineKey(slot, &key);
  NullableBytes& value = (*merged)[std::move(key)];
  value.reset();
  if (slot.present) store_->Encode(slot, &value.emplace());
}

// Keys of other lengths lie between those of `only_key` (if there is one), so each is looked at.
void WindowCursor::MergeEngine(const EngineRange& range, NullableBytesView only_key, Merged* merged) {
  const std::unique_ptr<EngineIterator> it = store_->engine().Scan(range, false);
  for (; it->Valid(); it->Next()) {
    const BytesView key = it->key();
    if (key.size() < 8 + kTail) continue;
    if (only_key && key.substr(8, key.size() - 8 - kTail) != *only_key) continue;
    const auto time = GetBigEndian<int64_t>(key.data() + key.size() - kTail);
    if (time >= from_ && time <= to_) (*merged)[Bytes(key)] = Bytes(it->value());
  }
  if (absl::Status s = it->status(); !s.ok()) store_->FailEngine(s);
}

void WindowCursor::UseItems(Merged* merged) {
  run_ = nullptr;
  for (auto& [key, value] : *merged) {
    if (value) items_.push_back({key, std::move(*value)});
  }
}

void WindowCursor::Advance() {
  live_ = nullptr;
  item_ = nullptr;
  while (run_ != nullptr && next_slot_ < run_->slots.size() && run_->slots[next_slot_].time <= to_) {
    const WindowOverlay::Slot* const slot = run_->slots[next_slot_++].slot;
    if (!slot->present) continue;
    live_ = slot;
    time_ = slot->time;
    return;
  }
  if (run_ != nullptr || next_item_ == items_.size()) {
    valid_ = false;
    return;
  }
  item_ = &items_[next_item_++];
  const BytesView engine_key(item_->engine_key);
  key_ = engine_key.substr(8, engine_key.size() - 8 - kTail);
  time_ = GetBigEndian<int64_t>(engine_key.data() + engine_key.size() - kTail);
}

void WindowCursor::BeforeWrite(BytesView key) {
  if (run_ != nullptr && key == run_->key) Detach();
}

void WindowCursor::Detach() {
  if (run_ == nullptr || !valid_) return;
  if (live_ != nullptr) {
    KeepCurrent();
    live_ = nullptr;
  }
  Merged merged;
  for (; next_slot_ < run_->slots.size() && run_->slots[next_slot_].time <= to_; ++next_slot_) {
    MergeSlot(*run_->slots[next_slot_].slot, &merged);
  }
  UseItems(&merged);
}

}  // namespace millrace::internal
