#ifndef MILLRACE_RUNTIME_LOG_KAFKA_ADMIN_H_
#define MILLRACE_RUNTIME_LOG_KAFKA_ADMIN_H_

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "log/kafka/handle.h"
#include "log/log.h"

namespace millrace::log::kafka {

/// A client that only asks. The isolation of its settings decides which end of a partition it sees.
class AdminHandle final : public Handle {
 public:
  static absl::StatusOr<std::unique_ptr<AdminHandle>> Make(PropertyMap properties, Isolation isolation, const ClientLog& log);
  ~AdminHandle() override { Destroy(); }

 private:
  explicit AdminHandle(ClientLog log) : Handle("admin", std::move(log)) {}
};

/// Connects at the first call.
class KafkaAdmin final : public Admin {
 public:
  KafkaAdmin(PropertyMap properties, std::chrono::milliseconds request_timeout, ClientLog log);

  void Cancel() override;
  absl::StatusOr<std::optional<int32_t>> PartitionCount(const std::string& topic) override;
  absl::StatusOr<std::vector<std::string>> ListTopics() override;
  absl::Status CreateTopic(const TopicSpec& spec) override;
  absl::Status DeleteTopic(const std::string& topic) override;
  absl::StatusOr<int64_t> BeginningOffset(const TopicPartition& partition) override;
  absl::StatusOr<int64_t> EndOffset(const TopicPartition& partition, Isolation isolation) override;
  absl::StatusOr<std::map<TopicPartition, int64_t>> EndOffsets(const std::vector<TopicPartition>& partitions,
                                                               Isolation isolation) override;
  absl::StatusOr<std::map<TopicPartition, int64_t>> OffsetsForTime(const std::vector<TopicPartition>& partitions,
                                                                   Timestamp time) override;
  absl::Status DeleteRecords(const TopicPartition& partition, int64_t before_offset) override;
  absl::StatusOr<Offsets> CommittedOffsets(const std::string& group, const std::vector<TopicPartition>& partitions) override;
  absl::StatusOr<std::vector<std::string>> GroupClientIds(const std::string& group) override;
  absl::Status AlterOffsets(const std::string& group, const Offsets& offsets) override;
  absl::Status DeleteGroup(const std::string& group) override;

 private:
  class Request;
  absl::StatusOr<rd_kafka_t*> Connection(Isolation isolation);
  absl::StatusOr<int64_t> OffsetAt(const TopicPartition& partition, int64_t which, Isolation isolation);
  absl::Status AwaitTopic(const std::string& topic, std::optional<int32_t> partitions);
  template <class Answer>
  absl::StatusOr<Answer> AskCoordinator(absl::FunctionRef<absl::StatusOr<Answer>(rd_kafka_t* rk)> ask);
  absl::StatusOr<std::vector<std::string>> AskForMembers(rd_kafka_t* rk, const std::string& name) const;
  absl::StatusOr<Offsets> AskForCommitted(rd_kafka_t* rk, const std::string& group,
                                          const std::vector<TopicPartition>& partitions) const;

  const PropertyMap properties_;
  const std::chrono::milliseconds request_timeout_;
  const ClientLog log_;
  std::mutex mutex_;
  std::unique_ptr<AdminHandle> handles_[2] ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> cancelled_ = false;
};

}  // namespace millrace::log::kafka

#endif  // MILLRACE_RUNTIME_LOG_KAFKA_ADMIN_H_
