#ifndef MILLRACE_STATE_STATE_STORE_H_
#define MILLRACE_STATE_STATE_STORE_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/state/bytes.h"
#include "millrace/state/first_error.h"
#include "millrace/state/flush_bound.h"
#include "millrace/state/headers.h"
#include "millrace/state/record_context.h"
#include "millrace/state/serde_fingerprint.h"
#include "millrace/state/timestamp.h"

namespace millrace {

class EngineFactory;
class StoreMemory;

/// Where a store's bytes live.
enum class StoreKind { kPersistent, kInMemory };

/// Takes the changelog records of one store; the runtime implements it. Null value = tombstone.
class ChangelogSink {
 public:
  virtual ~ChangelogSink() = default;
  virtual void Log(BytesView key, NullableBytesView value, Timestamp timestamp, const Headers& headers) = 0;
};

/// A record read back from a changelog. Views are valid during the call that hands them over.
struct ChangelogRecord {
  BytesView key;
  NullableBytesView value;
  Timestamp timestamp;
  const Headers* headers = &Headers::Empty();
  int64_t offset = -1;
};

/// What a store gets from its task. All pointers outlive the store.
struct StoreContext {
  /// Null when the store is not logged.
  ChangelogSink* changelog = nullptr;
  /// The record in flight. A store that forwards sets it to the entry's own context meanwhile, and puts it back.
  RecordContext* record = nullptr;
  FirstError* error = nullptr;
  /// Opens the store's engine (RocksDB under the task's directory, or memory).
  EngineFactory* engines = nullptr;
  /// False when statestore.cache.max.bytes is 0: cached stores forward each update at once, and log the last per commit.
  bool caching = true;
  /// What this store and others may hold in memory outside their engines before they drop entries that the engine has too.
  /// Entries that wait for a commit do not count as droppable: see dirty_bytes. Null = nothing is ever dropped.
  StoreMemory* memory = nullptr;
};

/// Iterators of a store that are open between two records.
struct OpenIterators {
  int64_t count = 0;
  /// When the oldest of them was first observed, on the clock of the observer; only if count > 0.
  std::chrono::nanoseconds oldest_since{0};
};

/// A store as its task sees it: the three acts of a commit (forward, log, persist), restore and size. Used by one thread
/// at a time. Typed reading and writing is in the derived interfaces. Follows Kafka's `StateStore`.
class StateStore {
 public:
  virtual ~StateStore() = default;

  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Opens the engine. An error names the store and its directory.
  [[nodiscard]] virtual absl::Status Open(const StoreContext& context) = 0;

  /// Act 1, cached stores: for each touched key in order of last touch, log it, then forward it under the record context of
  /// its last write. Entries touched meanwhile belong to the next pass. Others: nothing to do.
  virtual void ForwardDirty() = 0;
  /// Act 2: logs what is not logged yet.
  virtual void LogDirty() = 0;
  /// Act 3, only after a commit that covers all writes so far: one sorted run of writes to the engine, at its end
  /// `changelog_offset` (highest delivered offset + 1; nullopt if nothing was ever logged). Need not follow every commit. After
  /// an error everything counts as not persisted.
  [[nodiscard]] virtual absl::Status Persist(std::optional<int64_t> changelog_offset) = 0;

  /// How many changelog records a crash would have to read again, if the changelog ended at `changelog_offset` (as for Persist):
  /// what is not on the disk. 0 for a store without a disk or a changelog.
  [[nodiscard]] virtual int64_t RecordsBehind(std::optional<int64_t> /*changelog_offset*/) { return 0; }
  /// Called now and then between records; `now` is a monotonic clock. Begins to flush what is persisted if `bound` says so,
  /// without waiting for the disk. Errors are also those of earlier flushes: kResourceExhausted = nothing is lost, call it again
  /// later.
  [[nodiscard]] virtual absl::Status FlushIfBehind(std::chrono::nanoseconds /*now*/, const FlushBound& /*bound*/) {
    return absl::OkStatus();
  }

  /// The changelog offset of the persisted state; nullopt for a store without persisted state.
  [[nodiscard]] virtual absl::StatusOr<std::optional<int64_t>> PersistedOffset() = 0;
  /// Applies records in order, straight to the engine, without logging or forwarding.
  [[nodiscard]] virtual absl::Status Restore(std::span<const ChangelogRecord> records, int64_t next_offset) = 0;

  /// Bytes that only a commit can free, and all bytes held in memory outside the engine.
  [[nodiscard]] virtual int64_t dirty_bytes() const = 0;
  [[nodiscard]] virtual int64_t memory_bytes() const = 0;
  /// Gives back what is held beyond the store's part of StoreContext::memory. Stores that are written do so themselves.
  virtual void Trim() = 0;
  [[nodiscard]] virtual bool persistent() const = 0;

  /// Called now and then between records; `now` is a monotonic clock. An iterator's age counts from the first call that sees it,
  /// so that making one costs no look at a clock. A store without iterators need not override it.
  [[nodiscard]] virtual OpenIterators ObserveIterators(std::chrono::nanoseconds /*now*/) { return {}; }
};

/// How a store's changelog topic is made.
struct ChangelogConfig {
  bool enabled = true;
  /// "compact", or "compact,delete" with a retention for windowed stores (store retention; the runtime adds
  /// windowstore.changelog.additional.retention.ms).
  bool windowed = false;
  std::chrono::milliseconds retention{0};
  /// Topic settings of the user, which win.
  std::map<std::string, std::string> overrides;
};

/// How a store writes its changelog: what programs that share the store must agree on. What is on disk is checked by itself.
struct StoreFormat {
  /// "key-value", "timestamped-key-value", "window", "duplicates-window", "timestamped-window", "outer-join".
  std::string kind;
  /// Of the kind's layout around the serdes' bytes; another layout has another number.
  int32_t version = 1;
  SerdeFingerprint key;
  /// One, or several where a store keeps values of several types (outer join: left, right).
  std::vector<SerdeFingerprint> values;
};

/// Makes the instances of one store, one for each task that has it. Immutable after the topology is built.
class StoreBuilder {
 public:
  virtual ~StoreBuilder() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual const ChangelogConfig& changelog() const = 0;
  [[nodiscard]] virtual const StoreFormat& format() const = 0;
  [[nodiscard]] virtual std::unique_ptr<StateStore> Build() const = 0;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_STATE_STORE_H_
