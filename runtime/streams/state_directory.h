#ifndef MILLRACE_RUNTIME_STREAMS_STATE_DIRECTORY_H_
#define MILLRACE_RUNTIME_STREAMS_STATE_DIRECTORY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "millrace/operators/task_context.h"

namespace millrace {

/// An application's local state: `<state.dir>/<application id>/<task id>/<store>`. Belongs to one process at a time (file lock),
/// one application and one format (a marker file); anything else is an error that says what to do. Thread-safe.
class StateDirectory {
 public:
  /// Creates it, or checks that it is ours, and locks it.
  static absl::StatusOr<std::unique_ptr<StateDirectory>> Open(Host* host, const std::string& state_dir,
                                                              const std::string& application_id);

  /// Renames the folders of all tasks aside, keeping them, if they belong to another state than `state_id`: the application was
  /// reset, and its new changelogs may reach the offsets that the old stores carry. Returns how many.
  absl::StatusOr<int> Adopt(const std::string& state_id);
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Names the process that has the directory: drawn when the directory was made, the same after a restart.
  [[nodiscard]] const std::string& instance_id() const { return instance_id_; }
  [[nodiscard]] std::string TaskPath(TaskId task) const { return path_ + "/" + task.ToString(); }
  [[nodiscard]] std::string StorePath(TaskId task, const std::string& store) const { return TaskPath(task) + "/" + store; }
  /// Creates the task's folder.
  absl::Status PrepareTask(TaskId task);
  /// Renames a damaged or unusable store to `<store>.damaged-<milliseconds>`; nothing is deleted. Returns the new name ("" if
  /// there was none).
  absl::StatusOr<std::string> SetAside(TaskId task, const std::string& store);

 private:
  StateDirectory(Host* host, std::string path, std::string instance_id, std::unique_ptr<FileLock> lock)
      : host_(host), path_(std::move(path)), instance_id_(std::move(instance_id)), lock_(std::move(lock)) {}

  Host* host_;
  std::string path_;
  std::string instance_id_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_STATE_DIRECTORY_H_
