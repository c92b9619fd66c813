#include "faulty_log.h"

#include <algorithm>
#include <map>
#include <utility>

namespace millrace::simulation {
namespace {

// What was fetched already, all or a part.
class FaultyReader final : public log::PartitionReader {
 public:
  FaultyReader(log::PartitionReader* log, Faults* faults) : log_(log), faults_(faults) {}
  absl::StatusOr<int> Drain(int max_records, absl::FunctionRef<void(const RawRecord&)> take) override {
    faults_->Point();
    Random& random = faults_->random();
    if (faults_->stalled() || random.Chance(0.1)) return 0;
    if (random.Chance(0.3)) max_records = static_cast<int>(std::min<int64_t>(max_records, random.Between(1, 5)));
    return log_->Drain(max_records, take);
  }
  [[nodiscard]] int64_t position() const override { return log_->position(); }
  [[nodiscard]] bool at_end() const override { return log_->at_end(); }

 private:
  log::PartitionReader* const log_;
  Faults* const faults_;
};

class FaultyConsumer final : public log::Consumer {
 public:
  FaultyConsumer(std::unique_ptr<log::Consumer> log, Faults* faults) : log_(std::move(log)), faults_(faults) {}
  absl::StatusOr<log::PartitionReader*> Assign(const log::TopicPartition& partition, int64_t offset) override {
    faults_->Point();
    auto reader = log_->Assign(partition, offset);
    if (!reader.ok()) return reader;
    return (readers_[partition] = std::make_unique<FaultyReader>(*reader, faults_)).get();
  }
  absl::Status Unassign(const log::TopicPartition& partition) override {
    faults_->Point();
    readers_.erase(partition);
    return log_->Unassign(partition);
  }
  void Wait(std::chrono::milliseconds timeout) override {
    faults_->Point();
    log_->Wait(timeout);
  }
  void Wake() override { log_->Wake(); }

 private:
  const std::unique_ptr<log::Consumer> log_;
  Faults* const faults_;
  std::map<log::TopicPartition, std::unique_ptr<FaultyReader>> readers_;
};

class FaultyMembership final : public log::Membership {
 public:
  FaultyMembership(std::unique_ptr<log::Membership> log, Faults* faults) : log_(std::move(log)), faults_(faults) {
    faults_->membership = log_.get();
  }
  ~FaultyMembership() override { faults_->membership = nullptr; }

  absl::Status Poll(std::chrono::milliseconds timeout) override {
    faults_->Point();
    return log_->Poll(timeout);
  }
  absl::Status CommitOffsets(const log::Offsets& offsets) override {
    faults_->Answer();
    faults_->CommitPoint();
    if (absl::Status status = faults_->CommitError("commit offsets"); !status.ok()) return status;
    if (absl::Status status = log_->CommitOffsets(offsets); !status.ok()) return status;
    faults_->CommitPoint();
    faults_->Answer();
    return faults_->CommitError("answer of commit offsets");
  }
  absl::StatusOr<log::GroupIdentity> Identity() override {
    auto identity = log_->Identity();
    faults_->Point();
    return identity;
  }
  absl::StatusOr<log::Offsets> CommittedOffsets(const std::vector<log::TopicPartition>& partitions) override {
    faults_->Answer();
    if (absl::Status status = faults_->OtherError("committed offsets"); !status.ok()) return status;
    return log_->CommittedOffsets(partitions);
  }
  absl::Status Close() override {
    faults_->Point();
    absl::Status status = log_->Close();
    faults_->membership = nullptr;
    return status;
  }
  [[nodiscard]] std::string member_id() const override { return log_->member_id(); }

 private:
  const std::unique_ptr<log::Membership> log_;
  Faults* const faults_;
};

class FaultyAdmin final : public log::Admin {
 public:
  FaultyAdmin(log::Admin* log, Faults* faults) : log_(log), faults_(faults) {}
  absl::StatusOr<std::optional<int32_t>> PartitionCount(const std::string& topic) override {
    if (absl::Status status = Ask("partition count"); !status.ok()) return status;
    return log_->PartitionCount(topic);
  }
  absl::StatusOr<std::vector<std::string>> ListTopics() override {
    if (absl::Status status = Ask("topics"); !status.ok()) return status;
    return log_->ListTopics();
  }
  absl::Status CreateTopic(const log::TopicSpec& spec) override {
    if (absl::Status status = Ask("create topic"); !status.ok()) return status;
    return log_->CreateTopic(spec);
  }
  absl::Status DeleteTopic(const std::string& topic) override { return log_->DeleteTopic(topic); }
  absl::StatusOr<int64_t> BeginningOffset(const log::TopicPartition& partition) override {
    if (absl::Status status = Ask("beginning offset"); !status.ok()) return status;
    return log_->BeginningOffset(partition);
  }
  absl::StatusOr<int64_t> EndOffset(const log::TopicPartition& partition, log::Isolation isolation) override {
    if (absl::Status status = Ask("end offset"); !status.ok()) return status;
    return log_->EndOffset(partition, isolation);
  }
  absl::StatusOr<std::map<log::TopicPartition, int64_t>> EndOffsets(const std::vector<log::TopicPartition>& partitions,
                                                                    log::Isolation isolation) override {
    if (absl::Status status = Ask("end offsets"); !status.ok()) return status;
    return log_->EndOffsets(partitions, isolation);
  }
  absl::StatusOr<std::map<log::TopicPartition, int64_t>> OffsetsForTime(const std::vector<log::TopicPartition>& partitions,
                                                                        Timestamp time) override {
    if (absl::Status status = Ask("offsets for time"); !status.ok()) return status;
    return log_->OffsetsForTime(partitions, time);
  }
  absl::Status DeleteRecords(const log::TopicPartition& partition, int64_t before_offset) override {
    if (absl::Status status = Ask("delete records"); !status.ok()) return status;
    return log_->DeleteRecords(partition, before_offset);
  }
  absl::StatusOr<log::Offsets> CommittedOffsets(const std::string& group,
                                                const std::vector<log::TopicPartition>& partitions) override {
    if (absl::Status status = Ask("committed offsets"); !status.ok()) return status;
    return log_->CommittedOffsets(group, partitions);
  }
  absl::StatusOr<std::vector<std::string>> GroupClientIds(const std::string& group) override {
    if (absl::Status status = Ask("group members"); !status.ok()) return status;
    return log_->GroupClientIds(group);
  }
  absl::Status AlterOffsets(const std::string& group, const log::Offsets& offsets) override {
    return log_->AlterOffsets(group, offsets);
  }
  absl::Status DeleteGroup(const std::string& group) override { return log_->DeleteGroup(group); }

 private:
  absl::Status Ask(const char* what) {
    faults_->Answer();
    return faults_->OtherError(what);
  }

  log::Admin* const log_;
  Faults* const faults_;
};

class FaultyClient final : public log::LogClient {
 public:
  FaultyClient(std::unique_ptr<log::LogClient> log, Faults* faults)
      : log_(std::move(log)), faults_(faults), admin_(&log_->admin(), faults) {}

  absl::StatusOr<std::unique_ptr<log::Consumer>> NewConsumer(const log::ConsumerOptions& options) override {
    auto consumer = log_->NewConsumer(options);
    if (!consumer.ok()) return consumer;
    return std::make_unique<FaultyConsumer>(*std::move(consumer), faults_);
  }
  absl::StatusOr<std::unique_ptr<log::Producer>> NewProducer() override {
    auto producer = log_->NewProducer();
    if (!producer.ok()) return producer;
    return MakeFaultyProducer(*std::move(producer), faults_);
  }
  absl::StatusOr<std::unique_ptr<log::TransactionalProducer>> NewTransactionalProducer(
      const std::string& transactional_id) override {
    faults_->Answer();
    if (absl::Status status = faults_->OtherError("init transactions"); !status.ok()) return status;
    auto producer = log_->NewTransactionalProducer(transactional_id);
    if (!producer.ok()) return producer;
    faults_->Answer();
    if (absl::Status status = faults_->OtherError("answer of init transactions"); !status.ok()) return status;
    return MakeFaultyProducer(*std::move(producer), faults_);
  }
  absl::StatusOr<std::unique_ptr<log::Membership>> NewMembership(const log::MembershipOptions& options,
                                                                 log::MembershipListener* listener) override {
    faults_->Answer();
    auto membership = log_->NewMembership(options, listener);
    if (!membership.ok()) return membership;
    return std::make_unique<FaultyMembership>(*std::move(membership), faults_);
  }
  log::Admin& admin() override { return admin_; }

 private:
  const std::unique_ptr<log::LogClient> log_;
  Faults* const faults_;
  FaultyAdmin admin_;
};

}  // namespace

std::unique_ptr<log::LogClient> MakeFaultyClient(std::unique_ptr<log::LogClient> log, Faults* faults) {
  return std::make_unique<FaultyClient>(std::move(log), faults);
}

}  // namespace millrace::simulation
