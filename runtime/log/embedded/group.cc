#include "log/embedded/group.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::log::embedded {

std::string Group::Join(const std::string& instance_id, const std::string& client_id, Signal* signal,
                        std::function<int32_t()> task_count) {
  const std::lock_guard lock(mutex_);
  Member member;
  member.order = joined_++;
  member.instance_id = instance_id;
  member.client_id = client_id;
  member.signal = signal;
  member.task_count = std::move(task_count);
  if (!instance_id.empty()) {
    for (auto it = members_.begin(); it != members_.end(); ++it) {
      if (it->second.instance_id != instance_id) continue;
      // The successor takes over the tasks, without a rebalance; what its predecessor was to give back, is free now.
      const std::set<int32_t>& target = it->second.target;
      const bool frees = std::any_of(it->second.owned.begin(), it->second.owned.end(),
                                     [&target](int32_t task) { return !target.contains(task); });
      member.order = it->second.order;
      member.target = std::move(it->second.target);
      if (!it->second.parked) {
        it->second.signal->Notify();
        gone_[it->first] = {std::move(it->second), true};
      }
      members_.erase(it);
      std::string id = Add(std::move(member));
      if (frees) NewGeneration();
      return id;
    }
  }
  std::string id = Add(std::move(member));
  Rebalance();
  return id;
}

std::string Group::Add(Member member) {
  const std::string& prefix = member.instance_id.empty() ? name_ : member.instance_id;
  std::string id = absl::StrCat(prefix, "-member-", joined_);
  // Ids are never used twice, so that a member that is gone is known as such.
  ++joined_;
  members_.emplace(id, std::move(member));
  return id;
}

// Everybody keeps what it has up to its share; larger shares go to those who have more, then to those who came first.
void Group::Rebalance() {
  std::vector<Member*> members;
  for (auto& [id, member] : members_) members.push_back(&member);
  if (members.empty()) return;
  int32_t task_count = 0;
  for (Member* member : members) task_count = std::max(task_count, member->task_count());
  std::sort(members.begin(), members.end(), [](const Member* a, const Member* b) {
    return a->target.size() != b->target.size() ? a->target.size() > b->target.size() : a->order < b->order;
  });
  const size_t base = task_count / members.size();
  const size_t larger = task_count % members.size();
  std::set<int32_t> open;
  for (int32_t task = 0; task < task_count; ++task) open.insert(open.end(), task);
  for (size_t i = 0; i < members.size(); ++i) {
    std::set<int32_t>& target = members[i]->target;
    const size_t share = base + (i < larger ? 1 : 0);
    while (!target.empty() && *target.rbegin() >= task_count) target.erase(std::prev(target.end()));
    while (target.size() > share) target.erase(std::prev(target.end()));
    for (int32_t task : target) open.erase(task);
  }
  for (size_t i = 0; i < members.size(); ++i) {
    const size_t share = base + (i < larger ? 1 : 0);
    while (members[i]->target.size() < share) members[i]->target.insert(open.extract(open.begin()));
  }
  NewGeneration();
}

void Group::NewGeneration() {
  ++generation_;
  for (auto& [id, member] : members_) {
    if (!member.parked) member.signal->Notify();
  }
}

bool Group::IsOwned(int32_t task) const {
  return std::any_of(members_.begin(), members_.end(), [task](const auto& entry) { return entry.second.owned.contains(task); });
}

void Group::DropParked() {
  bool dropped = false;
  for (auto it = members_.begin(); it != members_.end();) {
    const bool over = it->second.parked && host_->Monotonic() - it->second.parked_at >= session_timeout_;
    dropped |= over;
    it = over ? members_.erase(it) : std::next(it);
  }
  if (dropped) Rebalance();
}

absl::StatusOr<GroupEvent> Group::Next(std::string* member_id) {
  const std::lock_guard lock(mutex_);
  DropParked();
  if (auto it = gone_.find(*member_id); it != gone_.end()) {
    GroupEvent event{GroupEvent::Kind::kLost, {it->second.member.owned.begin(), it->second.member.owned.end()}};
    if (it->second.fenced) {
      it->second.member.owned.clear();
      if (!event.tasks.empty()) return event;
      return absl::FailedPreconditionError(absl::StrCat("member ", *member_id, " of group ", name_,
                                                        ": another member with instance id ", it->second.member.instance_id,
                                                        " has taken its place; give every process an instance id of its own"));
    }
    // As a Kafka client does by itself: it joins again.
    Member again = std::move(it->second.member);
    gone_.erase(it);
    again.owned.clear();
    again.target.clear();
    again.generation = -1;
    again.order = joined_++;
    *member_id = Add(std::move(again));
    Rebalance();
    return event;
  }
  auto it = members_.find(*member_id);
  if (it == members_.end()) return absl::FailedPreconditionError(absl::StrCat("member ", *member_id, " has left group ", name_));
  Member& member = it->second;
  if (member.generation == generation_) return GroupEvent{};
  GroupEvent event;
  std::set_difference(member.owned.begin(), member.owned.end(), member.target.begin(), member.target.end(),
                      std::back_inserter(event.tasks));
  if (!event.tasks.empty()) {
    event.kind = GroupEvent::Kind::kRevoked;
    return event;
  }
  event.kind = GroupEvent::Kind::kAssigned;
  for (int32_t task : member.target) {
    if (!IsOwned(task)) event.tasks.push_back(task);
  }
  member.owned.insert(event.tasks.begin(), event.tasks.end());
  member.generation = generation_;
  return event;
}

void Group::Released(const std::string& member_id, const std::vector<int32_t>& tasks) {
  const std::lock_guard lock(mutex_);
  auto it = members_.find(member_id);
  if (it == members_.end()) return;
  for (int32_t task : tasks) it->second.owned.erase(task);
  NewGeneration();
}

void Group::SetInRevoke(const std::string& member_id, bool in_revoke) {
  const std::lock_guard lock(mutex_);
  if (auto it = members_.find(member_id); it != members_.end()) it->second.in_revoke = in_revoke;
}

std::vector<int32_t> Group::Owned(const std::string& member_id) const {
  const std::lock_guard lock(mutex_);
  auto it = members_.find(member_id);
  if (it == members_.end()) return {};
  return {it->second.owned.begin(), it->second.owned.end()};
}

void Group::Leave(const std::string& member_id) {
  const std::lock_guard lock(mutex_);
  gone_.erase(member_id);
  auto it = members_.find(member_id);
  if (it == members_.end()) return;
  if (!it->second.instance_id.empty()) {
    it->second.parked = true;
    it->second.parked_at = host_->Monotonic();
    it->second.in_revoke = false;
    it->second.generation = -1;
    return;
  }
  members_.erase(it);
  Rebalance();
}

absl::Status Group::Expire(const std::string& member_id) {
  const std::lock_guard lock(mutex_);
  auto it = members_.find(member_id);
  if (it == members_.end()) return absl::NotFoundError(absl::StrCat(member_id, " is not a member of group ", name_));
  Member member = std::move(it->second);
  members_.erase(it);
  if (!member.parked) {
    member.signal->Notify();
    gone_[member_id] = {std::move(member), false};
  }
  Rebalance();
  return absl::OkStatus();
}

absl::Status Group::CheckCommit(const std::string& member_id) const {
  auto it = members_.find(member_id);
  if (it == members_.end() || it->second.parked) {
    return absl::FailedPreconditionError(absl::StrCat("commit refused: ", member_id, " is not a member of group ", name_,
                                                      " any more; its tasks may be others' now: drop them"));
  }
  if (!it->second.in_revoke && it->second.generation != generation_) {
    return absl::FailedPreconditionError(
        absl::StrCat("commit refused: group ", name_, " rebalances; commit again after the next assignment, or in OnRevoked"));
  }
  return absl::OkStatus();
}

absl::Status Group::Commit(const std::string& member_id, const Offsets& offsets) {
  const std::lock_guard lock(mutex_);
  if (absl::Status status = CheckCommit(member_id); !status.ok()) return status;
  for (const auto& [partition, offset] : offsets) committed_[partition] = offset;
  return absl::OkStatus();
}

absl::StatusOr<GroupIdentity> Group::Identity(const std::string& member_id) const {
  const std::lock_guard lock(mutex_);
  if (absl::Status status = CheckCommit(member_id); !status.ok()) return status;
  const Member& member = members_.at(member_id);
  return GroupIdentity{name_, static_cast<int32_t>(member.generation), member_id, member.instance_id};
}

absl::Status Group::Stage(int64_t transaction, const GroupIdentity& identity, const Offsets& offsets) {
  const std::lock_guard lock(mutex_);
  if (absl::Status status = CheckCommit(identity.member_id); !status.ok()) return absl::AbortedError(status.message());
  const Member& member = members_.at(identity.member_id);
  if (identity.generation != member.generation) {
    return absl::AbortedError(absl::StrCat("commit refused: generation ", identity.generation, " of group ", name_,
                                           " is over, it is ", member.generation, " now"));
  }
  for (const auto& [partition, offset] : offsets) staged_[transaction][partition] = offset;
  return absl::OkStatus();
}

void Group::EndTransaction(int64_t transaction, bool committed) {
  const std::lock_guard lock(mutex_);
  auto it = staged_.find(transaction);
  if (it == staged_.end()) return;
  if (committed) {
    for (const auto& [partition, offset] : it->second) committed_[partition] = offset;
  }
  staged_.erase(it);
}

bool Group::Unstable(const std::vector<TopicPartition>& partitions) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(staged_.begin(), staged_.end(), [&](const auto& staged) {
    return std::any_of(partitions.begin(), partitions.end(), [&](const auto& p) { return staged.second.contains(p); });
  });
}

void Group::CommitUnchecked(const Offsets& offsets) {
  const std::lock_guard lock(mutex_);
  for (const auto& [partition, offset] : offsets) committed_[partition] = offset;
}

Offsets Group::Committed(const std::vector<TopicPartition>& partitions) const {
  const std::lock_guard lock(mutex_);
  Offsets found;
  for (const TopicPartition& partition : partitions) {
    if (auto it = committed_.find(partition); it != committed_.end()) found.insert(*it);
  }
  return found;
}

std::vector<std::string> Group::ClientIds() {
  const std::lock_guard lock(mutex_);
  DropParked();
  std::vector<std::string> ids;
  for (const auto& [id, member] : members_) ids.push_back(member.client_id);
  return ids;
}

bool Group::HasMembers() {
  const std::lock_guard lock(mutex_);
  DropParked();
  return !members_.empty();
}

}  // namespace millrace::log::embedded
