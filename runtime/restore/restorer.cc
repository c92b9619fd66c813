#include "restore/restorer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/internal/mutants.h"

namespace millrace {
namespace {

constexpr int kBatchRecords = 10000;
constexpr std::chrono::milliseconds kWait{50};
constexpr std::chrono::milliseconds kOpenPause{1000};
constexpr std::chrono::milliseconds kSpacePause{5000};
constexpr std::chrono::milliseconds kOpenWarnings{5000};
constexpr std::chrono::seconds kProgressLines{10};

absl::Status Annotate(const absl::Status& status, TaskId task, const std::string& store, const log::TopicPartition& changelog) {
  return absl::Status(status.code(), absl::StrCat("restore of store ", store, " of task ", task.ToString(), " from ",
                                                  changelog.ToString(), ": ", std::string(status.message())));
}

// Nothing is wrong with the task: it can start once a broker answers, or the disk has space.
bool CanWait(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

// Local data that cannot be used: damaged, or not on the changelog's way.
bool Unusable(const absl::Status& status) { return absl::IsOutOfRange(status) || absl::IsDataLoss(status); }

}  // namespace

struct Restorer::ActiveStore {
  StoreToRestore spec;
  log::PartitionReader* reader = nullptr;
  int64_t from = 0;
  int64_t target = 0;
  std::chrono::nanoseconds began{0};
  std::chrono::nanoseconds next_line{0};
  int64_t next_offset = -1;  // that the store has been told
  int64_t records = 0;
  bool done = false;
};

struct Restorer::ActiveJob {
  enum class State { kWaits, kOpens, kReads };
  struct Damage {
    std::string store;
    absl::Status reason;
  };
  std::unique_ptr<RestoreJob> job;
  State state = State::kWaits;
  std::vector<ActiveStore> stores;
  std::set<std::string> afresh;
  std::optional<Damage> damage;  // found while it was read: to be set aside at the next opening
  std::chrono::nanoseconds next_try{0};
  absl::Status postponed;
  // Of the last opening, whose thread has the job until `open_ended`.
  absl::Status opened;
  std::atomic<bool> open_ended = false;
  std::atomic<bool> cancelled = false;
};

// Copies of fetched records, whose own memory is gone after Drain.
struct Restorer::Batch {
  struct Piece {
    size_t key = 0, key_size = 0, value = 0, value_size = 0;
    bool has_value = false;
    Timestamp timestamp;
    const Headers* headers = &Headers::Empty();
    int64_t offset = -1;
  };
  void Clear() {
    bytes.clear();
    pieces.clear();
    headers.clear();
  }
  void Add(const RawRecord& record) {
    if (!record.key) return;  // no store has a null key
    Piece piece;
    piece.key = bytes.size();
    piece.key_size = record.key->size();
    bytes.append(*record.key);
    if (record.value) {
      piece.has_value = true;
      piece.value = bytes.size();
      piece.value_size = record.value->size();
      bytes.append(*record.value);
    }
    piece.timestamp = record.timestamp;
    piece.offset = record.offset;
    if (!record.headers->empty()) piece.headers = &headers.emplace_back(*record.headers);
    pieces.push_back(piece);
  }
  std::span<const ChangelogRecord> Records() {
    records.clear();
    const BytesView all(bytes);
    for (const Piece& p : pieces) {
      ChangelogRecord& r = records.emplace_back();
      r.key = all.substr(p.key, p.key_size);
      if (p.has_value) r.value = all.substr(p.value, p.value_size);
      r.timestamp = p.timestamp;
      r.headers = p.headers;
      r.offset = p.offset;
    }
    return records;
  }

  std::string bytes;
  std::vector<Piece> pieces;
  std::deque<Headers> headers;
  std::vector<ChangelogRecord> records;
};

Restorer::Restorer(Host* host) : host_(host) {}

Restorer::~Restorer() { Stop(); }

absl::Status Restorer::Start(log::LogClient* client, const log::ConsumerOptions& options, int openers) {
  client_ = client;
  auto consumer = client->NewConsumer(options);
  if (!consumer.ok()) return consumer.status();
  consumer_ = *std::move(consumer);
  batch_ = std::make_unique<Batch>();
  cancelled_signal_ = host_->NewSignal();
  openers_ = std::make_unique<ThreadPool>(host_, "open", openers);
  thread_ = host_->StartThread("restore", [this] { Run(); });
  return absl::OkStatus();
}

void Restorer::Add(std::unique_ptr<RestoreJob> job) {
  const std::lock_guard lock(mutex_);
  if (stop_) return;
  new_.push_back(std::move(job));
  consumer_->Wake();
}

void Restorer::Cancel(const std::vector<int32_t>& task_numbers) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    to_cancel_.insert(to_cancel_.end(), task_numbers.begin(), task_numbers.end());
    consumer_->Wake();
  }
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (to_cancel_.empty()) return;
    }
    cancelled_signal_->Wait(kWait);
  }
}

void Restorer::Stop() {
  if (!thread_) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    consumer_->Wake();
  }
  thread_->Join();
  thread_.reset();
  consumer_.reset();  // nobody wakes it once the thread has ended
}

std::vector<RestoreProgress> Restorer::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

std::vector<WaitingTask> Restorer::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void Restorer::Run() {
  SetLogThreadName("restore");
  while (TakeRequests()) {
    bool worked = false;
    for (size_t i = 0; i < active_.size() && !CancelPending();) {
      const size_t before = active_.size();
      worked = Advance(active_[i].get()) || worked;
      std::erase_if(active_, [](const auto& a) { return a->job == nullptr; });
      if (active_.size() == before) ++i;
    }
    Publish();
    if (!worked) consumer_->Wait(kWait);
  }
  std::vector<int32_t> all;
  for (const auto& active : active_) all.push_back(active->job->task_number());
  Drop(all);
  openers_.reset();
  leaving_.clear();
  Publish();
  {
    const std::lock_guard lock(mutex_);
    new_.clear();
    to_cancel_.clear();
    ended_ = true;
  }
  cancelled_signal_->Notify();
}

// False when the thread is to end. What is new and what is cancelled is taken at one moment: a job that came before its
// cancellation must not be overlooked by it.
bool Restorer::TakeRequests() {
  std::erase_if(leaving_, [](const auto& left) { return left->open_ended.load(); });
  std::vector<int32_t> cancelled;
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return false;
    std::deque<std::unique_ptr<RestoreJob>> later;
    cancelled = to_cancel_;
    for (auto& job : new_) {
      const int32_t task = job->task_number();
      if (Leaving(task) && std::find(cancelled.begin(), cancelled.end(), task) == cancelled.end()) {
        later.push_back(std::move(job));
        continue;
      }
      active_.push_back(std::make_unique<ActiveJob>());
      active_.back()->job = std::move(job);
    }
    new_ = std::move(later);
  }
  if (internal::Mutated(internal::Mutant::kCancelOverlooked) && !active_.empty()) {
    host_->Sleep(4 * kWait);
    const std::lock_guard lock(mutex_);
    cancelled = to_cancel_;
  }
  if (cancelled.empty()) return true;
  Drop(cancelled);
  {
    const std::lock_guard lock(mutex_);
    to_cancel_.erase(to_cancel_.begin(), to_cancel_.begin() + static_cast<std::ptrdiff_t>(cancelled.size()));
  }
  cancelled_signal_->Notify();
  return true;
}

bool Restorer::Leaving(int32_t task_number) const {
  return std::any_of(leaving_.begin(), leaving_.end(), [&](const auto& left) { return left->job->task_number() == task_number; });
}

void Restorer::Drop(const std::vector<int32_t>& task_numbers) {
  for (auto& active : active_) {
    if (std::find(task_numbers.begin(), task_numbers.end(), active->job->task_number()) == task_numbers.end()) continue;
    if (active->state == ActiveJob::State::kOpens) {
      active->cancelled = true;
      active->job->Cancel();
      leaving_.push_back(std::move(active));
    } else {
      Unassign(active.get());
      active.reset();
    }
  }
  std::erase(active_, nullptr);
}

bool Restorer::CancelPending() const {
  const std::lock_guard lock(mutex_);
  return !to_cancel_.empty();
}

bool Restorer::Cancelled(const ActiveJob& job) const {
  const std::lock_guard lock(mutex_);
  return stop_ || std::find(to_cancel_.begin(), to_cancel_.end(), job.job->task_number()) != to_cancel_.end();
}

// The next step, or one batch of each of its stores; true if there was something to do.
bool Restorer::Advance(ActiveJob* job) {
  switch (job->state) {
    case ActiveJob::State::kWaits:
      if (job->next_try > host_->Monotonic()) return false;
      StartOpening(job);
      return true;
    case ActiveJob::State::kOpens: {
      if (!job->open_ended) return false;
      absl::Status status = std::exchange(job->opened, absl::OkStatus());
      if (CanWait(status) && !Cancelled(*job)) {
        Postpone(job, status);
        return false;
      }
      if (status.ok()) status = AssignAll(job);
      if (!status.ok()) return End(job, status);
      job->state = ActiveJob::State::kReads;
      return Read(job);
    }
    case ActiveJob::State::kReads:
      return Read(job);
  }
  return false;
}

bool Restorer::Read(ActiveJob* job) {
  bool worked = false;
  bool done = true;
  for (ActiveStore& store : job->stores) {
    if (store.done) continue;
    auto read = ReadBatch(*job, &store);
    if (!read.ok()) {
      const std::string name = store.spec.name;
      if (absl::IsResourceExhausted(read.status()) && !Cancelled(*job)) {
        Unassign(job);
        Postpone(job, read.status());
        return false;
      }
      if (!Unusable(read.status())) {
        return End(job, Annotate(read.status(), job->job->task(), name, store.spec.changelog));
      }
      // A store that is empty can only fail again; each may start afresh once.
      if (!job->afresh.insert(name).second) return End(job, read.status());
      job->damage = {name, read.status()};
      Unassign(job);
      StartOpening(job);
      return true;
    }
    worked = worked || *read;
    done = done && store.done;
  }
  if (!done) return worked;
  RestoreJob* self = job->job.get();
  self->Finish(std::move(job->job));
  return true;
}

bool Restorer::End(ActiveJob* job, const absl::Status& status) {
  Unassign(job);
  // Who gives its task back has no one to answer any more: a group that is left, for one, tells no offsets.
  if (!Cancelled(*job)) job->job->Fail(status);
  job->job.reset();
  return true;
}

void Restorer::StartOpening(ActiveJob* job) {
  job->state = ActiveJob::State::kOpens;
  job->open_ended = false;
  openers_->Add([this, job] {
    job->opened = job->cancelled ? absl::CancelledError("the task is given back") : Open(job);
    // The restore thread may end the job from here on.
    job->open_ended = true;
    consumer_->Wake();
  });
}

absl::Status Restorer::Open(ActiveJob* job) {
  auto stores = job->damage ? job->job->StartAfresh(job->damage->store, job->damage->reason) : job->job->Open();
  job->damage.reset();
  while (true) {
    if (!stores.ok()) return stores.status();
    job->stores.clear();
    for (StoreToRestore& spec : *stores) job->stores.push_back({.spec = std::move(spec)});
    std::string unusable;
    const absl::Status status = FindRanges(job, &unusable);
    if (unusable.empty() || !job->afresh.insert(unusable).second) return status;
    stores = job->job->StartAfresh(unusable, status);
  }
}

absl::Status Restorer::FindRanges(ActiveJob* job, std::string* unusable) {
  for (ActiveStore& store : job->stores) {
    const absl::Status status = FindRange(&store);
    if (status.ok()) continue;
    if (!Unusable(status)) return Annotate(status, job->job->task(), store.spec.name, store.spec.changelog);
    *unusable = store.spec.name;
    return status;
  }
  return absl::OkStatus();
}

absl::Status Restorer::FindRange(ActiveStore* store) {
  const log::TopicPartition& changelog = store->spec.changelog;
  auto begin = client_->admin().BeginningOffset(changelog);
  if (!begin.ok()) return begin.status();
  const bool to_stable = internal::Mutated(internal::Mutant::kRestoreToStableOffset);
  auto end = client_->admin().EndOffset(changelog, to_stable ? log::Isolation::kReadCommitted : log::Isolation::kReadUncommitted);
  if (!end.ok()) return end.status();
  auto persisted = store->spec.store->PersistedOffset();
  if (!persisted.ok()) return persisted.status();
  if (persisted->has_value() && (**persisted < *begin || **persisted > *end)) {
    return absl::OutOfRangeError(absl::StrCat("its offset ", **persisted, " is outside the changelog's ", *begin, " to ", *end));
  }
  store->target = std::min(*end, store->spec.limit.value_or(*end));
  store->from = persisted->value_or(*begin);
  store->next_offset = persisted->value_or(-1);
  store->done = store->from >= store->target;
  return absl::OkStatus();
}

// The task waits, as those that run do.
void Restorer::Postpone(ActiveJob* job, const absl::Status& reason) {
  job->stores.clear();
  job->state = ActiveJob::State::kWaits;
  const bool full = absl::IsResourceExhausted(reason);
  job->next_try = host_->Monotonic() + (full ? kSpacePause : kOpenPause);
  job->postponed = reason;
  static LogRateLimit limit(kOpenWarnings);
  if (!limit.Allow()) return;
  LogWarning(absl::StrCat("the task cannot start yet, this is repeated: ", std::string(reason.message())),
             {.event = full ? "disk-full" : "task-waits", .task = job->job->task().ToString()});
}

absl::Status Restorer::AssignAll(ActiveJob* job) {
  for (ActiveStore& store : job->stores) {
    if (store.done) continue;
    const std::string changelog = store.spec.changelog.ToString();
    auto reader = consumer_->Assign(store.spec.changelog, store.from);
    if (!reader.ok()) return Annotate(reader.status(), job->job->task(), store.spec.name, store.spec.changelog);
    store.reader = *reader;
    store.began = host_->Monotonic();
    store.next_line = store.began + kProgressLines;
    LogInfo(absl::StrCat("restoring from ", changelog, ", offsets ", store.from, " to ", store.target),
            {.event = "restore-started", .task = job->job->task().ToString(), .store = store.spec.name});
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Restorer::ReadBatch(const ActiveJob& job, ActiveStore* store) {
  batch_->Clear();
  int64_t next = store->reader->position();
  auto drained = store->reader->Drain(kBatchRecords, [&](const RawRecord& record) {
    next = record.offset + 1;
    if (record.offset < store->target) batch_->Add(record);
  });
  if (!drained.ok()) return drained.status();
  if (*drained > 0) {
    if (absl::Status status = store->spec.store->Restore(batch_->Records(), std::min(next, store->target)); !status.ok())
      return status;
    store->next_offset = std::min(next, store->target);
    store->records += *drained;
    restored_ += *drained;
  }
  if (store->reader->position() < store->target) return *drained > 0;
  if (internal::Mutated(internal::Mutant::kMarkerTakenForRecord) && store->next_offset < store->target) return *drained > 0;
  // Behind the last record may be markers, which count as read.
  if (store->next_offset < store->target) {
    if (absl::Status status = store->spec.store->Restore({}, store->target); !status.ok()) return status;
  }
  store->done = true;
  store->reader = nullptr;
  if (absl::Status status = consumer_->Unassign(store->spec.changelog); !status.ok()) return status;
  LogInfo(absl::StrCat("restored ", store->records, " records from ", store->spec.changelog.ToString()),
          {.event = "restore-ended", .task = job.job->task().ToString(), .store = store->spec.name});
  return true;
}

void Restorer::Unassign(ActiveJob* job) {
  for (ActiveStore& store : job->stores) {
    if (store.reader == nullptr) continue;
    store.reader = nullptr;
    if (absl::Status status = consumer_->Unassign(store.spec.changelog); !status.ok()) {
      LogWarning(absl::StrCat("unassign ", store.spec.changelog.ToString(), ": ", std::string(status.message())), {});
    }
  }
}

void Restorer::Publish() {
  std::vector<RestoreProgress> progress;
  std::vector<WaitingTask> waiting;
  const std::chrono::nanoseconds now = active_.empty() ? std::chrono::nanoseconds(0) : host_->Monotonic();
  for (const auto& job : active_) {
    if (job->state != ActiveJob::State::kReads) {
      const bool opens = job->state == ActiveJob::State::kOpens || job->postponed.ok();
      waiting.push_back({job->job->task(), opens ? "opening" : std::string(job->postponed.message())});
      continue;
    }
    for (ActiveStore& store : job->stores) {
      const int64_t position = store.reader != nullptr ? store.reader->position() : store.target;
      RestoreProgress& p = progress.emplace_back();
      p.task = job->job->task();
      p.store = store.spec.name;
      p.remaining = store.done ? 0 : std::max<int64_t>(0, store.target - position);
      const std::chrono::duration<double> took = now - store.began;
      if (p.remaining == 0) {
        p.eta_seconds = 0;
      } else if (position > store.from) {
        p.eta_seconds = took.count() / static_cast<double>(position - store.from) * static_cast<double>(p.remaining);
      }
      if (p.remaining == 0 || now < store.next_line) continue;
      store.next_line = now + kProgressLines;
      LogInfo(absl::StrCat(store.records, " records restored from ", store.spec.changelog.ToString(), ", ", p.remaining,
                           " to go, about ", p.eta_seconds ? absl::StrCat(static_cast<int64_t>(*p.eta_seconds) + 1) : "?", " s"),
              {.event = "restore-progress", .task = p.task.ToString(), .store = p.store});
    }
  }
  const std::lock_guard lock(mutex_);
  progress_ = std::move(progress);
  waiting_ = std::move(waiting);
}

}  // namespace millrace
