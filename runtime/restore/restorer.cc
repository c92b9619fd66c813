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
constexpr std::chrono::milliseconds kOpenWarnings{5000};

absl::Status Annotate(const absl::Status& status, TaskId task, const std::string& store, const log::TopicPartition& changelog) {
  return absl::Status(status.code(), absl::StrCat("restore of store ", store, " of task ", task.ToString(), " from ",
                                                  changelog.ToString(), ": ", std::string(status.message())));
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
  int64_t next_offset = -1;  // that the store has been told
  int64_t records = 0;
  bool done = false;
};

struct Restorer::ActiveJob {
  std::unique_ptr<RestoreJob> job;
  std::vector<ActiveStore> stores;
  std::set<std::string> afresh;
  bool opened = false;
  std::chrono::nanoseconds next_try{0};
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

absl::Status Restorer::Start(log::LogClient* client, const log::ConsumerOptions& options) {
  client_ = client;
  auto consumer = client->NewConsumer(options);
  if (!consumer.ok()) return consumer.status();
  consumer_ = *std::move(consumer);
  batch_ = std::make_unique<Batch>();
  cancelled_signal_ = host_->NewSignal();
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

void Restorer::Run() {
  SetLogThreadName("restore");
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) break;
    }
    TakeNew();
    DropCancelled();
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
  for (auto& job : active_) Unassign(job.get());
  active_.clear();
  Publish();
  {
    const std::lock_guard lock(mutex_);
    new_.clear();
    to_cancel_.clear();
    ended_ = true;
  }
  cancelled_signal_->Notify();
}

void Restorer::TakeNew() {
  const std::lock_guard lock(mutex_);
  for (auto& job : new_) {
    active_.push_back(std::make_unique<ActiveJob>());
    active_.back()->job = std::move(job);
  }
  new_.clear();
}

void Restorer::DropCancelled() {
  std::vector<int32_t> cancelled;
  {
    const std::lock_guard lock(mutex_);
    cancelled = to_cancel_;
  }
  if (cancelled.empty()) return;
  std::erase_if(active_, [&](const auto& active) {
    if (std::find(cancelled.begin(), cancelled.end(), active->job->task_number()) == cancelled.end()) return false;
    Unassign(active.get());
    return true;
  });
  {
    const std::lock_guard lock(mutex_);
    to_cancel_.erase(to_cancel_.begin(), to_cancel_.begin() + static_cast<std::ptrdiff_t>(cancelled.size()));
  }
  cancelled_signal_->Notify();
}

bool Restorer::CancelPending() const {
  const std::lock_guard lock(mutex_);
  return !to_cancel_.empty();
}

bool Restorer::Cancelled(const ActiveJob& job) const {
  const std::lock_guard lock(mutex_);
  return stop_ || std::find(to_cancel_.begin(), to_cancel_.end(), job.job->task_number()) != to_cancel_.end();
}

// One batch of each of its stores; true if there was something to do.
bool Restorer::Advance(ActiveJob* job) {
  bool worked = false;
  absl::Status status;
  std::string at;
  if (!job->opened) {
    if (job->next_try > host_->Monotonic()) return false;
    job->opened = worked = true;
    auto stores = job->job->Open();
    status = stores.ok() ? BeginAll(job, *std::move(stores)) : stores.status();
    if ((absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) && !Cancelled(*job)) {
      Postpone(job, status);
      return false;
    }
  }
  bool done = status.ok();
  for (ActiveStore& store : job->stores) {
    if (!status.ok() || store.done) continue;
    auto read = ReadBatch(&store);
    worked = worked || !read.ok() || *read;
    done = done && store.done;
    if (read.ok()) continue;
    status = read.status();
    at = store.spec.name;
    if (!Unusable(status)) status = Annotate(status, job->job->task(), at, store.spec.changelog);
  }
  if (Unusable(status) && !at.empty()) {
    status = StartAfresh(job, at, status);
    done = false;
  }
  if (!status.ok()) {
    Unassign(job);
    // Who gives its task back has no one to answer any more: a group that is left, for one, tells no offsets.
    if (!Cancelled(*job)) job->job->Fail(status);
    job->job.reset();
    return true;
  }
  if (done) {
    RestoreJob* self = job->job.get();
    self->Finish(std::move(job->job));
    return true;
  }
  return worked;
}

// No broker answers: the task waits for one, as those that run do.
void Restorer::Postpone(ActiveJob* job, const absl::Status& reason) {
  Unassign(job);
  job->stores.clear();
  job->opened = false;
  job->next_try = host_->Monotonic() + kOpenPause;
  static LogRateLimit limit(kOpenWarnings);
  if (!limit.Allow()) return;
  LogWarning(absl::StrCat("the task cannot start yet, this is repeated: ", std::string(reason.message())),
             {.event = "task-waits", .task = job->job->task().ToString()});
}

absl::Status Restorer::BeginAll(ActiveJob* job, std::vector<StoreToRestore> stores) {
  job->stores.clear();
  for (StoreToRestore& spec : stores) job->stores.push_back({.spec = std::move(spec)});
  for (ActiveStore& store : job->stores) {
    absl::Status status = Begin(job, &store);
    if (status.ok()) continue;
    const std::string name = store.spec.name;
    if (Unusable(status)) return StartAfresh(job, name, status);
    return Annotate(status, job->job->task(), name, store.spec.changelog);
  }
  return absl::OkStatus();
}

absl::Status Restorer::Begin(ActiveJob* job, ActiveStore* store) {
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
  const int64_t from = persisted->value_or(*begin);
  store->from = from;
  store->began = host_->Monotonic();
  store->next_offset = persisted->value_or(-1);
  if (from >= store->target) {
    store->done = true;
    return absl::OkStatus();
  }
  auto reader = consumer_->Assign(changelog, from);
  if (!reader.ok()) return reader.status();
  store->reader = *reader;
  LogInfo(absl::StrCat("restoring from ", changelog.ToString(), ", offsets ", from, " to ", store->target),
          {.event = "restore-started", .task = job->job->task().ToString(), .store = store->spec.name});
  return absl::OkStatus();
}

absl::StatusOr<bool> Restorer::ReadBatch(ActiveStore* store) {
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
          {.event = "restore-ended", .store = store->spec.name});
  return true;
}

absl::Status Restorer::StartAfresh(ActiveJob* job, const std::string& store, const absl::Status& reason) {
  // A store that is empty can only fail again; each may start afresh once.
  if (!job->afresh.insert(store).second) return reason;
  Unassign(job);
  auto stores = job->job->StartAfresh(store, reason);
  if (!stores.ok()) return stores.status();
  return BeginAll(job, *std::move(stores));
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
  const std::chrono::nanoseconds now = active_.empty() ? std::chrono::nanoseconds(0) : host_->Monotonic();
  for (const auto& job : active_) {
    for (const ActiveStore& store : job->stores) {
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
    }
  }
  const std::lock_guard lock(mutex_);
  progress_ = std::move(progress);
}

}  // namespace millrace
