#include <algorithm>
#include <chrono>
#include <deque>
#include <set>
#include <utility>

#include "faulty_log.h"

namespace millrace::simulation {
namespace {

// Records that were sent and have not reached the broker yet.
class Buffer {
 public:
  Buffer(log::Producer* log, Faults* faults) : log_(log), faults_(faults) {}

  void Add(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
           Timestamp timestamp, const Headers& headers, int64_t* delivered) {
    Pending& record = pending_.emplace_back();
    record.topic = topic;
    record.partition = partition;
    if (key) record.key.emplace(*key);
    if (value) record.value.emplace(*value);
    record.timestamp = timestamp;
    record.headers = headers;
    record.delivered = delivered;
  }

  /// Each record goes on with this probability, unless an earlier one of its topic stays.
  absl::Status Deliver(double probability) {
    if (pending_.empty()) return absl::OkStatus();
    std::deque<Pending> stay;
    std::set<std::string> stopped;
    absl::Status status;
    for (Pending& record : pending_) {
      if (stopped.contains(record.topic) || !faults_->random().Chance(probability)) {
        stopped.insert(record.topic);
        stay.push_back(std::move(record));
        continue;
      }
      const NullableBytesView key = record.key ? NullableBytesView(*record.key) : std::nullopt;
      const NullableBytesView value = record.value ? NullableBytesView(*record.value) : std::nullopt;
      status = log_->Send(record.topic, record.partition, key, value, record.timestamp, record.headers, record.delivered);
      if (!status.ok()) break;
    }
    pending_ = std::move(stay);
    if (status.ok()) status = log_->Poll();
    return status;
  }

  void Clear() { pending_.clear(); }
  [[nodiscard]] bool empty() const { return pending_.empty(); }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(pending_.size()); }

 private:
  struct Pending {
    std::string topic;
    std::optional<int32_t> partition;
    NullableBytes key;
    NullableBytes value;
    Timestamp timestamp;
    Headers headers;
    int64_t* delivered = nullptr;
  };
  log::Producer* const log_;
  Faults* const faults_;
  std::deque<Pending> pending_;
};

/// What both kinds have in common: Base is the interface.
template <class Base>
class FaultyProducerOf : public Base {
 public:
  FaultyProducerOf(std::shared_ptr<Base> log, Faults* faults)
      : log_(std::move(log)), faults_(faults), buffer_(log_.get(), faults) {}

  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override {
    if (!failure_.ok()) return failure_;
    buffer_.Add(topic, partition, key, value, timestamp, headers, delivered_offset_max);
    return absl::OkStatus();
  }

  absl::Status Poll() override {
    faults_->Point();
    return Serve(0.5);
  }

  absl::Status Flush(std::chrono::milliseconds timeout) override {
    const Nanoseconds end = faults_->scheduler()->now() + timeout;
    while (failure_.ok() && outstanding() > 0 && faults_->scheduler()->now() < end) {
      faults_->Answer();
      if (faults_->stalled()) faults_->scheduler()->Sleep(std::min<Nanoseconds>(timeout, std::chrono::milliseconds(50)));
      (void)Serve(0.9);
    }
    return failure_;
  }

  [[nodiscard]] int64_t outstanding() const override { return buffer_.size() + log_->outstanding(); }

 protected:
  absl::Status Serve(double probability) {
    if (failure_.ok() && !buffer_.empty()) {
      failure_ = faults_->SendError("records");
      if (!failure_.ok()) failure_ = Refuse(failure_);
    }
    if (!failure_.ok()) {
      buffer_.Clear();
      return failure_;
    }
    if (!faults_->stalled()) failure_ = buffer_.Deliver(probability);
    return failure_;
  }
  /// The error that the user of the producer sees.
  virtual absl::Status Refuse(const absl::Status& status) { return status; }

  const std::shared_ptr<Base> log_;
  Faults* const faults_;
  Buffer buffer_;
  absl::Status failure_;
};

using FaultyPlainProducer = FaultyProducerOf<log::Producer>;

class FaultyTransactionalProducer final : public FaultyProducerOf<log::TransactionalProducer> {
 public:
  using FaultyProducerOf::FaultyProducerOf;

  absl::Status Begin() override {
    faults_->Point();
    return log_->Begin();
  }

  absl::Status SendOffsets(const log::Offsets& offsets, const log::GroupIdentity& identity) override {
    if (!failure_.ok()) return failure_;
    faults_->Answer();
    faults_->CommitPoint();
    if (absl::Status status = faults_->CommitError("send offsets"); !status.ok()) return Abortable(status);
    if (absl::Status status = log_->SendOffsets(offsets, identity); !status.ok()) return status;
    faults_->Answer();
    return Abortable(faults_->CommitError("answer of send offsets"));
  }

  absl::Status Commit() override {
    if (!failure_.ok()) return failure_;
    // All that was sent goes first.
    while (faults_->stalled()) faults_->scheduler()->Sleep(std::chrono::milliseconds(100));
    if (absl::Status status = Serve(1); !status.ok()) return status;
    faults_->Answer();
    faults_->CommitPoint();
    absl::Status lost = faults_->CommitError("commit");
    if (!lost.ok()) {
      // Never arrives, or some time: nothing but a successor's epoch stops it then.
      if (faults_->random().Chance(0.5)) {
        faults_->Later([log = log_] { (void)log->Commit(); });
      }
      return lost;
    }
    if (absl::Status status = log_->Commit(); !status.ok()) return status;
    faults_->CommitPoint();
    faults_->Answer();
    return faults_->CommitError("answer of commit");
  }

  absl::Status Abort() override {
    faults_->Answer();
    buffer_.Clear();
    failure_ = absl::OkStatus();
    if (absl::Status status = faults_->CommitError("abort"); !status.ok()) return status;
    return log_->Abort();
  }

 private:
  absl::Status Refuse(const absl::Status& status) override { return Abortable(status); }
  // One half only spoils the transaction, the other half the producer.
  absl::Status Abortable(const absl::Status& status) {
    if (status.ok() || faults_->random().Chance(0.5)) return status;
    return absl::AbortedError(status.message());
  }
};

}  // namespace

std::unique_ptr<log::Producer> MakeFaultyProducer(std::unique_ptr<log::Producer> log, Faults* faults) {
  return std::make_unique<FaultyPlainProducer>(std::move(log), faults);
}

std::unique_ptr<log::TransactionalProducer> MakeFaultyProducer(std::unique_ptr<log::TransactionalProducer> log, Faults* faults) {
  return std::make_unique<FaultyTransactionalProducer>(std::move(log), faults);
}

}  // namespace millrace::simulation
