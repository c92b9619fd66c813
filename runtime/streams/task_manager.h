#ifndef MILLRACE_RUNTIME_STREAMS_TASK_MANAGER_H_
#define MILLRACE_RUNTIME_STREAMS_TASK_MANAGER_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "membership/group_member.h"
#include "restore/restorer.h"
#include "streams/worker.h"
#include "streams/worker_watch.h"

namespace millrace {

/// Spreads the tasks that the group gives us over the workers, and gets them back. Tasks go through the restorer to their worker.
class TaskManager final : public TaskHolder {
 public:
  /// `changed` is called when tasks came, went, or began to run.
  TaskManager(const WorkerContext* context, Restorer* restorer, std::vector<std::unique_ptr<Worker>>* workers,
              std::function<void()> changed)
      : context_(context), restorer_(restorer), workers_(workers), changed_(std::move(changed)) {}

  void Take(const std::vector<int32_t>& tasks) override;
  void Release(const std::vector<int32_t>& tasks, bool commit) override;
  [[nodiscard]] bool stuck() override;
  /// Any thread: workers that have done nothing for max.poll.interval.ms, with what they hang in; for health.
  [[nodiscard]] std::vector<std::string> hung() const;

  /// Starts tasks again that their worker has dropped, unless they are being given back (worker threads). Of those in `damaged` a
  /// store is set aside first.
  void Reopen(const std::vector<int32_t>& tasks, const DamagedStores& damaged);

  /// A task has reached its worker (restore thread).
  void Running(int32_t task);

  /// A first generation has come, nothing is being released, and every task is with its worker.
  [[nodiscard]] bool settled() const;
  struct Counts {
    int64_t running = 0;
    int64_t restoring = 0;
  };
  [[nodiscard]] Counts counts() const;
  /// Tasks not yet running, with their worker's name, for the snapshot.
  [[nodiscard]] std::vector<std::pair<TaskId, std::string>> restoring() const;

 private:
  struct Place {
    size_t worker = 0;
    bool running = false;
  };
  struct Watched {
    WorkerWatch watch;
    bool told = false;
  };
  /// True if some worker is silent for too long; says so.
  bool LookAtWorkers();
  /// Gives up when the worker is silent for too long.
  void Await(size_t worker, const std::shared_ptr<Worker::Answer>& answer);
  std::unique_ptr<RestoreJob> NewJob(int32_t task, Worker* worker, const DamagedStores& damaged = {});
  size_t LeastLoaded(int32_t subtopology) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const WorkerContext* context_;
  Restorer* restorer_;
  std::vector<std::unique_ptr<Worker>>* workers_;
  std::function<void()> changed_;
  // Membership thread only.
  std::vector<Watched> watched_;
  std::vector<std::shared_ptr<Worker::Answer>> abandoned_;

  mutable std::mutex mutex_;
  std::map<size_t, std::string> hung_ ABSL_GUARDED_BY(mutex_);  // by worker
  std::map<int32_t, Place> places_ ABSL_GUARDED_BY(mutex_);
  std::set<int32_t> releasing_ ABSL_GUARDED_BY(mutex_);
  bool joined_ ABSL_GUARDED_BY(mutex_) = false;
  bool rebalancing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_TASK_MANAGER_H_
