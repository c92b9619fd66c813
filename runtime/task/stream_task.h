#ifndef MILLRACE_RUNTIME_TASK_STREAM_TASK_H_
#define MILLRACE_RUNTIME_TASK_STREAM_TASK_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "log/log.h"
#include "millrace/operators/task_context.h"
#include "millrace/state/engine.h"
#include "millrace/state/store_memory.h"
#include "millrace/topologies/topology.h"
#include "task/partition_group.h"
#include "task/punctuation_queue.h"
#include "task/task_errors.h"
#include "task/worker_activity.h"

namespace millrace {

struct StreamTaskOptions {
  TaskId id;
  std::string application_id;
  /// Partitions that the task reads, in the order of the topology's sources.
  std::vector<log::TopicPartition> sources;
  std::chrono::milliseconds max_task_idle{0};
  std::chrono::milliseconds emit_interval{1000};
  /// False when statestore.cache.max.bytes is 0.
  bool caching = true;
  /// Null: stores never drop what is not dirty.
  StoreMemory* store_memory = nullptr;
  ErrorOptions errors;
  /// Of the worker's producer; empty for at-least-once.
  std::string transactional_id;
  /// -1 for a topic that is not known.
  std::function<int32_t(const std::string&)> partition_count;
  /// Wall clock, for contexts and punctuation schedules made outside Process.
  std::function<Timestamp()> system_time;
  /// Where the task tells what it does, for threads that watch its worker; null: nobody does. Outlives the task.
  WorkerActivity* activity = nullptr;
};

/// One record of a sample, as the task took it.
struct RecordSample {
  const RecordQueue* queue = nullptr;
  Timestamp timestamp;
  /// Behind the stream time; 0 for a record that moves it.
  std::chrono::milliseconds lateness{0};
};

/// A task: the nodes and stores of a sub-topology for one partition, its record queues, clocks and its part of a commit. Belongs
/// to one thread at a time and can be thrown away at any record boundary. Follows Kafka's `StreamTask`.
///
/// Order of calls: OpenStores; restore of topology().stores; Start; then SetPosition, AddRecord, Process, Punctuate, ForwardDirty
/// and PrepareCommit/PostCommit, Persist; Close. After an error (error() not OK) only Close.
class StreamTask final : private TaskContext {
 public:
  /// `producer` outlives the task, and the task outlives the deliveries of what it sent.
  StreamTask(StreamTaskOptions options, ProcessorTopology topology, std::unique_ptr<EngineFactory> engines,
             log::Producer* producer);
  ~StreamTask() override;

  /// An error names store and place. kDataLoss: the local data of *failed (may be null) cannot be used; throw the task away, set
  /// the data aside, make the task anew.
  [[nodiscard]] absl::Status OpenStores(std::string* failed = nullptr);
  /// Initialises nodes; partition times come from the metadata of the committed offsets.
  [[nodiscard]] absl::Status Start(const log::Offsets& committed);

  /// Reading of this partition begins at `offset`.
  void SetPosition(const log::TopicPartition& partition, int64_t offset);
  void AddRecord(const log::TopicPartition& partition, const RawRecord& record);
  /// After each drain: where the reader stands, and whether it has seen the end.
  void SetInput(const log::TopicPartition& partition, int64_t position, bool at_end);
  [[nodiscard]] int Buffered(const log::TopicPartition& partition) const;
  /// The queue of a partition, for workers that fill it without a look-up for each record: Add, then SetInput. Null if the task
  /// does not read the partition.
  [[nodiscard]] RecordQueue* queue(const log::TopicPartition& partition) const { return group_.Find(partition); }
  void SetInput(RecordQueue* queue, int64_t position, bool at_end);

  /// Processes at most `max_records`, as far as record choice allows and until the worker is interrupted; returns how many. Look
  /// at error() afterwards.
  int Process(int max_records, Timestamp now);
  /// Of the last Process: its first record, then every 64th.
  [[nodiscard]] std::span<const RecordSample> samples() const { return {samples_.data(), sample_count_}; }
  /// Fires due punctuations of both kinds. True if any fired.
  bool Punctuate(Timestamp now);
  bool PunctuateStreamTime();
  bool PunctuateWallClock(Timestamp now);
  [[nodiscard]] std::optional<Timestamp> next_wall_clock_punctuation() const { return wall_clock_punctuations_.next(); }

  /// Cached stores forward what they hold back, in registration order, one pass.
  void ForwardDirty();
  /// Forwards, logs what is not logged, and gives the offsets to commit. The caller flushes the producer and commits them. The
  /// last commit before the task moves does not name its transaction: nothing is left open that a successor would have to end.
  [[nodiscard]] absl::StatusOr<log::Offsets> PrepareCommit(bool last = false);
  /// After the commit succeeded.
  void PostCommit();
  /// Stores persist. Only when everything that was done so far is committed, but not at every commit: what is in memory becomes
  /// one batch later. kResourceExhausted: the disk is full; the stores that it was full for count as not persisted, and nothing
  /// is lost. After any other error the task is at its end.
  [[nodiscard]] absl::Status Persist();
  /// Of the committed state: how many changelog records a crash would have to read again, of the store with most.
  [[nodiscard]] int64_t RecordsBehind() const;
  /// Begins to flush the stores that are behind. Errors as of Persist.
  [[nodiscard]] absl::Status FlushIfBehind(std::chrono::nanoseconds now, const FlushBound& bound);
  void Close();
  /// After Close: destroys nodes and stores, so that their directories are free. What is left takes deliveries of what was sent.
  void FreeStores();

  /// Something happened since the last commit.
  [[nodiscard]] bool commit_needed() const { return commit_needed_; }
  /// Something did that the task has not seen: reading has not begun where the last commit says.
  void set_commit_needed() { commit_needed_ = true; }
  /// A processor asked for a commit, or dirty state has become too large.
  [[nodiscard]] bool commit_requested() const { return commit_requested_; }
  void set_dirty_limit(int64_t bytes) { dirty_limit_bytes_ = bytes; }
  /// What only a commit can free.
  [[nodiscard]] int64_t dirty_bytes() const;

  /// The first error; it names topic, partition and offset where there is one.
  [[nodiscard]] const absl::Status& error() const { return TaskContext::error.status(); }
  /// The store whose damage on the disk is that error; empty if it is another one. Set aside, it can be rebuilt.
  [[nodiscard]] const std::string& damaged_store() const { return TaskContext::error.damaged_store(); }
  [[nodiscard]] const DroppedRecords& dropped() const { return TaskContext::dropped; }
  [[nodiscard]] const DeadLetterCounts& dead_letters() const { return errors_.dead_letters(); }
  [[nodiscard]] const ProcessorTopology& topology() const { return topology_; }
  [[nodiscard]] Timestamp stream_time() const override { return group_.stream_time(); }
  StateStore* FindStore(std::string_view name) override;
  TaskId task_id() const override { return options_.id; }

 private:
  class Output;
  class Changelog;
  /// A store's changelog offset: of what was restored or persisted before, and of what was delivered since.
  struct LoggedStore {
    StateStore* store = nullptr;
    std::unique_ptr<Changelog> changelog;
    std::optional<int64_t> base;
    std::optional<log::TopicPartition> source;  // the source topic that serves as changelog
  };

  const std::string& application_id() const override { return options_.application_id; }
  OutputSink& output() override;
  Timestamp system_time() const override { return options_.system_time(); }
  Cancellable Schedule(std::chrono::milliseconds interval, PunctuationType type, Punctuator punctuator) override;
  void RequestCommit() override { commit_requested_ = true; }
  bool OnException(const ProcessorNode& node) override { return Survives(node.name()); }
  bool OnUnwritable(const ProcessorNode& node, const std::string& topic, const Headers& headers,
                    const absl::Status& reason) override;

  /// Runs code that may call user functions; what they throw becomes the task's error.
  void Guarded(absl::FunctionRef<void()> run, absl::FunctionRef<std::string()> where);
  bool FirePunctuations(PunctuationQueue* queue, Timestamp now);
  void Admit(RecordQueue* queue);
  absl::Status OnCorruptRecord(const RawRecord& record, const absl::Status& reason);
  /// Inside a catch clause: true if the processing exception handler says so, and nothing else has failed.
  bool Survives(const std::string& node);
  /// False, and the task has failed, unless the production exception handler says that the record may be left out.
  bool LeaveOut(const UnwritableRecord& record, const absl::Status& reason);
  /// Of the record in flight.
  [[nodiscard]] ErrorHandlerContext Context(const std::string& node) const;
  void WatchDirtyBytes();
  /// All logged_, also behind one that finds no space on the disk.
  absl::Status ForEachStore(absl::FunctionRef<absl::Status(const LoggedStore&)> act);
  void Sample(const RecordQueue& next);

  const StreamTaskOptions options_;
  WorkerActivity unwatched_;
  WorkerActivity* const activity_;
  const std::unique_ptr<EngineFactory> engines_;
  log::Producer* const producer_;
  const std::unique_ptr<Output> output_;
  std::vector<LoggedStore> logged_;  // before the stores, which point to the changelogs
  ProcessorTopology topology_;
  PartitionGroup group_;
  PunctuationQueue stream_time_punctuations_;
  PunctuationQueue wall_clock_punctuations_;
  TaskErrors errors_;
  const RecordQueue* processing_ = nullptr;  // whose head is in flight
  std::string initialising_;                 // the node whose Init runs
  bool commit_needed_ = false;
  bool commit_requested_ = false;
  int64_t dirty_limit_bytes_ = int64_t{64} << 20;
  std::array<RecordSample, 16> samples_;
  size_t sample_count_ = 0;
  log::Offsets prepared_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_TASK_STREAM_TASK_H_
