#ifndef MILLRACE_RUNTIME_LOG_LOG_H_
#define MILLRACE_RUNTIME_LOG_LOG_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/operators/processor_node.h"
#include "millrace/state/bytes.h"
#include "millrace/state/headers.h"
#include "millrace/state/timestamp.h"

// The seam to Kafka: what the engine needs of a log, in a few small interfaces. kafka/ implements them with librdkafka, embedded/
// in process; tests/integration/log_contract_test.cc holds both to the same behaviour.

namespace millrace::log {

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
  [[nodiscard]] std::string ToString() const { return topic + "-" + std::to_string(partition); }
};

struct OffsetAndMetadata {
  int64_t offset = -1;
  std::string metadata;
};
using Offsets = std::map<TopicPartition, OffsetAndMetadata>;

enum class Isolation { kReadUncommitted, kReadCommitted };

/// Records of one assigned partition, fetched in the background. Drained by one thread.
class PartitionReader {
 public:
  virtual ~PartitionReader() = default;
  /// Calls `take` for at most `max_records` records that are there already; never waits. Views are valid inside the call. Returns
  /// how many.
  virtual absl::StatusOr<int> Drain(int max_records, absl::FunctionRef<void(const RawRecord&)> take) = 0;
  /// Offset of the next record that Drain will give (moves over transaction markers at the end of the partition).
  [[nodiscard]] virtual int64_t position() const = 0;
  /// True when the reader has seen the end of the partition (as its isolation sees it) and nothing is waiting.
  [[nodiscard]] virtual bool at_end() const = 0;
};

/// Reads assigned partitions; never subscribes, never commits. Thread-safe except for the readers.
class Consumer {
 public:
  virtual ~Consumer() = default;
  /// Starts reading at `offset`. The reader is valid until Unassign.
  virtual absl::StatusOr<PartitionReader*> Assign(const TopicPartition& partition, int64_t offset) = 0;
  virtual absl::Status Unassign(const TopicPartition& partition) = 0;
  /// Waits until some reader may have records, Wake() is called, or the time is over.
  virtual void Wait(std::chrono::milliseconds timeout) = 0;
  virtual void Wake() = 0;
};

/// Of an error of Producer::Send: this record is refused for good (too large, no such topic or partition), and nothing else has
/// changed; what is sent next is not touched by it.
[[nodiscard]] inline bool IsRefusal(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument || status.code() == absl::StatusCode::kNotFound;
}

/// A record that was sent and then not taken. Views.
struct RefusedRecord {
  std::string topic;
  NullableBytesView key;
  NullableBytesView value;
  Timestamp timestamp;
  absl::Status error;
  /// It was sent with a mark.
  bool marked = false;
  /// No broker took it in time; it could be sent again. Otherwise it is refused for good.
  bool retriable = false;
  /// The broker refused the batch that it was in: other records may have been refused with it that are well.
  bool of_batch = false;
};
/// OK: the record is left out, and the producer goes on. Else the error that sticks.
using RefusalHandler = std::function<absl::Status(const RefusedRecord&)>;

/// Sends records. One thread, but for the delivery calls, which come inside Poll and Flush.
class Producer {
 public:
  virtual ~Producer() = default;
  /// Copies. partition as in OutputSink; a full buffer makes it serve Poll until there is room. On delivery *delivered_offset_max
  /// (may be null) is raised to the record.s offset, inside Poll or Flush; it must live until the record is delivered. An error
  /// that IsRefusal is of this record alone.
  virtual absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key,
                            NullableBytesView value, Timestamp timestamp, const Headers& headers,
                            int64_t* delivered_offset_max) = 0;
  /// Asked inside Poll, Flush and Send about records that the broker refused for good or did not take in time; may send. Without
  /// a handler each failure sticks. A log that refuses at once needs none.
  virtual void SetRefusalHandler(RefusalHandler /*handler*/) {}
  /// Serves delivery reports. The first failure sticks and is returned from then on.
  virtual absl::Status Poll() = 0;
  /// Start of a flush; done when Poll has emptied `outstanding`.
  virtual absl::Status Flush(std::chrono::milliseconds timeout) = 0;
  [[nodiscard]] virtual int64_t outstanding() const = 0;
};

/// Who commits, in the eyes of the group. Only a member's own is fenced: a broker takes one without generation and member id from
/// anybody.
struct GroupIdentity {
  std::string group;
  int32_t generation = -1;
  std::string member_id;
  std::string instance_id;
};

/// A producer whose records become visible to readers of committed records all together, and together with the offsets given to
/// it, or never. It owns its transactional id: making a second one with the same id fences the first and ends its open
/// transaction.
///
/// Errors of the calls below: kAborted means that this transaction cannot be committed; after Abort the producer goes on. So do
/// kInvalidArgument and kNotFound of a record, which would be refused again (too large, no such topic). After any other error the
/// producer must be destroyed and a new one made with the same id (kPermissionDenied will be the answer to that one as well); if
/// the error came from Commit, only that
/// shows how the transaction ended (by the offsets committed), and what is under way can no longer do harm.
class TransactionalProducer : public Producer {
 public:
  /// Before the first Send of each transaction.
  virtual absl::Status Begin() = 0;
  /// Makes the offsets part of the transaction; kAborted if the group does not know the identity any more.
  virtual absl::Status SendOffsets(const Offsets& offsets, const GroupIdentity& identity) = 0;
  /// Flushes, then ends the transaction. Delivery reports have come when it returns.
  virtual absl::Status Commit() = 0;
  /// Without effect when no transaction is open.
  virtual absl::Status Abort() = 0;
};

struct TopicSpec {
  std::string name;
  int32_t partitions = 1;
  int16_t replication_factor = -1;
  std::map<std::string, std::string> config;
};

/// Topics, offsets and deletion. Blocking calls with a time limit; thread-safe.
class Admin {
 public:
  virtual ~Admin() = default;
  /// For the end of an instance while brokers are away: calls that wait for one, now and later, end within about a second with
  /// kCancelled.
  virtual void Cancel() {}
  /// nullopt for a topic that does not exist.
  virtual absl::StatusOr<std::optional<int32_t>> PartitionCount(const std::string& topic) = 0;
  virtual absl::StatusOr<std::vector<std::string>> ListTopics() = 0;
  /// kAlreadyExists if it is there.
  virtual absl::Status CreateTopic(const TopicSpec& spec) = 0;
  virtual absl::Status DeleteTopic(const std::string& topic) = 0;
  virtual absl::StatusOr<int64_t> BeginningOffset(const TopicPartition& partition) = 0;
  /// High watermark, or the last stable offset.
  virtual absl::StatusOr<int64_t> EndOffset(const TopicPartition& partition, Isolation isolation) = 0;
  /// Of many partitions in few requests. Those of topics that do not exist, and those whose leader does not answer now, are left
  /// out.
  virtual absl::StatusOr<std::map<TopicPartition, int64_t>> EndOffsets(const std::vector<TopicPartition>& partitions,
                                                                       Isolation isolation) = 0;
  /// Of each partition the offset of the first record at or after that time; its end if there is none.
  virtual absl::StatusOr<std::map<TopicPartition, int64_t>> OffsetsForTime(const std::vector<TopicPartition>& partitions,
                                                                           Timestamp time) = 0;
  virtual absl::Status DeleteRecords(const TopicPartition& partition, int64_t before_offset) = 0;
  virtual absl::StatusOr<Offsets> CommittedOffsets(const std::string& group, const std::vector<TopicPartition>& partitions) = 0;
  /// MembershipOptions::client_id of the group's members now; empty for a group that does not exist.
  virtual absl::StatusOr<std::vector<std::string>> GroupClientIds(const std::string& group) = 0;
  /// For a group without members; it is made if there is none. kFailedPrecondition if it has members.
  virtual absl::Status AlterOffsets(const std::string& group, const Offsets& offsets) = 0;
  virtual absl::Status DeleteGroup(const std::string& group) = 0;
};

/// Called on the thread that calls Membership::Poll.
class MembershipListener {
 public:
  virtual ~MembershipListener() = default;
  /// Task numbers that are ours from now on (may be empty: a new generation).
  virtual void OnAssigned(const std::vector<int32_t>& tasks) = 0;
  /// To be given back; the membership answers the broker only when this returns. All commits of these tasks must be over by then.
  virtual void OnRevoked(const std::vector<int32_t>& tasks) = 0;
  /// Already somebody else's: drop without a commit.
  virtual void OnLost(const std::vector<int32_t>& tasks) = 0;
};

/// Membership in the application's group: which tasks are ours, and commits under that identity. Poll from one thread;
/// CommitOffsets from any (it fails with kFailedPrecondition while the group rebalances, or when the identity is not valid:
/// commit later or drop the task).
class Membership {
 public:
  virtual ~Membership() = default;
  virtual absl::Status Poll(std::chrono::milliseconds timeout) = 0;
  virtual absl::Status CommitOffsets(const Offsets& offsets) = 0;
  /// For a commit by a transaction, under the same conditions as CommitOffsets.
  virtual absl::StatusOr<GroupIdentity> Identity() = 0;
  /// Calls `commit` with the identity. Meanwhile, but not for long, this member puts off joining a new generation, which would
  /// make the identity an old one.
  virtual absl::Status CommitAs(absl::FunctionRef<absl::Status(const GroupIdentity& identity)> commit) {
    const absl::StatusOr<GroupIdentity> identity = Identity();
    return identity.ok() ? commit(*identity) : identity.status();
  }
  /// Waits for open transactions that hold offsets of these partitions, up to the time limit of requests.
  virtual absl::StatusOr<Offsets> CommittedOffsets(const std::vector<TopicPartition>& partitions) = 0;
  /// For the end of an instance: calls of CommittedOffsets, now and later, end within about a second. Any thread.
  virtual void CancelWaits() {}
  /// Leaves; OnRevoked is called for what is still owned.
  virtual absl::Status Close() = 0;
  [[nodiscard]] virtual std::string member_id() const = 0;
};

struct MembershipOptions {
  std::string group;
  /// The data-free topic whose partition i is task i; must exist.
  std::string task_topic;
  std::string instance_id;
  /// The name under which others see this member (Admin::GroupClientIds); empty: the connection's.
  std::string client_id = {};
};

struct ConsumerOptions {
  Isolation isolation = Isolation::kReadUncommitted;
  /// As many partitions as may ever be assigned, for the fetch memory of each.
  int max_partitions = 16;
  /// For changelogs: with the settings of the restore consumer.
  bool restore = false;
  /// A topic without records, such as the task topic; empty if there is none. Kafka's client < 2.2 fetches a partition whose
  /// queue ran dry with pauses of up to a second unless an empty partition of the same broker is fetched too.
  std::string idle_topic;
  /// What may be fetched ahead, of all these partitions together.
  int64_t fetch_bytes = int64_t{64} << 20;
};

/// One connection to a log: makes the others.
class LogClient {
 public:
  virtual ~LogClient() = default;
  virtual absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) = 0;
  virtual absl::StatusOr<std::unique_ptr<Producer>> NewProducer() = 0;
  /// Ends an open transaction of a predecessor with this id and fences it.
  virtual absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(
      const std::string& transactional_id) = 0;
  virtual absl::StatusOr<std::unique_ptr<Membership>> NewMembership(const MembershipOptions& options,
                                                                    MembershipListener* listener) = 0;
  virtual Admin& admin() = 0;
};

}  // namespace millrace::log

#endif  // MILLRACE_RUNTIME_LOG_LOG_H_
