#ifndef MILLRACE_RUNTIME_STATUS_INSTANCE_RECORD_H_
#define MILLRACE_RUNTIME_STATUS_INSTANCE_RECORD_H_

#include <string>
#include <utility>
#include <vector>

#include "restore/restorer.h"
#include "status/millrace_status.pb.h"
#include "streams/partition_progress.h"
#include "streams/topology_plan.h"
#include "streams/worker.h"

namespace millrace {

/// What an instance knows of itself at one moment, from the snapshots that its threads published.
struct InstanceView {
  const TopologyPlan* plan = nullptr;
  std::vector<std::pair<std::string, WorkerSnapshot>> workers;  // by name
  /// Tasks on their way to a worker.
  std::vector<std::pair<TaskId, std::string>> restoring;
  std::vector<RestoreProgress> restore_progress;
  /// As the broker told them, for inputs whose reader has not seen the end.
  PartitionEnds ends;
  bool read_committed = false;
};

/// The workers of an instance's record, rates left out. By the names of workers, tasks in order.
[[nodiscard]] std::vector<internal::WorkerStatus> DescribeWorkers(const InstanceView& view);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STATUS_INSTANCE_RECORD_H_
