#include "millrace/state/internal/duplicate_windows.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace::internal {
namespace {

constexpr BytesView kObservedKey = "observed-time";
constexpr size_t kTail = kWindowTail;
constexpr uint32_t kFirstChunkBytes = 4 << 10;
constexpr uint32_t kMaxChunkBytes = 64 << 10;
// Of a key in heads_, with what the table leaves free.
constexpr int64_t kHeadBytes = 24;

Bytes EngineKey(int64_t segment, BytesView key, int64_t time) {
  Bytes out;
  PutBigEndian(segment, &out);
  out.append(key);
  PutBigEndian(time, &out);
  return out;
}

}  // namespace

DuplicateWindows::DuplicateWindows(std::string name, StoreKind kind, const WindowLayout& windows)
    : StoreCore(std::move(name), kind, windows.Mark("window"), ValueFormat::kPlain),
      windows_(windows),
      heads_(0, HeadHash{this}, HeadEqual{this}) {}

DuplicateWindows::~DuplicateWindows() = default;

absl::Status DuplicateWindows::OpenOverlay(const StoreContext& context) {
  if (absl::Status s = Open(context); !s.ok()) return s;
  const std::unique_ptr<EngineIterator> any = engine().Scan({}, false);
  const absl::StatusOr<std::optional<int64_t>> observed = ReadNumber(kObservedKey);
  if (!observed.ok()) return observed.status();
  observed_ = observed->value_or(-1);
  if (any->Valid()) {
    resident_from_ = observed_ + 1;
    engine_from_segment_ = 0;
  }
  return any->status();
}

DuplicateWindows::Entry* DuplicateWindows::Newest(BytesView key) const {
  const auto it = heads_.find(key);
  return it == heads_.end() ? nullptr : At(it->ref);
}

void DuplicateWindows::Add(BytesView key, NullableBytesView value, int64_t time) {
  sequence_ = (sequence_ + 1) & 0x7fffffff;
  observed_ = std::max(observed_, time);
  if (!value || Segment(time) < FirstLiveSegment()) {
    Bytes log_key(key);
    PutBigEndian(time, &log_key);
    PutBigEndian(sequence_, &log_key);
    Log(log_key, value, record().timestamp, *record().headers);
    return;
  }
  const size_t size = Entry::Size(key.size(), value->size());
  const Ref ref = Allocate(size);
  Entry* const entry = new (At(ref)) Entry{Ref(), time, static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value->size())};
  char* const data = entry->data();
  std::memcpy(data, key.data(), key.size());
  SetBigEndian(time, data + key.size());
  SetBigEndian(sequence_, data + key.size() + sizeof(int64_t));
  std::memcpy(data + key.size() + kTail, value->data(), value->size());
  Link(ref);
  unpersisted_from_ = std::min(unpersisted_from_, time);
  dirty_bytes += static_cast<int64_t>(size);
  Log(entry->log_key(), value, record().timestamp, *record().headers);
}

DuplicateWindows::Ref DuplicateWindows::Allocate(size_t bytes) {
  if (chunks_.empty() || chunks_.back().capacity - chunks_.back().used < bytes) {
    Evict();
    const uint32_t grown = chunks_.empty() ? kFirstChunkBytes : std::min(kMaxChunkBytes, 2 * chunks_.back().capacity);
    const auto capacity = std::max(grown, static_cast<uint32_t>(bytes));
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(capacity), 0, capacity, 0, -1});
    AddMemory(capacity);
  }
  Chunk& chunk = chunks_.back();
  const Ref ref{first_chunk_ + static_cast<uint32_t>(chunks_.size()) - 1, chunk.used};
  chunk.used += static_cast<uint32_t>(bytes);
  return ref;
}

// Among the entries of its key by (time, sequence). Streams are nearly in order, so its place is near the newest.
void DuplicateWindows::Link(Ref added) {
  Entry* const entry = At(added);
  Chunk& chunk = chunks_.back();
  chunk.max_time = std::max(chunk.max_time, entry->time);
  bool first = false;
  const auto it = heads_.lazy_emplace(entry->key(), [&](const auto& construct) {
    construct(Head{added});
    first = true;
  });
  if (first) return AddMemory(kHeadBytes);
  const auto position = [](const Entry& e) { return std::pair(e.time, e.sequence()); };
  const auto wanted = position(*entry);
  Ref* link = &it->ref;
  while (alive(*link) && position(*At(*link)) > wanted) link = &At(*link)->previous;
  // One of before a restart may have the same number: it is replaced.
  const bool same = alive(*link) && position(*At(*link)) == wanted;
  entry->previous = same ? At(*link)->previous : *link;
  *link = added;
}

void DuplicateWindows::DropExpired() {
  while (!has_open_iterators() && !chunks_.empty() && chunks_.front().max_time < Earliest()) DropFirstChunk();
}

void DuplicateWindows::DropFirstChunk() {
  const Chunk& chunk = chunks_.front();
  for (uint32_t at = 0; at < chunk.used;) {
    const Ref ref{first_chunk_, at};
    const Entry* const entry = At(ref);
    if (const auto it = heads_.find(entry->key()); it != heads_.end() && it->ref == ref) {
      heads_.erase(it);
      AddMemory(-kHeadBytes);
    }
    at += static_cast<uint32_t>(entry->size());
  }
  dirty_bytes -= chunk.used - chunk.persisted;
  AddMemory(-static_cast<int64_t>(chunk.capacity));
  chunks_.pop_front();
  ++first_chunk_;
}

// A chunk's entries lead to older ones of their keys, which must be in the engine too.
void DuplicateWindows::Evict() {
  DropExpired();
  const int64_t limit = MemoryLimit();
  while (memory_bytes() > limit && !has_open_iterators() && !chunks_.empty()) {
    const Chunk& chunk = chunks_.front();
    if (chunk.persisted != chunk.used || (dirty_bytes > 0 && chunk.max_time >= unpersisted_from_)) return;
    resident_from_ = std::max(resident_from_, chunk.max_time + 1);
    DropFirstChunk();
  }
}

absl::Status DuplicateWindows::Persist(std::optional<int64_t> changelog_offset) {
  DropExpired();
  WriteBatch batch;
  const int64_t live = std::max<int64_t>(FirstLiveSegment(), 0);
  if (live > engine_from_segment_) {
    Bytes end;
    PutBigEndian(live, &end);
    batch.DeleteRange(Bytes(sizeof(int64_t), '\0'), end);
  }
  // First, for what is in the engine must not lie beyond it.
  if (dirty_bytes > 0) PutNumber(kObservedKey, observed_, &batch);
  if (absl::Status s = PutUnpersisted(&batch); !s.ok()) return s;
  if (absl::Status s = Write(&batch, changelog_offset); !s.ok()) return s;
  engine_from_segment_ = std::max(engine_from_segment_, live);
  for (auto chunk = chunks_.rbegin(); chunk != chunks_.rend() && chunk->persisted != chunk->used; ++chunk) {
    chunk->persisted = chunk->used;
  }
  dirty_bytes = 0;
  unpersisted_from_ = std::numeric_limits<int64_t>::max();
  Evict();
  return absl::OkStatus();
}

// In the order of the engine, which takes them much faster so.
absl::Status DuplicateWindows::PutUnpersisted(WriteBatch* batch) {
  struct Position {
    int64_t segment;
    uint64_t prefix;  // of the key: most comparisons need no more
    const Entry* entry;
  };
  std::vector<Position> order;
  size_t first = chunks_.size();
  while (first > 0 && chunks_[first - 1].persisted != chunks_[first - 1].used) --first;
  for (size_t i = first; i < chunks_.size(); ++i) {
    for (uint32_t at = chunks_[i].persisted; at < chunks_[i].used;) {
      const Entry* const entry = At({first_chunk_ + static_cast<uint32_t>(i), at});
      at += static_cast<uint32_t>(entry->size());
      if (entry->time < Earliest()) continue;
      char prefix[sizeof(uint64_t)] = {};
      std::memcpy(prefix, entry->data(), std::min<size_t>(sizeof(prefix), entry->key_size));
      order.push_back({Segment(entry->time), GetBigEndian<uint64_t>(prefix), entry});
    }
  }
  std::sort(order.begin(), order.end(), [](const Position& a, const Position& b) {
    if (a.segment != b.segment) return a.segment < b.segment;
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return a.entry->log_key() < b.entry->log_key();
  });
  Bytes key;
  for (const Position& position : order) {
    key.clear();
    PutBigEndian(position.segment, &key);
    key.append(position.entry->log_key());
    batch->Put(key, position.entry->value());
    if (absl::Status s = WriteIfLarge(batch); !s.ok()) return s;
  }
  if (!order.empty()) engine_from_segment_ = std::min(engine_from_segment_, order.front().segment);
  return absl::OkStatus();
}

absl::Status DuplicateWindows::Restore(std::span<const ChangelogRecord> records, int64_t next_offset) {
  const auto time_of = [](const ChangelogRecord& r) { return GetBigEndian<int64_t>(r.key.data() + r.key.size() - kTail); };
  for (const ChangelogRecord& record : records) {
    if (absl::Status s = CheckWindowKey(name(), record); !s.ok()) return s;
    observed_ = std::max(observed_, time_of(record));
  }
  WriteBatch batch;
  Bytes key;
  for (const ChangelogRecord& record : records) {
    const int64_t time = time_of(record);
    if (time < Earliest()) continue;
    resident_from_ = std::max(resident_from_, time + 1);
    engine_from_segment_ = std::min(engine_from_segment_, Segment(time));
    key.clear();
    PutBigEndian(Segment(time), &key);
    key.append(record.key);
    if (record.value) {
      batch.Put(key, *record.value);
    } else {
      batch.Delete(key);
    }
  }
  PutNumber(kObservedKey, observed_, &batch);
  return Write(&batch, next_offset);
}

DuplicateWindowsCursor::DuplicateWindowsCursor(DuplicateWindows* store, BytesView key, int64_t from, int64_t to)
    : LiveIterator(store), store_(store), from_(from), to_(to) {
  if (!Clamp()) return;
  Collect(key);
  if (from_ >= store_->resident_from_) return;
  absl::btree_map<Bytes, Bytes> merged;
  const int64_t last = std::min(to_, store_->resident_from_ - 1);
  for (int64_t segment = store_->Segment(from_); segment <= store_->Segment(last); ++segment) {
    MergeEngine({EngineKey(segment, key, from_), EngineKey(segment, key, last + 1)}, key, &merged);
  }
  for (const DuplicateWindows::Entry* entry : entries_) MergeEntry(*entry, &merged);
  UseItems(&merged);
}

DuplicateWindowsCursor::DuplicateWindowsCursor(DuplicateWindows* store, int64_t from, int64_t to)
    : LiveIterator(store), store_(store), from_(from), to_(to) {
  if (!Clamp()) return;
  absl::btree_map<Bytes, Bytes> merged;
  if (from_ < store_->resident_from_) {
    Bytes begin;
    Bytes end;
    PutBigEndian(store_->Segment(from_), &begin);
    PutBigEndian(store_->Segment(to_) + 1, &end);
    MergeEngine({begin, end}, std::nullopt, &merged);
  }
  for (const DuplicateWindows::Head& head : store_->heads_) {
    entries_.clear();
    Collect(store_->At(head.ref)->key());
    for (const DuplicateWindows::Entry* entry : entries_) MergeEntry(*entry, &merged);
  }
  UseItems(&merged);
}

bool DuplicateWindowsCursor::Clamp() {
  from_ = std::max({from_, store_->Earliest(), int64_t{0}});
  to_ = std::min(to_, store_->observed_);
  return from_ <= to_;
}

void DuplicateWindowsCursor::Collect(BytesView key) {
  const DuplicateWindows::Entry* entry = store_->Newest(key);
  while (entry != nullptr && entry->time >= from_) {
    if (entry->time <= to_) entries_.push_back(entry);
    entry = store_->alive(entry->previous) ? store_->At(entry->previous) : nullptr;
  }
  std::reverse(entries_.begin(), entries_.end());
}

void DuplicateWindowsCursor::MergeEntry(const DuplicateWindows::Entry& entry, absl::btree_map<Bytes, Bytes>* merged) {
  Bytes key;
  PutBigEndian(store_->Segment(entry.time), &key);
  key.append(entry.log_key());
  (*merged)[std::move(key)] = Bytes(entry.value());
}

// Keys of other lengths lie between those of `only_key` (if there is one), so each is looked at.
void DuplicateWindowsCursor::MergeEngine(const EngineRange& range, NullableBytesView only_key,
                                         absl::btree_map<Bytes, Bytes>* merged) {
  const std::unique_ptr<EngineIterator> it = store_->engine().Scan(range, false);
  for (; it->Valid(); it->Next()) {
    const BytesView key = it->key();
    if (key.size() < sizeof(int64_t) + kTail) continue;
    if (only_key && key.substr(sizeof(int64_t), key.size() - sizeof(int64_t) - kTail) != *only_key) continue;
    const auto time = GetBigEndian<int64_t>(key.data() + key.size() - kTail);
    if (time >= from_ && time <= to_) (*merged)[Bytes(key)] = Bytes(it->value());
  }
  if (absl::Status s = it->status(); !s.ok()) store_->FailEngine(s);
}

void DuplicateWindowsCursor::UseItems(absl::btree_map<Bytes, Bytes>* merged) {
  engine_ = true;
  items_.reserve(merged->size());
  for (auto& [key, value] : *merged) items_.push_back({key, std::move(value)});
}

int64_t DuplicateWindowsCursor::time() const {
  if (!engine_) return entries_[next_]->time;
  const Bytes& key = items_[next_].engine_key;
  return GetBigEndian<int64_t>(key.data() + key.size() - kTail);
}

int32_t DuplicateWindowsCursor::sequence() const {
  if (!engine_) return entries_[next_]->sequence();
  const Bytes& key = items_[next_].engine_key;
  return GetBigEndian<int32_t>(key.data() + key.size() - sizeof(int32_t));
}

BytesView DuplicateWindowsCursor::key() const {
  if (!engine_) return entries_[next_]->key();
  return BytesView(items_[next_].engine_key).substr(sizeof(int64_t), items_[next_].engine_key.size() - sizeof(int64_t) - kTail);
}

BytesView DuplicateWindowsCursor::value() const { return engine_ ? BytesView(items_[next_].value) : entries_[next_]->value(); }

}  // namespace millrace::internal
