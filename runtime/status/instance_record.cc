#include "status/instance_record.h"

#include <algorithm>

namespace millrace {
namespace {

using internal::TaskStatus;
using internal::WorkerStatus;

void AddInputs(const InstanceView& view, const WorkerSnapshot& worker, TaskId id, TaskStatus* task) {
  const auto spec = std::find_if(view.plan->tasks.begin(), view.plan->tasks.end(), [&](const TaskSpec& t) { return t.id == id; });
  if (spec == view.plan->tasks.end()) return;
  for (const log::TopicPartition& partition : spec->sources) {
    const auto input = worker.inputs.find(partition);
    if (input == worker.inputs.end()) continue;
    internal::InputStatus* status = task->add_inputs();
    status->set_topic(partition.topic);
    status->set_partition(partition.partition);
    status->set_position(input->second.done());
    status->set_buffered(input->second.buffered);
    const auto end = view.ends.find(partition);
    const auto lag = Describe(input->second, end == view.ends.end() ? nullptr : &end->second, view.read_committed,
                              std::chrono::nanoseconds(0), Timestamp::Unknown())
                         .lag_records;
    if (!lag) continue;
    status->set_lag(*lag);
    status->set_end(input->second.done() + *lag);
  }
}

void AddTask(const InstanceView& view, const WorkerSnapshot& worker, TaskId id, TaskStatus* task) {
  task->set_id(id.ToString());
  task->set_state(TaskStatus::RUNNING);
  AddInputs(view, worker, id, task);
  int64_t bytes = 0;
  for (const auto& [store, iterators] : worker.stores) {
    if (store.task == task->id()) bytes += store.memory_bytes.value_or(0);
  }
  task->set_state_memory_bytes(bytes);
}

void AddRestoringTask(const InstanceView& view, TaskId id, TaskStatus* task) {
  task->set_id(id.ToString());
  task->set_state(TaskStatus::RESTORING);
  for (const RestoreProgress& progress : view.restore_progress) {
    if (progress.task != id) continue;
    internal::RestoringStore* store = task->add_restoring_stores();
    store->set_name(progress.store);
    store->set_remaining_records(progress.remaining);
  }
}

}  // namespace

std::vector<WorkerStatus> DescribeWorkers(const InstanceView& view) {
  std::vector<WorkerStatus> workers;
  for (const auto& [name, snapshot] : view.workers) {
    WorkerStatus& worker = workers.emplace_back();
    worker.set_name(name);
    int64_t consumed = 0;
    for (const auto& [topic, count] : snapshot.records_consumed) consumed += count;
    worker.set_records_consumed(consumed);
    worker.set_state_memory_bytes(snapshot.state_memory_bytes);
    std::vector<TaskId> tasks = snapshot.tasks;
    std::sort(tasks.begin(), tasks.end());
    for (const TaskId id : tasks) AddTask(view, snapshot, id, worker.add_tasks());
    for (const auto& [id, of_worker] : view.restoring) {
      // The task may have reached its worker between the two looks.
      if (of_worker != name || std::binary_search(tasks.begin(), tasks.end(), id)) continue;
      AddRestoringTask(view, id, worker.add_tasks());
    }
  }
  return workers;
}

}  // namespace millrace
