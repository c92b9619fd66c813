#include "streams/progress_watchdog.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "log/abort_cause.h"
#include "millrace/runtime/logging.h"

namespace millrace {
namespace {

int64_t WholeSeconds(std::chrono::nanoseconds time) { return std::chrono::duration_cast<std::chrono::seconds>(time).count(); }

}  // namespace

ProgressWatchdog::ProgressWatchdog(const TopologyPlan* plan, std::chrono::nanoseconds limit, std::chrono::nanoseconds ends_limit)
    : plan_(plan), limit_(limit), ends_limit_(ends_limit) {
  for (const TaskSpec& task : plan->tasks) {
    for (const log::TopicPartition& source : task.sources) task_of_[source] = &task;
  }
}

ProgressWatchdog::Rereads ProgressWatchdog::Look(const View& view) {
  Rereads rereads;
  watches_.resize(view.workers.size());
  for (auto& [partition, track] : tracks_) track.seen = false;
  for (size_t i = 0; i < view.workers.size(); ++i) {
    (void)watches_[i].Look(view.workers[i].activity, view.now);
    for (const auto& [partition, progress] : view.workers[i].inputs) LookAt(view, i, partition, progress, &rereads);
  }
  std::erase_if(tracks_, [](const auto& track) { return !track.second.seen; });
  LookAtRestores(view);
  return rereads;
}

std::vector<std::string> ProgressWatchdog::hopeless() const {
  std::vector<std::string> all;
  for (const auto& [partition, track] : tracks_) {
    if (!track.hopeless.empty()) all.push_back(track.hopeless);
  }
  return all;
}

void ProgressWatchdog::LookAt(const View& view, size_t worker, const log::TopicPartition& partition,
                              const PartitionProgress& progress, Rereads* rereads) {
  Track& track = tracks_[partition];
  track.seen = true;
  track.moved_at = std::max(track.moved_at, progress.moved_at);
  // Workers publish after a batch; inside one, the record in flight shows that it moves.
  const WorkerActivity::View& activity = view.workers[worker].activity;
  const auto task = task_of_.find(partition);
  if (progress.undone == 0 && task != task_of_.end() && activity.task == task->second->number && activity.source >= 0 &&
      task->second->sources[static_cast<size_t>(activity.source)] == partition && activity.offset != track.in_flight) {
    track.in_flight = activity.offset;
    track.moved_at = view.now;
  }
  const auto known = view.ends.find(partition);
  const PartitionEnd* end = known == view.ends.end() ? nullptr : &known->second;
  const PartitionSnapshot shown = Describe(progress, end, view.read_committed, view.now, view.wall);
  const bool behind = progress.buffered > 0 || shown.lag_records.value_or(0) > 0;
  std::chrono::nanoseconds stalled{0};
  if (behind) {
    stalled = view.now - track.moved_at;
  } else if (view.read_committed && end != nullptr && end->gap_since) {
    stalled = view.now - *end->gap_since;
  }
  if (stalled < limit_) {
    track.strikes = 0;
    track.hopeless.clear();
    return;
  }
  if (progress.undone > 0 && task != task_of_.end() && IsRestoring(view, task->second->id)) return;
  // One at a time, however long nobody looked.
  if (track.strikes > 0 && view.now - track.struck_at < limit_) return;
  ++track.strikes;
  track.struck_at = view.now;
  const Verdict verdict = Judge(view, worker, partition, progress);
  const bool beyond_help = verdict.cause == StallCause::kReader || verdict.cause == StallCause::kUndone;
  const bool hopeless = track.strikes >= kHopeless && beyond_help;
  const std::string what = absl::StrCat("no progress for ", WholeSeconds(stalled), " s, ", shown.lag_records.value_or(0),
                                        " records before the end: ", verdict.why);
  track.hopeless = hopeless ? absl::StrCat(partition.ToString(), " at offset ", progress.done(), ": ", what) : std::string();
  const std::string task_name = task == task_of_.end() ? std::string() : task->second->id.ToString();
  LogWarning(absl::StrCat(what, hopeless ? "; only a restart can help, /livez fails" : ""), {.event = "partition-stalled",
                                                                                             .task = task_name,
                                                                                             .store = {},
                                                                                             .topic = partition.topic,
                                                                                             .partition = partition.partition,
                                                                                             .offset = progress.done()});
  if (verdict.cause == StallCause::kReader) rereads->emplace_back(worker, partition);
}

ProgressWatchdog::Verdict ProgressWatchdog::Judge(const View& view, size_t worker, const log::TopicPartition& partition,
                                                  const PartitionProgress& progress) const {
  const Worker& who = view.workers[worker];
  const std::string place = PlaceOf(who.activity, *plan_).ToString();
  if (progress.undone > 0 && watches_[worker].silence() < limit_ / 2) return JudgeUndone(view, who, partition, progress);
  if (who.activity.doing == WorkerActivity::kDelivering) {
    return {StallCause::kDelivery, absl::StrCat(who.name, " waits for a broker to take what it has sent")};
  }
  if (who.activity.doing == WorkerActivity::kDiskFull) {
    return {StallCause::kDiskFull, absl::StrCat(who.name, " waits for space on the disk (event=disk-full)")};
  }
  if (watches_[worker].silence() >= limit_ / 2) return {StallCause::kFunction, absl::StrCat(who.name, " hangs in ", place)};
  const auto known = view.ends.find(partition);
  if (progress.buffered > 0) {
    const std::string others = view.waits_for_partitions ? WaitsFor(who, partition) : std::string();
    if (!others.empty()) {
      return {StallCause::kOtherPartition,
              absl::StrCat("its task waits for records of ", others, ", which may be earlier (max.task.idle.ms)")};
    }
    return {StallCause::kBusyWorker, absl::StrCat(who.name, " is busy: ", place)};
  }
  if (BrokerIsSilent(view, partition)) return {StallCause::kBroker, "the broker that leads it does not answer"};
  if (view.read_committed && progress.read_position >= known->second.last_stable) {
    return {StallCause::kOpenTransaction, absl::StrCat("a producer's transaction is open at offset ", known->second.last_stable,
                                                       ", and ", known->second.high_watermark - known->second.last_stable,
                                                       " records wait for its end; see kafka-transactions.sh --find-hanging")};
  }
  return {StallCause::kReader, "the records do not come; it is read anew from there"};
}

ProgressWatchdog::Verdict ProgressWatchdog::JudgeUndone(const View& view, const Worker& who, const log::TopicPartition& partition,
                                                        const PartitionProgress& progress) const {
  const std::string undone =
      absl::StrCat("what ", who.name, " did since the last commit was undone ", progress.undone,
                   progress.undone == 1 ? " time" : " times", ", the last time for this: ", who.undone_because);
  if (const auto task = task_of_.find(partition); task != task_of_.end()) {
    for (const WaitingTask& waiting : view.waiting) {
      if (waiting.task != task->second->id) continue;
      return {StallCause::kBroker, absl::StrCat("its task waits to be opened again (", waiting.reason, "); ", undone)};
    }
  }
  const bool silent = BrokerIsSilent(view, partition) || who.undone_for_want_of_a_broker;
  return {silent ? StallCause::kBroker : StallCause::kUndone, undone};
}

bool ProgressWatchdog::BrokerIsSilent(const View& view, const log::TopicPartition& partition) const {
  const auto known = view.ends.find(partition);
  return known == view.ends.end() || view.now - known->second.answered_at > ends_limit_;
}

bool ProgressWatchdog::IsRestoring(const View& view, TaskId task) {
  return std::any_of(view.restores.begin(), view.restores.end(),
                     [task](const RestoreProgress& restore) { return restore.task == task && restore.remaining > 0; });
}

// Partitions of the same task without a record at hand and not at their end.
std::string ProgressWatchdog::WaitsFor(const Worker& worker, const log::TopicPartition& partition) const {
  std::string names;
  const auto task = task_of_.find(partition);
  if (task == task_of_.end()) return names;
  for (const log::TopicPartition& source : task->second->sources) {
    const auto other = worker.inputs.find(source);
    if (source == partition || other == worker.inputs.end() || other->second.buffered > 0) continue;
    absl::StrAppend(&names, names.empty() ? "" : ", ", source.ToString());
  }
  return names;
}

void ProgressWatchdog::LookAtRestores(const View& view) {
  for (auto& [store, track] : restores_) track.seen = false;
  for (const RestoreProgress& restore : view.restores) {
    RestoreTrack& track = restores_[{restore.task, restore.store}];
    track.seen = true;
    if (restore.remaining != track.remaining) {
      track.remaining = restore.remaining;
      track.moved_at = view.now;
      track.strikes = 0;
    }
    const std::chrono::nanoseconds stalled = view.now - track.moved_at;
    const int strikes = static_cast<int>(stalled / limit_);
    if (restore.remaining == 0 || strikes <= track.strikes) continue;
    track.strikes = strikes;
    const std::string task = restore.task.ToString();
    LogWarning(absl::StrCat("the restore has not moved for ", WholeSeconds(stalled), " s; ", restore.remaining,
                            " records of the changelog remain: a broker does not answer, or a transaction is open there"),
               {.event = "restore-stalled", .task = task, .store = restore.store});
  }
  std::erase_if(restores_, [](const auto& track) { return !track.second.seen; });
}

}  // namespace millrace
