#ifndef MILLRACE_RUNTIME_LOG_KAFKA_MEMBERSHIP_H_
#define MILLRACE_RUNTIME_LOG_KAFKA_MEMBERSHIP_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "log/kafka/handle.h"
#include "log/log.h"

namespace millrace::log::kafka {

/// Subscribed, cooperative-sticky, to the task topic and nothing else; commits the offsets of other topics under its identity.
///
/// The commit gate: librdkafka 2.0 gives up its assignment when a commit meets a rebalance (the commit waits behind JoinGroup and
/// then has an old generation). So no commit starts between a JoinGroup and the end of the assignment that answers it, but for
/// those inside OnRevoked, which the broker still takes. A revocation is followed by a second JoinGroup at once: the gate stays
/// shut. Between the decision to join and the JoinGroup may lie most of a second, in which commits go on. A JoinGroup waits for
/// transactions that are being committed.
class KafkaMembership final : public Membership, public Handle {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaMembership>> Make(PropertyMap properties, const MembershipOptions& options,
                                                               MembershipListener* listener,
                                                               std::chrono::milliseconds request_timeout, ClientLog log);
  ~KafkaMembership() override;

  absl::Status Poll(std::chrono::milliseconds timeout) override;
  absl::Status CommitOffsets(const Offsets& offsets) override;
  absl::StatusOr<GroupIdentity> Identity() override;
  absl::Status CommitAs(absl::FunctionRef<absl::Status(const GroupIdentity& identity)> commit) override;
  absl::StatusOr<Offsets> CommittedOffsets(const std::vector<TopicPartition>& partitions) override;
  void CancelWaits() override { waits_cancelled_ = true; }
  absl::Status Close() override;
  [[nodiscard]] std::string member_id() const override;

 private:
  KafkaMembership(const MembershipOptions& options, MembershipListener* listener, std::chrono::milliseconds request_timeout,
                  ClientLog log);
  static void OnRebalance(rd_kafka_t* rk, rd_kafka_resp_err_t event, rd_kafka_topic_partition_list_t* partitions, void* opaque);
  static rd_kafka_resp_err_t OnNew(rd_kafka_t* rk, const rd_kafka_conf_t* conf, void* opaque, char* text, size_t size);
  static rd_kafka_resp_err_t OnRequestSent(rd_kafka_t* rk, int sockfd, const char* broker, int32_t broker_id, int16_t api_key,
                                           int16_t version, int32_t correlation, size_t size, void* opaque);
  static rd_kafka_resp_err_t OnResponse(rd_kafka_t* rk, int sockfd, const char* broker, int32_t broker_id, int16_t api_key,
                                        int16_t version, int32_t correlation, size_t size, int64_t round_trip,
                                        rd_kafka_resp_err_t error, void* opaque);
  bool OnLine(int level, std::string_view facility, std::string_view message) override;
  void OnJoinState(std::string_view message);
  void AwaitHeartbeat() const;
  [[nodiscard]] bool joining() const { return answered_joins_ != joins_; }
  void Assigned(rd_kafka_topic_partition_list_t* partitions);
  void JoinAgain();
  [[nodiscard]] bool TasksLackOwners() const;
  void Revoked(rd_kafka_topic_partition_list_t* partitions);
  [[nodiscard]] absl::StatusOr<GroupIdentity> CheckIdentity() const;
  [[nodiscard]] std::string CommitName() const;
  [[nodiscard]] absl::Status AwaitEarlierCommits(const Offsets& offsets);

  const MembershipOptions options_;
  MembershipListener* const listener_;
  const std::chrono::milliseconds request_timeout_;
  size_t task_count_ = 0;
  // The lines that the gate needs were asked for by it, not by the user.
  bool debug_is_ours_ = false;
  // Decisions to join and JoinGroup requests so far, and how many of them the last complete assignment answered; equal = gate
  // open.
  std::atomic<int64_t> joins_ = 1;
  std::atomic<int64_t> answered_joins_ = 0;
  // While joins_ counts a decision: until when commits may begin all the same.
  std::atomic<int64_t> commits_until_ms_ = 0;
  std::atomic<int> transactions_ = 0;  // being committed
  // The client's main thread only.
  bool waits_to_join_ = false;
  int64_t last_join_ms_ = 0;
  std::atomic<bool> heartbeat_under_way_ = false;
  // A second JoinGroup follows the next assignment.
  std::atomic<bool> revoked_in_round_ = false;
  std::atomic<bool> in_revoke_ = false;
  // Told to those who commit inside OnRevoked: while it closes the client may not tell. Guarded by in_revoke_.
  GroupIdentity revoke_identity_;
  // Held for reading by commits, so that those that OnRevoked let pass are over before it is answered.
  std::shared_mutex commit_mutex_;
  // The client has no connection to the group's coordinator; known from the lines that the gate needs.
  std::atomic<bool> coordinator_away_ = false;
  /// A commit whose answer was not waited for.
  struct PendingCommit {
    QueuePtr queue;
    Offsets offsets;
  };
  std::mutex pending_mutex_;
  std::vector<PendingCommit> pending_ ABSL_GUARDED_BY(pending_mutex_);
  std::atomic<bool> closed_ = false;
  std::atomic<bool> waits_cancelled_ = false;
  bool ever_assigned_ = false;
  bool newcomer_ = true;  // has had no assignment since it joined
  // What went wrong inside a callback, for Poll to say.
  absl::Status callback_error_;
};

}  // namespace millrace::log::kafka

#endif  // MILLRACE_RUNTIME_LOG_KAFKA_MEMBERSHIP_H_
