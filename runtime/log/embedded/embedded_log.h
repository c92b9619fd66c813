#ifndef MILLRACE_RUNTIME_LOG_EMBEDDED_EMBEDDED_LOG_H_
#define MILLRACE_RUNTIME_LOG_EMBEDDED_EMBEDDED_LOG_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "log/log.h"

// A log inside the process: the test driver's, the demo's, the simulation's. Behaves as Kafka does where the seam lets it show,
// and the same calls in the same order give the same records, offsets, partitions and task assignments.

namespace millrace::log::embedded {

/// A record that owns its bytes.
struct StoredRecord {
  NullableBytes key;
  NullableBytes value;
  Timestamp timestamp;
  Headers headers;
  int32_t partition = 0;
  int64_t offset = -1;
};

struct EmbeddedLogOptions {
  /// How long a closed member with an instance id keeps its tasks for its successor.
  std::chrono::milliseconds session_timeout = std::chrono::seconds(45);
  /// How long a transaction may last before it is aborted and its producer fenced.
  std::chrono::milliseconds transaction_timeout = std::chrono::seconds(10);
};

/// The log itself. Clients keep it alive. Thread-safe. What is appended here, or by a producer without transactions, is visible
/// at once.
class EmbeddedLog {
 public:
  /// `host` gives clock and waiting, and must outlive the log.
  explicit EmbeddedLog(Host& host = Host::Real(), const EmbeddedLogOptions& options = {});
  ~EmbeddedLog();
  EmbeddedLog(const EmbeddedLog&) = delete;
  EmbeddedLog& operator=(const EmbeddedLog&) = delete;

  /// A connection like one to a broker; several may be open.
  [[nodiscard]] std::unique_ptr<LogClient> NewClient();

  // The same without a connection, for drivers that run everything on one thread.

  /// kAlreadyExists if it is there; kInvalidArgument if it has no partition.
  absl::Status CreateTopic(const std::string& topic, int32_t partitions);
  /// nullopt for a topic that does not exist.
  [[nodiscard]] std::optional<int32_t> PartitionCount(const std::string& topic) const;
  [[nodiscard]] std::vector<std::string> ListTopics() const;
  /// Appends and returns the offset. Without a partition: murmur2 of the key, in turn for null keys. An unknown timestamp becomes
  /// the host's time. kNotFound without the topic, kInvalidArgument without the partition.
  absl::StatusOr<int64_t> Append(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key,
                                 NullableBytesView value, Timestamp timestamp, const Headers& headers = Headers::Empty());
  /// Calls `take` for the records of a partition from an offset on, at most `max_records`. Returns the offset after the last one;
  /// kOutOfRange for an offset before the beginning or beyond the end. Views are valid inside the call, which may append.
  absl::StatusOr<int64_t> Scan(const TopicPartition& partition, int64_t from, int64_t max_records,
                               absl::FunctionRef<void(const RawRecord&)> take,
                               Isolation isolation = Isolation::kReadUncommitted) const;
  /// Copies of all records of a partition from an offset on.
  [[nodiscard]] absl::StatusOr<std::vector<StoredRecord>> Read(const std::string& topic, int32_t partition, int64_t from,
                                                               Isolation isolation = Isolation::kReadUncommitted) const;
  [[nodiscard]] absl::StatusOr<int64_t> BeginningOffset(const TopicPartition& partition) const;
  [[nodiscard]] absl::StatusOr<int64_t> EndOffset(const TopicPartition& partition) const;
  /// As Membership::CommitOffsets does, without an identity.
  void CommitOffsets(const std::string& group, const Offsets& offsets);
  /// Those of the partitions that have one.
  [[nodiscard]] Offsets CommittedOffsets(const std::string& group, const std::vector<TopicPartition>& partitions) const;

  /// What a session time-out does to a silent member: its tasks go to the others, and it learns by OnLost. kNotFound if it is not
  /// a member.
  absl::Status ExpireMember(const std::string& group, const std::string& member_id);
  /// Memory held by records.
  [[nodiscard]] int64_t stored_bytes() const;

  class State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace millrace::log::embedded

#endif  // MILLRACE_RUNTIME_LOG_EMBEDDED_EMBEDDED_LOG_H_
