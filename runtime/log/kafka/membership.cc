#include "log/kafka/membership.h"

#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "log/kafka/group_assignment.h"

namespace millrace::log::kafka {
namespace {

using std::chrono::milliseconds;

constexpr int16_t kJoinGroup = 11;
constexpr int16_t kHeartbeat = 12;
// A heartbeat that is lost with its connection is never answered.
constexpr int kHeartbeatWaits = 50;
constexpr std::chrono::microseconds kHeartbeatPause{300};
constexpr int kDebugLevel = 7;
constexpr milliseconds kCommittedSlice{500};
constexpr milliseconds kRetryPause{20};
constexpr milliseconds kCommitTime = std::chrono::seconds(5);
constexpr milliseconds kSettleTime = std::chrono::seconds(2);
constexpr milliseconds kCloseTime = std::chrono::seconds(30);
// librdkafka joins at most once in a second when it hears of a rebalance, and at once when it has given partitions back.
constexpr milliseconds kJoinInterval = std::chrono::seconds(1);
// A commit that begins so long before is with the broker before the JoinGroup.
constexpr milliseconds kCommitMargin{50};
constexpr milliseconds kJoinWaits{500};

int64_t NowMillis() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct MemberIdentity {
  int32_t generation = -1;
  std::string member_id;
};

// librdkafka 2.0 tells generation and member only in the serialised form: magic, generation, then strings that end with zero.
std::optional<MemberIdentity> IdentityOf(rd_kafka_t* rk) {
  GroupMetadataPtr metadata(rd_kafka_consumer_group_metadata(rk));
  if (!metadata) return std::nullopt;
  void* buffer = nullptr;
  size_t size = 0;
  ErrorPtr error(rd_kafka_consumer_group_metadata_write(metadata.get(), &buffer, &size));
  if (error) return std::nullopt;
  const std::string bytes(static_cast<const char*>(buffer), size);
  rd_kafka_mem_free(nullptr, buffer);
  constexpr std::string_view kMagic = "CGMDv2:";
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + sizeof(int32_t)) return std::nullopt;
  MemberIdentity identity;
  std::memcpy(&identity.generation, bytes.data() + kMagic.size(), sizeof(int32_t));
  const size_t member = bytes.find('\0', kMagic.size() + sizeof(int32_t));
  if (member == std::string::npos) return std::nullopt;
  identity.member_id = bytes.c_str() + member + 1;
  return identity;
}

std::vector<int32_t> TasksOf(const rd_kafka_topic_partition_list_t* partitions) {
  std::vector<int32_t> tasks;
  if (partitions == nullptr) return tasks;
  for (int i = 0; i < partitions->cnt; ++i) tasks.push_back(partitions->elems[i].partition);
  return tasks;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaMembership>> KafkaMembership::Make(PropertyMap properties, const MembershipOptions& options,
                                                                       MembershipListener* listener, milliseconds request_timeout,
                                                                       ClientLog log) {
  properties.try_emplace("socket.nagle.disable", "true");
  PropertyMap fixed = {{"group.id", options.group},     {"partition.assignment.strategy", "cooperative-sticky"},
                       {"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"},
                       {"auto.offset.reset", "latest"}, {"allow.auto.create.topics", "false"}};
  const bool debug_is_ours = properties.try_emplace("debug", "cgrp").second;
  if (!options.client_id.empty()) fixed["client.id"] = options.client_id;
  if (!options.instance_id.empty()) fixed["group.instance.id"] = options.instance_id;
  std::unique_ptr<KafkaMembership> member(new KafkaMembership(options, listener, request_timeout, std::move(log)));
  member->debug_is_ours_ = debug_is_ours;
  absl::StatusOr<ConfPtr> conf = member->MakeConf(properties, fixed);
  if (!conf.ok()) return conf.status();
  // Without a callback the client would not even leave the group at its close.
  rd_kafka_conf_set_rebalance_cb(conf->get(), OnRebalance);
  rd_kafka_conf_interceptor_add_on_new(conf->get(), "millrace-commit-gate", OnNew, static_cast<Handle*>(member.get()));
  if (absl::Status status = member->Open(RD_KAFKA_CONSUMER, *std::move(conf)); !status.ok()) return status;
  rd_kafka_poll_set_consumer(member->get());
  absl::StatusOr<std::vector<int32_t>> tasks = FetchLeaders(member->get(), options.task_topic, request_timeout);
  if (!tasks.ok()) return tasks.status();
  member->task_count_ = tasks->size();
  ListPtr topics = ToList(std::vector<TopicPartition>{{options.task_topic, RD_KAFKA_PARTITION_UA}});
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(member->get(), topics.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(error, absl::StrCat("subscribing to ", options.task_topic));
  return member;
}

KafkaMembership::KafkaMembership(const MembershipOptions& options, MembershipListener* listener, milliseconds request_timeout,
                                 ClientLog log)
    : Handle("membership", std::move(log)), options_(options), listener_(listener), request_timeout_(request_timeout) {}

KafkaMembership::~KafkaMembership() {
  // Who did not close wants to be silent: the group waits for the session to end, as after a crash.
  closed_ = true;
  pending_.clear();
  Destroy(RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

rd_kafka_resp_err_t KafkaMembership::OnNew(rd_kafka_t* rk, const rd_kafka_conf_t* /*conf*/, void* opaque, char* /*text*/,
                                           size_t /*size*/) {
  rd_kafka_interceptor_add_on_response_received(rk, "millrace-commit-gate", OnResponse, opaque);
  return rd_kafka_interceptor_add_on_request_sent(rk, "millrace-commit-gate", OnRequestSent, opaque);
}

rd_kafka_resp_err_t KafkaMembership::OnRequestSent(rd_kafka_t* /*rk*/, int /*sockfd*/, const char* /*broker*/,
                                                   int32_t /*broker_id*/, int16_t api_key, int16_t /*version*/,
                                                   int32_t /*correlation*/, size_t /*size*/, void* opaque) {
  auto* self = static_cast<KafkaMembership*>(static_cast<Handle*>(opaque));
  if (api_key == kHeartbeat) self->heartbeat_under_way_ = true;
  if (api_key == kJoinGroup) {
    ++self->joins_;
    self->revoked_in_round_ = false;
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t KafkaMembership::OnResponse(rd_kafka_t* /*rk*/, int /*sockfd*/, const char* /*broker*/, int32_t /*broker_id*/,
                                                int16_t api_key, int16_t /*version*/, int32_t /*correlation*/, size_t /*size*/,
                                                int64_t /*round_trip*/, rd_kafka_resp_err_t /*error*/, void* opaque) {
  if (api_key == kHeartbeat) static_cast<KafkaMembership*>(static_cast<Handle*>(opaque))->heartbeat_under_way_ = false;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool KafkaMembership::OnLine(int level, std::string_view facility, std::string_view message) {
  if (facility == "CGRPSTATE") coordinator_away_ = message.find("-> up") == std::string_view::npos;
  if (facility == "REJOIN") waits_to_join_ = message.find("Group is rebalancing") != std::string_view::npos;
  if (facility == "CGRPJOINSTATE") OnJoinState(message);
  return level < kDebugLevel || !debug_is_ours_;
}

// On the client's main thread, before what comes with the new state is done.
void KafkaMembership::OnJoinState(std::string_view message) {
  const auto becomes = [message](std::string_view state) { return message.find(state) != std::string_view::npos; };
  if (becomes("-> init")) {
    commits_until_ms_ = waits_to_join_ ? last_join_ms_ + (kJoinInterval - kCommitMargin).count() : 0;
    ++joins_;
  } else if (becomes("-> wait-join")) {
    last_join_ms_ = NowMillis();
    commits_until_ms_ = 0;
    while (transactions_ > 0 && NowMillis() < last_join_ms_ + kJoinWaits.count()) std::this_thread::sleep_for(kHeartbeatPause);
  } else if (becomes("-> wait-metadata")) {
    commits_until_ms_ = 0;
  }
}

void KafkaMembership::AwaitHeartbeat() const {
  if (!heartbeat_under_way_) return;
  for (int i = 0; i < kHeartbeatWaits && heartbeat_under_way_; ++i) std::this_thread::sleep_for(kHeartbeatPause);
  // From the connection's thread to the main thread.
  std::this_thread::sleep_for(kHeartbeatPause);
}

void KafkaMembership::OnRebalance(rd_kafka_t* rk, rd_kafka_resp_err_t event, rd_kafka_topic_partition_list_t* partitions,
                                  void* opaque) {
  auto* self = static_cast<KafkaMembership*>(static_cast<Handle*>(opaque));
  switch (event) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
      self->Assigned(partitions);
      break;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
      self->Revoked(partitions);
      break;
    default:
      self->callback_error_ = KafkaError(event, absl::StrCat("rebalancing group ", self->options_.group));
      rd_kafka_assign(rk, nullptr);
  }
}

void KafkaMembership::Assigned(rd_kafka_topic_partition_list_t* partitions) {
  // Before the client goes on, for it may decide to join again at once.
  const int64_t joins = joins_;
  const bool joins_again = revoked_in_round_.exchange(false);
  // Before the client has taken what it was given: it applies a subscription then by joining again.
  if (std::exchange(newcomer_, false) && (options_.instance_id.empty() ? partitions->cnt == 0 : TasksLackOwners())) JoinAgain();
  ErrorPtr error(rd_kafka_incremental_assign(get(), partitions));
  if (error) callback_error_ = KafkaError(error.get(), absl::StrCat("taking tasks of group ", options_.group));
  ever_assigned_ = true;
  if (!joins_again) answered_joins_ = joins;
  listener_->OnAssigned(TasksOf(partitions));
}

// A newcomer who gets nothing is waiting for others, which give tasks back in this round, and for the second one that follows.
// The client would hear of that at a heartbeat and then wait for the rest of its second, and the tasks for it; so it joins at
// once.
//
// A member with an instance id may have come back, and is given what the group remembers: if its predecessor died when it was to
// give tasks back, those are nobody's, and nobody else need ever join because of them. If all tasks have owners, nobody is to
// notice that it was away, even if it has none itself.
void KafkaMembership::JoinAgain() {
  ListPtr topics = ToList(std::vector<TopicPartition>{{options_.task_topic, RD_KAFKA_PARTITION_UA}});
  if (const rd_kafka_resp_err_t failed = rd_kafka_subscribe(get(), topics.get())) {
    callback_error_ = KafkaError(failed, absl::StrCat("subscribing to ", options_.task_topic, " again"));
  }
}

bool KafkaMembership::TasksLackOwners() const {
  const absl::StatusOr<std::optional<size_t>> owned = CountAssigned(get(), options_.group, options_.task_topic, kSettleTime);
  if (!owned.ok()) {
    Log(4, absl::StrCat(std::string(owned.status().message()), "; a task that has no owner gets one at the next rebalance"));
    return false;
  }
  if (!owned->has_value() || **owned >= task_count_) return false;
  Log(5, absl::StrCat("group ", options_.group, ": ", task_count_ - **owned, " of ", task_count_,
                      " tasks have no owner; joining again, so that they get one"));
  return true;
}

void KafkaMembership::Revoked(rd_kafka_topic_partition_list_t* partitions) {
  const std::vector<int32_t> tasks = TasksOf(partitions);
  std::optional<MemberIdentity> identity = IdentityOf(get());
  if (rd_kafka_assignment_lost(get()) != 0 || !identity || identity->generation < 0) {
    ++joins_;
    newcomer_ = true;
    listener_->OnLost(tasks);
  } else {
    revoked_in_round_ = true;
    revoke_identity_ = {options_.group, identity->generation, identity->member_id, options_.instance_id};
    in_revoke_ = true;
    listener_->OnRevoked(tasks);
    std::lock_guard lock(commit_mutex_);
    in_revoke_ = false;
  }
  ErrorPtr error(rd_kafka_incremental_unassign(get(), partitions));
  if (error) callback_error_ = KafkaError(error.get(), absl::StrCat("giving back tasks of group ", options_.group));
}

absl::Status KafkaMembership::Poll(milliseconds timeout) {
  if (closed_) return absl::FailedPreconditionError(absl::StrCat("the member of group ", options_.group, " is closed"));
  // Events come by the callbacks; the task topic has no records.
  rd_kafka_message_t* message = rd_kafka_consumer_poll(get(), static_cast<int>(timeout.count()));
  if (message != nullptr) {
    if (message->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) {
      Log(4, absl::StrCat("group ", options_.group, ": ", rd_kafka_message_errstr(message)));
    } else if (message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
               message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
               message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      callback_error_ = KafkaError(message->err, absl::StrCat("group ", options_.group), rd_kafka_message_errstr(message));
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Log(4, absl::StrCat("group ", options_.group, ": ", rd_kafka_message_errstr(message)));
    }
    rd_kafka_message_destroy(message);
  }
  if (absl::Status status = fatal(); !status.ok()) return status;
  return std::exchange(callback_error_, absl::OkStatus());
}

absl::StatusOr<GroupIdentity> KafkaMembership::CheckIdentity() const {
  const std::string what = absl::StrCat("commit refused: ", "group ", options_.group, " ");
  if (closed_ && !in_revoke_) return absl::FailedPreconditionError(absl::StrCat(what, "was left; drop the task"));
  if (!in_revoke_) AwaitHeartbeat();
  // Asks the client's main thread, which has dealt with the heartbeat's answer by then.
  std::optional<MemberIdentity> identity = IdentityOf(get());
  if (!in_revoke_ && heartbeat_under_way_) {
    AwaitHeartbeat();
    identity = IdentityOf(get());
  }
  if (joining() && NowMillis() >= commits_until_ms_ && !in_revoke_) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, "rebalances; commit again after the next assignment, or in OnRevoked"));
  }
  if (!identity && in_revoke_) return revoke_identity_;
  // The broker would take such a commit from anybody.
  if (!identity || identity->generation < 0 || identity->member_id.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, "does not know this member at the moment; its tasks may be others' now"));
  }
  return GroupIdentity{options_.group, identity->generation, identity->member_id, options_.instance_id};
}

absl::StatusOr<GroupIdentity> KafkaMembership::Identity() {
  std::shared_lock lock(commit_mutex_);
  return CheckIdentity();
}

absl::Status KafkaMembership::CommitAs(absl::FunctionRef<absl::Status(const GroupIdentity&)> commit) {
  std::shared_lock lock(commit_mutex_);
  const int64_t joins = joins_;
  absl::StatusOr<GroupIdentity> identity = CheckIdentity();
  if (!identity.ok()) return identity.status();
  // Only now: for the answer above the client's main thread was needed, which may wait for us from here on.
  ++transactions_;
  absl::Status status;
  if (!in_revoke_ && joining() && (joins_ != joins || NowMillis() >= commits_until_ms_)) {
    status = absl::FailedPreconditionError(absl::StrCat("commit refused: group ", options_.group, " has begun to rebalance"));
  } else {
    status = commit(*identity);
  }
  --transactions_;
  return status;
}

absl::Status KafkaMembership::CommitOffsets(const Offsets& offsets) {
  std::shared_lock lock(commit_mutex_);
  if (absl::Status status = CheckIdentity().status(); !status.ok()) return status;
  // The client would wait for the coordinator, and the thread that commits with it.
  if (coordinator_away_) {
    return absl::UnavailableError(absl::StrCat(CommitName(), ": its coordinator cannot be reached at the moment"));
  }
  if (offsets.empty()) return absl::OkStatus();
  if (absl::Status status = AwaitEarlierCommits(offsets); !status.ok()) return status;
  QueuePtr queue(rd_kafka_queue_new(get()));
  const rd_kafka_resp_err_t error = rd_kafka_commit_queue(get(), ToList(offsets).get(), queue.get(), nullptr, nullptr);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(error, CommitName());
  EventPtr event(rd_kafka_queue_poll(queue.get(), static_cast<int>(kCommitTime.count())));
  if (event) {
    if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return KafkaError(rd_kafka_event_error(event.get()), CommitName(), rd_kafka_event_error_string(event.get()));
    }
    const rd_kafka_topic_partition_list_t* committed = rd_kafka_event_topic_partition_list(event.get());
    return committed == nullptr ? absl::OkStatus() : FromList(committed, CommitName()).status();
  }
  // The client goes on with it for up to a minute. What comes out does not matter, if only nothing newer is overtaken by it.
  std::lock_guard pending(pending_mutex_);
  pending_.push_back({std::move(queue), offsets});
  return absl::UnavailableError(
      absl::StrCat(CommitName(), ": the coordinator has not answered for ", kCommitTime.count(), " ms"));
}

std::string KafkaMembership::CommitName() const { return absl::StrCat("committing to group ", options_.group); }

absl::Status KafkaMembership::AwaitEarlierCommits(const Offsets& offsets) {
  std::lock_guard lock(pending_mutex_);
  std::erase_if(pending_,
                [](const PendingCommit& commit) { return EventPtr(rd_kafka_queue_poll(commit.queue.get(), 0)) != nullptr; });
  for (const PendingCommit& commit : pending_) {
    for (const auto& [partition, offset] : commit.offsets) {
      if (offsets.contains(partition)) {
        return absl::UnavailableError(
            absl::StrCat(CommitName(), ": the commit before is still not answered; check that its coordinator is up"));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Offsets> KafkaMembership::CommittedOffsets(const std::vector<TopicPartition>& partitions) {
  if (partitions.empty()) return Offsets{};
  const std::string what = absl::StrCat("asking for the committed offsets of group ", options_.group);
  const auto deadline = std::chrono::steady_clock::now() + request_timeout_;
  // In slices: a client that closes answers nobody, and a release of tasks waits for whoever asks here.
  while (true) {
    if (closed_ || waits_cancelled_) return absl::FailedPreconditionError(absl::StrCat(what, ": the group was left"));
    ListPtr list = ToList(partitions);
    const rd_kafka_resp_err_t error = rd_kafka_committed(get(), list.get(), static_cast<int>(kCommittedSlice.count()));
    absl::StatusOr<Offsets> offsets = error != RD_KAFKA_RESP_ERR_NO_ERROR ? KafkaError(error, what) : FromList(list.get(), what);
    // A broker that starts, or takes a group over, loads the group's offsets first.
    const bool again = error == RD_KAFKA_RESP_ERR__TIMED_OUT || absl::IsUnavailable(offsets.status());
    if (!again || std::chrono::steady_clock::now() >= deadline) return offsets;
    std::this_thread::sleep_for(kRetryPause);
  }
}

absl::Status KafkaMembership::Close() {
  if (closed_.exchange(true)) return absl::OkStatus();
  // In the middle of a rebalance the client forgets its generation, and the last commits would be refused.
  const auto settled = std::chrono::steady_clock::now() + kSettleTime;
  while ((!ever_assigned_ || joining()) && std::chrono::steady_clock::now() < settled) {
    if (rd_kafka_message_t* message = rd_kafka_consumer_poll(get(), 50)) rd_kafka_message_destroy(message);
  }
  // librdkafka before 2.3 crashes in a close before the first assignment; the session's end removes the member then.
  if (!ever_assigned_) return absl::OkStatus();
  QueuePtr queue(rd_kafka_queue_new(get()));
  ErrorPtr error(rd_kafka_consumer_close_queue(get(), queue.get()));
  if (error) return KafkaError(error.get(), absl::StrCat("leaving group ", options_.group));
  const auto deadline = std::chrono::steady_clock::now() + kCloseTime;
  while (rd_kafka_consumer_closed(get()) == 0) {
    rd_kafka_queue_poll_callback(queue.get(), 50);
    if (std::chrono::steady_clock::now() >= deadline) {
      return absl::DeadlineExceededError(absl::StrCat("leaving group ", options_.group, " took more than ", kCloseTime.count(),
                                                      " ms; the others get its tasks when session.timeout.ms is over"));
    }
  }
  return absl::OkStatus();
}

std::string KafkaMembership::member_id() const {
  char* id = rd_kafka_memberid(get());
  if (id == nullptr) return {};
  std::string copy(id);
  rd_kafka_mem_free(get(), id);
  return copy;
}

}  // namespace millrace::log::kafka
