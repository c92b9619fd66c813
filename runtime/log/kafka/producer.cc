#include "log/kafka/producer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::log::kafka {
namespace {

using std::chrono::milliseconds;

rd_kafka_headers_t* MakeHeaders(const Headers& headers) {
  rd_kafka_headers_t* made = rd_kafka_headers_new(headers.size());
  for (const Header& header : headers) {
    rd_kafka_header_add(made, header.name.data(), static_cast<ssize_t>(header.name.size()),
                        header.value ? header.value->data() : nullptr,
                        header.value ? static_cast<ssize_t>(header.value->size()) : 0);
  }
  return made;
}

// By what the record is, not by how the broker or the application's rights are at the moment.
bool IsRefusedForGood(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return true;
    default:
      return false;
  }
}

// The broker looked at a batch, and does not say which of its records it means.
bool IsOfBatch(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
         error == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP || error == RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

// Null is a null pointer, empty is not.
rd_kafka_vu_t Memory(rd_kafka_vtype_t type, NullableBytesView bytes) {
  rd_kafka_vu_t part;
  part.vtype = type;
  part.u.mem.ptr = bytes ? const_cast<char*>(bytes->data() != nullptr ? bytes->data() : "") : nullptr;
  part.u.mem.size = bytes ? bytes->size() : 0;
  return part;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaProducer>> KafkaProducer::Make(PropertyMap properties, PropertyMap fixed,
                                                                   milliseconds request_timeout, ClientLog log,
                                                                   UnansweredRequests* requests) {
  properties.try_emplace("linger.ms", "5");
  properties.try_emplace("queue.buffering.max.messages", "1000000");
  properties.try_emplace("socket.nagle.disable", "true");
  properties.try_emplace("message.timeout.ms", "120000");
  fixed.insert({{"enable.idempotence", "true"}, {"acks", "all"}, {"partitioner", "murmur2_random"}});
  std::unique_ptr<KafkaProducer> producer(new KafkaProducer(request_timeout, std::move(log)));
  absl::StatusOr<ConfPtr> conf = producer->MakeConf(properties, fixed);
  if (!conf.ok()) return conf.status();
  rd_kafka_conf_set_dr_msg_cb(conf->get(), OnDelivery);
  if (requests != nullptr) requests->Watch(conf->get());
  if (absl::Status status = producer->Open(RD_KAFKA_PRODUCER, *std::move(conf)); !status.ok()) return status;
  return producer;
}

KafkaProducer::KafkaProducer(milliseconds request_timeout, ClientLog log)
    : Handle("producer", std::move(log)), request_timeout_(request_timeout) {}

KafkaProducer::~KafkaProducer() {
  if (get() != nullptr && outstanding_ > 0) {
    // Who wanted them delivered has flushed; the marks of the others are dead already.
    rd_kafka_purge(get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  }
  topics_.clear();
  Destroy();
}

void KafkaProducer::OnDelivery(rd_kafka_t* /*rk*/, const rd_kafka_message_t* message, void* opaque) {
  auto* self = static_cast<KafkaProducer*>(static_cast<Handle*>(opaque));
  --self->outstanding_;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    auto* delivered = static_cast<int64_t*>(message->_private);
    if (delivered != nullptr && *delivered < message->offset) *delivered = message->offset;
    return;
  }
  if (!self->error_.ok()) return;
  if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) return;
  absl::Status status = self->JudgeFailure(*message);
  if (self->error_.ok()) self->error_ = std::move(status);
}

absl::Status KafkaProducer::JudgeFailure(const rd_kafka_message_t& message) const {
  // Not rd_kafka_message_errstr, which takes the value of a record for the text of its error.
  absl::Status error = KafkaError(
      message.err, absl::StrCat("a record for ", rd_kafka_topic_name(message.rkt), "-", message.partition, " was not delivered"));
  const bool retriable = absl::IsDeadlineExceeded(error) || absl::IsUnavailable(error);
  if (!refused_ || !(retriable || IsRefusedForGood(message.err))) return error;
  RefusedRecord record;
  record.topic = rd_kafka_topic_name(message.rkt);
  if (message.key != nullptr) record.key = BytesView(static_cast<const char*>(message.key), message.key_len);
  if (message.payload != nullptr) record.value = BytesView(static_cast<const char*>(message.payload), message.len);
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  record.timestamp = Timestamp::FromMillis(rd_kafka_message_timestamp(&message, &type));
  record.error = std::move(error);
  record.marked = message._private != nullptr;
  record.retriable = retriable;
  record.of_batch = IsOfBatch(message.err);
  return refused_(record);
}

absl::StatusOr<rd_kafka_topic_t*> KafkaProducer::FindTopic(const std::string& topic) {
  if (last_topic_ != nullptr && last_name_ == topic) return last_topic_;
  auto it = topics_.find(topic);
  if (it == topics_.end()) {
    TopicPtr made(rd_kafka_topic_new(get(), topic.c_str(), nullptr));
    if (!made) return KafkaError(rd_kafka_last_error(), absl::StrCat("writing to topic ", topic));
    // Without this the first record waits up to a second for its partition to be known.
    const absl::StatusOr<std::vector<int32_t>> leaders = AwaitLeaders(get(), made.get(), request_timeout_);
    // If no broker answers, records wait for one, up to delivery.timeout.ms.
    if (!leaders.ok() && !absl::IsUnavailable(leaders.status()) && !absl::IsDeadlineExceeded(leaders.status()))
      return leaders.status();
    it = topics_.emplace(topic, std::move(made)).first;
  }
  last_topic_ = it->second.get();
  last_name_ = topic;
  return last_topic_;
}

absl::Status KafkaProducer::Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key,
                                 NullableBytesView value, Timestamp timestamp, const Headers& headers,
                                 int64_t* delivered_offset_max) {
  if (!error_.ok()) return error_;
  absl::StatusOr<rd_kafka_topic_t*> found = FindTopic(topic);
  if (!found.ok()) return found.status();
  std::array<rd_kafka_vu_t, 8> parts;
  size_t count = 0;
  parts[count].vtype = RD_KAFKA_VTYPE_RKT;
  parts[count++].u.rkt = *found;
  parts[count].vtype = RD_KAFKA_VTYPE_PARTITION;
  parts[count++].u.i32 = partition.value_or(RD_KAFKA_PARTITION_UA);
  parts[count].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  parts[count++].u.i = RD_KAFKA_MSG_F_COPY;
  parts[count++] = Memory(RD_KAFKA_VTYPE_KEY, key);
  parts[count++] = Memory(RD_KAFKA_VTYPE_VALUE, value);
  // Zero means "now" to librdkafka, so the first millisecond of 1970 is sent as the second.
  parts[count].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  parts[count++].u.i64 = timestamp.millis() < 0 ? 0 : std::max<int64_t>(1, timestamp.millis());
  parts[count].vtype = RD_KAFKA_VTYPE_OPAQUE;
  parts[count++].u.ptr = delivered_offset_max;
  if (headers.empty()) return Produce(parts.data(), count, topic);
  parts[count].vtype = RD_KAFKA_VTYPE_HEADERS;
  parts[count++].u.headers = MakeHeaders(headers);
  absl::Status status = Produce(parts.data(), count, topic);
  if (!status.ok()) rd_kafka_headers_destroy(parts[count - 1].u.headers);
  return status;
}

absl::Status KafkaProducer::Produce(rd_kafka_vu_t* parts, size_t count, const std::string& topic) {
  while (true) {
    ErrorPtr error(rd_kafka_produceva(get(), parts, count));
    if (!error) {
      ++outstanding_;
      return absl::OkStatus();
    }
    if (rd_kafka_error_code(error.get()) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      if (absl::Status status = CurrentError(); !status.ok()) return status;
      return KafkaError(error.get(), absl::StrCat("writing to topic ", topic));
    }
    rd_kafka_poll(get(), 10);
    if (absl::Status status = CurrentError(); !status.ok()) return status;
  }
}

absl::Status KafkaProducer::CurrentError() {
  if (error_.ok()) error_ = fatal();
  return error_;
}

absl::Status KafkaProducer::Poll() {
  rd_kafka_poll(get(), 0);
  return CurrentError();
}

absl::Status KafkaProducer::Flush(milliseconds timeout) {
  // A time-out is no failure: outstanding() tells.
  rd_kafka_flush(get(), static_cast<int>(timeout.count()));
  return CurrentError();
}

}  // namespace millrace::log::kafka
