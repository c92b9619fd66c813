#include "membership/group_member.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/internal/mutants.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kPoll{100};
constexpr std::chrono::milliseconds kRejoinPause{1000};

}  // namespace

GroupMember::GroupMember(Host* host, TaskHolder* holder, std::function<void(absl::Status)> failed)
    : host_(host), holder_(holder), failed_(std::move(failed)) {}

GroupMember::~GroupMember() {
  RequestStop();
  Join();
}

absl::Status GroupMember::Start(log::LogClient* client, const log::MembershipOptions& options) {
  auto membership = client->NewMembership(options, this);
  if (!membership.ok()) return membership.status();
  membership_ = *std::move(membership);
  client_ = client;
  options_ = options;
  thread_ = host_->StartThread("membership", [this] { Run(); });
  return absl::OkStatus();
}

void GroupMember::RequestStop() { stop_ = true; }

void GroupMember::Join() {
  if (thread_) thread_->Join();
}

void GroupMember::Disconnect() {
  const std::lock_guard lock(mutex_);
  membership_.reset();
}

void GroupMember::Run() {
  SetLogThreadName("membership");
  while (!stop_) {
    if (holder_->stuck()) {
      SitOut();
      continue;
    }
    absl::Status polled = membership_->Poll(kPoll);
    if (polled.ok()) continue;
    failed_(absl::Status(polled.code(), absl::StrCat("group membership: ", std::string(polled.message()))));
    break;
  }
  while (!stop_) host_->Sleep(kPoll);
  if (membership_ != nullptr) Leave();
}

void GroupMember::Leave() {
  if (absl::Status closed = membership_->Close(); !closed.ok()) {
    LogWarning(absl::StrCat("leaving the group: ", std::string(closed.message())), {.event = "leave-failed"});
  }
  // A membership that failed may not have called back for all.
  std::vector<int32_t> rest;
  {
    const std::shared_lock lock(mutex_);
    rest.assign(owned_.begin(), owned_.end());
  }
  if (!rest.empty()) OnLost(rest);
}

void GroupMember::SitOut() {
  LogWarning("leaving the group, so that others take the tasks", {.event = "group-left"});
  reason_ = kLost;
  Leave();
  {
    const std::lock_guard lock(mutex_);
    membership_.reset();
  }
  while (!stop_ && holder_->stuck()) host_->Sleep(kPoll);
  while (!stop_ && !Rejoin()) host_->Sleep(kRejoinPause);
}

bool GroupMember::Rejoin() {
  auto membership = client_->NewMembership(options_, this);
  if (!membership.ok()) {
    LogWarning(absl::StrCat("joining the group again: ", std::string(membership.status().message()), "; this is repeated"),
               {.event = "join-failed"});
    return false;
  }
  LogInfo("joining the group again", {.event = "group-joined"});
  reason_ = kLost;
  const std::lock_guard lock(mutex_);
  membership_ = *std::move(membership);
  return true;
}

void GroupMember::OnAssigned(const std::vector<int32_t>& tasks) {
  const Reason reason = std::exchange(reason_, kUnchanged);
  ++rebalances_[reason == kUnchanged && !tasks.empty() ? kAssigned : reason];
  {
    const std::lock_guard lock(mutex_);
    owned_.insert(tasks.begin(), tasks.end());
  }
  LogInfo(absl::StrCat("tasks assigned: ", tasks.empty() ? "no new ones" : absl::StrJoin(tasks, ", ")),
          {.event = "tasks-assigned"});
  holder_->Take(tasks);
}

void GroupMember::OnRevoked(const std::vector<int32_t>& tasks) {
  if (tasks.empty()) return;
  if (reason_ == kUnchanged) reason_ = kRevoked;
  LogInfo(absl::StrCat("tasks revoked: ", absl::StrJoin(tasks, ", ")), {.event = "tasks-revoked"});
  holder_->Release(tasks, /*commit=*/true);
  const std::lock_guard lock(mutex_);
  for (const int32_t task : tasks) owned_.erase(task);
}

void GroupMember::OnLost(const std::vector<int32_t>& tasks) {
  reason_ = kLost;
  if (tasks.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    for (const int32_t task : tasks) owned_.erase(task);
  }
  LogWarning(absl::StrCat("tasks lost: ", absl::StrJoin(tasks, ", "), "; dropped without a commit"), {.event = "tasks-lost"});
  holder_->Release(tasks, /*commit=*/false);
}

absl::Status GroupMember::CheckOwned(std::span<const int32_t> tasks) const {
  for (const int32_t task : tasks) {
    if (!owned_.contains(task) && !internal::Mutated(internal::Mutant::kCommitOfLostTask))
      return absl::FailedPreconditionError(absl::StrCat("commit: task ", task, " is not ours any more"));
  }
  if (membership_ == nullptr) return absl::FailedPreconditionError("commit: the group was left");
  return absl::OkStatus();
}

absl::Status GroupMember::Commit(std::span<const int32_t> tasks, const log::Offsets& offsets) {
  const std::shared_lock lock(mutex_);
  if (absl::Status status = CheckOwned(tasks); !status.ok()) return status;
  return membership_->CommitOffsets(offsets);
}

absl::Status GroupMember::CommitTransaction(std::span<const int32_t> tasks,
                                            absl::FunctionRef<absl::Status(const log::GroupIdentity& identity)> commit) {
  const std::shared_lock lock(mutex_);
  if (absl::Status status = CheckOwned(tasks); !status.ok()) return status;
  return membership_->CommitAs(commit);
}

absl::StatusOr<log::Offsets> GroupMember::Committed(const std::vector<log::TopicPartition>& partitions) {
  std::shared_ptr<log::Membership> membership;
  {
    const std::shared_lock lock(mutex_);
    membership = membership_;
  }
  if (membership == nullptr) return absl::FailedPreconditionError("committed offsets: the group was left");
  return membership->CommittedOffsets(partitions);
}

void GroupMember::CancelWaits() {
  const std::shared_lock lock(mutex_);
  if (membership_ != nullptr) membership_->CancelWaits();
}

std::map<std::string, int64_t> GroupMember::rebalances() const {
  constexpr std::array<const char*, kReasons> kNames = {"started", "lost", "revoked", "assigned", "unchanged"};
  std::map<std::string, int64_t> rebalances;
  for (size_t reason = 0; reason < kReasons; ++reason) rebalances[kNames[reason]] = rebalances_[reason];
  return rebalances;
}

bool GroupMember::Owns(int32_t task) const {
  const std::shared_lock lock(mutex_);
  return owned_.contains(task) || internal::Mutated(internal::Mutant::kCommitOfLostTask);
}

}  // namespace millrace
