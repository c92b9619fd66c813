#include "named_transactions.h"

#include <unistd.h>

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::chaos {
namespace {

class Producer : public log::TransactionalProducer {
 public:
  Producer(std::unique_ptr<log::TransactionalProducer> inner, std::string name, const std::string& prefix)
      : inner_(std::move(inner)), name_(std::move(name)), prefix_(prefix) {}
  ~Producer() override { GiveUp(); }

  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override {
    if (!topic.starts_with(prefix_)) {
      return inner_->Send(topic, partition, key, value, timestamp, headers, delivered_offset_max);
    }
    Headers named = headers;
    named.Remove(kTransactionHeader);
    named.Add(kTransactionHeader, Transaction());
    return inner_->Send(topic, partition, key, value, timestamp, named, delivered_offset_max);
  }
  void SetRefusalHandler(log::RefusalHandler handler) override { inner_->SetRefusalHandler(std::move(handler)); }
  absl::Status Poll() override { return inner_->Poll(); }
  absl::Status Flush(std::chrono::milliseconds timeout) override { return inner_->Flush(timeout); }
  [[nodiscard]] int64_t outstanding() const override { return inner_->outstanding(); }
  absl::Status Begin() override {
    absl::Status status = inner_->Begin();
    if (status.ok()) {
      ++number_;
      open_ = true;
    }
    return status;
  }
  absl::Status SendOffsets(const log::Offsets& offsets, const log::GroupIdentity& identity) override {
    return inner_->SendOffsets(offsets, identity);
  }
  absl::Status Commit() override {
    absl::Status status = inner_->Commit();
    if (absl::IsAborted(status)) GiveUp();
    open_ = false;
    return status;
  }
  absl::Status Abort() override {
    absl::Status status = inner_->Abort();
    GiveUp();
    return status;
  }

 private:
  [[nodiscard]] std::string Transaction() const { return absl::StrCat(name_, "/", number_); }
  void GiveUp() {
    if (!std::exchange(open_, false)) return;
    const std::string line = absl::StrCat("chaos-gave-up ", Transaction(), "\n");
    (void)!write(STDERR_FILENO, line.data(), line.size());
  }

  const std::unique_ptr<log::TransactionalProducer> inner_;
  const std::string name_;
  const std::string prefix_;
  int64_t number_ = 0;
  bool open_ = false;  // begun, and its end not asked for
};

class Client : public log::LogClient {
 public:
  Client(std::shared_ptr<log::LogClient> inner, std::string prefix) : inner_(std::move(inner)), prefix_(std::move(prefix)) {}
  absl::StatusOr<std::unique_ptr<log::Consumer>> NewConsumer(const log::ConsumerOptions& options) override {
    return inner_->NewConsumer(options);
  }
  absl::StatusOr<std::unique_ptr<log::Producer>> NewProducer() override { return inner_->NewProducer(); }
  absl::StatusOr<std::unique_ptr<log::TransactionalProducer>> NewTransactionalProducer(const std::string& id) override {
    auto producer = inner_->NewTransactionalProducer(id);
    if (!producer.ok()) return producer;
    return std::make_unique<Producer>(*std::move(producer), absl::StrCat(getpid(), "/", ++producers_), prefix_);
  }
  absl::StatusOr<std::unique_ptr<log::Membership>> NewMembership(const log::MembershipOptions& options,
                                                                 log::MembershipListener* listener) override {
    return inner_->NewMembership(options, listener);
  }
  log::Admin& admin() override { return inner_->admin(); }

 private:
  const std::shared_ptr<log::LogClient> inner_;
  const std::string prefix_;
  std::atomic<int> producers_ = 0;
};

}  // namespace

std::shared_ptr<log::LogClient> WithNamedTransactions(std::shared_ptr<log::LogClient> inner, const std::string& prefix) {
  return std::make_shared<Client>(std::move(inner), prefix);
}

}  // namespace millrace::chaos
