#ifndef MILLRACE_RUNTIME_LOG_KAFKA_TRANSACTIONAL_PRODUCER_H_
#define MILLRACE_RUNTIME_LOG_KAFKA_TRANSACTIONAL_PRODUCER_H_

#include <chrono>
#include <memory>
#include <string>

#include "log/kafka/producer.h"
#include "log/kafka/unanswered_requests.h"
#include "log/log.h"

namespace millrace::log::kafka {

/// A KafkaProducer with a transactional id.
///
/// librdkafka repeats an EndTxn whose answer was lost, and a repeated one may end a later transaction (Jepsen, 2024). So no error
/// of Commit or Abort is survived but those that the broker has answered with "abort": the producer is given up, and the next one
/// with its id gets an epoch that fences what is still under way. The same holds when librdkafka has repeated a request with
/// success: the first one may still come, so the client under it is replaced before the next transaction begins.
class KafkaTransactionalProducer final : public TransactionalProducer {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaTransactionalProducer>> Make(PropertyMap properties,
                                                                          const std::string& transactional_id,
                                                                          std::chrono::milliseconds request_timeout,
                                                                          ClientLog log, bool replace_doubtful = true);

  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override;
  void SetRefusalHandler(RefusalHandler handler) override;
  absl::Status Poll() override;
  absl::Status Flush(std::chrono::milliseconds timeout) override;
  [[nodiscard]] int64_t outstanding() const override { return producer_->outstanding(); }

  absl::Status Begin() override;
  absl::Status SendOffsets(const Offsets& offsets, const GroupIdentity& identity) override;
  absl::Status Commit() override;
  absl::Status Abort() override;

 private:
  KafkaTransactionalProducer(PropertyMap properties, std::string transactional_id, std::chrono::milliseconds request_timeout,
                             ClientLog log, bool replace_doubtful)
      : properties_(std::move(properties)),
        transactional_id_(std::move(transactional_id)),
        request_timeout_(request_timeout),
        log_(std::move(log)),
        replace_doubtful_(replace_doubtful) {}
  /// A client with the transactional id, in the place of the one before, which must have no records under way.
  [[nodiscard]] absl::Status Restart();
  /// No call is possible any more, for this reason. Gives it in the terms of TransactionalProducer.
  absl::Status End(const absl::Status& reason);
  /// What librdkafka says of an error, in the terms of TransactionalProducer.
  [[nodiscard]] absl::Status Judge(ErrorPtr error, std::string_view what);
  /// A record that was not delivered spoils its transaction only, unless the whole client is at its end.
  [[nodiscard]] absl::Status JudgeDelivery(const absl::Status& status);

  const PropertyMap properties_;
  const std::string transactional_id_;
  const std::chrono::milliseconds request_timeout_;
  const ClientLog log_;
  const bool replace_doubtful_;
  // Outlives the client.
  std::unique_ptr<UnansweredRequests> requests_;
  std::unique_ptr<KafkaProducer> producer_;
  // Of each client in turn.
  RefusalHandler refused_;
  // How long the calls that end a transaction may take; after that nobody knows how it ended.
  int transaction_time_ms_ = 0;
  int abort_time_ms_ = 0;
  bool open_ = false;
  // Not OK after an error that no call survives.
  absl::Status ended_;
};

}  // namespace millrace::log::kafka

#endif  // MILLRACE_RUNTIME_LOG_KAFKA_TRANSACTIONAL_PRODUCER_H_
