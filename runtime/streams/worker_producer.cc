#include "streams/worker_producer.h"

#include <functional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/internal/mutants.h"

namespace millrace {
namespace {

constexpr size_t kMostKnownRefusals = 10000;
constexpr std::chrono::milliseconds kFlushStep{100};
constexpr std::chrono::seconds kBatchWarnings{10};

size_t Fingerprint(const std::string& topic, NullableBytesView key, NullableBytesView value) {
  constexpr size_t kNull = 0x9e3779b97f4a7c15;
  const std::hash<std::string_view> hash;
  size_t all = hash(topic);
  for (const NullableBytesView part : {key, value}) {
    all = all * 0x100000001b3 + (part ? hash(*part) : kNull);
  }
  return all;
}

}  // namespace

WorkerProducer::WorkerProducer(std::unique_ptr<log::Producer> producer) : plain_(std::move(producer)), active_(plain_.get()) {}

WorkerProducer::WorkerProducer(MakeTransactional make)
    : make_(std::move(make)), transaction_error_(absl::UnavailableError("the transactional producer was not started yet")) {}

WorkerProducer::~WorkerProducer() = default;

absl::Status WorkerProducer::Watch(absl::Status status) {
  if (status.ok() || make_ == nullptr) return status;
  // What the next transaction would meet as well.
  if (log::IsRefusal(status) || absl::IsPermissionDenied(status)) return status;
  if (transaction_error_.ok()) transaction_error_ = status;
  return status;
}

void WorkerProducer::SetRefusalHandler(log::RefusalHandler handler) {
  refused_ = std::move(handler);
  Listen();
}

void WorkerProducer::Listen() {
  if (active_ == nullptr) return;
  active_->SetRefusalHandler([this](const log::RefusedRecord& record) { return OnRefused(record); });
}

absl::Status WorkerProducer::OnRefused(const log::RefusedRecord& record) {
  broker_refused_ = broker_refused_ || !record.retriable;
  if (record.of_batch && !one_by_one_) {
    batch_refused_ = learned_ = true;
    static LogRateLimit limit(kBatchWarnings);
    if (limit.Allow()) {
      LogWarning(
          absl::StrCat("the broker refuses a batch; all since the last commit is sent again, record by record, to find which "
                       "one it means: ",
                       std::string(record.error.message()),
                       ". If batches are too large, set batch.size of the producer to at most the topic's max.message.bytes"),
          {.event = "batch-refused", .topic = record.topic});
    }
    const absl::Status again = absl::AbortedError(record.error.message());
    if (make_ == nullptr && transaction_error_.ok()) transaction_error_ = again;
    return again;
  }
  if (make_ == nullptr) {
    if (!refused_ || (record.marked && !record.retriable)) return record.error;
    in_refusal_ = true;
    absl::Status status = refused_(record);
    in_refusal_ = false;
    return status;
  }
  if (record.retriable) return record.error;
  Remember(record, absl::InvalidArgumentError(record.error.message()));
  // Its transaction is lost, and this error sticks to the producer: it must not be taken for a refusal of the records that are
  // sent next. The record alone is refused when it is sent again.
  return absl::AbortedError(record.error.message());
}

void WorkerProducer::Remember(const log::RefusedRecord& record, const absl::Status& error) {
  if (known_refusals_.size() >= kMostKnownRefusals) known_refusals_.clear();
  learned_ = known_refusals_.insert_or_assign(Fingerprint(record.topic, record.key, record.value), error).second || learned_;
}

absl::Status WorkerProducer::BeginIfNeeded() {
  if (make_ == nullptr || in_transaction_) return absl::OkStatus();
  if (!transaction_error_.ok()) return transaction_error_;
  if (absl::Status status = Watch(transactional_->Begin()); !status.ok()) return status;
  in_transaction_ = true;
  return absl::OkStatus();
}

absl::Status WorkerProducer::Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key,
                                  NullableBytesView value, Timestamp timestamp, const Headers& headers,
                                  int64_t* delivered_offset_max) {
  if (absl::Status status = BeginIfNeeded(); !status.ok()) return status;
  if (!known_refusals_.empty()) {
    if (const auto known = known_refusals_.find(Fingerprint(topic, key, value)); known != known_refusals_.end())
      return known->second;
  }
  if (internal::Mutated(internal::Mutant::kChangelogOutside) && make_ != nullptr && plain_ && delivered_offset_max != nullptr) {
    absl::Status sent = plain_->Send(topic, partition, key, value, timestamp, headers, nullptr);
    return sent.ok() ? plain_->Flush(std::chrono::seconds(1)) : sent;
  }
  if (last_ == nullptr || last_->first != topic) last_ = &*counts_.try_emplace(topic, 0).first;
  ++last_->second;
  absl::Status status = Watch(active_->Send(topic, partition, key, value, timestamp, headers, delivered_offset_max));
  // What the handler of a refused record writes is sent with the next one.
  return status.ok() && one_by_one_ && !in_refusal_ ? AwaitDelivery() : status;
}

absl::Status WorkerProducer::AwaitDelivery() {
  while (active_->outstanding() > 0) {
    if (absl::Status status = Flush(kFlushStep); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status WorkerProducer::Poll() { return active_ == nullptr ? transaction_error_ : Watch(active_->Poll()); }

absl::Status WorkerProducer::Flush(std::chrono::milliseconds timeout) {
  return active_ == nullptr ? transaction_error_ : Watch(active_->Flush(timeout));
}

void WorkerProducer::Replace(std::unique_ptr<log::Producer> producer) {
  active_ = producer.get();
  plain_ = std::move(producer);
  transaction_error_ = absl::OkStatus();
  one_by_one_ = std::exchange(batch_refused_, false) || one_by_one_;
  Listen();
}

absl::Status WorkerProducer::CommitTransaction(const log::Offsets& offsets, const log::GroupIdentity& identity) {
  const auto watch = [this](absl::Status status) {
    if (internal::Mutated(internal::Mutant::kFencedTakenForDone) && absl::IsFailedPrecondition(status)) return absl::OkStatus();
    return Watch(std::move(status));
  };
  if (absl::Status status = BeginIfNeeded(); !status.ok()) return status;
  if (!internal::Mutated(internal::Mutant::kOffsetsLeftOut)) {
    if (absl::Status status = watch(transactional_->SendOffsets(offsets, identity)); !status.ok()) return status;
  }
  if (absl::Status status = watch(transactional_->Commit()); !status.ok()) return status;
  in_transaction_ = false;
  one_by_one_ = false;
  return absl::OkStatus();
}

absl::Status WorkerProducer::Rewind() {
  if (make_ == nullptr) return absl::OkStatus();
  const absl::Status status = AbortOrRenew();
  // What the broker refused may have become known only now.
  one_by_one_ = std::exchange(batch_refused_, false) || one_by_one_;
  return status;
}

absl::Status WorkerProducer::AbortOrRenew() {
  // Behind a refused batch librdkafka 2.0 goes on with sequence numbers that the broker takes for a gap, also after an abort.
  const bool broker_refused = std::exchange(broker_refused_, false);
  const bool abortable = transactional_ != nullptr && !broker_refused &&
                         (transaction_error_.ok() || absl::IsAborted(transaction_error_) ||
                          internal::Mutated(internal::Mutant::kAmbiguousCommitReused));
  if (abortable && (!in_transaction_ || transactional_->Abort().ok())) {
    in_transaction_ = false;
    transaction_error_ = absl::OkStatus();
    return absl::OkStatus();
  }
  // Gone before its successor comes, so that what it still has to say is not said to dead tasks.
  active_ = nullptr;
  transactional_.reset();
  in_transaction_ = false;
  absl::StatusOr<std::unique_ptr<log::TransactionalProducer>> made = make_();
  if (!made.ok()) {
    transaction_error_ = made.status();
    return made.status();
  }
  transactional_ = *std::move(made);
  active_ = transactional_.get();
  Listen();
  transaction_error_ = absl::OkStatus();
  return absl::OkStatus();
}

void WorkerProducer::Abandon() {
  if (transactional_ == nullptr) return;
  if (in_transaction_ && (transaction_error_.ok() || absl::IsAborted(transaction_error_))) (void)transactional_->Abort();
  active_ = nullptr;
  transactional_.reset();
  in_transaction_ = false;
  transaction_error_ = absl::UnavailableError("the producer has ended");
}

}  // namespace millrace
