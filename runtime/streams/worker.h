#ifndef MILLRACE_RUNTIME_STREAMS_WORKER_H_
#define MILLRACE_RUNTIME_STREAMS_WORKER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "host/host.h"
#include "host/thread_pool.h"
#include "log/log.h"
#include "membership/group_member.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/engine.h"
#include "millrace/state/store_memory.h"
#include "millrace/topologies/topology.h"
#include "streams/memory_plan.h"
#include "streams/partition_progress.h"
#include "streams/predecessor_transactions.h"
#include "streams/purge_board.h"
#include "streams/state_directory.h"
#include "streams/streams_options.h"
#include "streams/thread_time.h"
#include "streams/topology_plan.h"
#include "streams/worker_producer.h"
#include "task/stream_task.h"
#include "task/task_errors.h"

namespace millrace {

/// A store whose data on the disk cannot be read any more, and what shows it.
struct DamagedStore {
  std::string store;
  absl::Status error;
};
using DamagedStores = std::map<int32_t, DamagedStore>;  // by number of the task

/// What all workers and task jobs share; outlives them.
struct WorkerContext {
  const Topology* topology = nullptr;
  const StreamsOptions* options = nullptr;
  const TopologyPlan* plan = nullptr;
  Host* host = nullptr;
  log::LogClient* client = nullptr;
  StateDirectory* directory = nullptr;
  GroupMember* member = nullptr;
  PurgeBoard* purge = nullptr;
  /// Write and close the stores of tasks that go, so that those that stay need not wait.
  ThreadPool* closers = nullptr;
  /// The instance cannot go on.
  std::function<void(const absl::Status&)> failed;
  /// Tasks that a worker has dropped to start them again from what is committed, some without a store that they had.
  std::function<void(const std::vector<int32_t>& tasks, const DamagedStores& damaged)> reopen;
  /// Exactly-once: begins the transactional ids of this process's workers.
  std::string transactional_id_prefix;
  /// Restore thread; null for at-least-once.
  PredecessorTransactions* predecessors = nullptr;
  RocksDbOptions rocksdb;
  MemoryPlan memory;
  StoreMemory* store_memory = nullptr;
};

/// A restored task on its way to its worker, with the offsets that the group had committed.
struct RestoredTask {
  TaskSpec spec;
  std::unique_ptr<StreamTask> task;
  log::Offsets committed;
  std::map<log::TopicPartition, int64_t> start;  // where to read from
};

/// The committed offset if the topic still has it, else what auto.offset.reset says.
absl::StatusOr<int64_t> StartOffset(const WorkerContext& context, const log::TopicPartition& partition,
                                    const log::Offsets& committed);

/// A worker's counters, of its whole life, and what it does now.
struct WorkerSnapshot {
  std::map<std::string, int64_t> records_consumed;
  std::map<std::string, int64_t> records_produced;
  std::map<std::string, int64_t> records_dropped;
  std::map<std::string, int64_t> dlq_records;
  std::map<std::string, LatencyHistogram> record_e2e_latency;  // by source topic, as the next
  std::map<std::string, LatenessHistogram> record_lateness;
  std::map<std::string, double> thread_time_seconds;
  std::map<log::TopicPartition, PartitionProgress> inputs;
  std::vector<TaskId> tasks;
  struct Store {
    StoreSnapshot store;
    OpenIterators iterators;
  };
  std::vector<Store> stores;
  int64_t state_memory_bytes = 0;
  /// The thread runs and has not failed.
  bool alive = false;
  /// Why stores cannot be written, while the disk is full.
  std::string disk_full;
  int64_t commits = 0;
  int64_t commit_failures = 0;
  int64_t rewinds = 0;  // transactions given up
  /// Why work was undone the last time.
  std::string undone_because;
  bool undone_for_want_of_a_broker = false;
  DurationHistogram commit_duration;
  /// When all that was processed was committed last, or there was nothing to commit; unset without tasks.
  std::optional<std::chrono::nanoseconds> last_commit;
};

/// One thread that runs tasks: reads their partitions, processes, commits. It has a consumer and a producer of its own.
class Worker {
 public:
  /// The end of a request to another thread.
  class Answer {
   public:
    explicit Answer(std::unique_ptr<Signal> signal) : signal_(std::move(signal)) {}
    /// Someone else has a part in it, and will Give too.
    void Share() { ++parts_; }
    void Give() {
      if (--parts_ > 0) return;
      given_ = true;
      signal_->Notify();
    }
    [[nodiscard]] bool given() const { return given_; }
    void WaitFor(std::chrono::milliseconds time) {
      if (!given_) signal_->Wait(time);
    }
    /// Nobody waits any more: what was asked for has been taken for granted, and a commit comes too late.
    void Abandon() { abandoned_ = true; }
    [[nodiscard]] bool abandoned() const { return abandoned_; }

   private:
    std::unique_ptr<Signal> signal_;
    std::atomic<int> parts_ = 1;
    std::atomic<bool> given_ = false;
    std::atomic<bool> abandoned_ = false;
  };

  Worker(int index, const WorkerContext* context);
  ~Worker();

  absl::Status Start();
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Empty for at-least-once.
  [[nodiscard]] const std::string& transactional_id() const { return transactional_id_; }
  /// For the sinks of tasks that this worker will run; used on its thread only.
  [[nodiscard]] log::Producer* producer() { return producer_.get(); }

  /// Any thread.
  void Add(RestoredTask task);
  /// Asks for tasks to be ended: after a commit of all tasks of the worker, or as they are. Tasks that it does not have are left
  /// out.
  std::shared_ptr<Answer> RequestRelease(std::vector<int32_t> tasks, bool commit);
  /// Asks for a partition to be read anew from where its task stands: its reader gives nothing any more.
  void RequestReread(const log::TopicPartition& partition);
  /// Ends the thread; tasks that are left are dropped.
  void Stop();
  [[nodiscard]] WorkerSnapshot snapshot() const;
  /// Tasks tell here what they do; others look and interrupt.
  [[nodiscard]] WorkerActivity* activity() { return &activity_; }

 private:
  struct Input {
    log::TopicPartition partition;
    log::PartitionReader* reader = nullptr;  // null until the partition is assigned
    int64_t from = 0;                        // where the reader is to begin
    std::chrono::nanoseconds next_try{0};    // not before, for no broker answered
    RecordQueue* queue = nullptr;
    LatencyHistogram* latency = nullptr;  // its topic's, in totals_
    LatenessHistogram* lateness = nullptr;
    PartitionProgress progress;  // as of the last Publish
  };
  struct OwnedTask {
    TaskSpec spec;
    std::unique_ptr<StreamTask> task;
    std::vector<Input> inputs;
    bool ran = false;  // since the last ForwardDirty
    std::chrono::nanoseconds next_forward{0};
    bool prepared = false;    // a commit was begun and has not succeeded yet
    bool named = false;       // what is committed names this worker's transaction
    int64_t dirty_bytes = 0;  // as counted in the worker's
  };
  struct ReleaseRequest {
    std::vector<int32_t> tasks;
    bool commit = false;
    std::shared_ptr<Answer> answer;
    [[nodiscard]] bool Asks(int32_t task) const;
    [[nodiscard]] bool Asks(const OwnedTask& owned) const { return Asks(owned.spec.number); }
  };
  /// A task whose work was undone since its last commit.
  struct Undone {
    int times = 0;
    std::map<log::TopicPartition, PartitionProgress> inputs;  // as they are until the task runs again
  };

  void Run();
  bool HandleRequests();
  absl::Status Install(RestoredTask restored);
  void Release(const ReleaseRequest& request);
  void ReleaseExactlyOnce(const ReleaseRequest& request);
  void ForgetUndone(const ReleaseRequest& request);
  void DropAsked(const ReleaseRequest& request);
  void HandOver(OwnedTask* owned, const std::shared_ptr<Answer>& answer);
  void Close(OwnedTask* owned);
  /// Why all is to be done again from the last commit; OK = it is not.
  [[nodiscard]] const absl::Status& rewind_reason() const {
    if (!damage_.ok()) return damage_;
    return exactly_once_ || retry_.ok() ? producer_->transaction_error() : retry_;
  }
  [[nodiscard]] bool spoiled() const { return !failed_ && !rewind_reason().ok(); }
  void DropAllForRewind();
  void Rewind();
  void ReopenIfDue();
  bool RunTasks();
  absl::Status ReadInputs(OwnedTask* owned, bool* worked);
  absl::Status ReadInput(OwnedTask* owned, Input* input, bool* worked);
  absl::Status ReadAfresh(OwnedTask* owned, Input* input);
  void Detach(Input* input);
  void Reread(const log::TopicPartition& partition);
  void ObserveSamples(const OwnedTask& owned, Timestamp now);
  bool ForwardIdle(OwnedTask* owned);
  void CommitIfDue();
  absl::Status Commit(const ReleaseRequest* release = nullptr);
  absl::Status CommitTasks(const std::vector<OwnedTask*>& tasks, const ReleaseRequest* release);
  void Committed(OwnedTask* owned, const log::Offsets& offsets);
  void ForgetUndoneAtEnd();
  void TellPurge(const log::Offsets& committed);
  absl::Status AwaitDelivery(bool for_release);
  bool ReleaseIsWanted() const;
  absl::Status OnLateRefusal(const log::RefusedRecord& record);
  absl::Status PersistCommitted(OwnedTask* owned);
  void PersistIfDue();
  void NoteDiskFull(const absl::Status& full, bool tried);
  bool NoteDamage(const OwnedTask& owned);
  bool WaitsForSpace() const;
  void Fail(const absl::Status& status);
  void Drop(OwnedTask* owned);
  void BuryDropped(bool wait);
  void GiveUpDeliveries();
  absl::Status ReplaceProducer();
  std::chrono::milliseconds WaitTime() const;
  void CountDirtyBytes(OwnedTask* owned);
  void TrimStores();
  void Publish(bool now);
  void AddTask(OwnedTask* owned, std::chrono::nanoseconds now, WorkerSnapshot* to) const;

  const WorkerContext* const context_;
  const std::string name_;
  std::unique_ptr<log::Consumer> consumer_;
  const bool exactly_once_;
  const std::string transactional_id_;
  std::unique_ptr<WorkerProducer> producer_;
  std::unique_ptr<TaskErrors> errors_;  // of records that are refused when their task has gone on
  std::unique_ptr<Thread> thread_;
  WorkerActivity activity_;

  // Worker thread only.
  std::vector<std::unique_ptr<OwnedTask>> tasks_;
  std::vector<std::unique_ptr<StreamTask>> dropped_;  // until their last records are delivered
  int64_t dirty_bytes_ = 0;                           // of all tasks: what a commit would free
  int64_t queue_bytes_ = 0;                           // that each input may hold
  absl::Status retry_;                                // at least once: records that no broker took in time
  absl::Status damage_;                               // the first of damaged_, in words
  DamagedStores damaged_;                             // of tasks that are to start again without them
  std::string disk_full_;                             // why stores cannot be written; empty = they can
  bool told_of_wait_ = false;                         // that no input is taken for it
  bool failed_ = false;
  bool ended_ = false;
  std::optional<ThreadTime> time_;  // from the start of the thread
  std::vector<int32_t> to_reopen_;  // dropped, to start again once the transaction has ended
  std::map<int32_t, Undone> undone_;
  absl::Status undone_because_;
  LogRateLimit rewind_warnings_;
  std::chrono::milliseconds rewind_pause_{0};  // grows until all that was undone is committed
  std::chrono::nanoseconds next_rewind_{0};    // after one that found no broker
  std::chrono::nanoseconds reopen_at_{0};
  std::chrono::nanoseconds next_commit_{0};
  std::chrono::nanoseconds next_full_commit_{0};
  std::chrono::nanoseconds next_asked_commit_{0};
  std::chrono::nanoseconds next_persist_{0};
  std::chrono::nanoseconds next_hurried_persist_{0};
  std::chrono::nanoseconds next_flush_look_{0};
  std::chrono::nanoseconds next_space_warning_{0};
  std::chrono::nanoseconds next_publish_{0};
  std::optional<std::chrono::nanoseconds> no_delivery_since_;  // while AwaitDelivery sees none
  WorkerSnapshot totals_;

  mutable std::mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<RestoredTask> arriving_ ABSL_GUARDED_BY(mutex_);
  std::deque<ReleaseRequest> releases_ ABSL_GUARDED_BY(mutex_);
  std::vector<log::TopicPartition> rereads_ ABSL_GUARDED_BY(mutex_);
  WorkerSnapshot snapshot_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_WORKER_H_
