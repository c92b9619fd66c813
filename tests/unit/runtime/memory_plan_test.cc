#include "streams/memory_plan.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr int64_t kMiB = 1 << 20;

ProcessMemory Limited(int64_t bytes, bool by_cgroup) {
  ProcessMemory memory;
  memory.limit_bytes = bytes;
  memory.limited_by_cgroup = by_cgroup;
  return memory;
}

TEST(MemoryPlan, WithoutASettingItIsHalfOfTheContainersLimit) {
  EXPECT_EQ(DefaultMemoryBytes(Limited(8192 * kMiB, true)), 4096 * kMiB);
  EXPECT_EQ(DefaultMemoryBytes(Limited(256 * kMiB, true)), 128 * kMiB);
}

TEST(MemoryPlan, OnAMachineWithoutALimitItIsModest) {
  EXPECT_EQ(DefaultMemoryBytes(Limited(65536 * kMiB, false)), 512 * kMiB);
  EXPECT_EQ(DefaultMemoryBytes(Limited(1024 * kMiB, false)), 256 * kMiB);
  EXPECT_EQ(DefaultMemoryBytes({}), 512 * kMiB);
}

TEST(MemoryPlan, TheSettingWins) {
  StreamsOptions options;
  options.memory_max_bytes = 192 * kMiB;
  const MemoryPlan plan = PlanMemory(options, Limited(8192 * kMiB, true));
  EXPECT_EQ(plan.total_bytes, 192 * kMiB);
  EXPECT_EQ(plan.stores_bytes, 65 * kMiB);
  EXPECT_EQ(2 * plan.uncommitted_bytes_per_worker, 65 * kMiB);
  EXPECT_EQ(plan.rocksdb_bytes, 30 * kMiB);
}

TEST(MemoryPlan, ThePartsOfAllWorkersFitIntoTheWhole) {
  for (const int threads : {1, 3, 16}) {
    StreamsOptions options;
    options.num_stream_threads = threads;
    options.memory_max_bytes = 1056 * kMiB;
    const MemoryPlan plan = PlanMemory(options, {});
    const int64_t parts =
        plan.stores_bytes + plan.rocksdb_bytes + plan.fetch_bytes + plan.restore_bytes + threads * plan.producer_bytes;
    EXPECT_LE(parts, 1024 * kMiB * 7 / 8);
    EXPECT_LE(threads * plan.uncommitted_bytes_per_worker, plan.stores_bytes / 2);
  }
}

TEST(MemoryPlan, ASmallerLimitOfUncommittedUpdatesHolds) {
  StreamsOptions options;
  options.uncommitted_max_bytes = kMiB;
  options.memory_max_bytes = 1000 * kMiB;
  EXPECT_EQ(PlanMemory(options, {}).uncommitted_bytes_per_worker, kMiB);
}

}  // namespace
}  // namespace millrace
