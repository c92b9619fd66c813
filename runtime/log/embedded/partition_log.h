#ifndef MILLRACE_RUNTIME_LOG_EMBEDDED_PARTITION_LOG_H_
#define MILLRACE_RUNTIME_LOG_EMBEDDED_PARTITION_LOG_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "log/log.h"

namespace millrace::log::embedded {

/// The records of one partition, packed one after the other in chunks; bytes that are written never change, so that readers parse
/// them without a lock. Thread-safe.
class PartitionLog {
 public:
  struct Chunk;
  /// Where a reader stands. A fresh one finds its place at the first read.
  struct Cursor {
    int64_t next = 0;
    std::shared_ptr<const Chunk> chunk;
    size_t position = 0;
  };

  PartitionLog(const std::string* topic, int32_t partition) : topic_(topic), partition_(partition) {}
  PartitionLog(const PartitionLog&) = delete;
  PartitionLog& operator=(const PartitionLog&) = delete;

  /// Transactions have numbers above zero; zero is a record outside of any, which is committed at once.
  int64_t Append(NullableBytesView key, NullableBytesView value, Timestamp timestamp, const Headers& headers,
                 int64_t transaction = 0);
  /// Writes the marker that ends a transaction here; it takes an offset, as in Kafka.
  void EndTransaction(int64_t transaction, bool committed);

  /// Gives at most `max_records` records to `take`, without a lock. *reached_end: whether the cursor stands at the end now (the
  /// last stable offset for kReadCommitted); then the next append notifies the watchers. Markers are passed over, and what was
  /// aborted too for kReadCommitted. kOutOfRange if the cursor is before the beginning or beyond the end.
  absl::StatusOr<int> Read(Cursor* cursor, Isolation isolation, int max_records, absl::FunctionRef<void(const RawRecord&)> take,
                           Headers* scratch, bool* reached_end);

  [[nodiscard]] int64_t begin() const;
  /// High watermark, or the offset of the first record of an open transaction.
  [[nodiscard]] int64_t end(Isolation isolation = Isolation::kReadUncommitted) const;
  /// Of the first record at or after that time; the end if there is none.
  [[nodiscard]] absl::StatusOr<int64_t> OffsetForTime(Timestamp time);
  [[nodiscard]] int64_t stored_bytes() const;
  /// kOutOfRange beyond the end.
  absl::Status DeleteBefore(int64_t offset);

  void Watch(Signal* signal);
  void Unwatch(Signal* signal);

 private:
  using Aborted = std::set<int64_t>;
  struct View {
    std::shared_ptr<const Chunk> chunk;
    size_t size = 0;
    int64_t end = 0;  // offset
    std::shared_ptr<const Aborted> aborted;
  };
  absl::StatusOr<View> Locate(Cursor* cursor, Isolation isolation);
  Chunk* ChunkFor(size_t size, Timestamp timestamp);
  int64_t Write(uint8_t flags, NullableBytesView key, NullableBytesView value, Timestamp timestamp, const Headers& headers,
                int64_t transaction);
  int64_t EndLocked(Isolation isolation) const;

  const std::string* topic_;
  const int32_t partition_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Chunk>> chunks_;
  int64_t begin_ = 0;
  int64_t end_ = 0;
  std::map<int64_t, int64_t> open_;  // transaction to its first offset
  // Replaced, never changed, for readers read without the lock.
  std::shared_ptr<const Aborted> aborted_ = std::make_shared<Aborted>();
  bool armed_ = false;
  std::vector<Signal*> watchers_;
};

}  // namespace millrace::log::embedded

#endif  // MILLRACE_RUNTIME_LOG_EMBEDDED_PARTITION_LOG_H_
