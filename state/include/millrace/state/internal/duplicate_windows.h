#ifndef MILLRACE_STATE_INTERNAL_DUPLICATE_WINDOWS_H_
#define MILLRACE_STATE_INTERNAL_DUPLICATE_WINDOWS_H_

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "millrace/state/internal/store_core.h"
#include "millrace/state/internal/window_layout.h"

namespace millrace::internal {

/// The windows of a store that retains duplicates, free of types: what a stream-stream join keeps of one side. Entries are only
/// added, each with a sequence number of its own, and go when they are past the retention; so they stand as bytes one after
/// another in chunks of memory, oldest first, and go by chunks. An entry knows the one before it of the same key. Everything with
/// a start from `resident_from_` on is in memory, so reads there never ask the engine; what goes past the retention before it was
/// persisted never reaches the engine.
class DuplicateWindows : public StoreCore {
 public:
  using Core = DuplicateWindows;

  DuplicateWindows(std::string name, StoreKind kind, const WindowLayout& windows);
  ~DuplicateWindows();

  [[nodiscard]] absl::Status OpenOverlay(const StoreContext& context);
  void ForwardDirty() {}
  void LogDirty() {}
  [[nodiscard]] absl::Status Persist(std::optional<int64_t> changelog_offset);
  [[nodiscard]] absl::Status Restore(std::span<const ChangelogRecord> records, int64_t next_offset);
  void Trim() { Evict(); }

  /// Takes a sequence number, stores the value and logs it. Null, and what is too old, is logged only.
  void Add(BytesView key, NullableBytesView value, int64_t time);
  [[nodiscard]] int64_t window_size_ms() const { return windows_.window_size_ms; }

 private:
  friend class DuplicateWindowsCursor;
  static constexpr size_t kTail = kWindowTail;
  static constexpr uint32_t kNowhere = std::numeric_limits<uint32_t>::max();
  /// Numbers of chunks wrap around, which harms nothing: those that are alive are near each other.
  struct Ref {
    uint32_t chunk = 0;
    uint32_t at = kNowhere;
    friend bool operator==(const Ref&, const Ref&) = default;
  };
  /// Followed by key, time and sequence (both big-endian: with the key the changelog's key), value.
  struct Entry {
    Ref previous;  // of the same key, with a smaller (time, sequence)
    int64_t time;
    uint32_t key_size;
    uint32_t value_size;
    [[nodiscard]] BytesView key() const { return {data(), key_size}; }
    [[nodiscard]] BytesView log_key() const { return {data(), key_size + kTail}; }
    [[nodiscard]] BytesView value() const { return {data() + key_size + kTail, value_size}; }
    [[nodiscard]] int32_t sequence() const { return GetBigEndian<int32_t>(data() + key_size + sizeof(int64_t)); }
    [[nodiscard]] char* data() { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] const char* data() const { return reinterpret_cast<const char*>(this + 1); }
    /// The memory that an entry takes in its chunk.
    [[nodiscard]] static size_t Size(size_t key_size, size_t value_size) {
      return (sizeof(Entry) + key_size + kTail + value_size + alignof(Entry) - 1) / alignof(Entry) * alignof(Entry);
    }
    [[nodiscard]] size_t size() const { return Size(key_size, value_size); }
  };
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    uint32_t used = 0;
    uint32_t capacity = 0;
    uint32_t persisted = 0;  // of what is used
    int64_t max_time = -1;
  };
  /// The newest entry of each key.
  struct Head {
    mutable Ref ref;
  };
  struct HeadHash {
    using is_transparent = void;
    const DuplicateWindows* store;
    size_t operator()(BytesView key) const { return absl::HashOf(absl::string_view(key.data(), key.size())); }
    size_t operator()(const Head& head) const { return (*this)(store->At(head.ref)->key()); }
  };
  struct HeadEqual {
    using is_transparent = void;
    const DuplicateWindows* store;
    bool operator()(const Head& a, const Head& b) const { return a.ref == b.ref; }
    bool operator()(const Head& head, BytesView key) const { return store->At(head.ref)->key() == key; }
    bool operator()(BytesView key, const Head& head) const { return (*this)(head, key); }
  };

  [[nodiscard]] int64_t Segment(int64_t time) const { return time / windows_.segment_interval_ms(); }
  [[nodiscard]] int64_t FirstLiveSegment() const { return Segment(observed_ - windows_.retention_ms); }
  [[nodiscard]] int64_t Earliest() const { return observed_ - windows_.retention_ms + 1; }
  [[nodiscard]] bool alive(Ref ref) const { return ref.at != kNowhere && ref.chunk - first_chunk_ < chunks_.size(); }
  [[nodiscard]] Entry* At(Ref ref) const {
    return reinterpret_cast<Entry*>(chunks_[ref.chunk - first_chunk_].bytes.get() + ref.at);
  }
  [[nodiscard]] Entry* Newest(BytesView key) const;
  Ref Allocate(size_t bytes);
  void Link(Ref added);
  /// Drops chunks of which nothing can be read any more.
  void DropExpired();
  void DropFirstChunk();
  /// Over the limit, the oldest persisted chunks go, and reads below the new watermark ask the engine.
  void Evict();
  [[nodiscard]] absl::Status PutUnpersisted(WriteBatch* batch);

  const WindowLayout windows_;
  std::deque<Chunk> chunks_;
  uint32_t first_chunk_ = 0;  // number of the front one
  absl::flat_hash_set<Head, HeadHash, HeadEqual> heads_;
  int64_t unpersisted_from_ = std::numeric_limits<int64_t>::max();  // least time of what is not persisted
  int64_t observed_ = -1;
  int64_t resident_from_ = std::numeric_limits<int64_t>::min();
  int64_t engine_from_segment_ = std::numeric_limits<int64_t>::max();  // the engine has nothing older
  int32_t sequence_ = 0;
};

/// Walks the windows of one key, or of all, as they were when it was made.
class DuplicateWindowsCursor : public LiveIterator {
 public:
  /// One key, by (start, sequence).
  DuplicateWindowsCursor(DuplicateWindows* store, BytesView key, int64_t from, int64_t to);
  /// All keys, by (segment, key, start, sequence).
  DuplicateWindowsCursor(DuplicateWindows* store, int64_t from, int64_t to);

  /// Entries are only added, and no chunk goes while a cursor is open.
  void BeforeWrite(BytesView) override {}
  void BeforePersist() override {}

  [[nodiscard]] bool Valid() const { return next_ < (engine_ ? items_.size() : entries_.size()); }
  void Next() { ++next_; }
  [[nodiscard]] int64_t time() const;
  [[nodiscard]] int32_t sequence() const;
  [[nodiscard]] BytesView key() const;
  [[nodiscard]] BytesView value() const;

 private:
  struct Item {
    Bytes engine_key;
    Bytes value;
  };
  bool Clamp();
  void Collect(BytesView key);
  void MergeEngine(const EngineRange& range, NullableBytesView only_key, absl::btree_map<Bytes, Bytes>* merged);
  void MergeEntry(const DuplicateWindows::Entry& entry, absl::btree_map<Bytes, Bytes>* merged);
  void UseItems(absl::btree_map<Bytes, Bytes>* merged);

  DuplicateWindows* const store_;
  int64_t from_;
  int64_t to_;
  absl::InlinedVector<const DuplicateWindows::Entry*, 8> entries_;
  bool engine_ = false;  // items_ are walked
  std::vector<Item> items_;
  size_t next_ = 0;
};

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_DUPLICATE_WINDOWS_H_
