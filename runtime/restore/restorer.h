#ifndef MILLRACE_RUNTIME_RESTORE_RESTORER_H_
#define MILLRACE_RUNTIME_RESTORE_RESTORER_H_

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "host/thread_pool.h"
#include "log/log.h"
#include "millrace/operators/task_context.h"
#include "millrace/state/state_store.h"

namespace millrace {

/// A store to be brought to the end of its changelog.
struct StoreToRestore {
  std::string name;
  StateStore* store = nullptr;
  log::TopicPartition changelog;
  /// A source topic that serves as changelog is read only to the committed offset.
  std::optional<int64_t> limit;
};

/// A task on its way to running. One call at a time, of several threads, but for Cancel.
class RestoreJob {
 public:
  virtual ~RestoreJob() = default;
  [[nodiscard]] virtual int32_t task_number() const = 0;
  [[nodiscard]] virtual TaskId task() const = 0;
  /// Makes the task and opens its stores; gives the logged ones. Called again later after kUnavailable, kDeadlineExceeded
  /// or kResourceExhausted (the disk is full; also when that shows in a later restore). Like
  /// StartAfresh it may take long, and runs beside those of other tasks.
  virtual absl::StatusOr<std::vector<StoreToRestore>> Open() = 0;
  /// The task is not wanted any more: what runs is to end soon, in whatever way. Any thread.
  virtual void Cancel() {}
  /// Moves one store's data aside and makes the task anew, with that store empty. All store pointers given before are invalid.
  virtual absl::StatusOr<std::vector<StoreToRestore>> StartAfresh(const std::string& store, const absl::Status& reason) = 0;
  /// All stores stand at the end of their changelogs: hands the task over. Called at most once, last.
  virtual void Finish(std::unique_ptr<RestoreJob> self) = 0;
  /// Could not be restored. Called at most once, last.
  virtual void Fail(const absl::Status& error) = 0;
};

struct RestoreProgress {
  TaskId task;
  std::string store;
  int64_t remaining = 0;
  /// Until the end at the speed since the beginning; unset before the first record.
  std::optional<double> eta_seconds;
};

/// A task whose stores are not read yet.
struct WaitingTask {
  TaskId task;
  /// "opening", or why it could not be opened so far.
  std::string reason;
};

/// Restores stores from changelogs on one thread with a consumer of its own, all waiting ones in turn, while other tasks run.
/// Some more threads open tasks, several at a time.
class Restorer {
 public:
  explicit Restorer(Host* host);
  ~Restorer();

  absl::Status Start(log::LogClient* client, const log::ConsumerOptions& options, int openers);
  void Add(std::unique_ptr<RestoreJob> job);
  /// When it returns, no task of these will be finished any more: its job is destroyed, or has been finished or failed before.
  /// One that is being opened is told to end, and is destroyed when it has; the next job of that task waits for it.
  void Cancel(const std::vector<int32_t>& task_numbers);
  /// Drops what is left, and what is added from now on, without a failure.
  void Stop();

  [[nodiscard]] std::vector<RestoreProgress> progress() const;
  [[nodiscard]] std::vector<WaitingTask> waiting() const;
  [[nodiscard]] int64_t records_restored() const { return restored_; }

 private:
  struct ActiveStore;
  struct ActiveJob;
  struct Batch;

  void Run();
  bool TakeRequests();
  void Drop(const std::vector<int32_t>& task_numbers);
  [[nodiscard]] bool Leaving(int32_t task_number) const;
  /// Its task is being given back, or all ends.
  [[nodiscard]] bool Cancelled(const ActiveJob& job) const;
  [[nodiscard]] bool CancelPending() const;
  bool Advance(ActiveJob* job);
  void StartOpening(ActiveJob* job);
  /// On a thread that opens.
  absl::Status Open(ActiveJob* job);
  absl::Status FindRanges(ActiveJob* job, std::string* unusable);
  absl::Status FindRange(ActiveStore* store);
  void Postpone(ActiveJob* job, const absl::Status& reason);
  absl::Status AssignAll(ActiveJob* job);
  bool Read(ActiveJob* job);
  bool End(ActiveJob* job, const absl::Status& status);
  absl::StatusOr<bool> ReadBatch(const ActiveJob& job, ActiveStore* store);
  void Unassign(ActiveJob* job);
  void Publish();

  Host* host_;
  log::LogClient* client_ = nullptr;
  std::unique_ptr<log::Consumer> consumer_;
  std::unique_ptr<Thread> thread_;
  std::unique_ptr<Signal> cancelled_signal_;
  std::unique_ptr<Batch> batch_;
  std::unique_ptr<ThreadPool> openers_;
  // Restore thread only.
  std::vector<std::unique_ptr<ActiveJob>> active_;
  std::vector<std::unique_ptr<ActiveJob>> leaving_;  // cancelled while they were being opened
  std::atomic<int64_t> restored_ = 0;

  mutable std::mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // the thread touches no task any more
  std::deque<std::unique_ptr<RestoreJob>> new_ ABSL_GUARDED_BY(mutex_);
  std::vector<int32_t> to_cancel_ ABSL_GUARDED_BY(mutex_);
  std::vector<RestoreProgress> progress_ ABSL_GUARDED_BY(mutex_);
  std::vector<WaitingTask> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_RESTORE_RESTORER_H_
