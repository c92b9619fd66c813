#include "landing/landing_worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestWait{100};
constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLongestPause{30000};

bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status) ||
         absl::IsCancelled(status);
}

absl::Status Of(const warehouse::LandingDescription& table, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("landing topic ", table.topic, " in table ", table.name_space, ".", table.table,
                                                  ": ", std::string(status.message())));
}

}  // namespace

LandingWorker::LandingWorker(int index, const LandingContext* context, std::vector<warehouse::LandingDescription> tables)
    : index_(index), context_(context) {
  for (warehouse::LandingDescription& description : tables) {
    Table& table = tables_.emplace_back();
    table.description = std::move(description);
    table.progress.topic = table.description.topic;
    table.progress.table = absl::StrCat(table.description.name_space, ".", table.description.table);
  }
  Publish();
}

LandingWorker::~LandingWorker() {
  if (thread_) Stop();
}

absl::Status LandingWorker::Start() {
  absl::StatusOr<std::unique_ptr<log::Consumer>> consumer = context_->client->NewConsumer(
      {log::Isolation::kReadCommitted, context_->max_partitions, /*restore=*/false, context_->idle_topic, context_->fetch_bytes});
  if (!consumer.ok()) return consumer.status();
  consumer_ = *std::move(consumer);
  thread_ = context_->host->StartThread(absl::StrCat("landing-", index_ + 1), [this] { Run(); });
  return absl::OkStatus();
}

void LandingWorker::Take(std::vector<log::TopicPartition> partitions) {
  Request request;
  request.partitions = std::move(partitions);
  request.take = true;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  consumer_->Wake();
}

void LandingWorker::Release(std::vector<log::TopicPartition> partitions, bool commit, milliseconds patience, bool ending) {
  Request request;
  request.forget = !ending;
  request.partitions = std::move(partitions);
  request.commit = commit;
  request.done = context_->host->NewSignal();
  const std::shared_ptr<Signal> done = request.done;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  consumer_->Wake();
  if (!done->Wait(patience)) {
    LogWarning(
        "partitions are given away while their tables could not be committed in time; their next owner reads what was not "
        "committed again",
        {.event = "landing-release-late"});
  }
}

void LandingWorker::Stop() {
  Request request;
  request.end = true;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  if (consumer_) consumer_->Wake();
  if (thread_) thread_->Join();
  thread_.reset();
}

std::vector<LandingProgress> LandingWorker::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

LandingWorker::Table* LandingWorker::Find(const std::string& topic) {
  const auto found = std::find_if(tables_.begin(), tables_.end(), [&](const Table& t) { return t.description.topic == topic; });
  return found == tables_.end() ? nullptr : &*found;
}

void LandingWorker::Run() {
  SetLogThreadName(absl::StrCat("landing-", index_ + 1));
  while (HandleRequests()) {
    const int64_t drained = Drain();
    for (Table& table : tables_) CommitIfDue(&table);
    Publish();
    if (drained == 0) consumer_->Wait(TimeToNext());
  }
  for (Table& table : tables_) {
    if (!table.misplaced) Settle(&table, Step::kRows, Commit(&table));
    // What follows from the last commits is not left to whoever comes next.
    if (!table.misplaced) Upkeep(&table);
  }
  Publish();
}

bool LandingWorker::HandleRequests() {
  std::vector<Request> requests;
  {
    const std::lock_guard lock(mutex_);
    requests.swap(requests_);
  }
  for (const Request& request : requests) {
    if (request.end) return false;
    Handle(request);
    if (request.done) request.done->Notify();
  }
  return true;
}

void LandingWorker::Handle(const Request& request) {
  const std::chrono::nanoseconds now = context_->host->Monotonic();
  std::map<Table*, std::vector<int32_t>> by_table;
  for (const log::TopicPartition& partition : request.partitions) {
    if (Table* table = Find(partition.topic)) by_table[table].push_back(partition.partition);
  }
  for (const auto& [table, partitions] : by_table) {
    if (request.take) {
      if (table->parts.empty()) table->next_commit = now + context_->commit_interval;
      for (const int32_t p : partitions) table->parts.try_emplace(p);
      // What is on its way stays; only the new ones are to be placed, which asks the table where it is.
      if (!table->misplaced) Settle(table, Step::kPlace, Place(table));
      continue;
    }
    if (request.commit && !table->misplaced) Settle(table, Step::kRows, Commit(table));
    // One that stays is read again too, for rows do not tell any more whose they are.
    if (!table->misplaced && table->landing->pending_bytes() > 0) Unread(table);
    for (const int32_t p : partitions) {
      if (table->parts[p].reader != nullptr) (void)consumer_->Unassign({table->description.topic, p});
      table->parts.erase(p);
      table->progress.positions.erase(p);
    }
    if (table->parts.empty() && request.forget) Forget(table);
  }
}

int64_t LandingWorker::Drain() {
  int64_t drained = 0;
  for (Table& table : tables_) {
    if (table.parts.empty() || context_->host->Monotonic() < table.next_try) continue;
    if (table.misplaced) Settle(&table, Step::kPlace, Place(&table));
    if (table.misplaced) continue;
    absl::StatusOr<int64_t> of_table = DrainTable(&table);
    if (!of_table.ok()) {
      Unread(&table);
      Settle(&table, Step::kRows, of_table.status());
      continue;
    }
    drained += *of_table;
  }
  return drained;
}

absl::StatusOr<int64_t> LandingWorker::DrainTable(Table* table) {
  int64_t drained = 0;
  for (auto& [p, part] : table->parts) {
    if (part.reader == nullptr) continue;
    if (table->landing->pending_bytes() >= context_->commit_bytes) break;
    absl::Status appended;
    absl::StatusOr<int> count = part.reader->Drain(context_->drain_records, [&, p = p](const RawRecord& record) {
      if (!appended.ok()) return;
      const int64_t time_ms = record.timestamp.millis();
      appended = table->landing->Append({p, record.offset, time_ms, record.key, record.value});
      part.stream_time_ms = std::max(part.stream_time_ms.value_or(time_ms), time_ms);
    });
    if (!count.ok()) return count.status();
    if (!appended.ok()) return appended;
    drained += *count;
  }
  return drained;
}

void LandingWorker::CommitIfDue(Table* table) {
  if (table->misplaced || table->parts.empty()) return;
  const std::chrono::nanoseconds now = context_->host->Monotonic();
  if (now < table->next_commit && table->landing->pending_bytes() < context_->commit_bytes) return;
  Settle(table, Step::kRows, Commit(table));
  if (!table->misplaced) Upkeep(table);
  table->next_commit = context_->host->Monotonic() + context_->commit_interval;
}

void LandingWorker::Upkeep(Table* table) {
  table->landing->Upkeep();
  warehouse::LandingCounts counts = table->landing->counts();
  if (counts.upkeep_errors > table->progress.counts.upkeep_errors) {
    LogWarning(absl::StrCat(counts.last_upkeep_error, "; rows are landed all the same, and it is tried again"),
               {.event = "warehouse-upkeep-failed", .topic = table->description.topic});
  }
  table->progress.counts = std::move(counts);
}

absl::Status LandingWorker::Commit(Table* table) {
  std::map<int32_t, warehouse::PositionRange> ranges;
  for (const auto& [p, part] : table->parts) {
    if (part.reader == nullptr || part.reader->position() == part.start) continue;
    ranges[p] = {part.start, part.reader->position(), part.stream_time_ms};
  }
  if (ranges.empty()) return absl::OkStatus();
  absl::StatusOr<bool> done = table->landing->Commit(ranges);
  if (!done.ok() || !*done) {
    Unread(table);
    if (!done.ok()) return done.status();
    ++table->progress.lost_commits;
    LogInfo(absl::StrCat("table ", table->progress.table, " has been committed by somebody else; going on from where it is"),
            {.event = "landing-commit-lost", .topic = table->description.topic});
    return absl::OkStatus();
  }
  ++table->progress.commits;
  std::map<int32_t, int64_t> positions;
  for (const auto& [p, range] : ranges) {
    positions[p] = table->parts[p].start = range.end;
    table->progress.positions[p] = range.end;
  }
  table->progress.counts = table->landing->counts();
  if (context_->committed) context_->committed(table->description.topic, positions);
  return absl::OkStatus();
}

// Reads the partitions that are not being read yet from where the table says.
absl::Status LandingWorker::Place(Table* table) {
  if (!table->landing) {
    absl::StatusOr<std::unique_ptr<warehouse::TableLanding>> landing = context_->warehouse->OpenLanding(table->description);
    if (!landing.ok()) return landing.status();
    table->landing = *std::move(landing);
  }
  absl::StatusOr<std::map<int32_t, int64_t>> positions = table->landing->Positions();
  if (!positions.ok()) return positions.status();
  for (auto& [p, part] : table->parts) {
    if (part.reader != nullptr) continue;
    const log::TopicPartition partition{table->description.topic, p};
    absl::StatusOr<int64_t> start = PlaceOf(partition, *positions);
    if (!start.ok()) return start.status();
    absl::StatusOr<log::PartitionReader*> reader = consumer_->Assign(partition, *start);
    if (!reader.ok()) return reader.status();
    part = {*reader, *start, std::nullopt};
    table->progress.positions[p] = *start;
  }
  table->misplaced = false;
  table->next_commit = std::min(table->next_commit, context_->host->Monotonic() + context_->commit_interval);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> LandingWorker::PlaceOf(const log::TopicPartition& partition,
                                               const std::map<int32_t, int64_t>& positions) {
  absl::StatusOr<int64_t> beginning = context_->client->admin().BeginningOffset(partition);
  if (!beginning.ok()) return beginning.status();
  const auto stored = positions.find(partition.partition);
  if (stored == positions.end()) return *beginning;
  if (stored->second < *beginning) {
    return absl::DataLossError(absl::StrCat(partition.ToString(), " begins at offset ", *beginning, ", but only offsets before ",
                                            stored->second,
                                            " have been landed: records are gone for ever. Lengthen the topic's retention; "
                                            "to go on without them, reset the positions (`reset`)"));
  }
  absl::StatusOr<int64_t> end = context_->client->admin().EndOffset(partition, log::Isolation::kReadUncommitted);
  if (!end.ok()) return end.status();
  if (stored->second > *end) {
    return absl::DataLossError(
        absl::StrCat(partition.ToString(), " ends at offset ", *end, ", but offsets up to ", stored->second,
                     " have been landed: the topic was deleted and made again. To land the new one, reset the "
                     "positions (`reset`)"));
  }
  return stored->second;
}

void LandingWorker::Unread(Table* table) {
  if (table->landing) table->landing->Drop();
  for (auto& [p, part] : table->parts) {
    if (part.reader != nullptr) (void)consumer_->Unassign({table->description.topic, p});
    part = {};
  }
  table->misplaced = true;
}

void LandingWorker::Settle(Table* table, Step step, const absl::Status& status) {
  if (status.ok()) {
    const bool over = table->stuck_at == Step::kPlace || table->progress.commits > table->commits_when_stuck;
    if (!table->progress.waits.empty() && !table->misplaced && over) GoOn(table);
    return;
  }
  table->stuck_at = step;
  table->commits_when_stuck = table->progress.commits;
  const absl::Status described = Of(table->description, status);
  if (!table->misplaced) Unread(table);
  ++table->progress.retries;
  if (!MayPass(status)) return FailTable(table, described);
  table->pause = std::clamp(2 * table->pause, kFirstPause, kLongestPause);
  table->next_try = context_->host->Monotonic() + table->pause;
  // What somebody must act on stays to be seen.
  if (!table->progress.failed) table->progress.waits = std::string(described.message());
  LogWarning(absl::StrCat(described.message(), "; read again from the last commit in ", table->pause.count(), " ms"),
             {.event = "landing-waits", .topic = table->description.topic});
}

void LandingWorker::GoOn(Table* table) {
  LogInfo(absl::StrCat("table ", table->progress.table, ": goes on"), {.event = "landing-goes-on"});
  Forget(table);
}

void LandingWorker::Forget(Table* table) {
  table->progress.waits.clear();
  table->pause = milliseconds(0);
  table->next_try = std::chrono::nanoseconds(0);
  if (std::exchange(table->progress.failed, false)) context_->table_goes_on();
}

void LandingWorker::FailTable(Table* table, const absl::Status& status) {
  table->next_try = context_->host->Monotonic() + context_->failed_table_pause;
  table->progress.waits = std::string(status.message());
  LogError(absl::StrCat(table->progress.waits, "; other tables go on without it, and it is tried again in ",
                        std::chrono::ceil<std::chrono::seconds>(context_->failed_table_pause).count(), " s"),
           {.event = "landing-failed", .topic = table->description.topic});
  if (!std::exchange(table->progress.failed, true)) context_->table_failed(status);
}

milliseconds LandingWorker::TimeToNext() const {
  const std::chrono::nanoseconds now = context_->host->Monotonic();
  milliseconds wait = kLongestWait;
  for (const Table& table : tables_) {
    if (table.parts.empty()) continue;
    const auto left = std::chrono::ceil<milliseconds>((table.misplaced ? table.next_try : table.next_commit) - now);
    wait = std::clamp(left, milliseconds(1), wait);
  }
  return wait;
}

void LandingWorker::Publish() {
  std::vector<LandingProgress> progress;
  for (Table& table : tables_) {
    table.progress.pending_bytes = table.landing ? table.landing->pending_bytes() : 0;
    progress.push_back(table.progress);
  }
  const std::lock_guard lock(mutex_);
  progress_.swap(progress);
}

}  // namespace millrace
