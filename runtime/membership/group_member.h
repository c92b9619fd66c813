#ifndef MILLRACE_RUNTIME_MEMBERSHIP_GROUP_MEMBER_H_
#define MILLRACE_RUNTIME_MEMBERSHIP_GROUP_MEMBER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "log/log.h"

namespace millrace {

/// Who runs the tasks. Called on the membership thread.
class TaskHolder {
 public:
  virtual ~TaskHolder() = default;
  /// New tasks; empty at a generation that brings none.
  virtual void Take(const std::vector<int32_t>& tasks) = 0;
  /// Returns only when no thread uses these tasks any more: committed, persisted and closed if `commit`, else dropped as they
  /// are. Threads that are stuck are not waited for: they can no longer commit, and drop what they have when they go on.
  virtual void Release(const std::vector<int32_t>& tasks, bool commit) = 0;
  /// A thread has done nothing for max.poll.interval.ms, or still holds tasks that Release took for lost because of that: this
  /// member must leave the group, so that others take its tasks, and stay away until this is false again. Asked often.
  [[nodiscard]] virtual bool stuck() { return false; }
};

/// Membership of this process in the application's group: polls on a thread of its own, and is the only way to commit. Which
/// tasks are owned and under which identity is one thing under one lock: a commit names its tasks and is refused here if one is
/// not owned; lost tasks cannot commit from the moment the loss is known; revoked ones are given back only after their holder has
/// let them go.
class GroupMember : private log::MembershipListener {
 public:
  /// `failed` is called once, on the membership thread, when the group cannot be polled any more.
  GroupMember(Host* host, TaskHolder* holder, std::function<void(absl::Status)> failed);
  ~GroupMember() override;

  absl::Status Start(log::LogClient* client, const log::MembershipOptions& options);
  /// Asks the thread to give back all tasks and leave; Join waits for it.
  void RequestStop();
  void Join();
  /// After Join, when nobody commits any more: ends the connection. Later calls fail.
  void Disconnect();

  /// Any thread. kFailedPrecondition: the group rebalances, or a task is not ours: try later or drop it.
  absl::Status Commit(std::span<const int32_t> tasks, const log::Offsets& offsets);
  /// The same by a transaction: `commit` is called with the identity under which the group knows this member, while no task can
  /// be given away.
  absl::Status CommitTransaction(std::span<const int32_t> tasks,
                                 absl::FunctionRef<absl::Status(const log::GroupIdentity& identity)> commit);
  absl::StatusOr<log::Offsets> Committed(const std::vector<log::TopicPartition>& partitions);
  /// Before RequestStop: who asks for committed offsets gets an error soon.
  void CancelWaits();
  [[nodiscard]] bool Owns(int32_t task) const;
  /// Generations of the group that this member joined, by what had led there. Any thread.
  ///   started    the first one
  ///   lost       the tasks were lost before: the session had ended, or the member was fenced
  ///   revoked    tasks were given back: others joined
  ///   assigned   tasks came: others left, or topics grew
  ///   unchanged  nothing came and nothing went
  [[nodiscard]] std::map<std::string, int64_t> rebalances() const;

 private:
  enum Reason : size_t { kStarted, kLost, kRevoked, kAssigned, kUnchanged, kReasons };
  void OnAssigned(const std::vector<int32_t>& tasks) override;
  void OnRevoked(const std::vector<int32_t>& tasks) override;
  void OnLost(const std::vector<int32_t>& tasks) override;
  [[nodiscard]] absl::Status CheckOwned(std::span<const int32_t> tasks) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void Run();
  void Leave();
  /// Away from the group until no thread is stuck.
  void SitOut();
  bool Rejoin();

  Host* host_;
  TaskHolder* holder_;
  std::function<void(absl::Status)> failed_;
  log::LogClient* client_ = nullptr;
  log::MembershipOptions options_;
  // Written by the membership thread, under the lock. Shared with those who ask for committed offsets, which may take so long
  // that nobody can wait for them to let go of the lock.
  std::shared_ptr<log::Membership> membership_;
  std::unique_ptr<Thread> thread_;
  std::atomic<bool> stop_ = false;
  std::array<std::atomic<int64_t>, kReasons> rebalances_{};
  // Of the next generation, as far as it is known. Membership thread only.
  Reason reason_ = kStarted;
  // Held for reading during a commit.
  mutable std::shared_mutex mutex_;
  std::set<int32_t> owned_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_MEMBERSHIP_GROUP_MEMBER_H_
