#ifndef MILLRACE_RUNTIME_LOG_KAFKA_CONSUMER_H_
#define MILLRACE_RUNTIME_LOG_KAFKA_CONSUMER_H_

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "log/kafka/handle.h"
#include "log/log.h"

namespace millrace::log::kafka {

class KafkaReader;

/// Assign-only: each partition has a queue of its own that is detached from the client's and drained fully, and nothing is ever
/// paused. All queues ring one eventfd.
class KafkaConsumer final : public Consumer, public Handle {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaConsumer>> Make(PropertyMap properties, const ConsumerOptions& options,
                                                             std::chrono::milliseconds request_timeout, ClientLog log);
  ~KafkaConsumer() override;

  absl::StatusOr<PartitionReader*> Assign(const TopicPartition& partition, int64_t offset) override;
  absl::Status Unassign(const TopicPartition& partition) override;
  void Wait(std::chrono::milliseconds timeout) override;
  void Wake() override;

 protected:
  bool OnClientError(rd_kafka_resp_err_t error, std::string_view reason) override;

 private:
  KafkaConsumer(std::string idle_topic, std::chrono::milliseconds request_timeout, ClientLog log);
  absl::StatusOr<std::vector<int32_t>> Leaders(const std::string& topic, int32_t partition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void KeepAwake(int32_t broker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Release(const TopicPartition& partition, KafkaReader* reader) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ServeMainQueue();

  const std::string idle_topic_;
  const std::chrono::milliseconds request_timeout_;
  int event_fd_ = -1;
  // Some reader left records behind at its last Drain.
  std::atomic<bool> more_ = false;
  std::mutex mutex_;
  std::map<TopicPartition, std::unique_ptr<KafkaReader>> readers_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<int32_t>> leaders_ ABSL_GUARDED_BY(mutex_);
  // Brokers of which an empty partition is assigned.
  std::set<int32_t> awake_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::log::kafka

#endif  // MILLRACE_RUNTIME_LOG_KAFKA_CONSUMER_H_
