#ifndef MILLRACE_RUNTIME_STREAMS_MEMORY_PLAN_H_
#define MILLRACE_RUNTIME_STREAMS_MEMORY_PLAN_H_

#include <cstdint>
#include <string>

#include "metrics/process_memory.h"
#include "streams/streams_options.h"

namespace millrace {

/// Who may hold how much of the process's memory (memory.max.bytes). The parts add up to less than the whole: 32 MiB are for the
/// program itself, and an eighth of the rest for what nobody counts, such as the allocator's waste.
struct MemoryPlan {
  int64_t total_bytes = 0;
  /// Decoded values in front of the stores' engines, clean and not committed yet, of all stores.
  int64_t stores_bytes = 0;
  /// What may wait for a commit, as part of stores_bytes; of each worker.
  int64_t uncommitted_bytes_per_worker = 0;
  /// RocksDB's block cache, index and filter blocks, and memtables.
  int64_t rocksdb_bytes = 0;
  /// Records fetched ahead by the workers' consumers, all partitions together.
  int64_t fetch_bytes = 0;
  /// The same for the restore consumer.
  int64_t restore_bytes = 0;
  /// Records that one worker's producer holds until they are delivered.
  int64_t producer_bytes = 0;

  /// For the log: the parts in MiB.
  [[nodiscard]] std::string ToString() const;
};

/// Half of the cgroup's limit. Without one a quarter of the machine's memory, at most 512 MiB, for the machine is not ours alone.
[[nodiscard]] int64_t DefaultMemoryBytes(const ProcessMemory& memory);

[[nodiscard]] MemoryPlan PlanMemory(const StreamsOptions& options, const ProcessMemory& memory);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_MEMORY_PLAN_H_
