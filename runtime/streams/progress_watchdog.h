#ifndef MILLRACE_RUNTIME_STREAMS_PROGRESS_WATCHDOG_H_
#define MILLRACE_RUNTIME_STREAMS_PROGRESS_WATCHDOG_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "log/log.h"
#include "restore/restorer.h"
#include "streams/partition_progress.h"
#include "streams/topology_plan.h"
#include "streams/worker_watch.h"
#include "task/worker_activity.h"

namespace millrace {

/// Why a partition stands still although there is something to process.
enum class StallCause {
  kFunction,         // its worker hangs in one call of a function of the topology
  kBusyWorker,       // its worker works, but on other tasks
  kDelivery,         // its worker waits for a broker to take what it has sent
  kDiskFull,         // its worker takes nothing more until its stores can be written
  kOtherPartition,   // its task waits for records of another partition (max.task.idle.ms)
  kBroker,           // the broker that leads it does not answer
  kOpenTransaction,  // somebody's transaction is open at the last stable offset
  kUndone,           // what is processed is undone before it is committed, again and again
  kReader,           // none of these: what is there does not come
};

/// Looks at what the partitions of an instance have done since the last look. Each that has not moved for the limit although it
/// is behind its end is a strike: said in the log with its cause, and again for each further time the limit is over; a reader
/// that stands still without a cause is to be made anew. After kHopeless strikes of that kind, or because what is done is undone
/// each time though the brokers answer, a restart is the only help left. (For functions that hang max.poll.interval.ms is the
/// limit.) While work is undone only commits are progress. One thread.
class ProgressWatchdog {
 public:
  static constexpr int kHopeless = 3;

  struct Worker {
    std::string name;
    WorkerActivity::View activity;
    std::map<log::TopicPartition, PartitionProgress> inputs;
    /// Why work was undone the last time.
    std::string undone_because;
    bool undone_for_want_of_a_broker = false;
  };
  struct View {
    std::vector<Worker> workers;
    PartitionEnds ends;
    std::vector<RestoreProgress> restores;
    std::vector<WaitingTask> waiting;
    bool read_committed = false;
    /// max.task.idle.ms is not -1.
    bool waits_for_partitions = true;
    std::chrono::nanoseconds now{0};
    Timestamp wall;
  };
  /// Worker, by its place in the view, and a partition that it is to read anew from where it stands.
  using Rereads = std::vector<std::pair<size_t, log::TopicPartition>>;

  /// `plan` outlives this. A broker has to answer for the ends of partitions within `ends_limit`.
  ProgressWatchdog(const TopologyPlan* plan, std::chrono::nanoseconds limit, std::chrono::nanoseconds ends_limit);

  Rereads Look(const View& view);
  /// As of the last look: what only a restart can help, in words.
  [[nodiscard]] std::vector<std::string> hopeless() const;

 private:
  struct Track {
    int64_t in_flight = -1;  // the offset last seen in the worker's activity
    std::chrono::nanoseconds moved_at{0};
    std::chrono::nanoseconds struck_at{0};
    int strikes = 0;
    std::string hopeless;
    bool seen = false;
  };
  struct RestoreTrack {
    int64_t remaining = -1;
    std::chrono::nanoseconds moved_at{0};
    int strikes = 0;
    bool seen = false;
  };
  struct Verdict {
    StallCause cause = StallCause::kReader;
    std::string why;
  };
  void LookAt(const View& view, size_t worker, const log::TopicPartition& partition, const PartitionProgress& progress,
              Rereads* rereads);
  Verdict Judge(const View& view, size_t worker, const log::TopicPartition& partition, const PartitionProgress& progress) const;
  Verdict JudgeUndone(const View& view, const Worker& who, const log::TopicPartition& partition,
                      const PartitionProgress& progress) const;
  [[nodiscard]] bool BrokerIsSilent(const View& view, const log::TopicPartition& partition) const;
  /// Its stores are being read: that has its own look.
  static bool IsRestoring(const View& view, TaskId task);
  void LookAtRestores(const View& view);
  std::string WaitsFor(const Worker& worker, const log::TopicPartition& partition) const;

  const TopologyPlan* const plan_;
  const std::chrono::nanoseconds limit_;
  const std::chrono::nanoseconds ends_limit_;
  std::map<log::TopicPartition, const TaskSpec*> task_of_;
  std::vector<WorkerWatch> watches_;
  std::map<log::TopicPartition, Track> tracks_;
  std::map<std::pair<TaskId, std::string>, RestoreTrack> restores_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_PROGRESS_WATCHDOG_H_
