#ifndef MILLRACE_STATE_INTERNAL_STORE_CORE_H_
#define MILLRACE_STATE_INTERNAL_STORE_CORE_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/state/engine.h"
#include "millrace/state/internal/big_endian.h"
#include "millrace/state/serde.h"
#include "millrace/state/state_store.h"
#include "millrace/state/store_memory.h"
#include "millrace/state/windowed.h"

namespace millrace::internal {

/// What the values of a store are to its changelog and engine.
enum class ValueFormat { kPlain, kTimestamped };

/// The engine's form of a timestamped value: timestamp, then the value. The changelog has the value alone.
template <class V>
struct TimestampedSerde {
  AnySerde<V> inner;
  void Serialize(const ValueAndTimestamp<V>& value, Bytes* out) const {
    PutBigEndian(value.timestamp.millis(), out);
    inner.Serialize(value.value, out);
  }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, ValueAndTimestamp<V>* value) const {
    if (bytes.size() < 8) return absl::InvalidArgumentError("a timestamped value is shorter than its timestamp");
    value->timestamp = Timestamp::FromMillis(GetBigEndian<int64_t>(bytes.data()));
    return inner.Deserialize(bytes.substr(8), &value->value);
  }
  [[nodiscard]] size_t MemoryBytes(const ValueAndTimestamp<V>& value) const {
    return inner.MemoryBytes(value.value) + sizeof(Timestamp);
  }
};

/// An element of a TouchList; embedded in entries.
struct TouchLink {
  TouchLink* previous = nullptr;
  TouchLink* next = nullptr;
  [[nodiscard]] bool linked() const { return next != nullptr; }
  void Unlink() {
    if (next == nullptr) return;
    previous->next = next;
    next->previous = previous;
    previous = next = nullptr;
  }
};

/// Entries in order of last touch.
class TouchList {
 public:
  TouchList() { head_.previous = head_.next = &head_; }
  TouchList(const TouchList&) = delete;
  TouchList& operator=(const TouchList&) = delete;
  [[nodiscard]] bool empty() const { return head_.next == &head_; }
  [[nodiscard]] TouchLink* front() { return head_.next; }
  [[nodiscard]] const TouchLink* end() const { return &head_; }
  [[nodiscard]] bool IsLast(const TouchLink* link) const { return head_.previous == link; }
  /// Also from whichever list it is in now.
  void MoveToBack(TouchLink* link) {
    link->Unlink();
    link->previous = head_.previous;
    link->next = &head_;
    head_.previous->next = link;
    head_.previous = link;
  }
  /// Takes all of another list.
  void TakeAll(TouchList* other) {
    while (!other->empty()) MoveToBack(other->front());
  }

 private:
  TouchLink head_;
};

class StoreCore;

/// An iterator of a store: counted while it is open, and told of writes if it must hear of them to keep showing the store as of
/// its creation.
class LiveIterator {
 public:
  explicit LiveIterator(StoreCore* store);
  LiveIterator(const LiveIterator&) = delete;
  LiveIterator& operator=(const LiveIterator&) = delete;
  virtual ~LiveIterator() {
    link_.Unlink();
    open_.Unlink();
  }
  /// `key` (of a key-value entry, or of a window store's run) is about to change.
  virtual void BeforeWrite(BytesView key) = 0;
  /// Marks are about to be cleared and clean entries dropped.
  virtual void BeforePersist() = 0;

 private:
  friend class StoreCore;
  struct Link : TouchLink {
    LiveIterator* owner = nullptr;
  };
  struct OpenLink : TouchLink {
    std::optional<std::chrono::nanoseconds> observed;
  };
  Link link_;
  OpenLink open_;
};

/// What all stores share, free of types: engine, context, changelog, metadata, memory count.
class StoreCore {
 public:
  StoreCore(std::string name, StoreKind kind, std::string layout, ValueFormat format);
  StoreCore(const StoreCore&) = delete;
  StoreCore& operator=(const StoreCore&) = delete;
  ~StoreCore();

  [[nodiscard]] absl::Status Open(const StoreContext& context);
  [[nodiscard]] absl::StatusOr<std::optional<int64_t>> PersistedOffset();
  [[nodiscard]] bool persistent() const { return engine_ != nullptr && engine_->persistent(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] ValueFormat format() const { return format_; }
  [[nodiscard]] const StoreContext& context() const { return context_; }
  [[nodiscard]] RecordContext& record() const { return *context_.record; }
  [[nodiscard]] KeyValueEngine& engine() { return *engine_; }

  /// False = absent, or the engine failed and the task with it.
  [[nodiscard]] bool Read(BytesView key, Bytes* value);
  [[nodiscard]] absl::StatusOr<std::optional<int64_t>> ReadNumber(BytesView meta_key);
  void Fail(const absl::Status& status, std::string_view doing);
  /// With an error of the engine, which names the store itself.
  void FailEngine(const absl::Status& status) { context_.error->ReportOfStore(status, name_); }
  /// Runs a change of the store. An exception of a user's type or serde in it leaves half of the change behind, so the task fails
  /// with it, whoever catches it.
  template <class F>
  auto Changing(F change) {
    try {
      return change();
    } catch (...) {
      FailThrown();
      throw;
    }
  }

  /// Logs the engine's form of a value (null = tombstone) in the changelog's form. Timestamped values bring their own timestamp.
  void Log(BytesView key, NullableBytesView engine_value, Timestamp record_timestamp, const Headers& headers);
  /// A changelog record's value in the engine's form; `buffer` backs it.
  static BytesView EngineValue(ValueFormat format, const ChangelogRecord& record, Bytes* buffer);

  /// Writes what a large batch has so far and empties it, so that it need not hold all of a commit. Engines keep the order, and
  /// what comes before the changelog offset is only written again by a restore.
  [[nodiscard]] absl::Status WriteIfLarge(WriteBatch* batch);
  /// Writes a batch with the changelog offset in it: the last one of a commit.
  [[nodiscard]] absl::Status Write(WriteBatch* batch, std::optional<int64_t> changelog_offset);
  /// As StateStore says.
  [[nodiscard]] int64_t RecordsBehind(std::optional<int64_t> changelog_offset);
  [[nodiscard]] absl::Status FlushIfBehind(std::chrono::nanoseconds now, const FlushBound& bound);
  static void PutNumber(BytesView meta_key, int64_t value, WriteBatch* batch);

  void Register(LiveIterator* iterator) {
    iterator->link_.owner = iterator;
    iterators_.MoveToBack(&iterator->link_);
  }
  void AnnounceWrite(BytesView key) {
    if (!iterators_.empty()) TellIterators(key);
  }
  void AnnouncePersist();
  [[nodiscard]] bool has_open_iterators() const { return !open_iterators_.empty(); }
  /// As StateStore says.
  [[nodiscard]] OpenIterators ObserveIterators(std::chrono::nanoseconds now);

  [[nodiscard]] int64_t memory_bytes() const { return memory_bytes_; }

  int64_t dirty_bytes = 0;
  Bytes key_buffer;
  Bytes value_buffer;

 protected:
  void AddMemory(int64_t bytes) {
    memory_bytes_ += bytes;
    account_.Report(memory_bytes_);
  }
  /// What this store may hold now.
  [[nodiscard]] int64_t MemoryLimit() { return account_.Limit(memory_bytes_); }

 private:
  friend class LiveIterator;
  void FailThrown();
  absl::Status StartFlush();
  void ObserveFlushes();
  void TellIterators(BytesView key);

  std::string name_;
  StoreKind kind_;
  std::string layout_;
  ValueFormat format_;
  StoreContext context_;
  std::unique_ptr<KeyValueEngine> engine_;
  TouchList iterators_;       // that must hear of writes
  TouchList open_iterators_;  // all, in order of their making
  int64_t memory_bytes_ = 0;
  StoreMemory::Account account_;
  int64_t writes_since_flush_ = 0;
  std::optional<int64_t> written_offset_;
  struct OffsetMark {
    int64_t position;  // of the engine, once the offset was written
    int64_t offset;
  };
  std::deque<OffsetMark> unflushed_;
  int64_t flushed_offset_ = 0;   // the last one that a crash leaves
  int64_t flushing_offset_ = 0;  // and the last one that a flush was begun for, with its place
  int64_t flushing_position_ = 0;
  std::optional<std::chrono::nanoseconds> unflushed_since_;  // written, without a flush that was begun for it
  double age_part_ = 1;                                      // of FlushBound::age
};

inline LiveIterator::LiveIterator(StoreCore* store) { store->open_iterators_.MoveToBack(&open_); }

/// Sets the record in flight for one forward, and puts the old one back.
class RecordContextScope {
 public:
  RecordContextScope(RecordContext* record, const RecordContext& now) : record_(record), before_(*record) { *record = now; }
  ~RecordContextScope() { *record_ = before_; }
  RecordContextScope(const RecordContextScope&) = delete;
  RecordContextScope& operator=(const RecordContextScope&) = delete;

 private:
  RecordContext* record_;
  RecordContext before_;
};

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_STORE_CORE_H_
