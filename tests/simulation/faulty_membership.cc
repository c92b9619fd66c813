#include <algorithm>
#include <set>
#include <utility>

#include "faulty_log.h"

namespace millrace::simulation {
namespace {

/// Passes on what the group says, and keeps what is owned.
class Relay final : public log::MembershipListener {
 public:
  explicit Relay(log::MembershipListener* listener) : listener_(listener) {}
  void OnAssigned(const std::vector<int32_t>& tasks) override {
    owned_.insert(tasks.begin(), tasks.end());
    listener_->OnAssigned(tasks);
  }
  void OnRevoked(const std::vector<int32_t>& tasks) override {
    Erase(tasks);
    listener_->OnRevoked(tasks);
  }
  void OnLost(const std::vector<int32_t>& tasks) override {
    Erase(tasks);
    listener_->OnLost(tasks);
  }
  void RevokeAll() {
    if (!owned_.empty()) OnRevoked({owned_.begin(), owned_.end()});
  }

 private:
  void Erase(const std::vector<int32_t>& tasks) {
    for (const int32_t task : tasks) owned_.erase(task);
  }
  log::MembershipListener* const listener_;
  std::set<int32_t> owned_;
};

class FaultyMembership final : public log::Membership {
 public:
  FaultyMembership(std::unique_ptr<Relay> relay, std::unique_ptr<log::Membership> log, Faults* faults)
      : relay_(std::move(relay)), log_(std::move(log)), faults_(faults) {
    faults_->membership = log_.get();
  }
  ~FaultyMembership() override {
    if (faults_->membership == log_.get()) faults_->membership = nullptr;
  }

  absl::Status Poll(std::chrono::milliseconds timeout) override {
    faults_->Point();
    Scheduler* const scheduler = faults_->scheduler();
    if (scheduler->now() >= quiet_until_ && faults_->Happens(faults_->rates().slow_answer, Call::kPoll, Fate::kDelayed)) {
      quiet_until_ = scheduler->now() + faults_->SlowTime();
    }
    if (scheduler->now() < quiet_until_) {
      scheduler->Sleep(std::min<Nanoseconds>(timeout, quiet_until_ - scheduler->now()));
      return absl::OkStatus();
    }
    const bool fails = faults_->Happens(faults_->rates().group_error, Event::kGroupFailed);
    if (fails && faults_->random().Chance(0.5)) return Failed();
    absl::Status status = log_->Poll(timeout);
    return fails && status.ok() ? Failed() : status;
  }

  absl::Status CommitOffsets(const log::Offsets& offsets) override {
    // One that may still arrive holds back those that it would undo, as in kafka/membership.cc.
    for (const auto& [partition, offset] : offsets) {
      if (pending_->contains(partition)) return absl::UnavailableError("the commit before is not answered yet (simulated)");
    }
    return faults_->Exchange(
        Call::kOffsetCommit, [&] { return log_->CommitOffsets(offsets); }, CopyOf(offsets));
  }

  absl::StatusOr<log::GroupIdentity> Identity() override {
    if (faults_->Happens(faults_->rates().commit_error, Event::kMemberUnknown)) {
      return absl::FailedPreconditionError("the group does not know this member at the moment (simulated)");
    }
    auto identity = log_->Identity();
    faults_->Point();
    return identity;
  }

  absl::StatusOr<log::Offsets> CommittedOffsets(const std::vector<log::TopicPartition>& partitions) override {
    return faults_->Exchange(Call::kOffsetFetch, [&] { return log_->CommittedOffsets(partitions); });
  }

  void CancelWaits() override { log_->CancelWaits(); }

  absl::Status Close() override {
    faults_->Way(Call::kLeave);
    if (!left_ && faults_->Happens(faults_->rates().leave_error, Call::kLeave, Fate::kRequestLost)) {
      // All is given back here, and the group finds out by itself.
      left_ = true;
      relay_->RevokeAll();
      faults_->membership = nullptr;
      faults_->ghosts.push_back({log_, faults_->scheduler()->now()});
      return faults_->NoAnswer(Call::kLeave);
    }
    if (left_) return absl::OkStatus();
    left_ = true;
    absl::Status status = log_->Close();
    faults_->membership = nullptr;
    return status;
  }
  [[nodiscard]] std::string member_id() const override { return log_->member_id(); }

 private:
  absl::Status Failed() {
    return faults_->random().Chance(0.5) ? absl::PermissionDeniedError("no right to the group (simulated)")
                                         : absl::NotFoundError("the task topic is not known (simulated)");
  }

  // Arrives under the identity of now. Nothing, when that is not known.
  Copy CopyOf(const log::Offsets& offsets) {
    const auto identity = log_->Identity();
    if (!identity.ok()) return {};
    Copy copy;
    copy.lane = "offsets";
    copy.arrive = [weak = std::weak_ptr(log_), pending = pending_, offsets, was = *identity] {
      for (const auto& [partition, offset] : offsets) pending->erase(partition);
      const std::shared_ptr<log::Membership> log = weak.lock();
      if (!log) return;
      const auto now = log->Identity();
      if (now.ok() && now->member_id == was.member_id && now->generation == was.generation) (void)log->CommitOffsets(offsets);
    };
    copy.sent = [this, offsets](Fate fate) {
      if (fate != Fate::kLate) return;
      for (const auto& [partition, offset] : offsets) pending_->insert(partition);
    };
    return copy;
  }

  const std::unique_ptr<Relay> relay_;
  const std::shared_ptr<log::Membership> log_;
  Faults* const faults_;
  // Of commits that were given up and are under way.
  const std::shared_ptr<std::set<log::TopicPartition>> pending_ = std::make_shared<std::set<log::TopicPartition>>();
  Nanoseconds quiet_until_{0};
  bool left_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<log::Membership>> MakeFaultyMembership(log::LogClient* log, const log::MembershipOptions& options,
                                                                      log::MembershipListener* listener, Faults* faults) {
  return faults->Exchange(Call::kJoin, [&]() -> absl::StatusOr<std::unique_ptr<log::Membership>> {
    auto relay = std::make_unique<Relay>(listener);
    auto membership = log->NewMembership(options, relay.get());
    if (!membership.ok()) return membership;
    return std::make_unique<FaultyMembership>(std::move(relay), *std::move(membership), faults);
  });
}

}  // namespace millrace::simulation
