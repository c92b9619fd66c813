#include "streams/memory_plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kUnlimitedMachineBytes = 512 * kMiB;
// Code, stacks and what libraries hold from the start.
constexpr int64_t kProgramBytes = 32 * kMiB;

}  // namespace

std::string MemoryPlan::ToString() const {
  return absl::StrCat("memory of ", total_bytes / kMiB, " MiB: stores ", stores_bytes / kMiB, ", RocksDB ", rocksdb_bytes / kMiB,
                      ", fetched records ", fetch_bytes / kMiB, ", restore ", restore_bytes / kMiB, ", each producer ",
                      producer_bytes / kMiB);
}

int64_t DefaultMemoryBytes(const ProcessMemory& memory) {
  if (!memory.limit_bytes.has_value()) return kUnlimitedMachineBytes;
  return memory.limited_by_cgroup ? *memory.limit_bytes / 2 : std::min(*memory.limit_bytes / 4, kUnlimitedMachineBytes);
}

MemoryPlan PlanMemory(const StreamsOptions& options, const ProcessMemory& memory) {
  MemoryPlan plan;
  plan.total_bytes = options.memory_max_bytes > 0 ? options.memory_max_bytes : DefaultMemoryBytes(memory);
  const int64_t part = std::max<int64_t>(0, plan.total_bytes - kProgramBytes) / 32;
  const int64_t workers = std::max(1, options.num_stream_threads);
  plan.stores_bytes = 13 * part;
  plan.uncommitted_bytes_per_worker = std::min(options.uncommitted_max_bytes, plan.stores_bytes / 2) / workers;
  plan.rocksdb_bytes = 6 * part;
  plan.fetch_bytes = 3 * part;
  plan.restore_bytes = 2 * part;
  plan.producer_bytes = 4 * part / workers;
  return plan;
}

}  // namespace millrace
