#ifndef MILLRACE_RUNTIME_STREAMS_TASK_JOB_H_
#define MILLRACE_RUNTIME_STREAMS_TASK_JOB_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "restore/restorer.h"
#include "streams/worker.h"

namespace millrace {

/// Makes a task, opens its stores, and brings it to its worker once the restorer has filled them. A store whose local data cannot
/// be used (damaged, of another kind or retention) is set aside, kept, and opened empty.
class TaskJob final : public RestoreJob {
 public:
  /// `running` is called with the task's number after it was given to `worker`.
  TaskJob(const WorkerContext* context, TaskSpec spec, Worker* worker, std::function<void(int32_t)> running)
      : context_(context), spec_(std::move(spec)), worker_(worker), running_(std::move(running)) {}

  /// Before the task is opened.
  void SetAsideFirst(DamagedStore damaged) { damaged_ = std::move(damaged); }

  [[nodiscard]] int32_t task_number() const override { return spec_.number; }
  [[nodiscard]] TaskId task() const override { return spec_.id; }
  absl::StatusOr<std::vector<StoreToRestore>> Open() override;
  void Cancel() override { cancelled_ = true; }
  absl::StatusOr<std::vector<StoreToRestore>> StartAfresh(const std::string& store, const absl::Status& reason) override;
  void Finish(std::unique_ptr<RestoreJob> self) override;
  void Fail(const absl::Status& error) override;

 private:
  [[nodiscard]] StreamTaskOptions TaskOptions() const;
  absl::Status FindOffsets();
  absl::StatusOr<std::vector<StoreToRestore>> Make();
  absl::Status OpenTask(std::string* failed_store);
  absl::Status SetAside(const std::string& store, const absl::Status& reason);
  [[nodiscard]] std::vector<StoreToRestore> StoresToRestore() const;

  const WorkerContext* context_;
  TaskSpec spec_;
  Worker* worker_;
  std::function<void(int32_t)> running_;
  std::atomic<bool> cancelled_ = false;
  std::optional<DamagedStore> damaged_;
  log::Offsets committed_;
  std::map<log::TopicPartition, int64_t> start_;
  std::unique_ptr<StreamTask> task_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_TASK_JOB_H_
