#include "task/stream_task.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/state/internal/mutants.h"
#include "task/located_status.h"
#include "task/offset_metadata.h"

namespace millrace {
namespace {

constexpr int kSampleInterval = 64;
// The limit of what waits for a commit is soft by that many records.
constexpr int kDirtyCheck = 16;

std::string Place(const log::TopicPartition& partition, int64_t offset) {
  return absl::StrCat(partition.ToString(), " at offset ", offset);
}

// As Kafka's own serialisers call what they throw; consumers of dead letters tell causes apart by it.
constexpr char kSerializationError[] = "org.apache.kafka.common.errors.SerializationException";

}  // namespace

/// Output records straight to the producer.
class StreamTask::Output final : public OutputSink {
 public:
  explicit Output(StreamTask* task) : task_(task) {}
  void Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
            Timestamp timestamp, const Headers& headers) override {
    if (internal::Mutated(internal::Mutant::kTimerTwice) && task_->TaskContext::record.topic == nullptr) {
      (void)task_->producer_->Send(topic, partition, key, value, timestamp, headers, nullptr);
    }
    const absl::Status status = task_->producer_->Send(topic, partition, key, value, timestamp, headers, nullptr);
    task_->activity_->Step();
    if (status.ok()) return;
    const absl::Status located = At(status, absl::StrCat("send to ", topic));
    if (!log::IsRefusal(status)) return task_->TaskContext::error.Report(located);
    UnwritableRecord record;
    record.topic = topic;
    record.key = key;
    record.value = value;
    record.timestamp = timestamp;
    record.headers = &headers;
    (void)task_->LeaveOut(record, located);
  }
  int32_t PartitionCount(const std::string& topic) override {
    return task_->options_.partition_count ? task_->options_.partition_count(topic) : -1;
  }

 private:
  StreamTask* const task_;
};

/// One store's changelog partition, and the highest offset that the log has confirmed.
class StreamTask::Changelog final : public ChangelogSink {
 public:
  Changelog(StreamTask* task, std::string topic) : task_(task), topic_(std::move(topic)) {}
  void Log(BytesView key, NullableBytesView value, Timestamp timestamp, const Headers& headers) override {
    absl::Status status =
        task_->producer_->Send(topic_, task_->options_.id.partition, key, value, timestamp, headers, &delivered_offset_);
    if (!status.ok()) task_->TaskContext::error.Report(At(status, absl::StrCat("changelog ", topic_)));
  }
  /// -1 before the first delivery.
  [[nodiscard]] int64_t delivered_offset() const { return delivered_offset_; }

 private:
  StreamTask* const task_;
  const std::string topic_;
  int64_t delivered_offset_ = -1;
};

StreamTask::StreamTask(StreamTaskOptions options, ProcessorTopology topology, std::unique_ptr<EngineFactory> engines,
                       log::Producer* producer)
    : options_(std::move(options)),
      activity_(options_.activity != nullptr ? options_.activity : &unwatched_),
      engines_(std::move(engines)),
      producer_(producer),
      output_(std::make_unique<Output>(this)),
      topology_(std::move(topology)),
      group_(options_.max_task_idle),
      errors_(&options_.errors, producer_) {
  emit_interval = options_.emit_interval;
  const auto corrupt = [this](const RawRecord& record, const absl::Status& reason) { return OnCorruptRecord(record, reason); };
  for (size_t i = 0; i < options_.sources.size(); ++i) {
    const log::TopicPartition& partition = options_.sources[i];
    const auto source = topology_.sources.find(partition.topic);
    if (source == topology_.sources.end()) {
      TaskContext::error.Report(absl::InternalError(absl::StrCat("the topology has no source for ", partition.ToString())));
      continue;
    }
    auto queue = std::make_unique<RecordQueue>(partition, source->second, &(TaskContext::dropped), corrupt);
    queue->set_index(static_cast<int32_t>(i));
    group_.AddQueue(std::move(queue));
  }
}

StreamTask::~StreamTask() = default;

OutputSink& StreamTask::output() { return *output_; }

absl::Status StreamTask::OpenStores(std::string* failed) {
  for (size_t i = 0; i < topology_.stores.size(); ++i) {
    const SubtopologyStore& spec = topology_.store_specs[i];
    LoggedStore logged;
    logged.store = topology_.stores[i].get();
    if (spec.source_topic_is_changelog) {
      logged.source = log::TopicPartition{spec.changelog_topic, options_.id.partition};
    } else if (!spec.changelog_topic.empty()) {
      logged.changelog = std::make_unique<Changelog>(this, absl::StrCat(options_.application_id, "-", spec.changelog_topic));
    }
    const StoreContext context{logged.changelog.get(), &(TaskContext::record), &(TaskContext::error),
                               engines_.get(),         options_.caching,       options_.store_memory};
    if (absl::Status status = logged.store->Open(context); !status.ok()) {
      if (failed != nullptr) *failed = logged.store->name();
      return status;
    }
    logged_.push_back(std::move(logged));
  }
  return error();
}

absl::Status StreamTask::Start(const log::Offsets& committed) {
  for (LoggedStore& logged : logged_) {
    absl::StatusOr<std::optional<int64_t>> offset = logged.store->PersistedOffset();
    if (!offset.ok()) {
      TaskContext::error.ReportOfStore(offset.status(), logged.store->name());
      return error();
    }
    logged.base = *offset;
  }
  for (const auto& queue : group_.queues()) {
    const auto it = committed.find(queue->partition());
    if (it != committed.end()) queue->set_partition_time(OffsetMetadata::Decode(it->second.metadata).partition_time);
  }
  group_.InitStreamTime();
  for (const auto& node : topology_.nodes) {
    if (!TaskContext::error.ok()) break;
    initialising_ = node->name();
    Guarded([&] { TaskContext::error.Report(node->Init(this)); },
            [&] { return absl::StrCat("initialising node ", node->name()); });
  }
  initialising_.clear();
  return error();
}

void StreamTask::SetPosition(const log::TopicPartition& partition, int64_t offset) {
  if (RecordQueue* queue = group_.Find(partition)) queue->SetInput(offset, false);
}

void StreamTask::AddRecord(const log::TopicPartition& partition, const RawRecord& record) {
  RecordQueue* queue = group_.Find(partition);
  if (queue != nullptr) queue->Add(record);
}

void StreamTask::SetInput(const log::TopicPartition& partition, int64_t position, bool at_end) {
  if (RecordQueue* queue = group_.Find(partition)) SetInput(queue, position, at_end);
}

void StreamTask::SetInput(RecordQueue* queue, int64_t position, bool at_end) {
  const int64_t before = queue->next_offset();
  queue->SetInput(position, at_end);
  Admit(queue);
  // Skipped records and transaction markers move the position without a record being processed.
  if (queue->size() == 0 && queue->next_offset() != before) commit_needed_ = true;
}

// Finds the head: a serde or a timestamp extractor may refuse the record or throw.
void StreamTask::Admit(RecordQueue* queue) {
  if (queue->has_head()) return;
  Guarded(
      [&] {
        if (absl::Status status = group_.Admit(queue); !status.ok()) TaskContext::error.Report(status);
      },
      [&] { return Place(queue->partition(), queue->next_offset()); });
}

int StreamTask::Buffered(const log::TopicPartition& partition) const {
  const RecordQueue* queue = group_.Find(partition);
  return queue == nullptr ? 0 : queue->size();
}

int StreamTask::Process(int max_records, Timestamp now) {
  int processed = 0;
  sample_count_ = 0;
  while (processed < max_records && TaskContext::error.ok() && !activity_->interrupted() && group_.Ready(now)) {
    RecordQueue* const queue = group_.next();
    if (processed % kSampleInterval == 0) Sample(*queue);
    const int64_t offset = queue->head_offset();
    processing_ = queue;
    activity_->Record(queue->index(), offset);
    Guarded(
        [this] {
          absl::Status status = group_.ProcessNext();
          if (!status.ok()) TaskContext::error.Report(status);
        },
        [&] { return Place(queue->partition(), offset); });
    processing_ = nullptr;
    if (TaskContext::error.ok()) Admit(queue);
    commit_needed_ = true;
    if (++processed % kDirtyCheck == 0) WatchDirtyBytes();
    if (commit_requested_) break;
  }
  TaskContext::record = RecordContext{};
  WatchDirtyBytes();
  return processed;
}

void StreamTask::Guarded(absl::FunctionRef<void()> run, absl::FunctionRef<std::string()> where) {
  const bool was_ok = TaskContext::error.ok();
  try {
    run();
  } catch (...) {
    ErrorHandlerContext thrown;
    (void)DescribeException(&thrown);
    TaskContext::error.Report(thrown.error);
  }
  if (!was_ok || TaskContext::error.ok()) return;
  TaskContext::error.Reword(At(TaskContext::error.status(), where()));
}

void StreamTask::Sample(const RecordQueue& next) {
  if (sample_count_ == samples_.size()) return;
  const std::chrono::milliseconds behind = group_.stream_time() - next.head_timestamp();
  samples_[sample_count_++] = {&next, next.head_timestamp(), std::max(behind, std::chrono::milliseconds(0))};
}

int64_t StreamTask::dirty_bytes() const {
  int64_t dirty = 0;
  for (const auto& store : topology_.stores) dirty += store->dirty_bytes();
  return dirty;
}

// The worker commits when it sees the request.
void StreamTask::WatchDirtyBytes() {
  if (dirty_bytes() > dirty_limit_bytes_) commit_requested_ = true;
}

Cancellable StreamTask::Schedule(std::chrono::milliseconds interval, PunctuationType type, Punctuator punctuate) {
  if (interval.count() < 1) {
    TaskContext::error.Report(absl::InvalidArgumentError(
        absl::StrCat("a punctuation needs an interval of at least 1 ms, not ", interval.count(), " ms")));
    return {};
  }
  Punctuator punctuator = [this, node = initialising_, punctuate = std::move(punctuate)](Timestamp now) {
    try {
      punctuate(now);
    } catch (...) {
      if (!Survives(node)) throw;
    }
  };
  if (type == PunctuationType::kStreamTime) {
    // Aligned to 0, so the first record fires.
    return stream_time_punctuations_.Add(Timestamp::FromMillis(0), interval, std::move(punctuator));
  }
  return wall_clock_punctuations_.Add(options_.system_time() + interval, interval, std::move(punctuator));
}

bool StreamTask::FirePunctuations(PunctuationQueue* queue, Timestamp now) {
  if (!TaskContext::error.ok()) return false;
  const bool fired = queue->Fire(now, [this](const Punctuator& punctuator, Timestamp time) {
    TaskContext::record = RecordContext{};
    TaskContext::record.timestamp = time;
    activity_->Step();
    Guarded([&] { punctuator(time); }, [&] { return absl::StrCat("punctuation at ", time.millis()); });
    return TaskContext::error.ok();
  });
  TaskContext::record = RecordContext{};
  commit_needed_ = commit_needed_ || fired;
  return fired;
}

bool StreamTask::PunctuateStreamTime() {
  return stream_time().millis() >= 0 && FirePunctuations(&stream_time_punctuations_, stream_time());
}

bool StreamTask::PunctuateWallClock(Timestamp now) { return FirePunctuations(&wall_clock_punctuations_, now); }

bool StreamTask::Punctuate(Timestamp now) {
  const bool stream = PunctuateStreamTime();
  return PunctuateWallClock(now) || stream;
}

void StreamTask::ForwardDirty() {
  if (!TaskContext::error.ok()) return;
  Guarded(
      [this] {
        for (const auto& store : topology_.stores) store->ForwardDirty();
      },
      [] { return std::string("forwarding cached results"); });
  TaskContext::record = RecordContext{};
}

absl::StatusOr<log::Offsets> StreamTask::PrepareCommit(bool last) {
  if (!internal::Mutated(internal::Mutant::kForwardLeftOut)) ForwardDirty();
  for (const auto& store : topology_.stores) store->LogDirty();
  if (!TaskContext::error.ok()) return error();
  prepared_.clear();
  for (const auto& queue : group_.queues()) {
    const bool fetched = internal::Mutated(internal::Mutant::kOffsetsOfFetched);
    prepared_[queue->partition()] = {fetched ? queue->position() : queue->next_offset(),
                                     OffsetMetadata{queue->partition_time(), {}, last ? "" : options_.transactional_id}.Encode()};
  }
  return prepared_;
}

void StreamTask::PostCommit() {
  commit_requested_ = false;
  commit_needed_ = false;
  for (LoggedStore& logged : logged_) {
    if (logged.source) {
      const auto it = prepared_.find(*logged.source);
      if (it != prepared_.end()) logged.base = it->second.offset;
    } else if (logged.changelog != nullptr && logged.changelog->delivered_offset() >= 0) {
      logged.base = std::max(logged.base.value_or(0), logged.changelog->delivered_offset() + 1);
    }
  }
}

absl::Status StreamTask::ForEachStore(absl::FunctionRef<absl::Status(const LoggedStore&)> act) {
  absl::Status full;
  for (const LoggedStore& logged : logged_) {
    absl::Status status = act(logged);
    if (absl::IsResourceExhausted(status)) {
      full.Update(status);
    } else if (!status.ok()) {
      TaskContext::error.ReportOfStore(std::move(status), logged.store->name());
      return error();
    }
  }
  return full;
}

absl::Status StreamTask::Persist() {
  return ForEachStore([](const LoggedStore& logged) { return logged.store->Persist(logged.base); });
}

int64_t StreamTask::RecordsBehind() const {
  int64_t behind = 0;
  for (const LoggedStore& logged : logged_) behind = std::max(behind, logged.store->RecordsBehind(logged.base));
  return behind;
}

absl::Status StreamTask::FlushIfBehind(std::chrono::nanoseconds now, const FlushBound& bound) {
  return ForEachStore([&](const LoggedStore& logged) { return logged.store->FlushIfBehind(now, bound); });
}

void StreamTask::Close() {
  Guarded(
      [this] {
        for (const auto& node : topology_.nodes) node->Close();
      },
      [] { return std::string("closing processors"); });
}

void StreamTask::FreeStores() {
  topology_ = ProcessorTopology();
  for (LoggedStore& logged : logged_) logged.store = nullptr;
}

StateStore* StreamTask::FindStore(std::string_view name) {
  for (const auto& store : topology_.stores) {
    if (store->name() == name) return store.get();
  }
  return nullptr;
}

ErrorHandlerContext StreamTask::Context(const std::string& node) const {
  ErrorHandlerContext context;
  context.task = options_.id;
  context.node = node;
  const RecordContext& in_flight = TaskContext::record;
  context.timestamp = in_flight.timestamp;
  context.headers = in_flight.headers;
  if (in_flight.topic == nullptr) return context;
  context.topic = *in_flight.topic;
  context.partition = in_flight.partition;
  context.offset = in_flight.offset;
  // What a cache forwards comes from records that are gone.
  if (processing_ == nullptr || processing_->size() == 0) return context;
  const RawRecord source = processing_->head();
  if (source.offset != context.offset || source.partition != context.partition || *source.topic != context.topic) return context;
  context.source_key = source.key;
  context.source_value = source.value;
  return context;
}

absl::Status StreamTask::OnCorruptRecord(const RawRecord& record, const absl::Status& reason) {
  commit_needed_ = true;
  ErrorHandlerContext context;
  context.task = options_.id;
  context.node = topology_.sources.find(*record.topic)->second->name();
  context.topic = *record.topic;
  context.partition = record.partition;
  context.offset = record.offset;
  context.timestamp = record.timestamp;
  context.headers = record.headers;
  context.source_key = record.key;
  context.source_value = record.value;
  context.error = reason;
  context.exception = kSerializationError;
  return errors_.OnDeserialization(context);
}

bool StreamTask::Survives(const std::string& node) {
  // A store that failed, a processor that said Fail: the task is at its end, and what is thrown now comes of it.
  if (!TaskContext::error.ok()) return false;
  ErrorHandlerContext context = Context(node);
  const bool may_go_on = DescribeException(&context);
  const absl::Status status = may_go_on ? errors_.OnProcessing(context) : context.error;
  if (status.ok()) {
    ++(TaskContext::dropped).processing;
    return true;
  }
  TaskContext::error.Report(node.empty() ? status : At(status, absl::StrCat("node ", node)));
  return false;
}

bool StreamTask::OnUnwritable(const ProcessorNode& node, const std::string& topic, const Headers& headers,
                              const absl::Status& reason) {
  TaskContext::sink = &node;
  UnwritableRecord record;
  record.topic = topic;
  record.timestamp = TaskContext::record.timestamp;
  record.headers = &headers;
  record.serialization = true;
  return LeaveOut(record, reason);
}

bool StreamTask::LeaveOut(const UnwritableRecord& record, const absl::Status& reason) {
  if (!TaskContext::error.ok()) return false;
  ErrorHandlerContext context = Context(TaskContext::sink != nullptr ? TaskContext::sink->name() : std::string());
  context.error = reason;
  context.exception = KindOfUnwritable(record, reason);
  const absl::Status status = errors_.OnProduction(context, record);
  if (status.ok()) {
    ++(TaskContext::dropped).production;
    return true;
  }
  TaskContext::error.Report(status);
  return false;
}

}  // namespace millrace
