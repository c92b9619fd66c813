#include "kill_points.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace millrace::chaos {
namespace {

constexpr const char* kPoints[] = {"after-producer-made", "in-assigned",    "in-restore",          "before-read",
                                   "before-begin",        "in-transaction", "before-send-offsets", "after-send-offsets",
                                   "after-commit",        "in-revoked",     "after-revoked",       "before-leave"};

class Trigger {
 public:
  Trigger(std::string point, int times) : point_(std::move(point)), left_(times) {}

  void Reach(const char* point) {
    if (point_ != point || --left_ != 0) return;
    // Straight to the file: whatever else waits to be written dies with the process.
    const std::string line = absl::StrCat("chaos-point ", point_, "\n");
    (void)!write(STDERR_FILENO, line.data(), line.size());
    (void)kill(getpid(), SIGKILL);
  }

 private:
  const std::string point_;
  std::atomic<int> left_;
};

class Reader : public log::PartitionReader {
 public:
  Reader(log::PartitionReader* inner, Trigger* trigger) : inner_(inner), trigger_(trigger) {}
  absl::StatusOr<int> Drain(int max_records, absl::FunctionRef<void(const RawRecord&)> take) override {
    return inner_->Drain(max_records, [&](const RawRecord& record) {
      trigger_->Reach("in-restore");
      take(record);
    });
  }
  [[nodiscard]] int64_t position() const override { return inner_->position(); }
  [[nodiscard]] bool at_end() const override { return inner_->at_end(); }

 private:
  log::PartitionReader* const inner_;
  Trigger* const trigger_;
};

class Consumer : public log::Consumer {
 public:
  Consumer(std::unique_ptr<log::Consumer> inner, bool restore, Trigger* trigger)
      : inner_(std::move(inner)), restore_(restore), trigger_(trigger) {}
  absl::StatusOr<log::PartitionReader*> Assign(const log::TopicPartition& partition, int64_t offset) override {
    if (!restore_) trigger_->Reach("before-read");
    auto reader = inner_->Assign(partition, offset);
    if (!reader.ok() || !restore_) return reader;
    const std::lock_guard lock(mutex_);
    return (readers_[partition] = std::make_unique<Reader>(*reader, trigger_)).get();
  }
  absl::Status Unassign(const log::TopicPartition& partition) override {
    absl::Status status = inner_->Unassign(partition);
    const std::lock_guard lock(mutex_);
    readers_.erase(partition);
    return status;
  }
  void Wait(std::chrono::milliseconds timeout) override { inner_->Wait(timeout); }
  void Wake() override { inner_->Wake(); }

 private:
  const std::unique_ptr<log::Consumer> inner_;
  const bool restore_;
  Trigger* const trigger_;
  std::mutex mutex_;
  std::map<log::TopicPartition, std::unique_ptr<Reader>> readers_;
};

class Producer : public log::TransactionalProducer {
 public:
  Producer(std::unique_ptr<log::TransactionalProducer> inner, Trigger* trigger) : inner_(std::move(inner)), trigger_(trigger) {}
  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override {
    trigger_->Reach("in-transaction");
    return inner_->Send(topic, partition, key, value, timestamp, headers, delivered_offset_max);
  }
  absl::Status Poll() override { return inner_->Poll(); }
  absl::Status Flush(std::chrono::milliseconds timeout) override { return inner_->Flush(timeout); }
  [[nodiscard]] int64_t outstanding() const override { return inner_->outstanding(); }
  absl::Status Begin() override {
    trigger_->Reach("before-begin");
    return inner_->Begin();
  }
  absl::Status SendOffsets(const log::Offsets& offsets, const log::GroupIdentity& identity) override {
    trigger_->Reach("before-send-offsets");
    absl::Status status = inner_->SendOffsets(offsets, identity);
    trigger_->Reach("after-send-offsets");
    return status;
  }
  absl::Status Commit() override {
    absl::Status status = inner_->Commit();
    trigger_->Reach("after-commit");
    return status;
  }
  absl::Status Abort() override { return inner_->Abort(); }

 private:
  const std::unique_ptr<log::TransactionalProducer> inner_;
  Trigger* const trigger_;
};

class Listener : public log::MembershipListener {
 public:
  Listener(log::MembershipListener* inner, Trigger* trigger) : inner_(inner), trigger_(trigger) {}
  void OnAssigned(const std::vector<int32_t>& tasks) override {
    if (!tasks.empty()) trigger_->Reach("in-assigned");
    inner_->OnAssigned(tasks);
  }
  void OnRevoked(const std::vector<int32_t>& tasks) override {
    if (!tasks.empty()) trigger_->Reach("in-revoked");
    inner_->OnRevoked(tasks);
    if (!tasks.empty()) trigger_->Reach("after-revoked");
  }
  void OnLost(const std::vector<int32_t>& tasks) override { inner_->OnLost(tasks); }

 private:
  log::MembershipListener* const inner_;
  Trigger* const trigger_;
};

class Member : public log::Membership {
 public:
  Member(std::unique_ptr<Listener> listener, Trigger* trigger) : listener_(std::move(listener)), trigger_(trigger) {}
  absl::Status Join(log::LogClient* client, const log::MembershipOptions& options) {
    auto inner = client->NewMembership(options, listener_.get());
    if (inner.ok()) inner_ = *std::move(inner);
    return inner.status();
  }
  absl::Status Poll(std::chrono::milliseconds timeout) override { return inner_->Poll(timeout); }
  absl::Status CommitOffsets(const log::Offsets& offsets) override { return inner_->CommitOffsets(offsets); }
  absl::StatusOr<log::GroupIdentity> Identity() override { return inner_->Identity(); }
  absl::StatusOr<log::Offsets> CommittedOffsets(const std::vector<log::TopicPartition>& partitions) override {
    return inner_->CommittedOffsets(partitions);
  }
  absl::Status Close() override {
    trigger_->Reach("before-leave");
    return inner_->Close();
  }
  [[nodiscard]] std::string member_id() const override { return inner_->member_id(); }

 private:
  const std::unique_ptr<Listener> listener_;
  Trigger* const trigger_;
  std::unique_ptr<log::Membership> inner_;
};

class Client : public log::LogClient {
 public:
  Client(std::shared_ptr<log::LogClient> inner, std::string point, int times)
      : inner_(std::move(inner)), trigger_(std::move(point), times) {}
  absl::StatusOr<std::unique_ptr<log::Consumer>> NewConsumer(const log::ConsumerOptions& options) override {
    auto consumer = inner_->NewConsumer(options);
    if (!consumer.ok()) return consumer;
    return std::make_unique<Consumer>(*std::move(consumer), options.restore, &trigger_);
  }
  absl::StatusOr<std::unique_ptr<log::Producer>> NewProducer() override { return inner_->NewProducer(); }
  absl::StatusOr<std::unique_ptr<log::TransactionalProducer>> NewTransactionalProducer(const std::string& id) override {
    auto producer = inner_->NewTransactionalProducer(id);
    if (!producer.ok()) return producer;
    trigger_.Reach("after-producer-made");
    return std::make_unique<Producer>(*std::move(producer), &trigger_);
  }
  absl::StatusOr<std::unique_ptr<log::Membership>> NewMembership(const log::MembershipOptions& options,
                                                                 log::MembershipListener* listener) override {
    auto member = std::make_unique<Member>(std::make_unique<Listener>(listener, &trigger_), &trigger_);
    if (absl::Status status = member->Join(inner_.get(), options); !status.ok()) return status;
    return member;
  }
  log::Admin& admin() override { return inner_->admin(); }

 private:
  const std::shared_ptr<log::LogClient> inner_;
  Trigger trigger_;
};

}  // namespace

std::vector<std::string> KillPoints() { return {std::begin(kPoints), std::end(kPoints)}; }

absl::StatusOr<std::shared_ptr<log::LogClient>> WithKillPoint(std::shared_ptr<log::LogClient> inner, const std::string& point) {
  if (point.empty()) return inner;
  const std::pair<std::string, std::string> parts = absl::StrSplit(point, absl::MaxSplits(':', 1));
  int times = 1;
  const std::vector<std::string> known = KillPoints();
  if (std::find(known.begin(), known.end(), parts.first) == known.end() ||
      (!parts.second.empty() && (!absl::SimpleAtoi(parts.second, &times) || times < 1))) {
    return absl::InvalidArgumentError(absl::StrCat("there is no point '", point, "'; there are ", absl::StrJoin(known, ", ")));
  }
  return std::make_shared<Client>(std::move(inner), parts.first, times);
}

}  // namespace millrace::chaos
