#ifndef MILLRACE_RUNTIME_METRICS_PROCESS_MEMORY_H_
#define MILLRACE_RUNTIME_METRICS_PROCESS_MEMORY_H_

#include <cstdint>
#include <optional>

#include "metrics/runtime_snapshot.h"

namespace millrace {

struct ProcessMemory {
  std::optional<int64_t> rss_bytes;
  /// The least limit of the cgroups that this process is in, else the memory of the machine.
  std::optional<int64_t> limit_bytes;
  bool limited_by_cgroup = false;
};

/// From /proc and /sys/fs/cgroup; what cannot be read stays unset.
[[nodiscard]] ProcessMemory ReadProcessMemory();

/// Reads them into what of the snapshot is not set.
void AddProcessMemory(RuntimeSnapshot* snapshot);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_METRICS_PROCESS_MEMORY_H_
