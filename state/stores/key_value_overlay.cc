#include "millrace/state/internal/key_value_overlay.h"

#include <algorithm>

namespace millrace::internal {
namespace {

absl::string_view ToAbsl(BytesView view) { return {view.data(), view.size()}; }

KeyValueOverlay::Entry* Owner(TouchLink* link) {
  return static_cast<KeyValueOverlay::Entry*>(static_cast<OverlayLink*>(link)->owner);
}

}  // namespace

KeyValueOverlay::KeyValueOverlay(std::string name, StoreKind kind, ValueFormat format, Discipline discipline, std::string layout)
    : Overlay(std::move(name), kind, std::move(layout), format, discipline) {}

absl::Status KeyValueOverlay::OpenOverlay(const StoreContext& context) {
  if (absl::Status s = Open(context); !s.ok()) return s;
  const std::unique_ptr<EngineIterator> any = engine().Scan({}, false);
  resident_ = !any->Valid();
  return any->status();
}

KeyValueOverlay::Entry* KeyValueOverlay::Lookup(BytesView key) {
  if (const auto it = table_.find(ToAbsl(key)); it != table_.end()) {
    it->second->referenced = true;
    return it->second;
  }
  if (resident_) return nullptr;
  const bool found = Read(key, &value_buffer);
  Evict(8);
  return Changing([&] {
    Entry* const entry = Add(key);
    entry->known = true;
    if (found) {
      if (absl::Status s = DecodeInto(value_buffer, entry); s.ok()) {
        entry->present = true;
      } else {
        Fail(s, "reading a stored value");
      }
    } else {
      entry->in_engine = false;
    }
    Count(entry);
    return entry;
  });
}

KeyValueOverlay::Entry* KeyValueOverlay::ForWrite(BytesView key) {
  AnnounceWrite(key);
  Entry* entry;
  if (const auto it = table_.find(ToAbsl(key)); it != table_.end()) {
    entry = it->second;
  } else {
    Evict(4);
    entry = Add(key);
    if (resident_) {
      entry->known = true;
      entry->in_engine = false;
    }
  }
  BeginWrite(entry);
  return entry;
}

void KeyValueOverlay::BecameUnpersisted(OverlayEntry* entry) {
  auto* const typed = static_cast<Entry*>(entry);
  if (indexed_) index_.emplace(typed->key, typed);
}

absl::Status KeyValueOverlay::Persist(std::optional<int64_t> changelog_offset) {
  AnnouncePersist();
  std::sort(unpersisted_.begin(), unpersisted_.end(), [](const OverlayEntry* a, const OverlayEntry* b) {
    return static_cast<const Entry*>(a)->key < static_cast<const Entry*>(b)->key;
  });
  WriteBatch batch;
  for (const OverlayEntry* entry : unpersisted_) {
    const Bytes& key = static_cast<const Entry*>(entry)->key;
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
  index_.clear();
  indexed_ = false;
  FinishPersist([this](OverlayEntry* entry) {
    if (!entry->present && !entry->touch.linked()) Remove(static_cast<Entry*>(entry));
  });
  Evict(table_.size() * 2);
  return absl::OkStatus();
}

absl::Status KeyValueOverlay::Restore(std::span<const ChangelogRecord> records, int64_t next_offset) {
  WriteBatch batch;
  for (const ChangelogRecord& record : records) {
    if (const auto it = table_.find(ToAbsl(record.key)); it != table_.end() && !it->second->unpersisted) {
      if (!it->second->touch.linked()) Remove(it->second);
    }
    if (record.value) {
      batch.Put(record.key, EngineValue(format(), record, &value_buffer));
      resident_ = false;
    } else {
      batch.Delete(record.key);
    }
  }
  return Write(&batch, next_offset);
}

KeyValueOverlay::Entry* KeyValueOverlay::Add(BytesView key) {
  Entry* const entry = NewEntry();
  entry->key.assign(key);
  table_.emplace(ToAbsl(entry->key), entry);
  ring_.MoveToBack(&entry->ring);
  return entry;
}

void KeyValueOverlay::Remove(Entry* entry) {
  AddMemory(-entry->bytes);
  table_.erase(ToAbsl(entry->key));
  entry->touch.Unlink();
  entry->ring.Unlink();
  DeleteEntry(entry);
}

void KeyValueOverlay::DeleteAll() {
  while (!ring_.empty()) Remove(Owner(ring_.front()));
  unpersisted_.clear();
}

// Second chance, over clean entries only.
void KeyValueOverlay::Evict(size_t steps) {
  const int64_t limit = MemoryLimit();
  while (steps-- > 0 && memory_bytes() > limit && memory_bytes() > dirty_bytes && !ring_.empty()) {
    Entry* const entry = Owner(ring_.front());
    if (entry->unpersisted || entry->touch.linked() || entry->referenced) {
      entry->referenced = false;
      ring_.MoveToBack(&entry->ring);
      continue;
    }
    if (entry->present) resident_ = false;
    Remove(entry);
  }
}

void KeyValueOverlay::BuildIndex() {
  if (indexed_) return;
  indexed_ = true;
  for (OverlayEntry* entry : unpersisted_) BecameUnpersisted(entry);
}

OverlayCursor::OverlayCursor(KeyValueOverlay* store, NullableBytes from, NullableBytes to, bool reverse)
    : LiveIterator(store), store_(store), from_(std::move(from)), to_(std::move(to)), reverse_(reverse) {
  EngineRange range;
  if (from_) range.from = *from_;
  if (to_) range.to = *to_ + '\0';
  if (from_ && to_ && *to_ < *from_) {
    valid_ = false;
    return;
  }
  store->BuildIndex();
  engine_ = store->engine().Scan(range, reverse);
  store->Register(this);
  Next();
}

OverlayCursor::~OverlayCursor() = default;

bool OverlayCursor::Remaining(BytesView key) const {
  if (!valid_) return false;
  if (started_ && !Before(position_, key)) return false;
  return reverse_ ? !from_ || *from_ <= key : !to_ || key <= *to_;
}

KeyValueOverlay::Entry* OverlayCursor::NextDirty() const {
  const auto& index = store_->index_;
  if (!reverse_) {
    const auto it = started_ ? index.upper_bound(position_) : from_ ? index.lower_bound(*from_) : index.begin();
    return it != index.end() && (!to_ || it->first <= *to_) ? it->second : nullptr;
  }
  auto it = started_ ? index.lower_bound(position_) : to_ ? index.upper_bound(*to_) : index.end();
  if (it == index.begin()) return nullptr;
  --it;
  return !from_ || *from_ <= it->first ? it->second : nullptr;
}

void OverlayCursor::Next() {
  while (valid_ && !Step()) {
  }
}

// One key further; false if that key is deleted.
bool OverlayCursor::Step() {
  const KeyValueOverlay::Entry* const dirty = detached_ ? nullptr : NextDirty();
  const Copy* const copy = detached_ && next_copy_ < copies_.size() ? &copies_[next_copy_] : nullptr;
  const bool overlay = dirty != nullptr || copy != nullptr;
  const BytesView overlay_key = dirty != nullptr ? BytesView(dirty->key) : copy != nullptr ? BytesView(copy->key) : BytesView();
  live_ = nullptr;
  if (!engine_->Valid()) {
    if (absl::Status s = engine_->status(); !s.ok()) store_->FailEngine(s);
  }
  if (!overlay && !engine_->Valid()) {
    valid_ = false;
    return true;
  }
  started_ = true;
  if (!overlay || (engine_->Valid() && Before(engine_->key(), overlay_key))) {
    position_.assign(engine_->key());
    bytes_.assign(engine_->value());
    engine_->Next();
    return true;
  }
  if (engine_->Valid() && engine_->key() == overlay_key) engine_->Next();
  position_.assign(overlay_key);
  if (copy != nullptr) {
    ++next_copy_;
    if (!copy->value) return false;
    bytes_.assign(*copy->value);
    return true;
  }
  if (!dirty->present) return false;
  live_ = dirty;
  return true;
}

void OverlayCursor::BeforeWrite(BytesView key) {
  if (!detached_ && Remaining(key)) Detach();
}

void OverlayCursor::Detach() {
  if (detached_ || !valid_) return;
  const Bytes position = position_;
  const bool started = started_;
  while (const KeyValueOverlay::Entry* entry = NextDirty()) {
    Copy copy{entry->key, std::nullopt};
    if (entry->present) store_->Encode(*entry, &copy.value.emplace());
    copies_.push_back(std::move(copy));
    position_ = entry->key;
    started_ = true;
  }
  position_ = position;
  started_ = started;
  detached_ = true;
}

}  // namespace millrace::internal
