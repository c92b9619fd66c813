#ifndef MILLRACE_RUNTIME_LOG_KAFKA_PRODUCER_H_
#define MILLRACE_RUNTIME_LOG_KAFKA_PRODUCER_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "log/kafka/handle.h"
#include "log/kafka/unanswered_requests.h"
#include "log/log.h"

namespace millrace::log::kafka {

/// Idempotent, acks from all. Delivery reports come on the sending thread, inside Poll, Flush, and a Send that waits for room.
class KafkaProducer final : public Producer, public Handle {
 public:
  /// `fixed` goes over `properties`, and over what a producer without it would have.
  /// `requests`, if given, is told of those that this client sends, and must outlive it.
  static absl::StatusOr<std::unique_ptr<KafkaProducer>> Make(PropertyMap properties, PropertyMap fixed,
                                                             std::chrono::milliseconds request_timeout, ClientLog log,
                                                             UnansweredRequests* requests = nullptr);
  ~KafkaProducer() override;

  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override;
  void SetRefusalHandler(RefusalHandler handler) override { refused_ = std::move(handler); }
  absl::Status Poll() override;
  absl::Status Flush(std::chrono::milliseconds timeout) override;
  [[nodiscard]] int64_t outstanding() const override { return outstanding_; }
  /// Not OK if no record can be sent any more.
  absl::Status CurrentError();
  /// After an abort the failure of one of its records is over.
  void ForgetError() { error_ = absl::OkStatus(); }

 private:
  KafkaProducer(std::chrono::milliseconds request_timeout, ClientLog log);
  absl::StatusOr<rd_kafka_topic_t*> FindTopic(const std::string& topic);
  absl::Status Produce(rd_kafka_vu_t* parts, size_t count, const std::string& topic);
  /// What becomes of a record that was not delivered: OK = it is left out.
  absl::Status JudgeFailure(const rd_kafka_message_t& message) const;
  static void OnDelivery(rd_kafka_t* rk, const rd_kafka_message_t* message, void* opaque);

  const std::chrono::milliseconds request_timeout_;
  absl::flat_hash_map<std::string, TopicPtr> topics_;
  // The last topic of Send: an output often goes where the one before went.
  std::string last_name_;
  rd_kafka_topic_t* last_topic_ = nullptr;
  int64_t outstanding_ = 0;
  absl::Status error_;
  RefusalHandler refused_;
};

}  // namespace millrace::log::kafka

#endif  // MILLRACE_RUNTIME_LOG_KAFKA_PRODUCER_H_
