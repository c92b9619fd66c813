#include "streams/worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "log/abort_cause.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/internal/mutants.h"
#include "task/located_status.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kFlushStep{100};
// Without a delivery for so long no broker can be reached: who wants tasks back does not wait for it.
constexpr std::chrono::seconds kDeliveryStall{5};
constexpr std::chrono::milliseconds kLongestWait{100};
constexpr std::chrono::milliseconds kCommitRetry{100};
constexpr std::chrono::seconds kCommitWarnings{5};
constexpr std::chrono::milliseconds kPublishInterval{200};
// Offsets of topics that the group does not subscribe to expire (offsets.retention.minutes); idle positions are committed again.
constexpr std::chrono::hours kFullCommitInterval{6};
constexpr std::chrono::milliseconds kIdleStep{5};
constexpr int kBatch = 1000;
// Between attempts to start again when each fails: the broker is away, or a record always spoils its transaction.
constexpr std::chrono::milliseconds kFirstRewindPause{100};
constexpr std::chrono::milliseconds kLongestRewindPause{10000};
constexpr std::chrono::seconds kRewindWarnings{5};
// Before a partition for which no broker answers is asked for again.
constexpr std::chrono::milliseconds kReadPause{1000};
constexpr std::chrono::seconds kReadWarnings{5};
constexpr int64_t kLeastQueueBytes = 64 << 10;

// Counters of nothing are shown too: an alert on their growth must see where they began.
void AddCounters(const DroppedRecords& dropped, const DeadLetterCounts& dead_letters, WorkerSnapshot* to) {
  const std::pair<const char*, int64_t> counts[] = {{"null-key", dropped.null_key},
                                                    {"null-value", dropped.null_value},
                                                    {"late", dropped.late},
                                                    {"invalid-timestamp", dropped.invalid_timestamp},
                                                    {"deserialization", dropped.deserialization},
                                                    {"processing", dropped.processing},
                                                    {"production", dropped.production}};
  for (const auto& [reason, count] : counts) to->records_dropped[reason] += count;
  to->dlq_records["deserialization"] += dead_letters.deserialization;
  to->dlq_records["processing"] += dead_letters.processing;
  to->dlq_records["production"] += dead_letters.production;
}

void WarnOfPersist(TaskId task, const absl::Status& status) {
  LogWarning(absl::StrCat("state is not complete, the next start restores the rest: ", std::string(status.message())),
             {.event = "persist-failed", .task = task.ToString()});
}

// Of an input whose task starts again from its last commit.
PartitionProgress UndoneProgress(PartitionProgress progress, int times) {
  progress.position = progress.read_position = progress.committed;
  progress.buffered = 0;
  progress.at_end = false;
  progress.at_end_at.reset();
  progress.oldest = Timestamp::Unknown();
  progress.undone = times;
  return progress;
}

}  // namespace

Worker::Worker(int index, const WorkerContext* context)
    : context_(context),
      name_(absl::StrCat("worker-", index + 1)),
      exactly_once_(context->options->exactly_once),
      transactional_id_(exactly_once_ ? PredecessorTransactions::TransactionalId(context->transactional_id_prefix, index + 1)
                                      : ""),
      rewind_warnings_(kRewindWarnings) {
  AddCounters({}, {}, &totals_);
  snapshot_ = totals_;
}

Worker::~Worker() { Stop(); }

absl::Status Worker::Start() {
  const auto isolation = context_->options->read_committed ? log::Isolation::kReadCommitted : log::Isolation::kReadUncommitted;
  int partitions = 0;
  for (const TaskSpec& task : context_->plan->tasks) partitions += static_cast<int>(task.sources.size());
  partitions = std::max(1, partitions);
  // One part is for the records that the tasks have taken over.
  queue_bytes_ = std::max<int64_t>(kLeastQueueBytes, context_->memory.fetch_bytes / 4 / partitions);
  const int64_t fetch_bytes = context_->memory.fetch_bytes / 4 * 3;
  auto consumer =
      context_->client->NewConsumer({isolation, partitions, /*restore=*/false, context_->plan->task_topic, fetch_bytes});
  if (!consumer.ok()) return At(consumer.status(), "consumer of " + name_);
  consumer_ = *std::move(consumer);
  if (exactly_once_) {
    // Ends what a predecessor of this process has left open.
    producer_ = std::make_unique<WorkerProducer>(
        [client = context_->client, id = transactional_id_] { return client->NewTransactionalProducer(id); });
    if (internal::Mutated(internal::Mutant::kChangelogOutside)) {
      if (auto outside = context_->client->NewProducer(); outside.ok()) producer_->Replace(*std::move(outside));
    }
    if (absl::Status status = producer_->Rewind(); !status.ok()) return At(status, "producer of " + name_);
  } else {
    auto producer = context_->client->NewProducer();
    if (!producer.ok()) return At(producer.status(), "producer of " + name_);
    producer_ = std::make_unique<WorkerProducer>(*std::move(producer));
  }
  errors_ = std::make_unique<TaskErrors>(&context_->options->errors, producer_.get());
  producer_->SetRefusalHandler([this](const log::RefusedRecord& record) { return OnLateRefusal(record); });
  const std::chrono::nanoseconds now = context_->host->Monotonic();
  next_commit_ = now + context_->options->commit_interval;
  next_full_commit_ = now + kFullCommitInterval;
  thread_ = context_->host->StartThread(name_, [this] { Run(); });
  return absl::OkStatus();
}

void Worker::Add(RestoredTask task) {
  {
    const std::lock_guard lock(mutex_);
    arriving_.push_back(std::move(task));
  }
  consumer_->Wake();
}

std::shared_ptr<Worker::Answer> Worker::RequestRelease(std::vector<int32_t> tasks, bool commit) {
  auto answer = std::make_shared<Answer>(context_->host->NewSignal());
  if (!thread_) {
    answer->Give();
    return answer;
  }
  {
    const std::lock_guard lock(mutex_);
    releases_.push_back({std::move(tasks), commit, answer});
  }
  consumer_->Wake();
  return answer;
}

void Worker::RequestReread(const log::TopicPartition& partition) {
  {
    const std::lock_guard lock(mutex_);
    rereads_.push_back(partition);
  }
  consumer_->Wake();
}

void Worker::Stop() {
  if (!thread_) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  consumer_->Wake();
  thread_->Join();
  thread_.reset();
  // A client that outlives a topic that it knows may hang in its end (librdkafka 2.0).
  consumer_.reset();
}

WorkerSnapshot Worker::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void Worker::Run() {
  SetLogThreadName(name_);
  time_.emplace(context_->host);
  while (HandleRequests()) {
    const bool worked = RunTasks();
    // Interrupted: what was done is to be thrown away, or a request waits that says more.
    if (!activity_.interrupted()) CommitIfDue();
    if (spoiled()) Rewind();
    ReopenIfDue();
    BuryDropped(/*wait=*/false);
    Publish(/*now=*/false);
    if (worked) continue;
    consumer_->Wait(WaitTime());
    time_->Lap(ThreadTime::kIdle);
  }
  for (auto& owned : tasks_) Drop(owned.get());
  tasks_.clear();
  // Readers downstream need not wait for the broker to find out.
  if (exactly_once_) producer_->Abandon();
  BuryDropped(/*wait=*/true);
  ended_ = true;
  Publish(/*now=*/true);
}

// False when the thread is to end. Arrivals come before releases, as they were asked for.
bool Worker::HandleRequests() {
  activity_.ClearInterrupt();
  activity_.Begin(WorkerActivity::kBetweenTasks, -1);
  std::deque<RestoredTask> arriving;
  std::deque<ReleaseRequest> releases;
  std::vector<log::TopicPartition> rereads;
  bool stop = false;
  {
    const std::lock_guard lock(mutex_);
    arriving.swap(arriving_);
    releases.swap(releases_);
    rereads.swap(rereads_);
    stop = stop_;
  }
  for (RestoredTask& restored : arriving) {
    if (failed_) continue;
    const std::string task = restored.spec.id.ToString();
    if (absl::Status status = Install(std::move(restored)); !status.ok()) Fail(At(status, "start of task " + task));
  }
  for (const ReleaseRequest& request : releases) {
    Release(request);
    request.answer->Give();
  }
  for (const log::TopicPartition& partition : rereads) Reread(partition);
  if (!arriving.empty() || !releases.empty()) Publish(/*now=*/true);
  return !stop;
}

absl::Status Worker::Install(RestoredTask restored) {
  auto owned = std::make_unique<OwnedTask>();
  owned->spec = std::move(restored.spec);
  owned->task = std::move(restored.task);
  activity_.Begin(WorkerActivity::kStarting, owned->spec.number);
  if (absl::Status status = owned->task->Start(restored.committed); !status.ok()) {
    if (!NoteDamage(*owned)) return status;
    tasks_.push_back(std::move(owned));
    return absl::OkStatus();
  }
  const auto undone = undone_.find(owned->spec.number);
  for (const log::TopicPartition& partition : owned->spec.sources) {
    const int64_t offset = restored.start.at(partition);
    owned->task->SetPosition(partition, offset);
    // Or records that are gone would be waited for until others come.
    const auto committed = restored.committed.find(partition);
    if (committed != restored.committed.end() && committed->second.offset != offset) owned->task->set_commit_needed();
    Input& input = owned->inputs.emplace_back();
    input.partition = partition;
    input.from = offset;
    input.queue = owned->task->queue(partition);
    input.latency = &totals_.record_e2e_latency[partition.topic];
    input.lateness = &totals_.record_lateness[partition.topic];
    input.progress.moved_at = context_->host->Monotonic();
    if (undone != undone_.end()) input.progress = undone->second.inputs[partition];
    input.progress.committed = input.progress.position = input.progress.read_position = offset;
    if (input.queue == nullptr) {
      return absl::InternalError(absl::StrCat("the topology has no source for ", partition.ToString()));
    }
  }
  LogInfo("task runs", {.event = "task-started", .task = owned->spec.id.ToString()});
  // What was given up and begins again has waited for its commit since the last one.
  if (tasks_.empty() && undone_.empty()) totals_.last_commit = context_->host->Monotonic();
  tasks_.push_back(std::move(owned));
  return absl::OkStatus();
}

void Worker::CountDirtyBytes(OwnedTask* owned) {
  const int64_t now = owned->task != nullptr ? owned->task->dirty_bytes() : 0;
  dirty_bytes_ += now - std::exchange(owned->dirty_bytes, now);
}

// Stores that are not used keep no more than their part.
void Worker::TrimStores() {
  for (const auto& owned : tasks_) {
    for (const auto& store : owned->task->topology().stores) store->Trim();
  }
}

bool Worker::ReleaseRequest::Asks(int32_t task) const { return std::find(tasks.begin(), tasks.end(), task) != tasks.end(); }

// What was undone of them is for their next owners to do again.
void Worker::ForgetUndone(const ReleaseRequest& request) {
  std::erase_if(to_reopen_, [&](int32_t task) { return request.Asks(task); });
  for (const int32_t task : request.tasks) undone_.erase(task);
}

// One commit covers all tasks of the worker, as in Kafka Streams, so that records in flight between them are not repeated.
void Worker::Release(const ReleaseRequest& request) {
  const auto asked = [&](const std::unique_ptr<OwnedTask>& owned) { return request.Asks(*owned); };
  ForgetUndone(request);
  if (std::none_of(tasks_.begin(), tasks_.end(), asked)) return;
  if (exactly_once_) return ReleaseExactlyOnce(request);
  if (request.commit && !request.answer->abandoned() && !failed_) {
    if (absl::Status status = Commit(&request); !status.ok()) {
      LogWarning(absl::StrCat("commit before giving tasks back: ", std::string(status.message()),
                              "; records since the last commit will be processed again by the next owner"),
                 {.event = "commit-failed"});
    }
  }
  DropAsked(request);
}

void Worker::DropAsked(const ReleaseRequest& request) {
  for (auto& owned : tasks_) {
    if (!request.Asks(*owned)) continue;
    // A delivery that is still to come writes into its task.
    if (producer_->outstanding() == 0) {
      HandOver(owned.get(), request.answer);
      continue;
    }
    if (absl::Status status = PersistCommitted(owned.get()); !status.ok()) WarnOfPersist(owned->spec.id, status);
    Drop(owned.get());
  }
  std::erase_if(tasks_, [](const auto& owned) { return owned->task == nullptr; });
  // What was sent is to stand in the changelogs before the next owner reads them.
  BuryDropped(/*wait=*/true);
}

// The closers take the task, and the release is answered when all of them are done.
void Worker::HandOver(OwnedTask* owned, const std::shared_ptr<Answer>& answer) {
  Close(owned);
  dirty_bytes_ -= std::exchange(owned->dirty_bytes, 0);
  answer->Share();
  const bool prepared = owned->prepared;
  context_->closers->Add([task = std::move(owned->task), id = owned->spec.id, prepared, answer]() mutable {
    if (!prepared && !task->commit_needed() && task->error().ok()) {
      if (absl::Status status = task->Persist(); !status.ok()) WarnOfPersist(id, status);
    }
    task->FreeStores();
    task.reset();
    LogInfo("task closed", {.event = "task-closed", .task = id.ToString()});
    answer->Give();
  });
}

void Worker::Close(OwnedTask* owned) {
  for (Input& input : owned->inputs) Detach(&input);
  owned->inputs.clear();
  activity_.Begin(WorkerActivity::kClosing, owned->spec.number);
  owned->task->Close();
  AddCounters(owned->task->dropped(), owned->task->dead_letters(), &totals_);
}

void Worker::Drop(OwnedTask* owned) {
  Close(owned);
  owned->task->FreeStores();
  dropped_.push_back(std::move(owned->task));
  CountDirtyBytes(owned);
  LogInfo("task closed", {.event = "task-closed", .task = owned->spec.id.ToString()});
}

// Deliveries write into their task, so it lives until they are over.
void Worker::BuryDropped(bool wait) {
  if (dropped_.empty()) return;
  if (wait && producer_->outstanding() > 0 && !AwaitDelivery(/*for_release=*/true).ok()) {
    if (producer_->outstanding() > 0 && tasks_.empty() && !exactly_once_) GiveUpDeliveries();
  }
  if (producer_->outstanding() == 0) dropped_.clear();
}

// The tasks that stay share the transaction with those that go: if it cannot be committed, all of them start again.
void Worker::ReleaseExactlyOnce(const ReleaseRequest& request) {
  if (!failed_) {
    const bool commit = request.commit && !request.answer->abandoned();
    absl::Status status = commit ? Commit(&request) : absl::CancelledError("the tasks are lost");
    if (!status.ok()) {
      LogWarning(absl::StrCat("not committed before giving tasks back: ", std::string(status.message()),
                              "; what was done since the last commit is undone and done again by the tasks' next owners"),
                 {.event = "commit-failed"});
      if (producer_->in_transaction() || spoiled()) {
        DropAllForRewind();
        ForgetUndone(request);
        return Rewind();
      }
    }
  }
  DropAsked(request);
}

void Worker::DropAllForRewind() {
  for (auto& owned : tasks_) {
    to_reopen_.push_back(owned->spec.number);
    Undone& undone = undone_[owned->spec.number];
    ++undone.times;
    for (const Input& input : owned->inputs) undone.inputs[input.partition] = UndoneProgress(input.progress, undone.times);
    if (internal::Mutated(internal::Mutant::kPersistOfDropped)) (void)owned->task->Persist();
    Drop(owned.get());
  }
  tasks_.clear();
}

// Nothing since the last commit has happened: the transaction is ended, and all tasks start again from what is committed.
void Worker::Rewind() {
  const std::chrono::nanoseconds now = context_->host->Monotonic();
  const absl::Status reason = rewind_reason();
  DropAllForRewind();
  if (now < next_rewind_) return;
  if (!reason.ok()) undone_because_ = reason;
  const absl::Status status = exactly_once_ ? producer_->Rewind() : ReplaceProducer();
  if (!status.ok() && (!exactly_once_ || absl::IsPermissionDenied(status))) return Fail(At(status, "producer of " + name_));
  // Whatever became of the producer, it reports no more deliveries of these.
  dropped_.clear();
  ++totals_.rewinds;
  // At once after a commit, and after a wait for a broker. Else what spoiled it may do so again.
  const bool waited = std::exchange(next_rewind_, std::chrono::nanoseconds(0)).count() > 0;
  std::chrono::milliseconds pause = waited ? std::chrono::milliseconds(0) : rewind_pause_;
  if (producer_->TakeLearned()) {
    // Each refused record costs an attempt: many of them must not cost as many long pauses.
    pause = std::min(pause, kFirstRewindPause);
    rewind_pause_ = std::max(rewind_pause_, kFirstRewindPause);
  } else {
    rewind_pause_ = std::clamp(2 * rewind_pause_, kFirstRewindPause, kLongestRewindPause);
  }
  reopen_at_ = now + pause;
  if (!status.ok()) next_rewind_ = now + rewind_pause_;
  if (const std::optional<int64_t> held_back = rewind_warnings_.Allow()) {
    const std::string then = status.ok() ? absl::StrCat("; its tasks start again from the last commit",
                                                        pause.count() > 0 ? absl::StrCat(" in ", pause.count(), " ms") : "")
                                         : absl::StrCat("; no new one yet, next try in ", rewind_pause_.count(),
                                                        " ms: ", std::string(status.message()));
    LogWarning(absl::StrCat(exactly_once_ ? "transaction given up" : "work since the last commit given up",
                            reason.ok() ? "" : ": ", std::string(reason.message()), then,
                            *held_back > 0 ? absl::StrCat(" (and ", *held_back, " times more since)") : ""),
               {.event = exactly_once_ ? "transaction-aborted" : "work-given-up"});
  }
  if (status.ok()) damage_ = absl::OkStatus();
  ReopenIfDue();
  time_->Lap(ThreadTime::kOther);
}

void Worker::ReopenIfDue() {
  if (to_reopen_.empty() || failed_ || spoiled() || context_->host->Monotonic() < reopen_at_) return;
  context_->reopen(std::exchange(to_reopen_, {}), std::exchange(damaged_, {}));
}

// Of dropped tasks only: nobody commits them, and the next owner makes them again.
void Worker::GiveUpDeliveries() {
  LogWarning(absl::StrCat(producer_->outstanding(),
                          " records were not delivered and are given up; they are made again by the next "
                          "owner of their tasks"),
             {.event = "delivery-given-up"});
  if (absl::Status status = ReplaceProducer(); !status.ok()) Fail(At(status, "producer of " + name_));
}

absl::Status Worker::ReplaceProducer() {
  auto producer = context_->client->NewProducer();
  if (!producer.ok()) return producer.status();
  producer_->Replace(*std::move(producer));
  retry_ = absl::OkStatus();
  return absl::OkStatus();
}

bool Worker::RunTasks() {
  bool worked = false;
  if (failed_ || spoiled()) return worked;
  no_delivery_since_.reset();
  const Timestamp now = context_->host->Now();
  const std::chrono::nanoseconds begin = time_->last();
  const bool no_room = WaitsForSpace();
  for (auto& owned : tasks_) {
    if (no_room) break;
    if (activity_.interrupted()) return worked;
    activity_.Begin(WorkerActivity::kProcessing, owned->spec.number);
    bool busy = false;
    absl::Status status = ReadInputs(owned.get(), &busy);
    if (busy) time_->Lap(ThreadTime::kPoll);
    if (status.ok()) {
      // What only a commit can free is limited for all tasks together.
      owned->task->set_dirty_limit(context_->memory.uncommitted_bytes_per_worker - (dirty_bytes_ - owned->dirty_bytes));
      if (owned->task->Process(kBatch, now) > 0) {
        busy = true;
        const std::chrono::nanoseconds took = time_->Lap(ThreadTime::kProcess) - begin;
        ObserveSamples(*owned, now + std::chrono::duration_cast<std::chrono::milliseconds>(took));
      }
      activity_.Begin(WorkerActivity::kPunctuating, owned->spec.number);
      const bool fired = owned->task->Punctuate(now);
      if (fired) time_->Lap(ThreadTime::kPunctuate);
      owned->ran = owned->ran || busy || fired;
      if (!busy && ForwardIdle(owned.get())) time_->Lap(ThreadTime::kProcess);
      if (busy || fired) CountDirtyBytes(owned.get());
      status = owned->task->error();
    }
    worked = worked || busy;
    if (spoiled()) return worked;
    if (!status.ok()) {
      if (!NoteDamage(*owned)) Fail(At(status, "task " + owned->spec.id.ToString()));
      return false;
    }
  }
  if (absl::Status status = producer_->Poll(); !status.ok() && !spoiled()) Fail(At(status, "producer of " + name_));
  time_->Lap(ThreadTime::kPoll);
  if (no_room) activity_.Begin(WorkerActivity::kDiskFull, -1);
  return worked;
}

// `now` is the end of the batch: a latency is too long by less than what the batch took, and never too short.
void Worker::ObserveSamples(const OwnedTask& owned, Timestamp now) {
  for (const RecordSample& sample : owned.task->samples()) {
    for (const Input& input : owned.inputs) {
      if (input.queue != sample.queue) continue;
      input.latency->Observe(std::max(0.0, std::chrono::duration<double>(now - sample.timestamp).count()));
      input.lateness->Observe(std::chrono::duration<double>(sample.lateness).count());
    }
  }
}

absl::Status Worker::ReadInputs(OwnedTask* owned, bool* worked) {
  for (Input& input : owned->inputs) {
    if (input.next_try.count() > 0) {
      if (context_->host->Monotonic() < input.next_try) continue;
      input.next_try = std::chrono::nanoseconds(0);
    }
    const absl::Status status = ReadInput(owned, &input, worked);
    if (status.ok()) continue;
    const absl::Status located = At(status, "read " + input.partition.ToString());
    if (!log::IsNoAnswer(status)) return located;
    // The other partitions go on.
    input.next_try = context_->host->Monotonic() + kReadPause;
    static LogRateLimit limit(kReadWarnings);
    if (!limit.Allow()) continue;
    LogWarning(absl::StrCat("no broker answers for the partition, this is repeated: ", std::string(located.message())),
               {.event = "partition-waits", .topic = input.partition.topic, .partition = input.partition.partition});
  }
  return absl::OkStatus();
}

absl::Status Worker::ReadInput(OwnedTask* owned, Input* input, bool* worked) {
  if (input->reader == nullptr) {
    auto reader = consumer_->Assign(input->partition, input->from);
    if (!reader.ok()) return reader.status();
    input->reader = *reader;
  }
  const int room = input->queue->Room(context_->options->buffered_records_per_partition, queue_bytes_);
  if (room > 0) {
    auto read = input->reader->Drain(room, [queue = input->queue](const RawRecord& record) { queue->Add(record); });
    if (absl::IsOutOfRange(read.status())) return ReadAfresh(owned, input);
    if (log::IsNoAnswer(read.status())) Detach(input);
    if (!read.ok()) return read.status();
    *worked = *worked || *read > 0;
    if (*read > 0) totals_.records_consumed[input->partition.topic] += *read;
  }
  owned->task->SetInput(input->queue, input->reader->position(), input->reader->at_end());
  return absl::OkStatus();
}

void Worker::Detach(Input* input) {
  if (input->reader == nullptr) return;
  input->from = input->reader->position();
  input->reader = nullptr;
  if (absl::Status status = consumer_->Unassign(input->partition); !status.ok()) {
    LogWarning(absl::StrCat("unassign ", input->partition.ToString(), ": ", std::string(status.message())), {});
  }
}

// The position has left the topic (retention, DeleteRecords): goes on where auto.offset.reset says.
absl::Status Worker::ReadAfresh(OwnedTask* owned, Input* input) {
  const int64_t position = input->reader->position();
  auto offset = StartOffset(*context_, input->partition, {{input->partition, {position, ""}}});
  if (!offset.ok()) return offset.status();
  Detach(input);
  input->from = *offset;
  owned->task->SetPosition(input->partition, *offset);
  owned->task->set_commit_needed();
  return absl::OkStatus();
}

void Worker::Reread(const log::TopicPartition& partition) {
  for (auto& owned : tasks_) {
    for (Input& input : owned->inputs) {
      if (input.partition != partition || input.reader == nullptr || input.queue->size() > 0) continue;
      const int64_t offset = input.reader->position();
      LogInfo(absl::StrCat("read anew from offset ", offset),
              {.event = "partition-reread", .topic = partition.topic, .partition = partition.partition, .offset = offset});
      Detach(&input);
    }
  }
}

// Out of input: what the task's caches hold back goes on now, at most every emit.idle.interval.ms.
bool Worker::ForwardIdle(OwnedTask* owned) {
  if (!owned->ran) return false;
  const std::chrono::nanoseconds now = context_->host->Monotonic();
  if (now < owned->next_forward) return false;
  activity_.Begin(WorkerActivity::kForwarding, owned->spec.number);
  owned->task->ForwardDirty();
  owned->ran = false;
  owned->next_forward = now + context_->options->emit_idle_interval;
  return true;
}

void Worker::CommitIfDue() {
  if (failed_ || spoiled() || tasks_.empty()) return;
  const std::chrono::nanoseconds now = time_->last();
  const bool asked = std::any_of(tasks_.begin(), tasks_.end(), [](const auto& owned) { return owned->task->commit_requested(); });
  if (now < next_commit_ && !(asked && now >= next_asked_commit_)) {
    const auto committed = [](const auto& owned) { return !owned->prepared && !owned->task->commit_needed(); };
    if (!disk_full_.empty() && std::all_of(tasks_.begin(), tasks_.end(), committed)) PersistIfDue();
    return;
  }
  absl::Status status = Commit();
  const std::chrono::nanoseconds after = context_->host->Monotonic();
  next_commit_ = after + context_->options->commit_interval;
  if (status.ok() || failed_) return;
  // The group rebalances, or the broker is away: what is committed later covers this too.
  ++totals_.commit_failures;
  next_commit_ = next_asked_commit_ = after + kCommitRetry;
  if (spoiled()) return;  // says so itself
  if (absl::IsFailedPrecondition(status)) {
    LogDebug(absl::StrCat("commit put off: ", std::string(status.message())), {.event = "commit-put-off"});
  } else {
    static LogRateLimit limit(kCommitWarnings);
    if (const std::optional<int64_t> held_back = limit.Allow()) {
      LogWarning(absl::StrCat("commit failed, will be repeated: ", std::string(status.message()),
                              *held_back > 0 ? absl::StrCat(" (and ", *held_back, " times more since)") : ""),
                 {.event = "commit-failed"});
    }
  }
}

// Errors of tasks and producer end the instance (Fail); others are returned and may be repeated.
absl::Status Worker::Commit(const ReleaseRequest* release) {
  const std::chrono::nanoseconds start = context_->host->Monotonic();
  const bool full = start >= next_full_commit_;
  std::vector<OwnedTask*> committing;
  for (auto& owned : tasks_) {
    const bool names_us = owned->named && release != nullptr && release->Asks(*owned);
    if (full || names_us || owned->prepared || owned->task->commit_needed()) committing.push_back(owned.get());
  }
  if (committing.empty()) {
    ForgetUndoneAtEnd();
    if (undone_.empty()) totals_.last_commit = start;
    PersistIfDue();
    return absl::OkStatus();
  }
  const absl::Status status = CommitTasks(committing, release);
  const std::chrono::nanoseconds end = time_->Lap(ThreadTime::kCommit);
  if (!status.ok()) return status;
  if (full) next_full_commit_ = start + kFullCommitInterval;
  ++totals_.commits;
  totals_.last_commit = end;
  totals_.commit_duration.Observe(std::chrono::duration<double>(end - start).count());
  return absl::OkStatus();
}

absl::Status Worker::CommitTasks(const std::vector<OwnedTask*>& tasks, const ReleaseRequest* release) {
  std::vector<int32_t> numbers;
  log::Offsets offsets;
  const auto fail = [this](const absl::Status& status) {
    if (!spoiled()) Fail(status);
    return status;
  };
  // The preparation writes to changelogs, which the next owner of a lost task reads and writes by now.
  for (OwnedTask* owned : tasks) {
    if (!context_->member->Owns(owned->spec.number)) {
      return absl::FailedPreconditionError(absl::StrCat("task ", owned->spec.id.ToString(), " is not ours any more"));
    }
  }
  for (OwnedTask* owned : tasks) {
    activity_.Begin(WorkerActivity::kCommitting, owned->spec.number);
    auto prepared = owned->task->PrepareCommit(/*last=*/release != nullptr && release->Asks(*owned));
    if (!prepared.ok()) {
      (void)NoteDamage(*owned);
      return fail(At(prepared.status(), "task " + owned->spec.id.ToString()));
    }
    owned->prepared = true;
    numbers.push_back(owned->spec.number);
    offsets.insert(prepared->begin(), prepared->end());
  }
  if (!internal::Mutated(internal::Mutant::kOffsetsBeforeDelivery)) {
    if (absl::Status status = AwaitDelivery(release != nullptr); !status.ok()) return status;
  }
  if (internal::Mutated(internal::Mutant::kPersistBeforeCommit)) {
    for (OwnedTask* owned : tasks) (void)owned->task->Persist();
  }
  if (internal::Mutated(internal::Mutant::kPurgeBeforeCommit)) TellPurge(offsets);
  activity_.Begin(WorkerActivity::kCommitting, -1);
  absl::Status committed =
      exactly_once_ ? context_->member->CommitTransaction(
                          numbers, [&](const log::GroupIdentity& me) { return producer_->CommitTransaction(offsets, me); })
                    : context_->member->Commit(numbers, offsets);
  if (internal::Mutated(internal::Mutant::kRefusedTakenForDone) && absl::IsFailedPrecondition(committed))
    committed = absl::OkStatus();
  // A right that is missing will be so the next time.
  if (absl::IsPermissionDenied(committed)) return fail(At(committed, "commit of " + name_));
  if (!committed.ok()) return committed;
  producer_->OnCommitted();
  for (OwnedTask* owned : tasks) Committed(owned, offsets);
  if (undone_.empty()) rewind_pause_ = std::chrono::milliseconds(0);
  PersistIfDue();
  TellPurge(offsets);
  return absl::OkStatus();
}

void Worker::Committed(OwnedTask* owned, const log::Offsets& offsets) {
  owned->task->PostCommit();
  owned->prepared = false;
  owned->named = exactly_once_;
  const bool again = undone_.erase(owned->spec.number) > 0;
  for (Input& input : owned->inputs) {
    input.progress.committed = offsets.at(input.partition).offset;
    if (again) input.progress.moved_at = context_->host->Monotonic();
    input.progress.undone = 0;
  }
}

// A task that was to do its work again, and found none.
void Worker::ForgetUndoneAtEnd() {
  for (auto& owned : tasks_) {
    const bool at_end = std::all_of(owned->inputs.begin(), owned->inputs.end(), [](const Input& input) {
      return input.reader != nullptr && input.reader->at_end() && input.queue->size() == 0;
    });
    if (!at_end || undone_.erase(owned->spec.number) == 0) continue;
    for (Input& input : owned->inputs) input.progress.undone = 0;
  }
  if (undone_.empty()) rewind_pause_ = std::chrono::milliseconds(0);
}

void Worker::TellPurge(const log::Offsets& committed) {
  for (const auto& [partition, offset] : committed) {
    if (context_->plan->repartition_topics.contains(partition.topic)) context_->purge->Committed(partition, offset.offset);
  }
}

// Until all that was sent is on the brokers. Offsets must not be committed before. While no broker takes records this waits for
// one (delivery.timeout.ms ends that: the work is done again from the last commit), but not when somebody wants tasks back.
absl::Status Worker::AwaitDelivery(bool for_release) {
  int64_t waiting = producer_->outstanding();
  bool told = false;
  while (true) {
    activity_.Begin(WorkerActivity::kDelivering, -1);
    if (absl::Status status = producer_->Flush(kFlushStep); !status.ok()) {
      const absl::Status located = At(status, "producer of " + name_);
      if (!spoiled()) Fail(located);
      return located;
    }
    const int64_t before = std::exchange(waiting, producer_->outstanding());
    if (waiting == 0) break;
    const std::chrono::nanoseconds now = context_->host->Monotonic();
    if (waiting < before || !no_delivery_since_) no_delivery_since_ = now;
    if (now - *no_delivery_since_ < kDeliveryStall) continue;
    const std::string stalled = absl::StrCat("no broker has taken a record for ",
                                             std::chrono::duration_cast<std::chrono::seconds>(now - *no_delivery_since_).count(),
                                             " s; ", waiting, " wait");
    if (for_release || ReleaseIsWanted()) return absl::UnavailableError(stalled);
    if (!std::exchange(told, true)) {
      LogWarning(stalled + ": nothing is processed or committed until one can be reached again", {.event = "delivery-stalled"});
    }
  }
  no_delivery_since_.reset();
  return absl::OkStatus();
}

// Which task sent the record, and from which input, is not known any more.
absl::Status Worker::OnLateRefusal(const log::RefusedRecord& record) {
  UnwritableRecord unwritable;
  unwritable.topic = record.topic;
  unwritable.key = record.key;
  unwritable.value = record.value;
  unwritable.timestamp = record.timestamp;
  ErrorHandlerContext context;
  context.timestamp = record.timestamp;
  context.error = record.error;
  context.exception = KindOfUnwritable(unwritable, record.error);
  const int64_t letters = errors_->dead_letters().production;
  absl::Status status = record.error;
  if (!record.retriable) {
    status = errors_->OnProduction(context, unwritable);
  } else {
    using Result = ErrorHandlerResponse::Result;
    unwritable.retriable = true;
    const Result result = record.marked ? Result::kRetry : errors_->OnRetriable(context, unwritable);
    if (result == Result::kContinue) status = absl::OkStatus();
    if (result == Result::kRetry && retry_.ok()) retry_ = record.error;
  }
  if (status.ok()) ++totals_.records_dropped["production"];
  totals_.dlq_records["production"] += errors_->dead_letters().production - letters;
  return status;
}

bool Worker::ReleaseIsWanted() const {
  const std::lock_guard lock(mutex_);
  return stop_ || !releases_.empty();
}

// Nothing of this worker is committed any more; its tasks wait for the membership to take them back.
void Worker::Fail(const absl::Status& status) {
  if (std::exchange(failed_, true)) return;
  context_->failed(status);
}

std::chrono::milliseconds Worker::WaitTime() const {
  if (failed_ || WaitsForSpace()) return kLongestWait;
  const std::chrono::nanoseconds now = context_->host->Monotonic();
  std::chrono::nanoseconds wait = kLongestWait;
  if (!tasks_.empty()) wait = std::min(wait, next_commit_ - now);
  if (!to_reopen_.empty() && !spoiled()) wait = std::min(wait, reopen_at_ - now);
  for (const auto& owned : tasks_) {
    if (owned->ran) wait = std::min(wait, owned->next_forward - now);
    for (const Input& input : owned->inputs) {
      // Waits for other partitions of the task (max.task.idle.ms).
      if (input.queue->size() > 0) wait = std::min(wait, std::chrono::nanoseconds(kIdleStep));
    }
    if (auto next = owned->task->next_wall_clock_punctuation()) {
      wait = std::min<std::chrono::nanoseconds>(wait, *next - context_->host->Now());
    }
  }
  return std::max(std::chrono::milliseconds(1), std::chrono::ceil<std::chrono::milliseconds>(wait));
}

void Worker::Publish(bool now) {
  if (!now && time_->last() < next_publish_) return;
  const std::chrono::nanoseconds time = time_->Lap(ThreadTime::kOther);
  next_publish_ = time + kPublishInterval;
  TrimStores();
  WorkerSnapshot snapshot = totals_;
  snapshot.alive = !failed_ && !ended_;
  snapshot.disk_full = tasks_.empty() ? "" : disk_full_;
  snapshot.records_produced = producer_->counts();
  for (size_t state = 0; state < ThreadTime::kStates; ++state) {
    snapshot.thread_time_seconds[ThreadTime::kNames[state]] =
        std::chrono::duration<double>(time_->spent(static_cast<ThreadTime::State>(state))).count();
  }
  if (tasks_.empty() && to_reopen_.empty()) snapshot.last_commit.reset();
  snapshot.undone_because = std::string(undone_because_.message());
  snapshot.undone_for_want_of_a_broker = log::IsForWantOfABroker(undone_because_);
  for (const auto& [task, undone] : undone_) snapshot.inputs.insert(undone.inputs.begin(), undone.inputs.end());
  for (const auto& owned : tasks_) AddTask(owned.get(), time, &snapshot);
  const std::lock_guard lock(mutex_);
  snapshot_ = std::move(snapshot);
}

void Worker::AddTask(OwnedTask* owned, std::chrono::nanoseconds now, WorkerSnapshot* to) const {
  to->tasks.push_back(owned->spec.id);
  AddCounters(owned->task->dropped(), owned->task->dead_letters(), to);
  for (const auto& store : owned->task->topology().stores) {
    WorkerSnapshot::Store& s = to->stores.emplace_back();
    s.store.task = owned->spec.id.ToString();
    s.store.store = store->name();
    s.store.memory_bytes = store->memory_bytes();
    s.iterators = store->ObserveIterators(now);
    to->state_memory_bytes += *s.store.memory_bytes;
  }
  for (Input& input : owned->inputs) {
    if (input.reader != nullptr) input.progress.Observe(*input.queue, *input.reader, now);
    to->inputs[input.partition] = input.progress;
  }
}

}  // namespace millrace
