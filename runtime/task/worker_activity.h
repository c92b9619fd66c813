#ifndef MILLRACE_RUNTIME_TASK_WORKER_ACTIVITY_H_
#define MILLRACE_RUNTIME_TASK_WORKER_ACTIVITY_H_

#include <atomic>
#include <cstdint>

namespace millrace {

/// What a worker thread does at the moment, for threads that watch whether it still does anything. Written by the worker alone,
/// without locks: a few plain stores a record. Who looks may see parts of two moments, but not once the worker stands still.
class WorkerActivity {
 public:
  enum Doing : int32_t {
    kBetweenTasks,
    kStarting,
    kProcessing,
    kPunctuating,
    kForwarding,
    kCommitting,
    kDelivering,
    kClosing,
    kDiskFull
  };

  struct View {
    /// Grows with everything that is done.
    int64_t steps = 0;
    Doing doing = kBetweenTasks;
    /// Number of the task; -1 = none.
    int32_t task = -1;
    /// While processing: which of the task's sources, and the record; -1 before the first of the task.
    int32_t source = -1;
    int64_t offset = -1;
  };

  // Worker thread.

  void Begin(Doing doing, int32_t task) {
    doing_.store(doing, std::memory_order_relaxed);
    task_.store(task, std::memory_order_relaxed);
    source_.store(-1, std::memory_order_relaxed);
    offset_.store(-1, std::memory_order_relaxed);
    Step();
  }
  void Record(int32_t source, int64_t offset) {
    source_.store(source, std::memory_order_relaxed);
    offset_.store(offset, std::memory_order_relaxed);
    Step();
  }
  void Step() { steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  /// The worker is to stop processing and look for requests.
  [[nodiscard]] bool interrupted() const { return interrupted_.load(std::memory_order_relaxed); }
  void ClearInterrupt() { interrupted_.store(false, std::memory_order_relaxed); }

  // Any thread.

  [[nodiscard]] View Look() const {
    View view;
    view.steps = steps_.load(std::memory_order_relaxed);
    view.doing = static_cast<Doing>(doing_.load(std::memory_order_relaxed));
    view.task = task_.load(std::memory_order_relaxed);
    view.source = source_.load(std::memory_order_relaxed);
    view.offset = offset_.load(std::memory_order_relaxed);
    return view;
  }
  void Interrupt() { interrupted_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> steps_{0};
  std::atomic<int32_t> doing_{kBetweenTasks};
  std::atomic<int32_t> task_{-1};
  std::atomic<int32_t> source_{-1};
  std::atomic<int64_t> offset_{-1};
  std::atomic<bool> interrupted_{false};
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_TASK_WORKER_ACTIVITY_H_
