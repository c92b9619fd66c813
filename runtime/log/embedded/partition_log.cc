#include "log/embedded/partition_log.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::log::embedded {
namespace {

// A record: flags, then varints of key length, value length and time after the chunk's, then the transaction's number if it has
// one, then key, value and headers.
constexpr uint8_t kHasHeaders = 1;
constexpr uint8_t kNullKey = 2;
constexpr uint8_t kNullValue = 4;
constexpr uint8_t kTransactional = 8;
constexpr uint8_t kMarker = 16;
constexpr size_t kSmallestChunk = 1024;
constexpr size_t kLargestChunk = 256 * 1024;
constexpr size_t kLongestVarint = 10;

char* PutVarint(char* at, uint64_t value) {
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<char>(value);
  return at;
}

uint64_t GetVarint(const char** at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(*(*at)++);
    value |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
}

uint64_t ZigZag(int64_t value) { return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63); }
int64_t UnZigZag(uint64_t value) { return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1); }

char* PutBytes(char* at, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

std::string_view GetBytes(const char** at, size_t size) {
  std::string_view bytes(*at, size);
  *at += size;
  return bytes;
}

// At least as many bytes as Encode writes.
size_t SizeBound(NullableBytesView key, NullableBytesView value, const Headers& headers) {
  size_t size = 1 + 4 * kLongestVarint + (key ? key->size() : 0) + (value ? value->size() : 0);
  if (headers.empty()) return size;
  size += kLongestVarint;
  for (const Header& header : headers) {
    size += 2 * kLongestVarint + header.name.size() + (header.value ? header.value->size() : 0);
  }
  return size;
}

char* Encode(char* at, uint8_t flags, NullableBytesView key, NullableBytesView value, int64_t time, const Headers& headers,
             int64_t transaction) {
  flags |= (headers.empty() ? 0 : kHasHeaders) | (key ? 0 : kNullKey) | (value ? 0 : kNullValue) |
           (transaction == 0 ? 0 : kTransactional);
  *at++ = static_cast<char>(flags);
  at = PutVarint(at, key ? key->size() : 0);
  at = PutVarint(at, value ? value->size() : 0);
  at = PutVarint(at, ZigZag(time));
  if (transaction != 0) at = PutVarint(at, static_cast<uint64_t>(transaction));
  if (key) at = PutBytes(at, *key);
  if (value) at = PutBytes(at, *value);
  if (headers.empty()) return at;
  at = PutVarint(at, headers.size());
  for (const Header& header : headers) {
    at = PutVarint(at, header.name.size());
    at = PutBytes(at, header.name);
    at = PutVarint(at, header.value ? header.value->size() + 1 : 0);
    if (header.value) at = PutBytes(at, *header.value);
  }
  return at;
}

struct Origin {
  int64_t transaction = 0;
  bool marker = false;
};

Origin Decode(const char** at, int64_t base_time, RawRecord* record, Headers* scratch) {
  const auto flags = static_cast<uint8_t>(*(*at)++);
  const size_t key_size = GetVarint(at);
  const size_t value_size = GetVarint(at);
  record->timestamp = Timestamp::FromMillis(base_time + UnZigZag(GetVarint(at)));
  Origin origin;
  if ((flags & kTransactional) != 0) origin.transaction = static_cast<int64_t>(GetVarint(at));
  origin.marker = (flags & kMarker) != 0;
  const std::string_view key = GetBytes(at, key_size);
  const std::string_view value = GetBytes(at, value_size);
  record->key = (flags & kNullKey) != 0 ? std::nullopt : NullableBytesView(key);
  record->value = (flags & kNullValue) != 0 ? std::nullopt : NullableBytesView(value);
  record->headers = &Headers::Empty();
  if ((flags & kHasHeaders) == 0) return origin;
  scratch->clear();
  for (uint64_t left = GetVarint(at); left > 0; --left) {
    const std::string_view name = GetBytes(at, GetVarint(at));
    const uint64_t size = GetVarint(at);
    if (size == 0) {
      scratch->Add(name, std::nullopt);
    } else {
      scratch->Add(name, GetBytes(at, size - 1));
    }
  }
  record->headers = scratch;
  return origin;
}

}  // namespace

struct PartitionLog::Chunk {
  int64_t base = 0;
  int64_t base_time = 0;
  size_t capacity = 0;
  // Guarded by the log's lock; the bytes below it never change.
  size_t size = 0;
  std::unique_ptr<char[]> bytes;
};

PartitionLog::Chunk* PartitionLog::ChunkFor(size_t size, Timestamp timestamp) {
  if (!chunks_.empty() && chunks_.back()->capacity - chunks_.back()->size >= size) return chunks_.back().get();
  auto chunk = std::make_shared<Chunk>();
  chunk->base = end_;
  chunk->base_time = timestamp.millis();
  const size_t usual = chunks_.empty() ? kSmallestChunk : std::min(kLargestChunk, 2 * chunks_.back()->capacity);
  chunk->capacity = std::max(usual, size);
  chunk->bytes = std::make_unique_for_overwrite<char[]>(chunk->capacity);
  chunks_.push_back(std::move(chunk));
  return chunks_.back().get();
}

int64_t PartitionLog::Write(uint8_t flags, NullableBytesView key, NullableBytesView value, Timestamp timestamp,
                            const Headers& headers, int64_t transaction) {
  Chunk* chunk = ChunkFor(SizeBound(key, value, headers), timestamp);
  char* const begin = chunk->bytes.get() + chunk->size;
  const int64_t time = timestamp.millis() - chunk->base_time;
  chunk->size += Encode(begin, flags, key, value, time, headers, transaction) - begin;
  if (armed_) {
    armed_ = false;
    for (Signal* watcher : watchers_) watcher->Notify();
  }
  return end_++;
}

int64_t PartitionLog::Append(NullableBytesView key, NullableBytesView value, Timestamp timestamp, const Headers& headers,
                             int64_t transaction) {
  const std::lock_guard lock(mutex_);
  if (transaction != 0) open_.try_emplace(transaction, end_);
  return Write(0, key, value, timestamp, headers, transaction);
}

void PartitionLog::EndTransaction(int64_t transaction, bool committed) {
  const std::lock_guard lock(mutex_);
  open_.erase(transaction);
  if (!committed) {
    auto aborted = std::make_shared<Aborted>(*aborted_);
    aborted->insert(transaction);
    aborted_ = std::move(aborted);
  }
  Write(kMarker, std::nullopt, std::nullopt, Timestamp::FromMillis(0), Headers::Empty(), transaction);
}

int64_t PartitionLog::EndLocked(Isolation isolation) const {
  int64_t end = end_;
  if (isolation == Isolation::kReadCommitted) {
    for (const auto& [transaction, first] : open_) end = std::min(end, first);
  }
  return end;
}

absl::StatusOr<PartitionLog::View> PartitionLog::Locate(Cursor* cursor, Isolation isolation) {
  const std::lock_guard lock(mutex_);
  if (cursor->next < begin_ || cursor->next > end_) {
    return absl::OutOfRangeError(absl::StrCat(
        "offset ", cursor->next, " of ", *topic_, "-", partition_, " is not in the log, which has ", begin_, " to ", end_,
        ": records were deleted, or the offset belongs to another topic of that name; start from the "
        "beginning or the end"));
  }
  const int64_t end = EndLocked(isolation);
  if (cursor->next >= end) {
    armed_ = true;
    return View{};
  }
  if (!cursor->chunk || cursor->position >= cursor->chunk->size) {
    auto after = std::upper_bound(chunks_.begin(), chunks_.end(), cursor->next,
                                  [](int64_t offset, const std::shared_ptr<Chunk>& chunk) { return offset < chunk->base; });
    cursor->chunk = *std::prev(after);
    cursor->position = 0;
  }
  return View{cursor->chunk, cursor->chunk->size, end, aborted_};
}

absl::StatusOr<int> PartitionLog::Read(Cursor* cursor, Isolation isolation, int max_records,
                                       absl::FunctionRef<void(const RawRecord&)> take, Headers* scratch, bool* reached_end) {
  int taken = 0;
  RawRecord record;
  record.topic = topic_;
  record.partition = partition_;
  while (true) {
    absl::StatusOr<View> view = Locate(cursor, isolation);
    if (!view.ok()) return view.status();
    *reached_end = view->chunk == nullptr;
    if (*reached_end || taken >= max_records) return taken;
    const char* at = view->chunk->bytes.get() + cursor->position;
    const char* const end = view->chunk->bytes.get() + view->size;
    if (cursor->position == 0) {
      for (int64_t offset = view->chunk->base; offset < cursor->next; ++offset)
        Decode(&at, view->chunk->base_time, &record, scratch);
    }
    while (at < end && taken < max_records && cursor->next < view->end) {
      const Origin origin = Decode(&at, view->chunk->base_time, &record, scratch);
      record.offset = cursor->next++;
      cursor->position = at - view->chunk->bytes.get();
      if (origin.marker) continue;
      if (origin.transaction != 0 && isolation == Isolation::kReadCommitted && view->aborted->contains(origin.transaction))
        continue;
      ++taken;
      take(record);
    }
  }
}

int64_t PartitionLog::begin() const {
  const std::lock_guard lock(mutex_);
  return begin_;
}

int64_t PartitionLog::end(Isolation isolation) const {
  const std::lock_guard lock(mutex_);
  return EndLocked(isolation);
}

absl::StatusOr<int64_t> PartitionLog::OffsetForTime(Timestamp time) {
  constexpr int kBatch = 1000;
  Cursor cursor;
  cursor.next = begin();
  Headers scratch;
  std::optional<int64_t> found;
  bool at_end = false;
  while (!found && !at_end) {
    const absl::StatusOr<int> read = Read(
        &cursor, Isolation::kReadUncommitted, kBatch,
        [&](const RawRecord& record) {
          if (!found && record.timestamp >= time) found = record.offset;
        },
        &scratch, &at_end);
    if (!read.ok()) return read.status();
  }
  return found.value_or(cursor.next);
}

int64_t PartitionLog::stored_bytes() const {
  const std::lock_guard lock(mutex_);
  int64_t sum = 0;
  for (const auto& chunk : chunks_) sum += static_cast<int64_t>(chunk->capacity);
  return sum;
}

absl::Status PartitionLog::DeleteBefore(int64_t offset) {
  const std::lock_guard lock(mutex_);
  if (offset > end_) {
    return absl::OutOfRangeError(
        absl::StrCat("cannot delete the records of ", *topic_, "-", partition_, " before ", offset, ": its end is ", end_));
  }
  begin_ = std::max(begin_, offset);
  while (!chunks_.empty() && (chunks_.size() > 1 ? chunks_[1]->base : end_) <= begin_) chunks_.pop_front();
  return absl::OkStatus();
}

void PartitionLog::Watch(Signal* signal) {
  const std::lock_guard lock(mutex_);
  watchers_.push_back(signal);
}

void PartitionLog::Unwatch(Signal* signal) {
  const std::lock_guard lock(mutex_);
  auto found = std::find(watchers_.begin(), watchers_.end(), signal);
  if (found != watchers_.end()) watchers_.erase(found);
}

}  // namespace millrace::log::embedded
