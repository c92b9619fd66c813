#include "log/kafka/transactional_producer.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "log/abort_cause.h"

namespace millrace::log::kafka {
namespace {

using std::chrono::milliseconds;

// Kafka Streams' value; a reader downstream waits as long for a producer that is gone for good.
constexpr char kTransactionTimeoutMs[] = "10000";
// After a commit the broker writes its markers and asks the next transaction to wait; the client's usual pause is 100 ms.
constexpr char kRetryBackoffMs[] = "5";
// An abort only spares the start of a new client, which ends the transaction too. While brokers are silent it would not return.
constexpr int64_t kAbortTimeMs = 5000;
constexpr int kNotice = 5;

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaTransactionalProducer>> KafkaTransactionalProducer::Make(PropertyMap properties,
                                                                                             const std::string& transactional_id,
                                                                                             milliseconds request_timeout,
                                                                                             ClientLog log,
                                                                                             bool replace_doubtful) {
  if (transactional_id.empty()) return absl::InvalidArgumentError("a transactional producer needs a transactional id");
  properties.try_emplace("transaction.timeout.ms", kTransactionTimeoutMs);
  properties.try_emplace("retry.backoff.ms", kRetryBackoffMs);
  // A record cannot wait longer than its transaction, nor a request: librdkafka refuses such settings.
  properties.erase("delivery.timeout.ms");
  const std::string& transaction = properties.at("transaction.timeout.ms");
  int64_t transaction_ms = 0;
  int64_t request_ms = 0;
  if (const auto request = properties.find("socket.timeout.ms");
      request != properties.end() && absl::SimpleAtoi(transaction, &transaction_ms) &&
      absl::SimpleAtoi(request->second, &request_ms) && request_ms > transaction_ms) {
    request->second = transaction;
  }
  std::unique_ptr<KafkaTransactionalProducer> made(
      new KafkaTransactionalProducer(std::move(properties), transactional_id, request_timeout, std::move(log), replace_doubtful));
  if (absl::Status status = made->Restart(); !status.ok()) return status;
  return made;
}

absl::Status KafkaTransactionalProducer::Restart() {
  int64_t transaction_ms = 0;
  if (!absl::SimpleAtoi(properties_.at("transaction.timeout.ms"), &transaction_ms)) {
    return absl::InvalidArgumentError(
        absl::StrCat("transaction.timeout.ms: ", properties_.at("transaction.timeout.ms"), " is no number"));
  }
  transaction_time_ms_ = static_cast<int>(std::clamp<int64_t>(transaction_ms, 1, std::numeric_limits<int>::max()));
  abort_time_ms_ = static_cast<int>(std::min<int64_t>(transaction_time_ms_, kAbortTimeMs));
  auto requests = std::make_unique<UnansweredRequests>();
  const PropertyMap fixed = {{"transactional.id", transactional_id_},
                             {"message.timeout.ms", properties_.at("transaction.timeout.ms")}};
  absl::StatusOr<std::unique_ptr<KafkaProducer>> producer =
      KafkaProducer::Make(properties_, fixed, request_timeout_, log_, requests.get());
  if (!producer.ok()) return producer.status();
  ErrorPtr error(rd_kafka_init_transactions((*producer)->get(), static_cast<int>(request_timeout_.count())));
  if (error) return KafkaError(error.get(), absl::StrCat("starting transactions of ", transactional_id_));
  producer_ = *std::move(producer);
  producer_->SetRefusalHandler(refused_);
  requests_ = std::move(requests);
  return absl::OkStatus();
}

void KafkaTransactionalProducer::SetRefusalHandler(RefusalHandler handler) {
  refused_ = std::move(handler);
  producer_->SetRefusalHandler(refused_);
}

absl::Status KafkaTransactionalProducer::Judge(ErrorPtr error, std::string_view what) {
  absl::Status status = KafkaError(error.get(), absl::StrCat(std::string(what), " of ", transactional_id_));
  if (rd_kafka_error_is_fatal(error.get()) == 0 && rd_kafka_error_txn_requires_abort(error.get()) != 0) {
    // The next transaction would have no right either.
    return absl::IsPermissionDenied(status) ? status : AbortedBy(status);
  }
  return End(status);
}

// kAborted is kept for what can be aborted, and refusals for records.
absl::Status KafkaTransactionalProducer::End(const absl::Status& reason) {
  ended_ = absl::IsAborted(reason) || IsRefusal(reason) ? absl::InternalError(reason.message()) : reason;
  return ended_;
}

absl::Status KafkaTransactionalProducer::JudgeDelivery(const absl::Status& status) {
  if (status.ok() || !ended_.ok()) return ended_;
  if (const absl::Status fatal = producer_->fatal(); !fatal.ok()) return End(fatal);
  // A record that no broker takes, now or in the next transaction. The code says so; Abort is as possible as after kAborted.
  if (IsRefusal(status) || absl::IsPermissionDenied(status)) return status;
  return AbortedBy(status);
}

absl::Status KafkaTransactionalProducer::Begin() {
  if (!ended_.ok()) return ended_;
  if (replace_doubtful_ && requests_->any()) {
    producer_->Log(kNotice,
                   absl::StrCat("a request of an earlier transaction of ", transactional_id_,
                                " was repeated, and the first one may still reach the broker: the client is replaced, so "
                                "that it is refused"));
    if (absl::Status status = Restart(); !status.ok()) return End(status);
  }
  ErrorPtr error(rd_kafka_begin_transaction(producer_->get()));
  if (error) return Judge(std::move(error), "beginning a transaction");
  open_ = true;
  return absl::OkStatus();
}

absl::Status KafkaTransactionalProducer::Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key,
                                              NullableBytesView value, Timestamp timestamp, const Headers& headers,
                                              int64_t* delivered_offset_max) {
  absl::Status sent = producer_->Send(topic, partition, key, value, timestamp, headers, delivered_offset_max);
  // The client never had a record that it refused itself, so the transaction is as it was.
  if (sent.ok() || (IsRefusal(sent) && producer_->CurrentError().ok())) return sent;
  return JudgeDelivery(sent);
}

absl::Status KafkaTransactionalProducer::Poll() { return JudgeDelivery(producer_->Poll()); }

absl::Status KafkaTransactionalProducer::Flush(milliseconds timeout) { return JudgeDelivery(producer_->Flush(timeout)); }

absl::Status KafkaTransactionalProducer::SendOffsets(const Offsets& offsets, const GroupIdentity& identity) {
  if (!ended_.ok()) return ended_;
  if (offsets.empty()) return absl::OkStatus();
  if (identity.generation < 0 || identity.member_id.empty()) {
    return absl::AbortedError(absl::StrCat("offsets for group ", identity.group,
                                           ": without generation and member id they would be ", "taken from anybody"));
  }
  ListPtr list = ToList(offsets);
  GroupMetadataPtr metadata(
      rd_kafka_consumer_group_metadata_new_with_genid(identity.group.c_str(), identity.generation, identity.member_id.c_str(),
                                                      identity.instance_id.empty() ? nullptr : identity.instance_id.c_str()));
  ErrorPtr error(rd_kafka_send_offsets_to_transaction(producer_->get(), list.get(), metadata.get(), transaction_time_ms_));
  if (!error) return absl::OkStatus();
  const bool retriable = rd_kafka_error_is_retriable(error.get()) != 0;
  absl::Status status = Judge(std::move(error), absl::StrCat("offsets for group ", identity.group, " in a transaction"));
  if (!retriable || absl::IsAborted(status)) return status;
  // Out of time, and the transaction with it: nothing of it was promised yet.
  ended_ = absl::OkStatus();
  return AbortedBy(status);
}

absl::Status KafkaTransactionalProducer::Commit() {
  if (!ended_.ok()) return ended_;
  ErrorPtr error(rd_kafka_commit_transaction(producer_->get(), transaction_time_ms_));
  if (error) return Judge(std::move(error), "committing a transaction");
  open_ = false;
  return absl::OkStatus();
}

absl::Status KafkaTransactionalProducer::Abort() {
  if (!open_) return ended_;
  if (!ended_.ok()) return ended_;
  ErrorPtr error(rd_kafka_abort_transaction(producer_->get(), abort_time_ms_));
  producer_->ForgetError();
  if (error) {
    return End(Judge(std::move(error), "aborting a transaction"));
  }
  open_ = false;
  return absl::OkStatus();
}

}  // namespace millrace::log::kafka
