#include "log/kafka/admin.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::log::kafka {
namespace {

using std::chrono::milliseconds;

constexpr size_t kErrorText = 512;
constexpr int64_t kEnd = -1;
constexpr int64_t kBeginning = -2;
constexpr milliseconds kRetryPause{20};
constexpr milliseconds kCancelStep{500};
// A leader that is known to lead answers in less; one that is gone never does, and another leads by the next question.
constexpr milliseconds kLeaderTime{5000};

bool IsForCoordinator(rd_kafka_admin_op_t operation) {
  return operation == RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS || operation == RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS ||
         operation == RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS || operation == RD_KAFKA_ADMIN_OP_DELETEGROUPS;
}

using OptionsPtr = std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;
using NewTopicPtr = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<rd_kafka_NewTopic_destroy>>;
using DeleteTopicPtr = std::unique_ptr<rd_kafka_DeleteTopic_t, Destroyer<rd_kafka_DeleteTopic_destroy>>;
using DeleteRecordsPtr = std::unique_ptr<rd_kafka_DeleteRecords_t, Destroyer<rd_kafka_DeleteRecords_destroy>>;
using DeleteGroupPtr = std::unique_ptr<rd_kafka_DeleteGroup_t, Destroyer<rd_kafka_DeleteGroup_destroy>>;
using AlterOffsetsPtr =
    std::unique_ptr<rd_kafka_AlterConsumerGroupOffsets_t, Destroyer<rd_kafka_AlterConsumerGroupOffsets_destroy>>;
using ListOffsetsPtr = std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t, Destroyer<rd_kafka_ListConsumerGroupOffsets_destroy>>;

}  // namespace

absl::StatusOr<std::unique_ptr<AdminHandle>> AdminHandle::Make(PropertyMap properties, Isolation isolation,
                                                               const ClientLog& log) {
  properties.try_emplace("socket.nagle.disable", "true");
  // Nothing is asked of the group, but librdkafka 2.0 crashes without one when the coordinator of the group whose offsets are
  // asked for has moved or is still loading: it means to look for its own.
  properties.try_emplace("group.id", "millrace-reader");
  properties.erase("group.instance.id");
  const PropertyMap fixed = {{"allow.auto.create.topics", "false"},
                             {"enable.auto.commit", "false"},
                             {"isolation.level", isolation == Isolation::kReadCommitted ? "read_committed" : "read_uncommitted"}};
  std::unique_ptr<AdminHandle> handle(new AdminHandle(log));
  absl::StatusOr<ConfPtr> conf = handle->MakeConf(properties, fixed);
  if (!conf.ok()) return conf.status();
  if (absl::Status status = handle->Open(RD_KAFKA_CONSUMER, *std::move(conf)); !status.ok()) return status;
  return handle;
}

// One call of the Admin API: options, and the wait for its result.
class KafkaAdmin::Request {
 public:
  Request(rd_kafka_t* rk, rd_kafka_admin_op_t operation, milliseconds timeout, std::string what)
      : handle_(static_cast<const Handle*>(rd_kafka_opaque(rk))),
        what_(std::move(what)),
        timeout_(timeout),
        queue_(rd_kafka_queue_new(rk)),
        options_(rd_kafka_AdminOptions_new(rk, operation)) {
    char text[kErrorText];
    const milliseconds limit = IsForCoordinator(operation) ? kCoordinatorTime : timeout;
    rd_kafka_AdminOptions_set_request_timeout(options_.get(), static_cast<int>(limit.count()), text, sizeof(text));
  }

  /// The broker answers when the change is done.
  void AwaitDone() {
    char text[kErrorText];
    rd_kafka_AdminOptions_set_operation_timeout(options_.get(), static_cast<int>(timeout_.count()), text, sizeof(text));
  }

  [[nodiscard]] absl::Status Await() {
    // The client itself answers when the request's time is over.
    const auto deadline = std::chrono::steady_clock::now() + timeout_ + std::chrono::seconds(5);
    while (!event_ && std::chrono::steady_clock::now() < deadline) {
      if (handle_->cancelled()) return absl::CancelledError(absl::StrCat(what_, ": the client is ending"));
      event_.reset(rd_kafka_queue_poll(queue_.get(), static_cast<int>(kCancelStep.count())));
    }
    if (!event_) return KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, what_);
    const rd_kafka_resp_err_t error = rd_kafka_event_error(event_.get());
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? absl::OkStatus()
                                               : KafkaError(error, what_, rd_kafka_event_error_string(event_.get()));
  }

  [[nodiscard]] absl::Status FirstTopicError(const rd_kafka_topic_result_t* const* results, size_t count) const {
    if (count == 0) return absl::OkStatus();
    const char* text = rd_kafka_topic_result_error_string(results[0]);
    return KafkaError(rd_kafka_topic_result_error(results[0]), what_, text != nullptr ? text : "");
  }
  [[nodiscard]] absl::Status FirstGroupError(const rd_kafka_group_result_t* const* results, size_t count) const {
    return count == 0 ? absl::OkStatus() : KafkaError(rd_kafka_group_result_error(results[0]), what_);
  }

  [[nodiscard]] const std::string& what() const { return what_; }
  [[nodiscard]] const rd_kafka_AdminOptions_t* options() const { return options_.get(); }
  [[nodiscard]] rd_kafka_queue_t* queue() const { return queue_.get(); }
  [[nodiscard]] rd_kafka_event_t* event() const { return event_.get(); }

 private:
  const Handle* const handle_;
  const std::string what_;
  const milliseconds timeout_;
  QueuePtr queue_;
  OptionsPtr options_;
  EventPtr event_;
};

KafkaAdmin::KafkaAdmin(PropertyMap properties, milliseconds request_timeout, ClientLog log)
    : properties_(std::move(properties)), request_timeout_(request_timeout), log_(std::move(log)) {}

absl::StatusOr<rd_kafka_t*> KafkaAdmin::Connection(Isolation isolation) {
  std::lock_guard lock(mutex_);
  std::unique_ptr<AdminHandle>& handle = handles_[isolation == Isolation::kReadCommitted ? 1 : 0];
  if (!handle) {
    absl::StatusOr<std::unique_ptr<AdminHandle>> made = AdminHandle::Make(properties_, isolation, log_);
    if (!made.ok()) return made.status();
    handle = *std::move(made);
    if (cancelled_) handle->Cancel();
  }
  return handle->get();
}

void KafkaAdmin::Cancel() {
  cancelled_ = true;
  std::lock_guard lock(mutex_);
  for (const std::unique_ptr<AdminHandle>& handle : handles_) {
    if (handle) handle->Cancel();
  }
}

absl::StatusOr<std::optional<int32_t>> KafkaAdmin::PartitionCount(const std::string& topic) {
  absl::StatusOr<rd_kafka_t*> rk = Connection(Isolation::kReadUncommitted);
  if (!rk.ok()) return rk.status();
  absl::StatusOr<std::vector<int32_t>> leaders = FetchLeaders(*rk, topic, request_timeout_);
  if (leaders.ok()) return static_cast<int32_t>(leaders->size());
  if (absl::IsNotFound(leaders.status())) return std::optional<int32_t>();
  return leaders.status();
}

absl::StatusOr<std::vector<std::string>> KafkaAdmin::ListTopics() {
  absl::StatusOr<rd_kafka_t*> rk = Connection(Isolation::kReadUncommitted);
  if (!rk.ok()) return rk.status();
  const rd_kafka_metadata_t* raw = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(*rk, 1, nullptr, &raw, static_cast<int>(request_timeout_.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(error, "listing topics");
  MetadataPtr metadata(raw);
  std::vector<std::string> names;
  for (int i = 0; i < metadata->topic_cnt; ++i) names.emplace_back(metadata->topics[i].topic);
  std::sort(names.begin(), names.end());
  return names;
}

// The controller has agreed; the brokers learn of it a moment later. partitions: nullopt = gone.
absl::Status KafkaAdmin::AwaitTopic(const std::string& topic, std::optional<int32_t> partitions) {
  absl::StatusOr<rd_kafka_t*> rk = Connection(Isolation::kReadUncommitted);
  if (!rk.ok()) return rk.status();
  const auto deadline = std::chrono::steady_clock::now() + request_timeout_;
  while (true) {
    absl::StatusOr<std::vector<int32_t>> leaders = FetchLeaders(*rk, topic, request_timeout_);
    const bool gone = absl::IsNotFound(leaders.status());
    if (!partitions && gone) return absl::OkStatus();
    if (partitions && leaders.ok() && static_cast<int32_t>(leaders->size()) == *partitions &&
        std::find(leaders->begin(), leaders->end(), -1) == leaders->end()) {
      return absl::OkStatus();
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return absl::DeadlineExceededError(absl::StrCat("the brokers have not ", partitions ? "made" : "deleted", " topic ", topic,
                                                      " within ", request_timeout_.count(),
                                                      " ms; check that all brokers are up"));
    }
    std::this_thread::sleep_for(milliseconds(10));
  }
}

absl::Status KafkaAdmin::CreateTopic(const TopicSpec& spec) {
  absl::StatusOr<rd_kafka_t*> rk = Connection(Isolation::kReadUncommitted);
  if (!rk.ok()) return rk.status();
  Request request(*rk, RD_KAFKA_ADMIN_OP_CREATETOPICS, request_timeout_, absl::StrCat("creating topic ", spec.name));
  request.AwaitDone();
  char text[kErrorText];
  NewTopicPtr topic(rd_kafka_NewTopic_new(spec.name.c_str(), spec.partitions, spec.replication_factor, text, sizeof(text)));
  if (!topic) return absl::InvalidArgumentError(absl::StrCat(request.what(), ": ", text));
  for (const auto& [name, value] : spec.config) rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
  rd_kafka_NewTopic_t* topics[] = {topic.get()};
  rd_kafka_CreateTopics(*rk, topics, 1, request.options(), request.queue());
  if (absl::Status status = request.Await(); !status.ok()) return status;
  size_t count = 0;
  const auto* results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(request.event()), &count);
  if (absl::Status status = request.FirstTopicError(results, count); !status.ok()) return status;
  return AwaitTopic(spec.name, spec.partitions);
}

absl::Status KafkaAdmin::DeleteTopic(const std::string& name) {
  absl::StatusOr<rd_kafka_t*> rk = Connection(Isolation::kReadUncommitted);
  if (!rk.ok()) return rk.status();
  Request request(*rk, RD_KAFKA_ADMIN_OP_DELETETOPICS, request_timeout_, absl::StrCat("deleting topic ", name));
  request.AwaitDone();
  DeleteTopicPtr topic(rd_kafka_DeleteTopic_new(name.c_str()));
  rd_kafka_DeleteTopic_t* topics[] = {topic.get()};
  rd_kafka_DeleteTopics(*rk, topics, 1, request.options(), request.queue());
  if (absl::Status status = request.Await(); !status.ok()) return status;
  size_t count = 0;
  const auto* results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(request.event()), &count);
  if (absl::Status status = request.FirstTopicError(results, count); !status.ok()) return status;
  return AwaitTopic(name, std::nullopt);
}

absl::StatusOr<int64_t> KafkaAdmin::OffsetAt(const TopicPartition& partition, int64_t which, Isolation isolation) {
  absl::StatusOr<rd_kafka_t*> rk = Connection(isolation);
  if (!rk.ok()) return rk.status();
  const std::string what =
      absl::StrCat("asking for the ", which == kEnd ? "end" : (which == kBeginning ? "beginning" : "offset of a time"), " of ",
                   partition.ToString());
  // ListOffsets goes to the leader; an unknown topic would be waited for until the time is over.
  const auto start = std::chrono::steady_clock::now();
  const auto is_new = [start](const absl::Status& status) {
    return absl::IsNotFound(status) && std::chrono::steady_clock::now() < start + kNewTopicTime;
  };
  absl::StatusOr<std::vector<int32_t>> leaders = AwaitLeaders(*rk, partition.topic, request_timeout_);
  if (!leaders.ok()) return leaders.status();
  if (partition.partition < 0 || partition.partition >= static_cast<int32_t>(leaders->size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("topic ", partition.topic, " has ", leaders->size(), " partitions, not partition ", partition.partition));
  }
  const auto deadline = start + request_timeout_;
  const milliseconds timeout = std::min(request_timeout_, kLeaderTime);
  while (true) {
    ListPtr list = ToList(std::vector<TopicPartition>{partition});
    list->elems[0].offset = which;
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(*rk, list.get(), static_cast<int>(timeout.count()));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = list->elems[0].err;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return list->elems[0].offset;
    // A broker leads a new partition a moment after it is known to.
    const absl::Status status = KafkaError(error, what);
    const bool moves = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
    const bool again = is_new(status) || (moves && std::chrono::steady_clock::now() < deadline);
    if (!again) return status;
    std::this_thread::sleep_for(kRetryPause);
    leaders = FetchLeaders(*rk, partition.topic, timeout);
    if (absl::IsCancelled(leaders.status())) return leaders.status();
  }
}

absl::StatusOr<int64_t> KafkaAdmin::BeginningOffset(const TopicPartition& partition) {
  return OffsetAt(partition, kBeginning, Isolation::kReadUncommitted);
}

absl::StatusOr<int64_t> KafkaAdmin::EndOffset(const TopicPartition& partition, Isolation isolation) {
  return OffsetAt(partition, kEnd, isolation);
}

absl::StatusOr<std::map<TopicPartition, int64_t>> KafkaAdmin::EndOffsets(const std::vector<TopicPartition>& partitions,
                                                                         Isolation isolation) {
  std::map<TopicPartition, int64_t> ends;
  absl::StatusOr<rd_kafka_t*> rk = Connection(isolation);
  if (!rk.ok()) return rk.status();
  // A partition that does not exist or has no leader would be waited for until the time is over.
  std::map<std::string, std::vector<int32_t>> leaders;
  std::vector<TopicPartition> led;
  for (const TopicPartition& partition : partitions) {
    const auto [of_topic, is_new] = leaders.try_emplace(partition.topic);
    if (is_new) {
      absl::StatusOr<std::vector<int32_t>> found = FetchLeaders(*rk, partition.topic, request_timeout_);
      if (!found.ok() && !absl::IsNotFound(found.status())) return found.status();
      if (found.ok()) of_topic->second = *std::move(found);
    }
    const auto index = static_cast<size_t>(partition.partition);
    if (index < of_topic->second.size() && of_topic->second[index] >= 0) led.push_back(partition);
  }
  if (led.empty()) return ends;
  ListPtr list = ToList(led);
  for (int i = 0; i < list->cnt; ++i) list->elems[i].offset = kEnd;
  const milliseconds timeout = std::min(request_timeout_, kLeaderTime);
  const rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(*rk, list.get(), static_cast<int>(timeout.count()));
  bool any = false;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& item = list->elems[i];
    if (item.err != RD_KAFKA_RESP_ERR_NO_ERROR || item.offset < 0) continue;
    any = true;
    ends[{item.topic, item.partition}] = item.offset;
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && !any) return KafkaError(error, "asking for the ends of partitions");
  return ends;
}

absl::StatusOr<std::map<TopicPartition, int64_t>> KafkaAdmin::OffsetsForTime(const std::vector<TopicPartition>& partitions,
                                                                             Timestamp time) {
  std::map<TopicPartition, int64_t> offsets;
  for (const TopicPartition& partition : partitions) {
    // Negative numbers are the client's names for ends of the partition.
    absl::StatusOr<int64_t> offset = OffsetAt(partition, std::max<int64_t>(0, time.millis()), Isolation::kReadUncommitted);
    if (offset.ok() && *offset < 0) offset = EndOffset(partition, Isolation::kReadUncommitted);
    if (!offset.ok()) return offset.status();
    offsets[partition] = *offset;
  }
  return offsets;
}

absl::Status KafkaAdmin::DeleteRecords(const TopicPartition& partition, int64_t before_offset) {
  absl::StatusOr<rd_kafka_t*> rk = Connection(Isolation::kReadUncommitted);
  if (!rk.ok()) return rk.status();
  Request request(*rk, RD_KAFKA_ADMIN_OP_DELETERECORDS, request_timeout_,
                  absl::StrCat("deleting the records of ", partition.ToString(), " before ", before_offset));
  request.AwaitDone();
  ListPtr list = ToList(Offsets{{partition, {before_offset, ""}}});
  DeleteRecordsPtr records(rd_kafka_DeleteRecords_new(list.get()));
  rd_kafka_DeleteRecords_t* all[] = {records.get()};
  rd_kafka_DeleteRecords(*rk, all, 1, request.options(), request.queue());
  if (absl::Status status = request.Await(); !status.ok()) return status;
  const auto* result = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(request.event()));
  return FromList(result, request.what()).status();
}

// Its coordinator: a broker that starts, or takes a group over, loads the group first.
template <class Answer>
absl::StatusOr<Answer> KafkaAdmin::AskCoordinator(absl::FunctionRef<absl::StatusOr<Answer>(rd_kafka_t* rk)> ask) {
  absl::StatusOr<rd_kafka_t*> rk = Connection(Isolation::kReadUncommitted);
  if (!rk.ok()) return rk.status();
  const auto deadline = std::chrono::steady_clock::now() + request_timeout_;
  // What nobody answers would be kept, request by request, until somebody does.
  const rd_kafka_metadata_t* raw = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(*rk, 0, nullptr, &raw, static_cast<int>(request_timeout_.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(error, "looking for a broker");
  MetadataPtr metadata(raw);
  while (true) {
    absl::StatusOr<Answer> answer = ask(*rk);
    if (!absl::IsUnavailable(answer.status()) || std::chrono::steady_clock::now() >= deadline) return answer;
    std::this_thread::sleep_for(kRetryPause);
  }
}

absl::StatusOr<Offsets> KafkaAdmin::CommittedOffsets(const std::string& group, const std::vector<TopicPartition>& partitions) {
  if (partitions.empty()) return Offsets{};
  return AskCoordinator<Offsets>([&](rd_kafka_t* rk) { return AskForCommitted(rk, group, partitions); });
}

absl::StatusOr<Offsets> KafkaAdmin::AskForCommitted(rd_kafka_t* rk, const std::string& group,
                                                    const std::vector<TopicPartition>& partitions) const {
  Request request(rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, request_timeout_,
                  absl::StrCat("asking for the committed offsets of group ", group));
  ListPtr list = ToList(partitions);
  ListOffsetsPtr wanted(rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get()));
  rd_kafka_ListConsumerGroupOffsets_t* all[] = {wanted.get()};
  rd_kafka_ListConsumerGroupOffsets(rk, all, 1, request.options(), request.queue());
  if (absl::Status status = request.Await(); !status.ok()) return status;
  size_t count = 0;
  const auto* groups =
      rd_kafka_ListConsumerGroupOffsets_result_groups(rd_kafka_event_ListConsumerGroupOffsets_result(request.event()), &count);
  if (count == 0) return Offsets{};
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[0])) return KafkaError(error, request.what());
  return FromList(rd_kafka_group_result_partitions(groups[0]), request.what());
}

absl::StatusOr<std::vector<std::string>> KafkaAdmin::GroupClientIds(const std::string& name) {
  using Ids = std::vector<std::string>;
  absl::StatusOr<Ids> ids = AskCoordinator<Ids>([&](rd_kafka_t* rk) { return AskForMembers(rk, name); });
  return absl::IsNotFound(ids.status()) ? Ids() : ids;
}

// Not by rd_kafka_list_groups, which asks all brokers, and fails while one of them is down.
absl::StatusOr<std::vector<std::string>> KafkaAdmin::AskForMembers(rd_kafka_t* rk, const std::string& name) const {
  Request request(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, request_timeout_,
                  absl::StrCat("asking for the members of group ", name));
  const char* all[] = {name.c_str()};
  rd_kafka_DescribeConsumerGroups(rk, all, 1, request.options(), request.queue());
  if (absl::Status status = request.Await(); !status.ok()) return status;
  size_t count = 0;
  const auto* groups =
      rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(request.event()), &count);
  // Whoever is not told of is taken for dead, so only a whole answer is one.
  if (count != 1) return absl::UnavailableError(absl::StrCat(request.what(), ": ", count, " answers"));
  if (const rd_kafka_error_t* error = rd_kafka_ConsumerGroupDescription_error(groups[0]))
    return KafkaError(error, request.what());
  std::vector<std::string> ids;
  for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(groups[0]); ++i) {
    ids.emplace_back(rd_kafka_MemberDescription_client_id(rd_kafka_ConsumerGroupDescription_member(groups[0], i)));
  }
  return ids;
}

absl::Status KafkaAdmin::AlterOffsets(const std::string& name, const Offsets& offsets) {
  if (offsets.empty()) return absl::OkStatus();
  absl::StatusOr<rd_kafka_t*> rk = Connection(Isolation::kReadUncommitted);
  if (!rk.ok()) return rk.status();
  Request request(*rk, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, request_timeout_,
                  absl::StrCat("setting the offsets of group ", name));
  // Kafka answers UNKNOWN_MEMBER_ID for a group that has members, which would read as one that has moved on.
  absl::StatusOr<std::vector<std::string>> members = GroupClientIds(name);
  if (!members.ok()) return members.status();
  if (!members->empty()) {
    return absl::FailedPreconditionError(absl::StrCat(request.what(), ": it has ", members->size(), " members; stop them first"));
  }
  ListPtr list = ToList(offsets);
  AlterOffsetsPtr wanted(rd_kafka_AlterConsumerGroupOffsets_new(name.c_str(), list.get()));
  rd_kafka_AlterConsumerGroupOffsets_t* all[] = {wanted.get()};
  rd_kafka_AlterConsumerGroupOffsets(*rk, all, 1, request.options(), request.queue());
  if (absl::Status status = request.Await(); !status.ok()) return status;
  size_t count = 0;
  const auto* groups =
      rd_kafka_AlterConsumerGroupOffsets_result_groups(rd_kafka_event_AlterConsumerGroupOffsets_result(request.event()), &count);
  if (count == 0) return absl::OkStatus();
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[0])) return KafkaError(error, request.what());
  return FromList(rd_kafka_group_result_partitions(groups[0]), request.what()).status();
}

absl::Status KafkaAdmin::DeleteGroup(const std::string& name) {
  absl::StatusOr<rd_kafka_t*> rk = Connection(Isolation::kReadUncommitted);
  if (!rk.ok()) return rk.status();
  Request request(*rk, RD_KAFKA_ADMIN_OP_DELETEGROUPS, request_timeout_, absl::StrCat("deleting group ", name));
  DeleteGroupPtr group(rd_kafka_DeleteGroup_new(name.c_str()));
  rd_kafka_DeleteGroup_t* groups[] = {group.get()};
  rd_kafka_DeleteGroups(*rk, groups, 1, request.options(), request.queue());
  if (absl::Status status = request.Await(); !status.ok()) return status;
  size_t count = 0;
  const auto* results = rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(request.event()), &count);
  return request.FirstGroupError(results, count);
}

}  // namespace millrace::log::kafka
