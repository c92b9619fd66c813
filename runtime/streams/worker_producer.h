#ifndef MILLRACE_RUNTIME_STREAMS_WORKER_PRODUCER_H_
#define MILLRACE_RUNTIME_STREAMS_WORKER_PRODUCER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "log/log.h"

namespace millrace {

/// How a worker writes: counts by topic and, for exactly-once, keeps the worker's one transaction, which begins by itself with
/// the first record. Follows Kafka's `StreamsProducer`. One thread.
///
/// Exactly-once: after an error of the transaction (transaction_error not OK) nothing can be sent or committed any more until
/// Rewind has made sure that nothing of it will ever be seen.
///
/// A broker that refuses a batch does not say for which record. Then all is done again since the last commit with each record in
/// a batch of its own, and the one that is refused even so is known.
class WorkerProducer final : public log::Producer {
 public:
  using MakeTransactional = std::function<absl::StatusOr<std::unique_ptr<log::TransactionalProducer>>()>;

  /// At least once.
  explicit WorkerProducer(std::unique_ptr<log::Producer> producer);
  /// Exactly once. `make` is called by Rewind; it must give producers with the same transactional id.
  explicit WorkerProducer(MakeTransactional make);
  ~WorkerProducer() override;

  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override;
  /// At least once: asked about records that no broker took in time, and about those without a mark that the broker refuses.
  /// Exactly once: such a record takes its transaction with it, and all is done again; then Send refuses at once what the broker
  /// had refused.
  void SetRefusalHandler(log::RefusalHandler handler) override;
  absl::Status Poll() override;
  absl::Status Flush(std::chrono::milliseconds timeout) override;
  [[nodiscard]] int64_t outstanding() const override { return active_ == nullptr ? 0 : active_->outstanding(); }

  [[nodiscard]] const std::map<std::string, int64_t>& counts() const { return counts_; }

  /// At least once: goes on with another producer. What the first has not delivered is given up, and where its deliveries would
  /// be written need not live on.
  void Replace(std::unique_ptr<log::Producer> producer);

  /// Makes the offsets and all records since the last commit visible, all or nothing.
  absl::Status CommitTransaction(const log::Offsets& offsets, const log::GroupIdentity& identity);
  /// Records were sent since the last commit.
  [[nodiscard]] bool in_transaction() const { return in_transaction_; }
  /// At least once: offsets were committed, which cover all that was sent.
  void OnCommitted() { one_by_one_ = false; }
  /// What spoiled the transaction. A record that can never be sent (no such topic) does not: that is the task's error; nor does a
  /// missing right, which ends the worker. At least once: why all is to be sent again since the last commit.
  [[nodiscard]] const absl::Status& transaction_error() const { return transaction_error_; }
  /// Aborts what is open. If the producer cannot go on, or does not know how its commit ended, a new one takes its place, which
  /// fences it. Must be called once before the first Send. Not OK if the broker cannot be reached: try again later.
  absl::Status Rewind();
  /// What the broker refused in this attempt was not known before, so the next one gets further. Once.
  [[nodiscard]] bool TakeLearned() { return std::exchange(learned_, false); }
  /// Aborts what is open; nothing can be sent afterwards.
  void Abandon();

 private:
  /// Keeps errors that spoil the transaction.
  absl::Status Watch(absl::Status status);
  absl::Status BeginIfNeeded();
  absl::Status AwaitDelivery();
  absl::Status AbortOrRenew();
  void Listen();
  absl::Status OnRefused(const log::RefusedRecord& record);
  void Remember(const log::RefusedRecord& record, const absl::Status& error);

  const MakeTransactional make_;  // empty: at least once
  std::unique_ptr<log::Producer> plain_;
  std::unique_ptr<log::TransactionalProducer> transactional_;
  log::Producer* active_ = nullptr;
  bool in_transaction_ = false;
  absl::Status transaction_error_;
  bool broker_refused_ = false;  // in this transaction
  bool batch_refused_ = false;   // since the last rewind
  bool one_by_one_ = false;
  bool learned_ = false;
  bool in_refusal_ = false;
  log::RefusalHandler refused_;
  std::map<size_t, absl::Status> known_refusals_;  // by what makes up the record
  std::map<std::string, int64_t> counts_;
  std::pair<const std::string, int64_t>* last_ = nullptr;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_WORKER_PRODUCER_H_
