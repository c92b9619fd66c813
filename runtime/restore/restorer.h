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

/// A task on its way to running. All calls come from the restore thread.
class RestoreJob {
 public:
  virtual ~RestoreJob() = default;
  [[nodiscard]] virtual int32_t task_number() const = 0;
  [[nodiscard]] virtual TaskId task() const = 0;
  /// Makes the task and opens its stores; gives the logged ones. Called again later after kUnavailable or kDeadlineExceeded.
  virtual absl::StatusOr<std::vector<StoreToRestore>> Open() = 0;
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

/// Restores stores from changelogs on one thread with a consumer of its own, all waiting ones in turn, while other tasks run.
class Restorer {
 public:
  explicit Restorer(Host* host);
  ~Restorer();

  absl::Status Start(log::LogClient* client, const log::ConsumerOptions& options);
  void Add(std::unique_ptr<RestoreJob> job);
  /// When it returns, the thread does not touch the task any more: the job is destroyed here, or has been finished or failed
  /// before.
  void Cancel(const std::vector<int32_t>& task_numbers);
  /// Drops what is left, and what is added from now on, without a failure.
  void Stop();

  [[nodiscard]] std::vector<RestoreProgress> progress() const;
  [[nodiscard]] int64_t records_restored() const { return restored_; }

 private:
  struct ActiveStore;
  struct ActiveJob;
  struct Batch;

  void Run();
  void TakeNew();
  void DropCancelled();
  /// Its task is being given back, or all ends.
  [[nodiscard]] bool Cancelled(const ActiveJob& job) const;
  [[nodiscard]] bool CancelPending() const;
  bool Advance(ActiveJob* job);
  absl::Status Open(ActiveJob* job);
  void Postpone(ActiveJob* job, const absl::Status& reason);
  absl::Status BeginAll(ActiveJob* job, std::vector<StoreToRestore> stores);
  absl::Status Begin(ActiveJob* job, ActiveStore* store);
  absl::StatusOr<bool> ReadBatch(ActiveStore* store);
  absl::Status StartAfresh(ActiveJob* job, const std::string& store, const absl::Status& reason);
  void Unassign(ActiveJob* job);
  void Publish();

  Host* host_;
  log::LogClient* client_ = nullptr;
  std::unique_ptr<log::Consumer> consumer_;
  std::unique_ptr<Thread> thread_;
  std::unique_ptr<Signal> cancelled_signal_;
  std::unique_ptr<Batch> batch_;
  std::vector<std::unique_ptr<ActiveJob>> active_;  // restore thread only
  std::atomic<int64_t> restored_ = 0;

  mutable std::mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // the thread touches no task any more
  std::deque<std::unique_ptr<RestoreJob>> new_ ABSL_GUARDED_BY(mutex_);
  std::vector<int32_t> to_cancel_ ABSL_GUARDED_BY(mutex_);
  std::vector<RestoreProgress> progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_RESTORE_RESTORER_H_
