#ifndef MILLRACE_RUNTIME_STREAMS_PARTITION_PROGRESS_H_
#define MILLRACE_RUNTIME_STREAMS_PARTITION_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "log/log.h"
#include "metrics/runtime_snapshot.h"
#include "task/record_queue.h"

// How far a partition is: what its worker sees, what the broker says, and what follows from both. Times are of the host's
// monotonic clock unless they are Timestamps.

namespace millrace {

/// What a worker knows of one partition that it reads; a plain value, renewed at each of its publications.
struct PartitionProgress {
  int64_t position = 0;       // of processing
  int64_t read_position = 0;  // of reading
  int buffered = 0;           // records read and not processed
  bool at_end = false;        // of reading
  int64_t committed = 0;      // the position last committed, or at which its task began
  /// How often in a row what was processed behind it was undone.
  int undone = 0;
  /// Where work stands, as far as it is known to stay done.
  [[nodiscard]] int64_t done() const { return undone > 0 ? committed : position; }
  /// When processing moved, or was at the end, last. What may be undone once more does not count.
  std::chrono::nanoseconds moved_at{0};
  /// When processing was at the end last.
  std::optional<std::chrono::nanoseconds> at_end_at;
  /// Of the first record that is buffered, as it stands in the log; unknown if none is.
  Timestamp oldest;
  /// Largest timestamp of the records processed; unknown before the first.
  Timestamp processed;

  void Observe(const RecordQueue& queue, const log::PartitionReader& reader, std::chrono::nanoseconds now);
};

/// What the broker says of a partition.
struct PartitionEnd {
  int64_t high_watermark = 0;
  int64_t last_stable = 0;
  /// The last stable offset has stood still below the high watermark since then.
  std::optional<std::chrono::nanoseconds> gap_since;
  /// When it said so.
  std::chrono::nanoseconds answered_at{0};

  /// A later answer. `high_watermark` was asked for first, so that a gap is never invented.
  void Observe(int64_t high_watermark_now, int64_t last_stable_now, std::chrono::nanoseconds now);
};
using PartitionEnds = std::map<log::TopicPartition, PartitionEnd>;

/// Asks the log for the ends of `partitions`. What is not answered keeps its last values; partitions that are not asked for are
/// forgotten.
[[nodiscard]] PartitionEnds AskForEnds(log::Admin* admin, const std::vector<log::TopicPartition>& partitions,
                                       const PartitionEnds& before, std::chrono::nanoseconds now);

/// Both together. `end` is null while it is not known; `read_committed` readers end at the last stable offset. `wall` is the time
/// to which record timestamps are compared.
[[nodiscard]] PartitionSnapshot Describe(const PartitionProgress& progress, const PartitionEnd* end, bool read_committed,
                                         std::chrono::nanoseconds now, Timestamp wall);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_PARTITION_PROGRESS_H_
