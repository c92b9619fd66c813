#include "log/kafka/consumer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::log::kafka {
namespace {

constexpr uint64_t kRing = 1;
constexpr int kBatch = 512;
// A worker's other partitions stand still so long when no broker answers for one.
constexpr std::chrono::milliseconds kLeadersTime{10000};
// A topic that is missing is reported every second. A broker that starts may not know all topics yet.
constexpr std::chrono::seconds kMissingTime{10};
constexpr std::chrono::seconds kMissingPause{5};

ListPtr OnePartition(const TopicPartition& partition, int64_t offset) {
  ListPtr list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)->offset = offset;
  return list;
}

// Each partition's queue has limits of its own, of bytes and of records, and a record takes more than its bytes.
void DivideFetchMemory(const ConsumerOptions& options, PropertyMap* properties) {
  constexpr int64_t kRecordBytes = 400;
  constexpr int64_t kLeastBytes = 64 << 10;
  constexpr int64_t kLeastRecords = 1'000;
  const int64_t share = options.fetch_bytes / std::max(1, options.max_partitions);
  LimitProperty("queued.max.messages.kbytes", 16'384, std::max(kLeastBytes, share / 2) >> 10, properties);
  LimitProperty("queued.min.messages", 100'000, std::max(kLeastRecords, share / 2 / kRecordBytes), properties);
  // A queue below its limit gets a whole answer more.
  LimitProperty("fetch.message.max.bytes", 1 << 20, std::max(kLeastBytes, share / 4), properties);
  LimitProperty("fetch.max.bytes", 50 << 20, std::max<int64_t>(1 << 20, options.fetch_bytes / 4), properties);
}

}  // namespace

class KafkaReader final : public PartitionReader {
 public:
  KafkaReader(const Handle* handle, TopicPartition partition, int64_t offset, QueuePtr queue, std::atomic<bool>* more)
      : handle_(handle), partition_(std::move(partition)), position_(offset), queue_(std::move(queue)), more_(more) {}

  absl::StatusOr<int> Drain(int max_records, absl::FunctionRef<void(const RawRecord&)> take) override {
    if (!error_.ok()) return error_;
    int taken = 0;
    while (taken < max_records) {
      const int wanted = std::min(kBatch, max_records - taken);
      const auto got = Consume(wanted);
      if (got < 0) return KafkaError(rd_kafka_last_error(), absl::StrCat("reading ", partition_.ToString()));
      for (ssize_t i = 0; i < got; ++i) {
        taken += Take(batch_[i], take);
        rd_kafka_message_destroy(batch_[i]);
      }
      if (got < wanted) break;
      if (taken >= max_records) *more_ = true;
    }
    if (taken == 0 && error_.ok()) error_ = handle_->fatal();
    if (taken == 0 && !error_.ok()) return error_;
    return taken;
  }

  [[nodiscard]] int64_t position() const override { return position_; }
  [[nodiscard]] bool at_end() const override { return seen_end_ && rd_kafka_queue_length(queue_.get()) == 0; }
  [[nodiscard]] rd_kafka_queue_t* queue() const { return queue_.get(); }

  /// After the partition was unassigned: throws away what still waits. Otherwise it would stay in memory, and librdkafka 2.0,
  /// which puts a mark into the queue that holds on to the partition, could never end if the topic was deleted.
  void Discard() {
    while (true) {
      const auto got = Consume(kBatch);
      for (ssize_t i = 0; i < got; ++i) rd_kafka_message_destroy(batch_[i]);
      if (got < kBatch) return;
    }
  }

  /// The reader whose queue this thread is serving; errors that come meanwhile are its partition's.
  static KafkaReader*& Serving() {
    static thread_local KafkaReader* serving = nullptr;
    return serving;
  }

  /// The partition is not known to the brokers. Said once in a second as long as it lasts.
  void OnMissing(std::string_view reason) {
    const auto now = std::chrono::steady_clock::now();
    if (!last_missing_ || now - *last_missing_ > kMissingPause) first_missing_ = now;
    last_missing_ = now;
    if (now - first_missing_ < kMissingTime || !error_.ok()) return;
    error_ = absl::NotFoundError(
        absl::StrCat("reading ", partition_.ToString(), " at offset ", position_, ": ", std::string(reason),
                     "; if the topic was deleted, positions and state of this application belong to what it held: reset the "
                     "application (`reset`) before it reads another topic of that name"));
  }

 private:
  ssize_t Consume(int wanted) {
    Serving() = this;
    const ssize_t got = rd_kafka_consume_batch_queue(queue_.get(), 0, batch_.data(), wanted);
    Serving() = nullptr;
    return got;
  }

  int Take(rd_kafka_message_t* message, absl::FunctionRef<void(const RawRecord&)> take) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      RawRecord record;
      if (message->key != nullptr) record.key.emplace(static_cast<const char*>(message->key), message->key_len);
      if (message->payload != nullptr) record.value.emplace(static_cast<const char*>(message->payload), message->len);
      record.timestamp = Timestamp::FromMillis(rd_kafka_message_timestamp(message, nullptr));
      record.topic = &partition_.topic;
      record.partition = partition_.partition;
      record.offset = message->offset;
      rd_kafka_headers_t* headers = nullptr;
      if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) record.headers = ParseHeaders(headers);
      position_ = message->offset + 1;
      seen_end_ = false;
      take(record);
      return 1;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      // Behind transaction markers, which are no messages.
      position_ = std::max(position_, message->offset);
      seen_end_ = true;
    } else if (error_.ok()) {
      error_ = KafkaError(message->err, absl::StrCat("reading ", partition_.ToString(), " at offset ", position_),
                          rd_kafka_message_errstr(message));
    }
    return 0;
  }

  const Headers* ParseHeaders(rd_kafka_headers_t* headers) {
    scratch_.clear();
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
      if (value == nullptr) {
        scratch_.Add(name, std::nullopt);
      } else {
        scratch_.Add(name, std::string_view(static_cast<const char*>(value), size));
      }
    }
    return &scratch_;
  }

  const Handle* handle_;
  const TopicPartition partition_;
  int64_t position_;
  QueuePtr queue_;
  std::atomic<bool>* more_;
  bool seen_end_ = false;
  absl::Status error_;
  std::chrono::steady_clock::time_point first_missing_;
  std::optional<std::chrono::steady_clock::time_point> last_missing_;
  Headers scratch_;
  std::array<rd_kafka_message_t*, kBatch> batch_;
};

absl::StatusOr<std::unique_ptr<KafkaConsumer>> KafkaConsumer::Make(PropertyMap properties, const ConsumerOptions& options,
                                                                   std::chrono::milliseconds request_timeout, ClientLog log) {
  DivideFetchMemory(options, &properties);
  properties.try_emplace("check.crcs", "true");
  properties.try_emplace("fetch.wait.max.ms", "20");
  properties.try_emplace("socket.nagle.disable", "true");
  // Needed for an assignment, though nothing is asked of the group.
  properties.try_emplace("group.id", "millrace-reader");
  properties.erase("group.instance.id");
  const PropertyMap fixed = {
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"enable.partition.eof", "true"},
      {"auto.offset.reset", "error"},
      {"allow.auto.create.topics", "false"},
      {"isolation.level", options.isolation == Isolation::kReadCommitted ? "read_committed" : "read_uncommitted"}};
  std::unique_ptr<KafkaConsumer> consumer(new KafkaConsumer(options.idle_topic, request_timeout, std::move(log)));
  absl::StatusOr<ConfPtr> conf = consumer->MakeConf(properties, fixed);
  if (!conf.ok()) return conf.status();
  if (absl::Status status = consumer->Open(RD_KAFKA_CONSUMER, *std::move(conf)); !status.ok()) return status;
  rd_kafka_poll_set_consumer(consumer->get());
  consumer->event_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (consumer->event_fd_ < 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot make an eventfd: ", std::strerror(errno), "; raise the limit of open files"));
  }
  return consumer;
}

KafkaConsumer::KafkaConsumer(std::string idle_topic, std::chrono::milliseconds request_timeout, ClientLog log)
    : Handle("consumer", std::move(log)), idle_topic_(std::move(idle_topic)), request_timeout_(request_timeout) {}

KafkaConsumer::~KafkaConsumer() {
  {
    std::lock_guard lock(mutex_);
    for (auto& [partition, reader] : readers_) (void)Release(partition, reader.get());
    readers_.clear();
  }
  Destroy();
  if (event_fd_ >= 0) close(event_fd_);
}

absl::StatusOr<std::vector<int32_t>> KafkaConsumer::Leaders(const std::string& topic, int32_t partition) {
  auto known = leaders_.find(topic);
  if (known != leaders_.end() && partition < static_cast<int32_t>(known->second.size())) return known->second;
  absl::StatusOr<std::vector<int32_t>> leaders = AwaitLeaders(get(), topic, std::min(request_timeout_, kLeadersTime));
  if (leaders.ok()) leaders_[topic] = *leaders;
  return leaders;
}

absl::StatusOr<PartitionReader*> KafkaConsumer::Assign(const TopicPartition& partition, int64_t offset) {
  std::lock_guard lock(mutex_);
  if (readers_.contains(partition)) return absl::AlreadyExistsError(absl::StrCat(partition.ToString(), " is assigned already"));
  absl::StatusOr<std::vector<int32_t>> leaders = Leaders(partition.topic, partition.partition);
  if (!leaders.ok()) return leaders.status();
  if (partition.partition < 0 || partition.partition >= static_cast<int32_t>(leaders->size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("topic ", partition.topic, " has ", leaders->size(), " partitions, not partition ", partition.partition));
  }
  QueuePtr queue(rd_kafka_queue_get_partition(get(), partition.topic.c_str(), partition.partition));
  if (!queue) return absl::InternalError(absl::StrCat("no queue for ", partition.ToString()));
  // Detached before the assignment, which then leaves it so.
  rd_kafka_queue_forward(queue.get(), nullptr);
  rd_kafka_queue_io_event_enable(queue.get(), event_fd_, &kRing, sizeof(kRing));
  auto reader = std::make_unique<KafkaReader>(this, partition, offset, std::move(queue), &more_);
  ErrorPtr error(rd_kafka_incremental_assign(get(), OnePartition(partition, offset).get()));
  if (error) return KafkaError(error.get(), absl::StrCat("assigning ", partition.ToString()));
  KeepAwake((*leaders)[partition.partition]);
  PartitionReader* raw = reader.get();
  readers_[partition] = std::move(reader);
  return raw;
}

// The broker's thread looks again at a queue that ran dry only when something else wakes it; the fetch of an empty partition
// does.
void KafkaConsumer::KeepAwake(int32_t broker) {
  if (idle_topic_.empty() || broker < 0 || awake_.contains(broker)) return;
  absl::StatusOr<std::vector<int32_t>> leaders = Leaders(idle_topic_, 0);
  if (!leaders.ok()) return;
  for (int32_t i = 0; i < static_cast<int32_t>(leaders->size()); ++i) {
    if ((*leaders)[i] != broker) continue;
    const TopicPartition partition{idle_topic_, i};
    if (readers_.contains(partition)) continue;
    ErrorPtr error(rd_kafka_incremental_assign(get(), OnePartition(partition, RD_KAFKA_OFFSET_END).get()));
    if (!error) {
      awake_.insert(broker);
      return;
    }
  }
}

absl::Status KafkaConsumer::Unassign(const TopicPartition& partition) {
  std::lock_guard lock(mutex_);
  auto it = readers_.find(partition);
  if (it == readers_.end()) return absl::NotFoundError(absl::StrCat(partition.ToString(), " is not assigned"));
  absl::Status status = Release(partition, it->second.get());
  readers_.erase(it);
  // Its leader may be another one when it comes back.
  leaders_.erase(partition.topic);
  return status;
}

absl::Status KafkaConsumer::Release(const TopicPartition& partition, KafkaReader* reader) {
  rd_kafka_queue_io_event_enable(reader->queue(), -1, nullptr, 0);
  ErrorPtr error(rd_kafka_incremental_unassign(get(), OnePartition(partition, RD_KAFKA_OFFSET_INVALID).get()));
  // The client stops the partition after it has answered, and answers this question after that.
  rd_kafka_topic_partition_list_t* rest = nullptr;
  if (rd_kafka_assignment(get(), &rest) == RD_KAFKA_RESP_ERR_NO_ERROR) ListPtr(rest).reset();
  reader->Discard();
  return KafkaError(error.get(), absl::StrCat("unassigning ", partition.ToString()));
}

bool KafkaConsumer::OnClientError(rd_kafka_resp_err_t error, std::string_view reason) {
  KafkaReader* reader = KafkaReader::Serving();
  if (reader == nullptr) return false;
  if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
    reader->OnMissing(reason);
  return false;
}

void KafkaConsumer::ServeMainQueue() {
  // Errors of the client as a whole, by the error callback, and what the empty partitions say.
  while (rd_kafka_message_t* message = rd_kafka_consumer_poll(get(), 0)) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      Log(4, absl::StrCat(rd_kafka_err2name(message->err), ": ", rd_kafka_message_errstr(message)));
    }
    rd_kafka_message_destroy(message);
  }
}

void KafkaConsumer::Wait(std::chrono::milliseconds timeout) {
  ServeMainQueue();
  if (more_.exchange(false)) return;
  pollfd waiting{event_fd_, POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) return;
  uint64_t rings = 0;
  [[maybe_unused]] const ssize_t got = read(event_fd_, &rings, sizeof(rings));
}

void KafkaConsumer::Wake() { [[maybe_unused]] const ssize_t put = write(event_fd_, &kRing, sizeof(kRing)); }

}  // namespace millrace::log::kafka
