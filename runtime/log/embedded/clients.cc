#include "log/embedded/clients.h"

#include <atomic>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "log/embedded/state.h"

namespace millrace::log::embedded {
namespace {

using StatePtr = std::shared_ptr<EmbeddedLog::State>;

class EmbeddedReader final : public PartitionReader {
 public:
  EmbeddedReader(std::shared_ptr<Topic> topic, int32_t partition, int64_t offset, Isolation isolation, Signal* signal,
                 std::atomic<bool>* more)
      : topic_(std::move(topic)), log_(topic_->partition(partition)), isolation_(isolation), signal_(signal), more_(more) {
    cursor_.next = offset;
    log_->Watch(signal_);
  }
  ~EmbeddedReader() override { log_->Unwatch(signal_); }

  absl::StatusOr<int> Drain(int max_records, absl::FunctionRef<void(const RawRecord&)> take) override {
    absl::StatusOr<int> taken = log_->Read(&cursor_, isolation_, max_records, take, &scratch_, &seen_end_);
    if (taken.ok() && !seen_end_) *more_ = true;
    return taken;
  }
  [[nodiscard]] int64_t position() const override { return cursor_.next; }
  [[nodiscard]] bool at_end() const override { return seen_end_ && log_->end(isolation_) <= cursor_.next; }

 private:
  std::shared_ptr<Topic> topic_;
  PartitionLog* log_;
  Isolation isolation_;
  Signal* signal_;
  std::atomic<bool>* more_;
  PartitionLog::Cursor cursor_;
  Headers scratch_;
  bool seen_end_ = false;
};

class EmbeddedConsumer final : public Consumer {
 public:
  EmbeddedConsumer(StatePtr state, Isolation isolation)
      : state_(std::move(state)), isolation_(isolation), signal_(state_->host()->NewSignal()) {}

  absl::StatusOr<PartitionReader*> Assign(const TopicPartition& partition, int64_t offset) override {
    absl::StatusOr<std::shared_ptr<Topic>> topic = state_->Find(partition);
    if (!topic.ok()) return topic.status();
    const std::lock_guard lock(mutex_);
    std::unique_ptr<EmbeddedReader>& reader = readers_[partition];
    if (reader) return absl::AlreadyExistsError(absl::StrCat(partition.ToString(), " is assigned already"));
    reader = std::make_unique<EmbeddedReader>(*topic, partition.partition, offset, isolation_, signal_.get(), &more_);
    signal_->Notify();
    return reader.get();
  }

  absl::Status Unassign(const TopicPartition& partition) override {
    const std::lock_guard lock(mutex_);
    if (readers_.erase(partition) == 0) return absl::NotFoundError(absl::StrCat(partition.ToString(), " is not assigned"));
    return absl::OkStatus();
  }

  void Wait(std::chrono::milliseconds timeout) override {
    // An open transaction whose producer is gone holds back those who read what is committed.
    if (isolation_ == Isolation::kReadCommitted) state_->transactions().ExpireOld();
    if (!more_.exchange(false)) signal_->Wait(timeout);
  }
  void Wake() override { signal_->Notify(); }

 private:
  StatePtr state_;
  const Isolation isolation_;
  std::unique_ptr<Signal> signal_;
  // Some reader left records behind at its last Drain.
  std::atomic<bool> more_ = false;
  std::mutex mutex_;
  std::map<TopicPartition, std::unique_ptr<EmbeddedReader>> readers_;
};

class EmbeddedProducer final : public Producer {
 public:
  explicit EmbeddedProducer(StatePtr state) : state_(std::move(state)) {}

  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override {
    if (!last_ || last_->name() != topic) {
      last_ = state_->Find(topic);
      if (!last_) return NoSuchTopic(topic);
    }
    absl::StatusOr<Appended> appended = state_->Append(last_.get(), partition, key, value, timestamp, headers);
    if (!appended.ok()) return appended.status();
    if (reports_.size() >= kMostReports) (void)Poll();
    reports_.push_back({delivered_offset_max, appended->offset});
    return absl::OkStatus();
  }

  absl::Status Poll() override {
    last_.reset();
    for (const Report& report : reports_) {
      if (report.target != nullptr && *report.target < report.offset) *report.target = report.offset;
    }
    reports_.clear();
    return absl::OkStatus();
  }

  absl::Status Flush(std::chrono::milliseconds /*timeout*/) override { return Poll(); }
  [[nodiscard]] int64_t outstanding() const override { return static_cast<int64_t>(reports_.size()); }

 private:
  static constexpr size_t kMostReports = 100'000;
  struct Report {
    int64_t* target;
    int64_t offset;
  };
  StatePtr state_;
  // Until the next Poll, so that a topic that was deleted and made again is found.
  std::shared_ptr<Topic> last_;
  std::vector<Report> reports_;
};

class EmbeddedTransactionalProducer final : public TransactionalProducer {
 public:
  EmbeddedTransactionalProducer(StatePtr state, const std::string& transactional_id)
      : state_(std::move(state)), identity_(state_->transactions().Take(transactional_id)) {}

  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override {
    if (!last_ || last_->name() != topic) {
      last_ = state_->Find(topic);
      if (!last_) return NoSuchTopic(topic);
    }
    absl::StatusOr<int32_t> chosen = EmbeddedLog::State::ChoosePartition(last_.get(), partition, key);
    if (!chosen.ok()) return chosen.status();
    if (timestamp.millis() < 0) timestamp = state_->host()->Now();
    absl::StatusOr<int64_t> offset = state_->transactions().Append(identity_, last_, *chosen, key, value, timestamp, headers);
    if (!offset.ok()) return offset.status();
    reports_.push_back({delivered_offset_max, *offset});
    return absl::OkStatus();
  }
  absl::Status Poll() override {
    last_.reset();
    for (const Report& report : reports_) {
      if (report.target != nullptr && *report.target < report.offset) *report.target = report.offset;
    }
    reports_.clear();
    return absl::OkStatus();
  }
  absl::Status Flush(std::chrono::milliseconds /*timeout*/) override { return Poll(); }
  [[nodiscard]] int64_t outstanding() const override { return static_cast<int64_t>(reports_.size()); }

  absl::Status Begin() override { return state_->transactions().Begin(identity_); }
  absl::Status SendOffsets(const Offsets& offsets, const GroupIdentity& identity) override {
    if (offsets.empty()) return absl::OkStatus();
    return state_->transactions().Stage(identity_, state_->MakeGroup(identity.group), offsets, identity);
  }
  absl::Status Commit() override {
    if (absl::Status status = Poll(); !status.ok()) return status;
    return state_->transactions().End(identity_, /*commit=*/true);
  }
  absl::Status Abort() override {
    (void)Poll();
    return state_->transactions().End(identity_, /*commit=*/false);
  }

 private:
  struct Report {
    int64_t* target;
    int64_t offset;
  };
  StatePtr state_;
  const ProducerIdentity identity_;
  std::shared_ptr<Topic> last_;
  std::vector<Report> reports_;
};

class EmbeddedAdmin final : public Admin {
 public:
  explicit EmbeddedAdmin(StatePtr state) : state_(std::move(state)) {}

  absl::StatusOr<std::optional<int32_t>> PartitionCount(const std::string& topic) override {
    std::shared_ptr<Topic> found = state_->Find(topic);
    return found ? std::optional(found->partition_count()) : std::nullopt;
  }
  absl::StatusOr<std::vector<std::string>> ListTopics() override { return state_->ListTopics(); }
  absl::Status CreateTopic(const TopicSpec& spec) override { return state_->CreateTopic(spec.name, spec.partitions); }
  absl::Status DeleteTopic(const std::string& topic) override { return state_->DeleteTopic(topic); }

  absl::StatusOr<int64_t> BeginningOffset(const TopicPartition& partition) override {
    absl::StatusOr<std::shared_ptr<Topic>> topic = state_->Find(partition);
    if (!topic.ok()) return topic.status();
    return (*topic)->partition(partition.partition)->begin();
  }
  absl::StatusOr<int64_t> EndOffset(const TopicPartition& partition, Isolation isolation) override {
    absl::StatusOr<std::shared_ptr<Topic>> topic = state_->Find(partition);
    if (!topic.ok()) return topic.status();
    state_->transactions().ExpireOld();
    return (*topic)->partition(partition.partition)->end(isolation);
  }
  absl::StatusOr<std::map<TopicPartition, int64_t>> EndOffsets(const std::vector<TopicPartition>& partitions,
                                                               Isolation isolation) override {
    std::map<TopicPartition, int64_t> ends;
    for (const TopicPartition& partition : partitions) {
      if (absl::StatusOr<int64_t> end = EndOffset(partition, isolation); end.ok()) ends[partition] = *end;
    }
    return ends;
  }
  absl::StatusOr<std::map<TopicPartition, int64_t>> OffsetsForTime(const std::vector<TopicPartition>& partitions,
                                                                   Timestamp time) override {
    std::map<TopicPartition, int64_t> offsets;
    for (const TopicPartition& partition : partitions) {
      absl::StatusOr<std::shared_ptr<Topic>> topic = state_->Find(partition);
      if (!topic.ok()) return topic.status();
      absl::StatusOr<int64_t> offset = (*topic)->partition(partition.partition)->OffsetForTime(time);
      if (!offset.ok()) return offset.status();
      offsets[partition] = *offset;
    }
    return offsets;
  }
  absl::Status DeleteRecords(const TopicPartition& partition, int64_t before_offset) override {
    absl::StatusOr<std::shared_ptr<Topic>> topic = state_->Find(partition);
    if (!topic.ok()) return topic.status();
    return (*topic)->partition(partition.partition)->DeleteBefore(before_offset);
  }
  absl::StatusOr<Offsets> CommittedOffsets(const std::string& group, const std::vector<TopicPartition>& partitions) override {
    std::shared_ptr<Group> found = state_->FindGroup(group);
    return found ? found->Committed(partitions) : Offsets{};
  }
  absl::StatusOr<std::vector<std::string>> GroupClientIds(const std::string& group) override {
    std::shared_ptr<Group> found = state_->FindGroup(group);
    return found ? found->ClientIds() : std::vector<std::string>{};
  }
  absl::Status AlterOffsets(const std::string& group, const Offsets& offsets) override {
    std::shared_ptr<Group> found = state_->MakeGroup(group);
    if (found->HasMembers()) {
      return absl::FailedPreconditionError(
          absl::StrCat("setting the offsets of group ", group, ": it has members; stop them first"));
    }
    found->CommitUnchecked(offsets);
    return absl::OkStatus();
  }
  absl::Status DeleteGroup(const std::string& group) override { return state_->DeleteGroup(group); }

 private:
  StatePtr state_;
};

class EmbeddedMembership final : public Membership {
 public:
  EmbeddedMembership(StatePtr state, const MembershipOptions& options, MembershipListener* listener)
      : state_(std::move(state)),
        signal_(state_->host()->NewSignal()),
        group_(state_->MakeGroup(options.group)),
        listener_(listener) {
    auto task_count = [state = std::weak_ptr(state_), topic = options.task_topic]() -> int32_t {
      std::shared_ptr<EmbeddedLog::State> alive = state.lock();
      std::shared_ptr<Topic> found = alive ? alive->Find(topic) : nullptr;
      return found ? found->partition_count() : 0;
    };
    member_id_ = group_->Join(options.instance_id, options.client_id, signal_.get(), std::move(task_count));
  }
  ~EmbeddedMembership() override {
    if (!closed_) group_->Leave(member_id());
  }

  absl::Status Poll(std::chrono::milliseconds timeout) override {
    absl::StatusOr<bool> any = ServeEvents();
    if (!any.ok()) return any.status();
    if (*any || timeout.count() <= 0) return absl::OkStatus();
    signal_->Wait(timeout);
    return ServeEvents().status();
  }

  absl::Status CommitOffsets(const Offsets& offsets) override { return group_->Commit(member_id(), offsets); }
  absl::StatusOr<Offsets> CommittedOffsets(const std::vector<TopicPartition>& partitions) override {
    return state_->StableCommitted(group_.get(), partitions);
  }
  absl::StatusOr<GroupIdentity> Identity() override { return group_->Identity(member_id()); }

  absl::Status Close() override {
    if (closed_) return absl::OkStatus();
    closed_ = true;
    const std::string id = member_id();
    const std::vector<int32_t> owned = group_->Owned(id);
    if (!owned.empty()) {
      group_->SetInRevoke(id, true);
      listener_->OnRevoked(owned);
      group_->SetInRevoke(id, false);
    }
    group_->Leave(id);
    return absl::OkStatus();
  }

  [[nodiscard]] std::string member_id() const override {
    const std::lock_guard lock(mutex_);
    return member_id_;
  }

 private:
  // True if there was something.
  absl::StatusOr<bool> ServeEvents() {
    for (bool any = false;; any = true) {
      std::string id = member_id();
      absl::StatusOr<GroupEvent> event = group_->Next(&id);
      if (!event.ok()) return event.status();
      {
        const std::lock_guard lock(mutex_);
        member_id_ = id;
      }
      switch (event->kind) {
        case GroupEvent::Kind::kNone:
          return any;
        case GroupEvent::Kind::kAssigned:
          listener_->OnAssigned(event->tasks);
          break;
        case GroupEvent::Kind::kRevoked:
          group_->SetInRevoke(id, true);
          listener_->OnRevoked(event->tasks);
          group_->SetInRevoke(id, false);
          group_->Released(id, event->tasks);
          break;
        case GroupEvent::Kind::kLost:
          listener_->OnLost(event->tasks);
          break;
      }
    }
  }

  StatePtr state_;
  std::unique_ptr<Signal> signal_;
  std::shared_ptr<Group> group_;
  MembershipListener* listener_;
  mutable std::mutex mutex_;
  std::string member_id_;
  bool closed_ = false;
};

class EmbeddedClient final : public LogClient {
 public:
  explicit EmbeddedClient(StatePtr state) : state_(std::move(state)), admin_(state_) {}

  absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) override {
    return std::make_unique<EmbeddedConsumer>(state_, options.isolation);
  }
  absl::StatusOr<std::unique_ptr<Producer>> NewProducer() override { return std::make_unique<EmbeddedProducer>(state_); }
  absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(const std::string& transactional_id) override {
    if (transactional_id.empty()) return absl::InvalidArgumentError("a transactional producer needs a transactional id");
    return std::make_unique<EmbeddedTransactionalProducer>(state_, transactional_id);
  }
  absl::StatusOr<std::unique_ptr<Membership>> NewMembership(const MembershipOptions& options,
                                                            MembershipListener* listener) override {
    if (!state_->Find(options.task_topic)) return NoSuchTopic(options.task_topic);
    return std::make_unique<EmbeddedMembership>(state_, options, listener);
  }
  Admin& admin() override { return admin_; }

 private:
  StatePtr state_;
  EmbeddedAdmin admin_;
};

}  // namespace

std::unique_ptr<LogClient> MakeClient(StatePtr state) { return std::make_unique<EmbeddedClient>(std::move(state)); }

}  // namespace millrace::log::embedded
