#include "task/stream_task.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
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

// As Kafka's own deserialisers call what they throw; consumers of dead letters tell causes apart by it.
constexpr char kDeserializationError[] = "org.apache.kafka.common.errors.SerializationException";

}  // namespace

/// Output records straight to the producer.
class StreamTask::Output final : public OutputSink {
 public:
  explicit Output(StreamTask* task) : task_(task) {}
  void Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
            Timestamp timestamp, const Headers& headers) override {
    absl::Status status = task_->producer_->Send(topic, partition, key, value, timestamp, headers, nullptr);
    if (!status.ok()) task_->TaskContext::error.Report(At(status, absl::StrCat("send to ", topic)));
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
      engines_(std::move(engines)),
      producer_(producer),
      output_(std::make_unique<Output>(this)),
      topology_(std::move(topology)),
      group_(options_.max_task_idle) {
  emit_interval = options_.emit_interval;
  const auto corrupt = [this](const RawRecord& record, const absl::Status& reason) { return OnCorruptRecord(record, reason); };
  for (const log::TopicPartition& partition : options_.sources) {
    const auto source = topology_.sources.find(partition.topic);
    if (source == topology_.sources.end()) {
      TaskContext::error.Report(absl::InternalError(absl::StrCat("the topology has no source for ", partition.ToString())));
      continue;
    }
    group_.AddQueue(std::make_unique<RecordQueue>(partition, source->second, &(TaskContext::dropped), corrupt));
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
    if (!offset.ok()) return offset.status();
    logged.base = *offset;
  }
  for (const auto& queue : group_.queues()) {
    const auto it = committed.find(queue->partition());
    if (it != committed.end()) queue->set_partition_time(OffsetMetadata::Decode(it->second.metadata).partition_time);
  }
  group_.InitStreamTime();
  for (const auto& node : topology_.nodes) {
    if (!TaskContext::error.ok()) break;
    Guarded([&] { TaskContext::error.Report(node->Init(this)); },
            [&] { return absl::StrCat("initialising node ", node->name()); });
  }
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
  while (processed < max_records && TaskContext::error.ok() && group_.Ready(now)) {
    RecordQueue* const queue = group_.next();
    if (processed % kSampleInterval == 0) Sample(*queue);
    const int64_t offset = queue->head_offset();
    Guarded(
        [this] {
          absl::Status status = group_.ProcessNext();
          if (!status.ok()) TaskContext::error.Report(status);
        },
        [&] { return Place(queue->partition(), offset); });
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
  } catch (const std::exception& e) {
    TaskContext::error.Report(absl::AbortedError(absl::StrCat("a user function threw: ", e.what())));
  } catch (...) {
    TaskContext::error.Report(absl::AbortedError("a user function threw something that is no std::exception"));
  }
  if (!was_ok || TaskContext::error.ok()) return;
  const absl::Status located = At(TaskContext::error.status(), where());
  TaskContext::error = FirstError();
  TaskContext::error.Report(located);
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

Cancellable StreamTask::Schedule(std::chrono::milliseconds interval, PunctuationType type, Punctuator punctuator) {
  if (interval.count() < 1) {
    TaskContext::error.Report(absl::InvalidArgumentError(
        absl::StrCat("a punctuation needs an interval of at least 1 ms, not ", interval.count(), " ms")));
    return {};
  }
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

absl::StatusOr<log::Offsets> StreamTask::PrepareCommit() {
  if (!internal::Mutated(internal::Mutant::kForwardLeftOut)) ForwardDirty();
  for (const auto& store : topology_.stores) store->LogDirty();
  if (!TaskContext::error.ok()) return error();
  prepared_.clear();
  for (const auto& queue : group_.queues()) {
    const bool fetched = internal::Mutated(internal::Mutant::kOffsetsOfFetched);
    prepared_[queue->partition()] = {fetched ? queue->position() : queue->next_offset(),
                                     OffsetMetadata{queue->partition_time(), {}, options_.transactional_id}.Encode()};
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

absl::Status StreamTask::Persist() {
  for (LoggedStore& logged : logged_) {
    if (absl::Status status = logged.store->Persist(logged.base); !status.ok()) return status;
  }
  return absl::OkStatus();
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

absl::Status StreamTask::OnCorruptRecord(const RawRecord& record, const absl::Status& reason) {
  if (options_.deserialization_errors == DeserializationErrorPolicy::kFail) {
    return absl::Status(
        reason.code(),
        absl::StrCat(std::string(reason.message()),
                     "; the task stops here and loses nothing. To go on past such records set deserialization.exception.handler "
                     "to continue, or to dead-letter with a topic in errors.dead.letter.queue.topic.name"));
  }
  commit_needed_ = true;
  const bool dead_letter = options_.deserialization_errors == DeserializationErrorPolicy::kDeadLetter;
  const std::string task = options_.id.ToString();
  LogWarning(absl::StrCat("a record is left out", dead_letter ? " and written to " + options_.dead_letter_topic : std::string(),
                          ": ", std::string(reason.message())),
             {.event = "record-unreadable",
              .task = task,
              .store = {},
              .topic = *record.topic,
              .partition = record.partition,
              .offset = record.offset});
  return dead_letter ? SendDeadLetter(record, reason) : absl::OkStatus();
}

// As Kafka's ExceptionHandlerUtils: bytes, time and headers of the record, then these in this order. There is no stack trace to
// give; what stands in its place tells all that is known of where it happened.
absl::Status StreamTask::SendDeadLetter(const RawRecord& record, const absl::Status& reason) {
  ++dead_letters_;
  const log::TopicPartition partition{*record.topic, record.partition};
  const auto source = topology_.sources.find(partition.topic);
  const absl::Status located =
      At(reason, absl::StrCat("task ", options_.id.ToString(), ", node ", source->second->name(), ", topic ", partition.topic,
                              ", partition ", record.partition, ", offset ", record.offset));
  Headers headers = *record.headers;
  headers.Add("__streams.errors.exception", kDeserializationError);
  headers.Add("__streams.errors.message", std::string(reason.message()));
  headers.Add("__streams.errors.stacktrace", located.ToString());
  headers.Add("__streams.errors.topic", partition.topic);
  headers.Add("__streams.errors.partition", std::to_string(record.partition));
  headers.Add("__streams.errors.offset", std::to_string(record.offset));
  const absl::Status sent =
      producer_->Send(options_.dead_letter_topic, std::nullopt, record.key, record.value, record.timestamp, headers, nullptr);
  return sent.ok() ? sent : At(sent, absl::StrCat("dead letter to ", options_.dead_letter_topic));
}

}  // namespace millrace
