#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
#include "streams/worker.h"
#include "task/located_status.h"

// When a worker writes the state of its tasks to the disk, and what it does when the disk is full or damaged.

namespace millrace {
namespace {

// What is written over or expires meanwhile costs no disk. For a crash this is the part of what is not on the disk yet that the
// engine does not know of: it counts in the time after which all is to be there (state.flush.interval.ms), and a store that has
// many records to read again (kFlushRecords) is persisted earlier, but not in a hurry that would leave nothing to be written
// over.
constexpr std::chrono::seconds kPersistInterval{30};
constexpr std::chrono::seconds kHurriedPersistInterval{5};
// How often stores are asked whether they are to be flushed.
constexpr std::chrono::seconds kFlushLook{1};
// While the disk is full.
constexpr std::chrono::seconds kSpaceRetry{5};
constexpr std::chrono::seconds kSpaceWarnings{30};

}  // namespace

// Unless there is something in it that is not committed.
absl::Status Worker::PersistCommitted(OwnedTask* owned) {
  if (owned->prepared || owned->task->commit_needed() || !owned->task->error().ok()) return absl::OkStatus();
  absl::Status status = owned->task->Persist();
  CountDirtyBytes(owned);
  return status;
}

// After a commit, and when there is nothing to commit: not each time, but so early that half of what may wait in memory is free
// for the next one, and that a crash costs no more than it may.
void Worker::PersistIfDue() {
  const std::chrono::nanoseconds now = context_->host->Monotonic();
  const bool look = now >= next_flush_look_;
  bool due = now >= next_persist_;
  if (!due && disk_full_.empty()) {
    const auto behind = [](const auto& owned) { return owned->task->RecordsBehind() >= kFlushRecords; };
    due = dirty_bytes_ > context_->memory.uncommitted_bytes_per_worker / 2 ||
          (look && now >= next_hurried_persist_ && std::any_of(tasks_.begin(), tasks_.end(), behind));
  }
  if (!due && (!look || !disk_full_.empty())) return;
  next_flush_look_ = now + kFlushLook;
  const std::chrono::nanoseconds within = context_->options->state_flush_interval;
  const auto interval = std::min<std::chrono::nanoseconds>(kPersistInterval, within / 2);
  // What remains of the time once a commit and a persist have been waited for.
  const FlushBound bound{kFlushRecords, std::max<std::chrono::nanoseconds>(within - interval - context_->options->commit_interval,
                                                                           std::chrono::nanoseconds(0))};
  if (due) {
    next_persist_ = now + interval;
    next_hurried_persist_ = now + kHurriedPersistInterval;
  }
  absl::Status full;
  for (auto& owned : tasks_) {
    absl::Status status = due ? PersistCommitted(owned.get()) : absl::OkStatus();
    if (status.ok()) status = owned->task->FlushIfBehind(now, bound);
    if (status.ok() || NoteDamage(*owned)) continue;
    if (!absl::IsResourceExhausted(status)) return Fail(At(status, absl::StrCat("state of task ", owned->spec.id.ToString())));
    full.Update(At(status, absl::StrCat("task ", owned->spec.id.ToString())));
  }
  NoteDiskFull(full, due);
}

// Local state is but a copy of the changelogs: commits go on, and what cannot be written waits in memory as long as that has
// room.
void Worker::NoteDiskFull(const absl::Status& full, bool tried) {
  if (full.ok()) {
    if (!tried || disk_full_.empty()) return;
    disk_full_.clear();
    return LogInfo("the disk has space again, and the state that had waited for it is written", {.event = "disk-has-space"});
  }
  const std::chrono::nanoseconds now = context_->host->Monotonic();
  next_persist_ = now + kSpaceRetry;
  const bool news = disk_full_.empty() || WaitsForSpace() != told_of_wait_;
  disk_full_ = std::string(full.message());
  if (!news && now < next_space_warning_) return;
  next_space_warning_ = now + kSpaceWarnings;
  told_of_wait_ = WaitsForSpace();
  LogWarning(absl::StrCat(disk_full_, "; tried again every ", kSpaceRetry.count(), " s. What is committed is not lost. ",
                          told_of_wait_ ? "No input is taken: what may wait in memory for the disk is used up"
                                        : "Work goes on as long as there is memory for what waits for the disk"),
             {.event = "disk-full"});
}

bool Worker::WaitsForSpace() const { return !disk_full_.empty() && dirty_bytes_ > context_->memory.uncommitted_bytes_per_worker; }

// True if the task's error is a store that cannot be read: all starts again from the last commit, its task without that store.
bool Worker::NoteDamage(const OwnedTask& owned) {
  const std::string& store = owned.task->damaged_store();
  if (store.empty() || failed_) return false;
  damaged_.insert({owned.spec.number, {store, owned.task->error()}});
  if (damage_.ok()) damage_ = At(owned.task->error(), absl::StrCat("task ", owned.spec.id.ToString()));
  return true;
}

}  // namespace millrace
