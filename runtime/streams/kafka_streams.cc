#include "millrace/runtime/kafka_streams.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "config/client_properties.h"
#include "log/kafka/kafka_log.h"
#include "logging/client_log.h"
#include "membership/group_member.h"
#include "metrics/health.h"
#include "metrics/process_memory.h"
#include "metrics/prometheus_text.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/internal/mutants.h"
#include "millrace/state/store_memory.h"
#include "restore/restorer.h"
#include "status/instance_record.h"
#include "status/manifest.h"
#include "status/status_reporter.h"
#include "streams/partition_progress.h"
#include "streams/progress_watchdog.h"
#include "streams/purge_board.h"
#include "streams/state_directory.h"
#include "streams/streams_options.h"
#include "streams/task_manager.h"
#include "streams/topic_watch.h"
#include "streams/topology_plan.h"
#include "streams/worker.h"

namespace millrace {
namespace {

using State = KafkaStreams::State;

constexpr char kVersion[] = "0.1.0";
// An end gives the control thread so long before it is freed from waiting for a broker.
constexpr std::chrono::seconds kControlPatience{2};
// How often the broker is asked for the ends of the partitions that are read here.
constexpr std::chrono::seconds kEndsInterval{5};
// While some are not known: tasks have just come, or the broker does not answer.
constexpr std::chrono::seconds kFirstEndsInterval{1};
// How often it is asked whether topics are as they were.
constexpr std::chrono::seconds kTopicsInterval{10};
constexpr std::chrono::milliseconds kShortestLook{100};
constexpr std::chrono::seconds kLongestLook{5};

std::string Name(State state) { return std::string(KafkaStreams::StateName(state)); }

bool Ended(State state) { return state == State::kNotRunning || state == State::kError; }

}  // namespace

// Threads: membership (polls the group, gives and takes tasks), restore, one for each worker, and control, which purges
// repartition topics, writes the instance's record to the status topic, and carries out the end, whoever asked for it.
class KafkaStreams::Impl {
 public:
  Impl(Topology topology, StreamsConfig config, std::shared_ptr<log::LogClient> client, Host* host)
      : topology_(std::move(topology)),
        config_(std::move(config)),
        options_(OptionsFrom(config_)),
        client_(std::move(client)),
        host_(host != nullptr ? host : &Host::Real()),
        control_signal_(host_->NewSignal()),
        ended_signal_(host_->NewSignal()) {}

  ~Impl() {
    RequestEnd();
    if (!control_) return;
    const std::chrono::nanoseconds asked = host_->Monotonic();
    while (!shutting_down_) {
      FreeControl(asked);
      ended_signal_->Wait(std::chrono::milliseconds(100));
    }
    control_->Join();
  }

  void SetStateListener(StateListener listener) {
    const std::lock_guard lock(transition_);
    listener_ = std::move(listener);
  }

  void SetExceptionHandlers(ExceptionHandlers handlers) {
    if (state() == State::kCreated) options_.errors.handlers = std::move(handlers);
  }

  absl::Status Start() {
    if (!Transition(State::kRebalancing, {State::kCreated})) {
      return absl::FailedPreconditionError(absl::StrCat("KafkaStreams cannot be started in state ", Name(state())));
    }
    absl::Status status = DoStart();
    if (status.ok()) return status;
    if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
      status = absl::Status(status.code(), absl::StrCat("no answer from Kafka at bootstrap.servers=", config_.bootstrap_servers(),
                                                        ": ", std::string(status.message())));
    }
    SetError(status);
    Transition(State::kPendingError, {State::kRebalancing, State::kRunning});
    if (control_) {
      RequestEnd();
      control_->Join();
    } else {
      Shutdown();
    }
    return status;
  }

  bool Close(std::chrono::milliseconds timeout) {
    if (Transition(State::kNotRunning, {State::kCreated})) return true;
    Transition(State::kPendingShutdown, {State::kRebalancing, State::kRunning});
    RequestEnd();
    const std::chrono::nanoseconds asked = host_->Monotonic();
    const std::chrono::nanoseconds deadline = asked + timeout;
    while (!Ended(state())) {
      FreeControl(asked);
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - host_->Monotonic());
      if (left.count() <= 0) return false;
      ended_signal_->Wait(std::min(left, std::chrono::milliseconds(100)));
    }
    return true;
  }

  [[nodiscard]] State state() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }

  [[nodiscard]] absl::Status error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }

  [[nodiscard]] StreamsProgress Progress() const;
  [[nodiscard]] RuntimeSnapshot Snapshot() const;

 private:
  void AddWorker(const Worker& worker, const PartitionEnds& ends, std::chrono::nanoseconds now, RuntimeSnapshot* out) const;

  absl::Status DoStart() {
    context_.memory = PlanMemory(options_, ReadProcessMemory());
    LogInfo(context_.memory.ToString(), {.event = "memory-planned"});
    if (!client_) {
      auto properties = MakeClientProperties(config_);
      if (!properties.ok()) return properties.status();
      LimitProducerMemory(context_.memory.producer_bytes, &properties->producer);
      auto client = log::kafka::Connect(*properties, LogClientLine);
      if (!client.ok()) return client.status();
      client_ = *std::move(client);
    }
    auto plan = MakeTopologyPlan(topology_, options_, &client_->admin());
    if (!plan.ok()) return plan.status();
    plan_ = *std::move(plan);
    auto directory = StateDirectory::Open(host_, options_.state_dir, options_.application_id);
    if (!directory.ok()) return directory.status();
    directory_ = *std::move(directory);
    const internal::Manifest manifest = MakeManifest(topology_, plan_);
    auto contents = CheckManifest(manifest, plan_, client_.get(), host_);
    if (!contents.ok()) return contents.status();
    const bool ran_before = contents->manifest.has_value();
    const std::string state_id = contents->state_id;
    if (absl::Status status = CreateInternalTopics(plan_, &client_->admin(), host_, ran_before); !status.ok()) return status;
    if (absl::Status status = AgreeOnManifest(manifest, plan_, *std::move(contents), client_.get(), host_); !status.ok())
      return status;
    if (absl::Status status = AdoptLocalState(state_id); !status.ok()) return status;
    return StartThreads();
  }

  // `known` is empty at the first start of the application.
  absl::Status AdoptLocalState(const std::string& known) {
    auto state_id = known.empty() ? AgreeOnStateId(plan_.status_topic, client_.get(), host_) : known;
    if (!state_id.ok()) return state_id.status();
    auto renamed = directory_->Adopt(*state_id);
    if (!renamed.ok()) return renamed.status();
    if (*renamed > 0) {
      LogWarning(absl::StrCat("local state of ", *renamed, " tasks in ", directory_->path(),
                              " belongs to changelogs that are gone (the application was reset); it was renamed aside"),
                 {.event = "state-set-aside"});
    }
    return absl::OkStatus();
  }

  void MakePredecessors() {
    std::vector<log::TopicPartition> sources;
    for (const TaskSpec& task : plan_.tasks) sources.insert(sources.end(), task.sources.begin(), task.sources.end());
    predecessors_ =
        std::make_unique<PredecessorTransactions>(client_.get(), options_.application_id, context_.transactional_id_prefix,
                                                  options_.num_stream_threads, std::move(sources));
    context_.predecessors = predecessors_.get();
  }

  // Enough for tasks to open and close side by side, most of it is waiting for brokers and disks.
  [[nodiscard]] int MoveThreads() const { return std::clamp(2 * options_.num_stream_threads, 4, 8); }

  absl::Status StartThreads() {
    context_.topology = &topology_;
    context_.options = &options_;
    context_.plan = &plan_;
    context_.host = host_;
    context_.client = client_.get();
    context_.directory = directory_.get();
    context_.transactional_id_prefix = absl::StrCat(options_.application_id, "-", directory_->instance_id());
    if (options_.exactly_once) MakePredecessors();
    context_.purge = &purge_;
    context_.rocksdb.memory = MakeEngineMemory(context_.memory.rocksdb_bytes);
    store_memory_ = std::make_unique<StoreMemory>(context_.memory.stores_bytes);
    context_.store_memory = store_memory_.get();
    closers_ = std::make_unique<ThreadPool>(host_, "close", MoveThreads());
    context_.closers = closers_.get();
    context_.failed = [this](const absl::Status& status) { Fail(status); };
    restorer_ = std::make_unique<Restorer>(host_);
    manager_ = std::make_unique<TaskManager>(&context_, restorer_.get(), &workers_, [this] { TasksChanged(); });
    member_ = std::make_unique<GroupMember>(host_, manager_.get(), [this](const absl::Status& status) { Fail(status); });
    context_.member = member_.get();
    context_.reopen = [this](const std::vector<int32_t>& tasks, const DamagedStores& damaged) {
      manager_->Reopen(tasks, damaged);
    };
    {
      const std::lock_guard lock(parts_);
      for (int i = 0; i < options_.num_stream_threads; ++i) workers_.push_back(std::make_unique<Worker>(i, &context_));
      have_parts_ = true;
    }
    for (const auto& worker : workers_) {
      if (absl::Status status = worker->Start(); !status.ok()) return status;
    }
    // A changelog's end is the high watermark, so that a restore waits for transactions that are open below it.
    const auto isolation = options_.exactly_once && !internal::Mutated(internal::Mutant::kRestoreUncommitted)
                               ? log::Isolation::kReadCommitted
                               : log::Isolation::kReadUncommitted;
    int changelogs = 0;
    for (const Subtopology& sub : topology_.subtopologies()) {
      changelogs += static_cast<int>(sub.stores.size()) * plan_.tasks_of_subtopology.at(sub.id);
    }
    const log::ConsumerOptions restore_options{isolation, std::max(1, changelogs), /*restore=*/true, plan_.task_topic,
                                               context_.memory.restore_bytes};
    if (absl::Status status = restorer_->Start(client_.get(), restore_options, MoveThreads()); !status.ok()) return status;
    const log::MembershipOptions options{options_.application_id, plan_.task_topic, options_.group_instance_id,
                                         PredecessorTransactions::MemberClientId(context_.transactional_id_prefix)};
    if (absl::Status status = member_->Start(client_.get(), options); !status.ok()) return status;
    internal::Instance self;
    self.set_id(directory_->instance_id());
    self.set_topology_hash(topology_.Hash());
    self.set_software(kVersion);
    self.set_interval_ms(options_.status_interval.count());
    reporter_ = std::make_unique<StatusReporter>(host_, client_.get(), plan_.status_topic, std::move(self));
    controls_ = true;
    control_ = host_->StartThread("control", [this] { Control(); });
    return absl::OkStatus();
  }

  void Control() {
    SetLogThreadName("control");
    struct Chore {
      std::chrono::nanoseconds (Impl::*act)();  // returns the time until it is due again
      std::chrono::nanoseconds next;
    };
    const std::chrono::nanoseconds start = host_->Monotonic();
    std::vector<Chore> chores = {
        {&Impl::Purge, start + options_.repartition_purge_interval},
        {&Impl::LookForEnds, start + kFirstEndsInterval},
        {&Impl::ReportStatus, start},
        {&Impl::WatchTopics, start + kTopicsInterval},
    };
    if (options_.progress_stall_timeout.count() > 0) {
      watchdog_ = std::make_unique<ProgressWatchdog>(
          &plan_, options_.progress_stall_timeout,
          std::max<std::chrono::nanoseconds>(4 * kEndsInterval, options_.progress_stall_timeout / 2));
      chores.push_back({&Impl::WatchProgress, start + options_.progress_stall_timeout});
    }
    while (!end_requested()) {
      Chore& chore =
          *std::min_element(chores.begin(), chores.end(), [](const auto& a, const auto& b) { return a.next < b.next; });
      const auto left = chore.next - host_->Monotonic();
      if (left.count() > 0) {
        control_signal_->Wait(std::chrono::ceil<std::chrono::milliseconds>(left));
        continue;
      }
      chore.next = (this->*chore.act)() + host_->Monotonic();
    }
    Shutdown();
  }

  [[nodiscard]] PartitionEnds ends() const {
    const std::lock_guard lock(mutex_);
    return ends_;
  }

  std::chrono::nanoseconds ReportStatus() {
    InstanceView view;
    view.plan = &plan_;
    for (const auto& worker : workers_) view.workers.emplace_back(worker->name(), worker->snapshot());
    view.restoring = manager_->restoring();
    view.restore_progress = restorer_->progress();
    view.ends = ends();
    view.read_committed = options_.read_committed;
    reporter_->Report(Name(state()), DescribeWorkers(view));
    return options_.status_interval;
  }

  // A clean end removes the record, a failure stays to be seen.
  void ReportEnd() {
    if (!reporter_) return;
    if (const absl::Status why = error(); !why.ok()) {
      reporter_->ReportFailure(Name(State::kError), why);
    } else {
      reporter_->Remove();
    }
  }

  std::chrono::nanoseconds Purge() {
    for (const auto& [partition, offset] : purge_.Take()) {
      absl::Status status = client_->admin().DeleteRecords(partition, offset);
      if (!status.ok()) {
        LogWarning(absl::StrCat("delete records before ", offset, ": ", std::string(status.message())),
                   {.event = "purge-failed", .topic = partition.topic, .partition = partition.partition});
      }
    }
    return options_.repartition_purge_interval;
  }

  // The readers see ends too, but not those of a worker that hangs, nor of a partition that does not come.
  std::chrono::nanoseconds LookForEnds() {
    std::vector<log::TopicPartition> partitions;
    for (const auto& worker : workers_) {
      for (const auto& [partition, progress] : worker->snapshot().inputs) partitions.push_back(partition);
    }
    PartitionEnds told = AskForEnds(&client_->admin(), partitions, ends(), host_->Monotonic());
    const bool known = !partitions.empty() && told.size() == partitions.size();
    const std::lock_guard lock(mutex_);
    ends_ = std::move(told);
    return known ? kEndsInterval : kFirstEndsInterval;
  }

  std::chrono::nanoseconds WatchTopics() {
    if (const absl::Status status = topic_watch_.Look(&client_->admin()); !status.ok()) Fail(status);
    return topic_watch_.suspects() ? kFirstEndsInterval : kTopicsInterval;
  }

  std::chrono::nanoseconds WatchProgress() {
    ProgressWatchdog::View view;
    for (const auto& worker : workers_) {
      WorkerSnapshot snapshot = worker->snapshot();
      view.workers.push_back({worker->name(), worker->activity()->Look(), std::move(snapshot.inputs),
                              std::move(snapshot.undone_because), snapshot.undone_for_want_of_a_broker});
    }
    view.ends = ends();
    view.restores = restorer_->progress();
    view.waiting = restorer_->waiting();
    view.read_committed = options_.read_committed;
    view.waits_for_partitions = options_.max_task_idle.count() >= 0;
    view.now = host_->Monotonic();
    view.wall = host_->Now();
    for (const auto& [worker, partition] : watchdog_->Look(view)) workers_[worker]->RequestReread(partition);
    {
      const std::lock_guard lock(mutex_);
      stalled_ = watchdog_->hopeless();
    }
    return std::clamp<std::chrono::nanoseconds>(options_.progress_stall_timeout / 8, kShortestLook, kLongestLook);
  }

  // Restores end first: a group that is being left tells no committed offsets, which is no failure of a task. Membership gives
  // back the tasks (workers commit and close them) and leaves; then the rest ends in the order of its use.
  void Shutdown() {
    shutting_down_ = true;
    ended_signal_->Notify();
    Transition(State::kPendingShutdown, {State::kRebalancing, State::kRunning});
    if (member_) member_->CancelWaits();
    if (restorer_) restorer_->Stop();
    if (member_) {
      member_->RequestStop();
      member_->Join();
    }
    for (const auto& worker : workers_) worker->Stop();
    if (member_) member_->Disconnect();
    ReportEnd();
    closers_.reset();
    directory_.reset();
    if (!Transition(State::kError, {State::kPendingError})) Transition(State::kNotRunning, {State::kPendingShutdown});
    ended_signal_->Notify();
  }

  void TasksChanged() {
    if (manager_->settled()) {
      Transition(State::kRunning, {State::kRebalancing});
    } else {
      Transition(State::kRebalancing, {State::kRunning});
    }
  }

  void SetError(const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    if (error_.ok()) error_ = status;
  }

  void Fail(const absl::Status& status) {
    LogError(std::string(status.message()), {.event = "failed"});
    SetError(status);
    ++failures_;
    Transition(State::kPendingError, {State::kRebalancing, State::kRunning, State::kPendingShutdown});
    RequestEnd();
  }

  // The end waits for the control thread, and that may wait for a broker that is away.
  void FreeControl(std::chrono::nanoseconds asked) {
    if (!shutting_down_ && controls_ && host_->Monotonic() - asked > kControlPatience) client_->admin().Cancel();
  }

  void RequestEnd() {
    {
      const std::lock_guard lock(mutex_);
      end_requested_ = true;
    }
    control_signal_->Notify();
  }

  [[nodiscard]] bool end_requested() const {
    const std::lock_guard lock(mutex_);
    return end_requested_;
  }

  bool Transition(State to, std::initializer_list<State> from) {
    const std::lock_guard lock(transition_);
    State before = State::kCreated;
    {
      const std::lock_guard state_lock(mutex_);
      before = state_;
      if (std::find(from.begin(), from.end(), before) == from.end()) return false;
      state_ = to;
    }
    LogInfo(absl::StrCat("state changed from ", Name(before), " to ", Name(to)), {.event = "state-changed"});
    if (listener_) listener_(to, before);
    return true;
  }

  const Topology topology_;
  const StreamsConfig config_;
  StreamsOptions options_;  // fixed from Start on
  std::shared_ptr<log::LogClient> client_;
  Host* const host_;
  TopologyPlan plan_;
  std::unique_ptr<StateDirectory> directory_;
  PurgeBoard purge_;
  std::unique_ptr<StoreMemory> store_memory_;
  WorkerContext context_;
  std::unique_ptr<PredecessorTransactions> predecessors_;
  std::unique_ptr<ThreadPool> closers_;
  // Made before their threads start and destroyed with this; `parts_` guards only their coming.
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Restorer> restorer_;
  std::unique_ptr<TaskManager> manager_;
  std::unique_ptr<GroupMember> member_;
  std::unique_ptr<StatusReporter> reporter_;    // control thread
  std::unique_ptr<ProgressWatchdog> watchdog_;  // control thread
  TopicWatch topic_watch_{&plan_};              // control thread
  mutable std::mutex parts_;
  bool have_parts_ ABSL_GUARDED_BY(parts_) = false;

  std::mutex transition_;
  StateListener listener_ ABSL_GUARDED_BY(transition_);
  mutable std::mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kCreated;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  bool end_requested_ ABSL_GUARDED_BY(mutex_) = false;
  PartitionEnds ends_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> stalled_ ABSL_GUARDED_BY(mutex_);  // partitions for which only a restart can help
  std::atomic<int64_t> failures_ = 0;
  std::unique_ptr<Signal> control_signal_;
  std::unique_ptr<Signal> ended_signal_;
  std::atomic<bool> controls_ = false;  // the control thread runs, and the client is there
  std::atomic<bool> shutting_down_ = false;
  std::unique_ptr<Thread> control_;
};

StreamsProgress KafkaStreams::Impl::Progress() const {
  StreamsProgress progress;
  const std::lock_guard lock(parts_);
  if (!have_parts_) return progress;
  for (const auto& worker : workers_) {
    const WorkerSnapshot snapshot = worker->snapshot();
    for (const auto& [topic, count] : snapshot.records_consumed) progress.records_consumed[topic] += count;
    for (const auto& [topic, count] : snapshot.records_produced) progress.records_produced[topic] += count;
    progress.commits += snapshot.commits;
  }
  const TaskManager::Counts counts = manager_->counts();
  progress.tasks_running = counts.running;
  progress.tasks_restoring = counts.restoring;
  for (const RestoreProgress& store : restorer_->progress()) progress.restore_remaining += store.remaining;
  progress.records_restored = restorer_->records_restored();
  return progress;
}

void KafkaStreams::Impl::AddWorker(const Worker& worker, const PartitionEnds& ends, std::chrono::nanoseconds now,
                                   RuntimeSnapshot* out) const {
  const WorkerSnapshot w = worker.snapshot();
  const auto since = [now](std::chrono::nanoseconds then) { return std::chrono::duration<double>(now - then).count(); };
  if (w.alive) ++out->workers;
  for (const auto& [topic, count] : w.records_consumed) out->records_consumed[topic] += count;
  for (const auto& [topic, count] : w.records_produced) out->records_produced[topic] += count;
  for (const auto& [reason, count] : w.records_dropped) out->records_dropped[reason] += count;
  for (const auto& [error, count] : w.dlq_records) out->dlq_records[error] += count;
  for (const auto& [topic, latency] : w.record_e2e_latency) out->record_e2e_latency[topic].Merge(latency);
  for (const auto& [topic, lateness] : w.record_lateness) out->record_lateness[topic].Merge(lateness);
  for (const auto& [state, seconds] : w.thread_time_seconds) out->thread_time_seconds[state] += seconds;
  for (const auto& [partition, progress] : w.inputs) {
    const auto end = ends.find(partition);
    out->partitions[{partition.topic, partition.partition}] =
        Describe(progress, end == ends.end() ? nullptr : &end->second, options_.read_committed, now, host_->Now());
  }
  if (!w.disk_full.empty()) out->disk_full.push_back(w.disk_full);
  for (const TaskId task : w.tasks) out->tasks.push_back({task.ToString(), "RUNNING", worker.name()});
  for (const WorkerSnapshot::Store& store : w.stores) {
    StoreSnapshot& s = out->stores.emplace_back(store.store);
    s.restore_eta_seconds = 0;
    s.open_iterators = store.iterators.count;
    if (s.open_iterators > 0) s.oldest_iterator_age_seconds = since(store.iterators.oldest_since);
  }
  out->commits += w.commits;
  out->commit_failures += w.commit_failures;
  out->transactions_aborted += w.rewinds;
  out->commit_duration.Merge(w.commit_duration);
  out->state_memory_bytes = out->state_memory_bytes.value_or(0) + w.state_memory_bytes;
  if (w.last_commit) out->last_commit_age_seconds = std::max(out->last_commit_age_seconds.value_or(0), since(*w.last_commit));
}

RuntimeSnapshot KafkaStreams::Impl::Snapshot() const {
  RuntimeSnapshot out;
  out.application_id = options_.application_id;
  out.version = kVersion;
  out.topology_hash = topology_.Hash();
  out.state = StateName(state());
  out.error = std::string(error().message());
  out.worker_failures = failures_;
  const std::lock_guard lock(parts_);
  if (!have_parts_) return out;
  out.rebalances = member_->rebalances();
  out.stuck = manager_->hung();
  {
    const std::lock_guard state_lock(mutex_);
    out.stuck.insert(out.stuck.end(), stalled_.begin(), stalled_.end());
  }
  out.rocksdb_memory_bytes = EngineMemoryBytes(*context_.rocksdb.memory);
  out.memory_budget_bytes = context_.memory.total_bytes;
  const std::chrono::nanoseconds now = host_->Monotonic();
  const PartitionEnds known_ends = ends();
  for (const auto& worker : workers_) AddWorker(*worker, known_ends, now, &out);
  // A task on its way to its worker may be seen on both sides.
  std::set<std::string> running;
  for (const TaskSnapshot& task : out.tasks) running.insert(task.task);
  std::map<std::string, std::string> waits;
  for (WaitingTask& waiting : restorer_->waiting()) waits[waiting.task.ToString()] = std::move(waiting.reason);
  for (const auto& [task, worker] : manager_->restoring()) {
    const std::string name = task.ToString();
    if (!running.contains(name)) out.tasks.push_back({name, "RESTORING", worker, std::move(waits[name])});
  }
  out.records_restored = restorer_->records_restored();
  for (const RestoreProgress& store : restorer_->progress()) {
    if (running.contains(store.task.ToString())) continue;
    StoreSnapshot snapshot;
    snapshot.task = store.task.ToString();
    snapshot.store = store.store;
    snapshot.restore_remaining_records = store.remaining;
    snapshot.restore_eta_seconds = store.eta_seconds;
    snapshot.restoring = true;
    out.stores.push_back(std::move(snapshot));
  }
  return out;
}

KafkaStreams::KafkaStreams(Topology topology, StreamsConfig config)
    : impl_(std::make_unique<Impl>(std::move(topology), std::move(config), nullptr, nullptr)) {}
KafkaStreams::KafkaStreams(Topology topology, StreamsConfig config, std::shared_ptr<log::LogClient> client, Host* host)
    : impl_(std::make_unique<Impl>(std::move(topology), std::move(config), std::move(client), host)) {}
KafkaStreams::~KafkaStreams() { Close(std::chrono::seconds(30)); }

void KafkaStreams::SetStateListener(StateListener listener) { impl_->SetStateListener(std::move(listener)); }
void KafkaStreams::SetExceptionHandlers(ExceptionHandlers handlers) { impl_->SetExceptionHandlers(std::move(handlers)); }
absl::Status KafkaStreams::Start() { return impl_->Start(); }
bool KafkaStreams::Close(std::chrono::milliseconds timeout) { return impl_->Close(timeout); }
KafkaStreams::State KafkaStreams::state() const { return impl_->state(); }
absl::Status KafkaStreams::error() const { return impl_->error(); }
StreamsProgress KafkaStreams::Progress() const { return impl_->Progress(); }
RuntimeSnapshot KafkaStreams::Snapshot() const { return impl_->Snapshot(); }
Health KafkaStreams::Liveness() const { return millrace::Liveness(Snapshot()); }
Health KafkaStreams::Readiness() const { return millrace::Readiness(Snapshot()); }
std::string KafkaStreams::MetricsText() const {
  RuntimeSnapshot snapshot = Snapshot();
  AddProcessMemory(&snapshot);
  return PrometheusText(snapshot);
}

std::string_view KafkaStreams::StateName(State state) {
  switch (state) {
    case State::kCreated:
      return "CREATED";
    case State::kRebalancing:
      return "REBALANCING";
    case State::kRunning:
      return "RUNNING";
    case State::kPendingShutdown:
      return "PENDING_SHUTDOWN";
    case State::kNotRunning:
      return "NOT_RUNNING";
    case State::kPendingError:
      return "PENDING_ERROR";
    case State::kError:
      return "ERROR";
  }
  return "UNKNOWN";
}

}  // namespace millrace
