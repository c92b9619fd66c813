#ifndef MILLRACE_STATE_ENGINE_H_
#define MILLRACE_STATE_ENGINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/state/bytes.h"
#include "millrace/state/state_store.h"

namespace millrace {

/// Writes that an engine applies at once or not at all, in order. Data and metadata are separate key spaces. Copies all bytes.
class WriteBatch {
 public:
  enum class Op : uint8_t { kPut, kDelete, kDeleteRange, kPutMeta };
  /// What one entry does; views are valid until the batch changes. For kDeleteRange `value` is the end (exclusive).
  struct Entry {
    Op op;
    BytesView key;
    BytesView value;
  };

  void Put(BytesView key, BytesView value) { Add(Op::kPut, key, value); }
  void Delete(BytesView key) { Add(Op::kDelete, key, {}); }
  /// Data keys with from <= key < to.
  void DeleteRange(BytesView from, BytesView to) { Add(Op::kDeleteRange, from, to); }
  void PutMeta(BytesView key, BytesView value) { Add(Op::kPutMeta, key, value); }

  void clear() {
    bytes_.clear();
    entries_.clear();
  }
  [[nodiscard]] size_t size() const { return entries_.size(); }
  [[nodiscard]] size_t bytes() const { return bytes_.size(); }
  [[nodiscard]] Entry operator[](size_t i) const {
    const Item& e = entries_[i];
    const BytesView all(bytes_);
    return {e.op, all.substr(e.at, e.key_size), all.substr(e.at + e.key_size, e.value_size)};
  }

 private:
  struct Item {
    Op op;
    size_t at;
    size_t key_size;
    size_t value_size;
  };
  void Add(Op op, BytesView key, BytesView value) {
    entries_.push_back({op, bytes_.size(), key.size(), value.size()});
    bytes_.append(key).append(value);
  }
  Bytes bytes_;
  std::vector<Item> entries_;
};

/// Walks an engine's data as it was when the iterator was made. Views are valid until Next.
class EngineIterator {
 public:
  virtual ~EngineIterator() = default;
  [[nodiscard]] virtual bool Valid() const = 0;
  virtual void Next() = 0;
  [[nodiscard]] virtual BytesView key() const = 0;
  [[nodiscard]] virtual BytesView value() const = 0;
  /// Look at it once the iterator is no longer valid: an error means that the walk ended early.
  [[nodiscard]] virtual absl::Status status() const = 0;
};

/// Where a scan begins and ends; nullopt = open.
struct EngineRange {
  std::optional<Bytes> from;  // inclusive
  std::optional<Bytes> to;    // exclusive
};

/// An ordered map of bytes that one store keeps its committed state in. One thread at a time. Closing (destruction) makes written
/// batches durable where the engine has a disk. Errors name store and directory; kDataLoss: what is on the disk is damaged, set
/// it aside and restore; kResourceExhausted: the disk is full, the same call may succeed later.
class KeyValueEngine {
 public:
  virtual ~KeyValueEngine() = default;
  /// False if there is no such key; else *value is set.
  [[nodiscard]] virtual absl::StatusOr<bool> Get(BytesView key, Bytes* value) = 0;
  [[nodiscard]] virtual absl::StatusOr<bool> GetMeta(BytesView key, Bytes* value) = 0;
  /// values[i] belongs to keys[i]; null = no such key.
  [[nodiscard]] virtual absl::Status MultiGet(std::span<const BytesView> keys, std::vector<NullableBytes>* values) = 0;
  [[nodiscard]] virtual std::unique_ptr<EngineIterator> Scan(const EngineRange& range, bool reverse) = 0;
  /// After a crash either all of the batch is there or nothing, and never without the batches before it.
  [[nodiscard]] virtual absl::Status Write(const WriteBatch& batch) = 0;
  /// Makes what was written durable. Starts the work; does not wait for the disk unless `wait`.
  [[nodiscard]] virtual absl::Status Flush(bool wait) = 0;
  /// How much was written: grows with each batch. What a crash would leave of it: all up to durable(), which follows flushes,
  /// whoever began them.
  [[nodiscard]] virtual int64_t written() const = 0;
  [[nodiscard]] virtual int64_t durable() const = 0;
  /// Work in the background has failed (no space, damage). The next Write or Flush tries whether it goes on, and says why not;
  /// what was written before is kept for that.
  [[nodiscard]] virtual bool stopped() const = 0;
  [[nodiscard]] virtual bool persistent() const = 0;
  /// For messages: the directory, or "memory".
  [[nodiscard]] virtual const std::string& location() const = 0;
};

/// Opens the engines of one task's stores. Thread-safe.
class EngineFactory {
 public:
  virtual ~EngineFactory() = default;
  /// kDataLoss names store and directory if what is there is damaged or not ours: set it aside and open again. Other errors
  /// (no space, no permission, in use) leave it alone.
  [[nodiscard]] virtual absl::StatusOr<std::unique_ptr<KeyValueEngine>> Open(const std::string& store, StoreKind kind) = 0;
};

/// Memory that all RocksDB engines made with it share; one for a process. Thread-safe.
class EngineMemory;
/// `bytes` is for all together: blocks, indexes and filters that were read, and what is written but not flushed yet. The latter
/// may take half; it is charged to the cache, which holds the fewer blocks.
[[nodiscard]] std::shared_ptr<EngineMemory> MakeEngineMemory(int64_t bytes);
/// How much of it is in use now.
[[nodiscard]] int64_t EngineMemoryBytes(const EngineMemory& memory);

struct RocksDbOptions {
  /// Null = 128 MiB of its own.
  std::shared_ptr<EngineMemory> memory;
  /// Flush and compaction threads are shared by the process.
  /// At most an eighth of the memory.
  int64_t write_buffer_bytes_per_store = 16 << 20;
  bool direct_io = false;
};

/// Stores live in `directory`/<store>, which is created. In-memory stores get a memory engine.
[[nodiscard]] std::unique_ptr<EngineFactory> MakeRocksDbEngineFactory(std::string directory, RocksDbOptions options = {});
/// All stores in memory, lost when closed.
[[nodiscard]] std::unique_ptr<EngineFactory> MakeMemoryEngineFactory();

}  // namespace millrace

#endif  // MILLRACE_STATE_ENGINE_H_
