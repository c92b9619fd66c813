#ifndef MILLRACE_RUNTIME_LOG_EMBEDDED_PARTITION_LOG_H_
#define MILLRACE_RUNTIME_LOG_EMBEDDED_PARTITION_LOG_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
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

  int64_t Append(NullableBytesView key, NullableBytesView value, Timestamp timestamp, const Headers& headers);

  /// Gives at most `max_records` records to `take`, without a lock. *reached_end: whether the cursor stands at the end now; then
  /// the next append notifies the watchers. kOutOfRange if the cursor is before the beginning or beyond the end.
  absl::StatusOr<int> Read(Cursor* cursor, int max_records, absl::FunctionRef<void(const RawRecord&)> take, Headers* scratch,
                           bool* reached_end);

  [[nodiscard]] int64_t begin() const;
  [[nodiscard]] int64_t end() const;
  [[nodiscard]] int64_t stored_bytes() const;
  /// kOutOfRange beyond the end.
  absl::Status DeleteBefore(int64_t offset);

  void Watch(Signal* signal);
  void Unwatch(Signal* signal);

 private:
  struct View {
    std::shared_ptr<const Chunk> chunk;
    size_t size = 0;
  };
  absl::StatusOr<View> Locate(Cursor* cursor);
  Chunk* ChunkFor(size_t size, Timestamp timestamp);

  const std::string* topic_;
  const int32_t partition_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Chunk>> chunks_;
  int64_t begin_ = 0;
  int64_t end_ = 0;
  bool armed_ = false;
  std::vector<Signal*> watchers_;
};

}  // namespace millrace::log::embedded

#endif  // MILLRACE_RUNTIME_LOG_EMBEDDED_PARTITION_LOG_H_
