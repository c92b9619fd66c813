#include <algorithm>
#include <chrono>
#include <deque>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "faulty_log.h"
#include "log/abort_cause.h"

namespace millrace::simulation {
namespace {

constexpr char kLane[] = "records";

/// A record that was sent and has not reached the broker yet.
struct Pending {
  std::string topic;
  std::optional<int32_t> partition;
  NullableBytes key;
  NullableBytes value;
  Timestamp timestamp;
  Headers headers;
  int64_t* delivered = nullptr;
};

NullableBytesView View(const NullableBytes& bytes) { return bytes ? NullableBytesView(*bytes) : std::nullopt; }

absl::Status SendTo(log::Producer* log, const Pending& record, int64_t* delivered) {
  return log->Send(record.topic, record.partition, View(record.key), View(record.value), record.timestamp, record.headers,
                   delivered);
}

/// What both kinds have in common: Base is the interface.
template <class Base>
class FaultyProducerOf : public Base {
 public:
  FaultyProducerOf(std::shared_ptr<Base> log, Faults* faults) : log_(std::move(log)), faults_(faults) {}

  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override {
    if (!failure_.ok()) return failure_;
    if (const auto refusal = faults_->RefusedByClient(topic, key)) return refusal->error;
    Pending& record = pending_.emplace_back();
    record.topic = topic;
    record.partition = partition;
    if (key) record.key.emplace(*key);
    if (value) record.value.emplace(*value);
    record.timestamp = timestamp;
    record.headers = headers;
    record.delivered = delivered_offset_max;
    return absl::OkStatus();
  }

  void SetRefusalHandler(log::RefusalHandler handler) override { handler_ = std::move(handler); }

  absl::Status Poll() override {
    faults_->Point();
    return Serve(0.5);
  }

  absl::Status Flush(std::chrono::milliseconds timeout) override {
    const Nanoseconds end = faults_->scheduler()->now() + timeout;
    while (failure_.ok() && outstanding() > 0 && faults_->scheduler()->now() < end) {
      faults_->Way(Call::kProduce);
      if (faults_->stalled()) faults_->scheduler()->Sleep(std::min<Nanoseconds>(timeout, std::chrono::milliseconds(50)));
      (void)Serve(0.9);
    }
    return failure_;
  }

  [[nodiscard]] int64_t outstanding() const override { return static_cast<int64_t>(pending_.size()) + log_->outstanding(); }

 protected:
  /// Each record goes on with this probability, unless an earlier one of its topic stays.
  absl::Status Serve(double probability) {
    if (failure_.ok() && !faults_->stalled() && !pending_.empty()) {
      if (faults_->random().Chance(faults_->rates().produce_error)) {
        LoseAll();
      } else {
        Deliver(probability);
      }
    }
    if (!failure_.ok()) pending_.clear();
    return failure_;
  }

  /// The errors that the user of the producer sees.
  virtual absl::Status Judge(const absl::Status& status, bool /*retriable*/) { return status; }
  /// Whether records may come when the producer has been given up; told when they will.
  virtual bool MayComeLate() = 0;

  std::shared_ptr<Base> log_;
  Faults* const faults_;
  std::deque<Pending> pending_;
  absl::Status failure_;

 private:
  void Deliver(double probability) {
    faults_->CountSent(kLane);
    // The handler may send.
    std::deque<Pending> taken;
    taken.swap(pending_);
    std::deque<Pending> stay;
    std::deque<Pending> goes;
    std::set<std::string> stopped;
    for (Pending& record : taken) {
      if (stopped.contains(record.topic) || !faults_->random().Chance(probability)) {
        stopped.insert(record.topic);
        stay.push_back(std::move(record));
      } else {
        goes.push_back(std::move(record));
      }
    }
    std::vector<std::optional<Refusal>> refusals;
    for (const Pending& record : goes) refusals.push_back(faults_->RefusedLater(record.topic, View(record.key)));
    for (size_t i = 0; i < goes.size(); ++i) {
      if (!failure_.ok()) return;
      // What goes to one topic is one batch.
      const std::optional<Refusal>* refusal = &refusals[i];
      for (size_t j = 0; j < goes.size() && !refusal->has_value(); ++j) {
        if (refusals[j] && refusals[j]->of_batch && goes[j].topic == goes[i].topic) refusal = &refusals[j];
      }
      if (refusal->has_value()) {
        Report(goes[i], **refusal, /*retriable=*/false);
      } else {
        failure_ = SendTo(log_.get(), goes[i], goes[i].delivered);
      }
    }
    std::move(pending_.begin(), pending_.end(), std::back_inserter(stay));
    pending_ = std::move(stay);
    if (failure_.ok()) failure_ = log_->Poll();
  }

  // No answer comes for what is under way.
  void LoseAll() {
    std::deque<Pending> lost;
    lost.swap(pending_);
    // What the broker refuses it never writes.
    std::deque<Pending> taken;
    std::copy_if(lost.begin(), lost.end(), std::back_inserter(taken),
                 [this](const Pending& record) { return !faults_->RefusedLater(record.topic, View(record.key)); });
    const uint64_t how = faults_->random().Below(3);
    if (how == 0) {
      faults_->Count(Call::kProduce, Fate::kAnswerLost);
      for (const Pending& record : taken) {
        if (failure_ = SendTo(log_.get(), record, nullptr); !failure_.ok()) return;
      }
      (void)log_->Poll();
    } else if (how == 1 && MayComeLate()) {
      Copy copy;
      copy.lane = kLane;
      copy.arrive = [log = log_, taken] {
        for (const Pending& record : taken) (void)SendTo(log.get(), record, nullptr);
      };
      faults_->Later(Call::kProduce, Fate::kLate, copy, faults_->CountSent(kLane));
    } else {
      faults_->Count(Call::kProduce, Fate::kRequestLost);
    }
    const absl::Status error = faults_->NoAnswer(Call::kProduce);
    for (const Pending& record : lost) {
      if (failure_.ok()) Report(record, {error}, /*retriable=*/true);
    }
  }

  // As kafka/producer.cc does.
  void Report(const Pending& record, const Refusal& refusal, bool retriable) {
    absl::Status status = refusal.error;
    if (handler_ && (retriable || refusal.for_good)) {
      log::RefusedRecord refused;
      refused.topic = record.topic;
      refused.key = View(record.key);
      refused.value = View(record.value);
      refused.timestamp = record.timestamp;
      refused.error = refusal.error;
      refused.marked = record.delivered != nullptr;
      refused.retriable = retriable;
      refused.of_batch = refusal.of_batch;
      status = handler_(refused);
    }
    failure_ = Judge(status, retriable);
  }

  log::RefusalHandler handler_;
};

class FaultyPlainProducer final : public FaultyProducerOf<log::Producer> {
 public:
  using FaultyProducerOf::FaultyProducerOf;

 private:
  // What a dead one wrote stands behind what its successor has written, as with a zombie.
  bool MayComeLate() override {
    if (!faults_->trouble().late_records) return false;
    faults_->trouble().records_came_late = true;
    return true;
  }
};

using TransactionalPtr = std::unique_ptr<log::TransactionalProducer>;

// A second request, or a late one, fences whoever has the id by then.
absl::StatusOr<TransactionalPtr> InitProducer(const std::shared_ptr<log::LogClient>& client, const std::string& id,
                                              Faults* faults) {
  Copy copy;
  copy.lane = absl::StrCat("init ", id);
  copy.arrive = [client, id] { (void)client->NewTransactionalProducer(id); };
  return faults->Exchange(
      Call::kInitProducer, [&] { return client->NewTransactionalProducer(id); }, copy);
}

class FaultyTransactionalProducer final : public FaultyProducerOf<log::TransactionalProducer> {
 public:
  FaultyTransactionalProducer(std::shared_ptr<log::LogClient> client, std::string id, TransactionalPtr log, Faults* faults)
      : FaultyProducerOf(std::move(log), faults), client_(std::move(client)), id_(std::move(id)) {}

  absl::Status Begin() override {
    faults_->Point();
    // A request of an earlier transaction may still arrive, and must not change this one: as in kafka/transactional_producer.cc.
    if (std::exchange(doubtful_, false)) {
      absl::StatusOr<TransactionalPtr> made = InitProducer(client_, id_, faults_);
      if (!made.ok()) return failure_ = made.status();
      log_ = *std::move(made);
    }
    return log_->Begin();
  }

  absl::Status SendOffsets(const log::Offsets& offsets, const log::GroupIdentity& identity) override {
    if (!failure_.ok()) return failure_;
    return Abortable(faults_->Exchange(
        Call::kTxnOffsets, [&] { return log_->SendOffsets(offsets, identity); },
        CopyOf("offsets", [log = log_, offsets, identity] { (void)log->SendOffsets(offsets, identity); })));
  }

  absl::Status Commit() override {
    // All that was sent goes first.
    while (failure_.ok() && !pending_.empty()) {
      while (faults_->stalled()) faults_->scheduler()->Sleep(std::chrono::milliseconds(100));
      (void)Serve(1);
    }
    if (!failure_.ok()) return failure_;
    Copy copy = CopyOf("commit", [log = log_] { (void)log->Commit(); });
    // Of one that is given up nothing but a successor's epoch stops the end: its caller must see to that.
    copy.sent = [this](Fate fate) { doubtful_ = doubtful_ || fate == Fate::kTwice; };
    return faults_->Exchange(
        Call::kCommit, [&] { return log_->Commit(); }, copy);
  }

  absl::Status Abort() override {
    pending_.clear();
    failure_ = absl::OkStatus();
    return faults_->Exchange(
        Call::kAbort, [&] { return log_->Abort(); }, CopyOf("abort", [log = log_] { (void)log->Abort(); }));
  }

 private:
  Copy CopyOf(const char* what, std::function<void()> arrive) {
    Copy copy;
    copy.lane = absl::StrCat(what, " ", id_);
    copy.arrive = std::move(arrive);
    copy.sent = [this](Fate) { doubtful_ = true; };
    return copy;
  }

  absl::Status Judge(const absl::Status& status, bool retriable) override {
    if (status.ok() || log::IsRefusal(status) || absl::IsPermissionDenied(status)) return status;
    return retriable ? Abortable(status) : log::AbortedBy(status);
  }
  bool MayComeLate() override { return doubtful_ = true; }

  // One half only spoils the transaction, the other half the producer.
  absl::Status Abortable(const absl::Status& status) {
    if (!log::IsNoAnswer(status) || faults_->random().Chance(0.5)) return status;
    return log::AbortedBy(status);
  }

  const std::shared_ptr<log::LogClient> client_;
  const std::string id_;
  // Some request may still be under way when its transaction has ended.
  bool doubtful_ = false;
};

}  // namespace

std::unique_ptr<log::Producer> MakeFaultyProducer(std::unique_ptr<log::Producer> log, Faults* faults) {
  return std::make_unique<FaultyPlainProducer>(std::move(log), faults);
}

absl::StatusOr<TransactionalPtr> MakeFaultyProducer(const std::shared_ptr<log::LogClient>& client,
                                                    const std::string& transactional_id, Faults* faults) {
  absl::StatusOr<TransactionalPtr> log = InitProducer(client, transactional_id, faults);
  if (!log.ok()) return log;
  return std::make_unique<FaultyTransactionalProducer>(client, transactional_id, *std::move(log), faults);
}

}  // namespace millrace::simulation
