#include "log/kafka/handle.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace millrace::log::kafka {
namespace {

constexpr std::chrono::milliseconds kNewTopicPause{100};

absl::StatusCode CodeOf(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
    case RD_KAFKA_RESP_ERR__CONFLICT:
      return absl::StatusCode::kAlreadyExists;
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
      return absl::StatusCode::kFailedPrecondition;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return absl::StatusCode::kDeadlineExceeded;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR__PARTIAL:  // some brokers have answered
      return absl::StatusCode::kUnavailable;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      return absl::StatusCode::kPermissionDenied;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return absl::StatusCode::kOutOfRange;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return absl::StatusCode::kInvalidArgument;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
      return absl::StatusCode::kDataLoss;
    default:
      return absl::StatusCode::kInternal;
  }
}

std::string_view AdviceFor(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return "raise max.message.bytes of the topic and max.request.size of the producer, or make the record smaller";
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
      return "set replication.factor to at most the number of brokers, or to -1 for the broker's default";
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      return "give every process a group.instance.id of its own";
    case RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP:
      return "stop the application first";
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      return "records can be deleted only from topics with cleanup.policy=delete";
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
      return "the group has moved on; commit again after the next assignment if the task is still owned";
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return "the topic was deleted, or has fewer partitions";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return "check sasl.* and ssl.* settings";
    default:
      break;
  }
  switch (CodeOf(error)) {
    case absl::StatusCode::kNotFound:
      return "create it, or check the name";
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnavailable:
      return "check that the brokers of bootstrap.servers are up and reachable; it is safe to try again";
    case absl::StatusCode::kPermissionDenied:
      return "give the principal the right, or change sasl.* settings";
    case absl::StatusCode::kOutOfRange:
      return "records were deleted, or the offset belongs to another topic of that name; start from the beginning or the end";
    case absl::StatusCode::kDataLoss:
      return "the record is damaged on the broker or on the way";
    default:
      return {};
  }
}

// A broker that cannot be reached is told before the caller's time is over.
constexpr std::chrono::milliseconds kPatience{3000};
constexpr std::chrono::milliseconds kStep{1000};

bool NoAnswer(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

std::string FailureOf(const Handle& handle) {
  std::string failure = handle.last_failure();
  return failure.empty() ? "none, no connection has been answered" : failure;
}

// _INTR if the handle was cancelled.
rd_kafka_resp_err_t AwaitMetadata(const Handle& handle, rd_kafka_topic_t* topic, const rd_kafka_metadata_t** metadata,
                                  std::chrono::milliseconds timeout) {
  std::chrono::milliseconds waited{0};
  std::chrono::milliseconds step = kStep;
  bool told = false;
  while (true) {
    step = std::min(step, timeout - waited);
    const rd_kafka_resp_err_t error = rd_kafka_metadata(handle.get(), 0, topic, metadata, static_cast<int>(step.count()));
    if (!NoAnswer(error)) return error;
    if (handle.cancelled()) return RD_KAFKA_RESP_ERR__INTR;
    waited += step;
    if (waited >= timeout) return error;
    if (waited >= kPatience && !std::exchange(told, true)) {
      handle.Log(4, absl::StrCat("no broker of bootstrap.servers has answered for ", waited.count(), " ms; trying for another ",
                                 (timeout - waited).count(), " ms. Last failure: ", FailureOf(handle)));
    }
    // A broker that has got the question and is slow gets more time for the next one.
    step = error == RD_KAFKA_RESP_ERR__TIMED_OUT ? 2 * step : kStep;
  }
}

}  // namespace

absl::Status KafkaError(rd_kafka_resp_err_t error, std::string_view what, std::string_view text) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  std::string message =
      absl::StrCat(absl::string_view(what.data(), what.size()), ": ",
                   text.empty() ? absl::string_view(rd_kafka_err2str(error)) : absl::string_view(text.data(), text.size()), " (",
                   rd_kafka_err2name(error), ")");
  if (std::string_view advice = AdviceFor(error); !advice.empty()) message.append("; ").append(advice);
  return {CodeOf(error), message};
}

absl::Status KafkaError(const rd_kafka_error_t* error, std::string_view what) {
  if (error == nullptr) return absl::OkStatus();
  return KafkaError(rd_kafka_error_code(error), what, rd_kafka_error_string(error));
}

Handle::~Handle() { Destroy(); }

void Handle::Destroy(int flags) {
  if (rk_ == nullptr) return;
  rd_kafka_destroy_flags(rk_, flags);
  rk_ = nullptr;
}

absl::Status Handle::fatal() const {
  std::lock_guard lock(mutex_);
  return fatal_;
}

absl::StatusOr<ConfPtr> Handle::MakeConf(const PropertyMap& properties, const PropertyMap& fixed) const {
  ConfPtr conf(rd_kafka_conf_new());
  char text[512];
  for (const PropertyMap* map : {&properties, &fixed}) {
    for (const auto& [name, value] : *map) {
      if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), text, sizeof(text)) == RD_KAFKA_CONF_OK) continue;
      const bool secret = name.find("password") != std::string::npos || name.find("secret") != std::string::npos;
      return absl::InvalidArgumentError(absl::StrCat("Kafka's client refuses ", name, "=", secret ? "(secret)" : value, ": ",
                                                     text, "; correct it or leave it out"));
    }
  }
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  return conf;
}

absl::Status Handle::Open(rd_kafka_type_t type, ConfPtr conf) {
  rd_kafka_conf_set_opaque(conf.get(), this);
  char text[512];
  rk_ = rd_kafka_new(type, conf.get(), text, sizeof(text));
  if (rk_ == nullptr) return absl::InvalidArgumentError(absl::StrCat("cannot make the Kafka ", name_, ": ", text));
  (void)conf.release();
  return absl::OkStatus();
}

void Handle::Log(int level, std::string_view message) const {
  if (log_) log_(level, name_, message);
}

std::string Handle::last_failure() const {
  std::lock_guard lock(mutex_);
  return last_failure_;
}

void Handle::OnLog(const rd_kafka_t* rk, int level, const char* facility, const char* message) {
  auto* self = static_cast<Handle*>(rd_kafka_opaque(rk));
  if (std::strcmp(facility, "FAIL") == 0) {
    // "[thrd:NAME]: " in front is of no use to a reader.
    const char* end = std::strstr(message, "]: ");
    std::lock_guard lock(self->mutex_);
    self->last_failure_ = end == nullptr ? message : end + 3;
  }
  if (self->OnLine(level, facility, message)) self->Log(level, absl::StrCat(facility, ": ", message));
}

void Handle::OnError(rd_kafka_t* rk, int error, const char* reason, void* opaque) {
  auto* self = static_cast<Handle*>(opaque);
  if (error != RD_KAFKA_RESP_ERR__FATAL) {
    if (self->OnClientError(static_cast<rd_kafka_resp_err_t>(error), reason)) return;
    self->Log(4, absl::StrCat(rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error)), ": ", reason));
    return;
  }
  char text[512];
  const rd_kafka_resp_err_t cause = rd_kafka_fatal_error(rk, text, sizeof(text));
  std::lock_guard lock(self->mutex_);
  if (self->fatal_.ok()) self->fatal_ = KafkaError(cause, absl::StrCat("the Kafka ", self->name_, " cannot go on"), text);
}

absl::StatusOr<std::vector<int32_t>> FetchLeaders(rd_kafka_t* rk, rd_kafka_topic_t* topic, std::chrono::milliseconds timeout) {
  const std::string what = absl::StrCat("asking for topic ", rd_kafka_topic_name(topic));
  const auto* handle = static_cast<const Handle*>(rd_kafka_opaque(rk));
  const rd_kafka_metadata_t* raw = nullptr;
  const rd_kafka_resp_err_t error = AwaitMetadata(*handle, topic, &raw, timeout);
  if (error == RD_KAFKA_RESP_ERR__INTR) return absl::CancelledError(absl::StrCat(what, ": the client is ending"));
  if (NoAnswer(error)) {
    const absl::Status status = KafkaError(error, what);
    return absl::Status(status.code(), absl::StrCat(std::string(status.message()), ". Last failure: ", FailureOf(*handle)));
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(error, what);
  MetadataPtr metadata(raw);
  if (metadata->topic_cnt != 1) return KafkaError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, what);
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(found.err, what);
  std::vector<int32_t> leaders(found.partition_cnt, -1);
  for (int i = 0; i < found.partition_cnt; ++i) {
    const rd_kafka_metadata_partition_t& partition = found.partitions[i];
    if (partition.id >= 0 && partition.id < found.partition_cnt) leaders[partition.id] = partition.leader;
  }
  return leaders;
}

absl::StatusOr<std::vector<int32_t>> FetchLeaders(rd_kafka_t* rk, const std::string& topic, std::chrono::milliseconds timeout) {
  TopicPtr handle(rd_kafka_topic_new(rk, topic.c_str(), nullptr));
  if (!handle) return KafkaError(rd_kafka_last_error(), absl::StrCat("asking for topic ", topic));
  return FetchLeaders(rk, handle.get(), timeout);
}

absl::StatusOr<std::vector<int32_t>> AwaitLeaders(rd_kafka_t* rk, rd_kafka_topic_t* topic, std::chrono::milliseconds timeout) {
  const auto known = std::chrono::steady_clock::now() + kNewTopicTime;
  while (true) {
    absl::StatusOr<std::vector<int32_t>> leaders = FetchLeaders(rk, topic, timeout);
    if (!absl::IsNotFound(leaders.status()) || std::chrono::steady_clock::now() >= known) return leaders;
    std::this_thread::sleep_for(kNewTopicPause);
  }
}

absl::StatusOr<std::vector<int32_t>> AwaitLeaders(rd_kafka_t* rk, const std::string& topic, std::chrono::milliseconds timeout) {
  TopicPtr handle(rd_kafka_topic_new(rk, topic.c_str(), nullptr));
  if (!handle) return KafkaError(rd_kafka_last_error(), absl::StrCat("asking for topic ", topic));
  return AwaitLeaders(rk, handle.get(), timeout);
}

ListPtr ToList(const Offsets& offsets) {
  ListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const auto& [partition, offset] : offsets) {
    rd_kafka_topic_partition_t* item =
        rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition);
    item->offset = offset.offset;
    if (offset.metadata.empty()) continue;
    // The list frees it. One byte more, so that it is a C string too.
    item->metadata = rd_kafka_mem_calloc(nullptr, 1, offset.metadata.size() + 1);
    std::memcpy(item->metadata, offset.metadata.data(), offset.metadata.size());
    item->metadata_size = offset.metadata.size();
  }
  return list;
}

ListPtr ToList(const std::vector<TopicPartition>& partitions) {
  ListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition);
  }
  return list;
}

absl::StatusOr<Offsets> FromList(const rd_kafka_topic_partition_list_t* list, std::string_view what) {
  Offsets offsets;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& item = list->elems[i];
    if (item.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return KafkaError(item.err,
                        absl::StrCat(absl::string_view(what.data(), what.size()), " of ", item.topic, "-", item.partition));
    }
    if (item.offset < 0) continue;
    OffsetAndMetadata& offset = offsets[{item.topic, item.partition}];
    offset.offset = item.offset;
    if (item.metadata != nullptr) offset.metadata.assign(static_cast<const char*>(item.metadata), item.metadata_size);
  }
  return offsets;
}

}  // namespace millrace::log::kafka
