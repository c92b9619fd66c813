#include "faulty_log.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::simulation {
namespace {

// What was fetched already, all or a part.
class FaultyReader final : public log::PartitionReader {
 public:
  FaultyReader(log::PartitionReader* log, std::string name, Faults* faults)
      : log_(log), name_(std::move(name)), faults_(faults) {}

  absl::StatusOr<int> Drain(int max_records, absl::FunctionRef<void(const RawRecord&)> take) override {
    CheckAssigned();
    faults_->Point();
    if (!error_.ok()) return error_;
    Random& random = faults_->random();
    const Nanoseconds now = faults_->scheduler()->now();
    if (now < quiet_until_) return 0;
    if (faults_->Happens(faults_->rates().fetch_delay, Call::kFetch, Fate::kDelayed)) {
      was_at_end_ = log_->at_end();
      quiet_until_ = now + faults_->SlowTime();
      return 0;
    }
    if (random.Chance(faults_->rates().fetch_error)) return error_ = Failure();
    if (faults_->stalled() || random.Chance(0.1)) return 0;
    if (random.Chance(0.3)) max_records = static_cast<int>(std::min<int64_t>(max_records, random.Between(1, 5)));
    return log_->Drain(max_records, take);
  }
  [[nodiscard]] int64_t position() const override {
    CheckAssigned();
    return log_->position();
  }
  // While nothing comes, nothing is heard of a new end.
  [[nodiscard]] bool at_end() const override {
    CheckAssigned();
    return faults_->scheduler()->now() < quiet_until_ ? was_at_end_ : log_->at_end();
  }

  void OnUnassigned() { log_ = nullptr; }

 private:
  void CheckAssigned() const {
    if (log_ != nullptr) return;
    std::fprintf(stderr, "the reader of %s is used after Unassign\n", name_.c_str());
    std::abort();
  }

  absl::Status Failure() {
    const std::string what = absl::StrCat("reading ", name_, " (simulated)");
    switch (faults_->random().Below(4)) {
      case 0:
        faults_->Count(Event::kFetchFailed);
        return faults_->random().Chance(0.5) ? absl::UnavailableError(what) : absl::DeadlineExceededError(what);
      case 1:
        faults_->Count(Event::kFetchOutOfRange);
        return absl::OutOfRangeError(what);
      case 2:
        faults_->Count(Event::kFetchDamaged);
        return absl::DataLossError(what);
      default:
        faults_->Count(Event::kFetchForbidden);
        return absl::PermissionDeniedError(what);
    }
  }

  log::PartitionReader* log_;
  const std::string name_;
  Faults* const faults_;
  Nanoseconds quiet_until_{0};
  bool was_at_end_ = false;
  absl::Status error_;
};

class FaultyConsumer final : public log::Consumer {
 public:
  FaultyConsumer(std::unique_ptr<log::Consumer> log, Faults* faults) : log_(std::move(log)), faults_(faults) {}

  absl::StatusOr<log::PartitionReader*> Assign(const log::TopicPartition& partition, int64_t offset) override {
    // Nothing is changed but for OK: what can be lost is the question for the leader.
    faults_->Way(Call::kAssign);
    for (const Fate fate : {Fate::kRequestLost, Fate::kAnswerLost}) {
      if (faults_->Happens(faults_->rates().assign_error, Call::kAssign, fate)) return faults_->NoAnswer(Call::kAssign);
    }
    auto reader = log_->Assign(partition, offset);
    if (!reader.ok()) return reader;
    return (readers_[partition] = std::make_unique<FaultyReader>(*reader, partition.ToString(), faults_)).get();
  }
  absl::Status Unassign(const log::TopicPartition& partition) override {
    faults_->Point();
    if (const auto reader = readers_.find(partition); reader != readers_.end()) {
      reader->second->OnUnassigned();
      unassigned_.push_back(std::move(reader->second));
      readers_.erase(reader);
    }
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
  std::vector<std::unique_ptr<FaultyReader>> unassigned_;  // kept to see whether somebody uses one
};

class FaultyAdmin final : public log::Admin {
 public:
  FaultyAdmin(std::shared_ptr<log::LogClient> client, Faults* faults)
      : client_(std::move(client)), log_(&client_->admin()), faults_(faults) {}
  absl::StatusOr<std::optional<int32_t>> PartitionCount(const std::string& topic) override {
    return faults_->Exchange(Call::kMetadata, [&] { return log_->PartitionCount(topic); });
  }
  absl::StatusOr<std::vector<std::string>> ListTopics() override {
    return faults_->Exchange(Call::kMetadata, [&] { return log_->ListTopics(); });
  }
  absl::Status CreateTopic(const log::TopicSpec& spec) override {
    return faults_->Exchange(
        Call::kCreateTopic, [&] { return log_->CreateTopic(spec); },
        CopyOf(spec.name, [spec](log::Admin& log) { (void)log.CreateTopic(spec); }));
  }
  absl::Status DeleteTopic(const std::string& topic) override { return log_->DeleteTopic(topic); }
  absl::StatusOr<int64_t> BeginningOffset(const log::TopicPartition& partition) override {
    return faults_->Exchange(Call::kListOffsets, [&] { return log_->BeginningOffset(partition); });
  }
  absl::StatusOr<int64_t> EndOffset(const log::TopicPartition& partition, log::Isolation isolation) override {
    return faults_->Exchange(Call::kListOffsets, [&] { return log_->EndOffset(partition, isolation); });
  }
  absl::StatusOr<std::map<log::TopicPartition, int64_t>> EndOffsets(const std::vector<log::TopicPartition>& partitions,
                                                                    log::Isolation isolation) override {
    auto ends = faults_->Exchange(Call::kListOffsets, [&] { return log_->EndOffsets(partitions, isolation); });
    // A leader that does not answer.
    if (ends.ok() && !ends->empty() && faults_->Happens(faults_->rates().query_error, Call::kListOffsets, Fate::kAnswerLost)) {
      ends->erase(ends->begin());
    }
    return ends;
  }
  absl::StatusOr<std::map<log::TopicPartition, int64_t>> OffsetsForTime(const std::vector<log::TopicPartition>& partitions,
                                                                        Timestamp time) override {
    return faults_->Exchange(Call::kListOffsets, [&] { return log_->OffsetsForTime(partitions, time); });
  }
  absl::Status DeleteRecords(const log::TopicPartition& partition, int64_t before_offset) override {
    return faults_->Exchange(
        Call::kDeleteRecords, [&] { return log_->DeleteRecords(partition, before_offset); },
        CopyOf(partition.ToString(),
               [partition, before_offset](log::Admin& log) { (void)log.DeleteRecords(partition, before_offset); }));
  }
  absl::StatusOr<log::Offsets> CommittedOffsets(const std::string& group,
                                                const std::vector<log::TopicPartition>& partitions) override {
    return faults_->Exchange(Call::kOffsetFetch, [&] { return log_->CommittedOffsets(group, partitions); });
  }
  absl::StatusOr<std::vector<std::string>> GroupClientIds(const std::string& group) override {
    return faults_->Exchange(Call::kDescribeGroup, [&] { return log_->GroupClientIds(group); });
  }
  absl::Status AlterOffsets(const std::string& group, const log::Offsets& offsets) override {
    return log_->AlterOffsets(group, offsets);
  }
  absl::Status DeleteGroup(const std::string& group) override { return log_->DeleteGroup(group); }

 private:
  Copy CopyOf(const std::string& name, std::function<void(log::Admin&)> act) {
    Copy copy;
    copy.lane = absl::StrCat("admin ", name);
    copy.arrive = [client = client_, act = std::move(act)] { act(client->admin()); };
    return copy;
  }

  const std::shared_ptr<log::LogClient> client_;
  log::Admin* const log_;
  Faults* const faults_;
};

class FaultyClient final : public log::LogClient {
 public:
  FaultyClient(std::shared_ptr<log::LogClient> log, Faults* faults)
      : log_(std::move(log)), faults_(faults), admin_(log_, faults) {}

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
    return MakeFaultyProducer(log_, transactional_id, faults_);
  }
  absl::StatusOr<std::unique_ptr<log::Membership>> NewMembership(const log::MembershipOptions& options,
                                                                 log::MembershipListener* listener) override {
    return MakeFaultyMembership(log_.get(), options, listener, faults_);
  }
  log::Admin& admin() override { return admin_; }

 private:
  const std::shared_ptr<log::LogClient> log_;
  Faults* const faults_;
  FaultyAdmin admin_;
};

}  // namespace

std::unique_ptr<log::LogClient> MakeFaultyClient(std::unique_ptr<log::LogClient> log, Faults* faults) {
  return std::make_unique<FaultyClient>(std::move(log), faults);
}

}  // namespace millrace::simulation
