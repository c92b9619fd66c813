#ifndef MILLRACE_RUNTIME_LOG_EMBEDDED_GROUP_H_
#define MILLRACE_RUNTIME_LOG_EMBEDDED_GROUP_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "log/log.h"

namespace millrace::log::embedded {

/// What a member has to tell its listener next.
struct GroupEvent {
  enum class Kind { kNone, kAssigned, kRevoked, kLost };
  Kind kind = Kind::kNone;
  std::vector<int32_t> tasks;
};

/// A consumer group with cooperative, sticky assignment of task numbers, and its committed offsets. A task goes to another member
/// only after its owner has given it back, left, or expired. Thread-safe.
class Group {
 public:
  /// `task_count` is asked at each change of the membership.
  Group(Host* host, std::string name, std::chrono::milliseconds session_timeout)
      : host_(host), name_(std::move(name)), session_timeout_(session_timeout) {}

  /// Returns the member id. The signal is notified when Next may have something; it must live until Leave, Park or Drop.
  std::string Join(const std::string& instance_id, const std::string& client_id, Signal* signal,
                   std::function<int32_t()> task_count);
  /// The member's next event. kFailedPrecondition if another member took over its instance id. After kLost the member has a new
  /// id.
  absl::StatusOr<GroupEvent> Next(std::string* member_id);
  /// Answers kRevoked: the tasks are free.
  void Released(const std::string& member_id, const std::vector<int32_t>& tasks);
  /// Opens and closes the time in which commits of a member pass though the group rebalances.
  void SetInRevoke(const std::string& member_id, bool in_revoke);
  [[nodiscard]] std::vector<int32_t> Owned(const std::string& member_id) const;
  /// A member without an instance id goes; one with it keeps its tasks for a successor until the session is over.
  void Leave(const std::string& member_id);
  absl::Status Expire(const std::string& member_id);

  absl::Status Commit(const std::string& member_id, const Offsets& offsets);
  void CommitUnchecked(const Offsets& offsets);
  /// For a commit by a transaction; the conditions are those of Commit.
  absl::StatusOr<GroupIdentity> Identity(const std::string& member_id) const;
  /// Keeps offsets of an open transaction. kAborted if the identity is not that of a member now.
  absl::Status Stage(int64_t transaction, const GroupIdentity& identity, const Offsets& offsets);
  void EndTransaction(int64_t transaction, bool committed);
  /// Whether an open transaction holds an offset of one of them.
  [[nodiscard]] bool Unstable(const std::vector<TopicPartition>& partitions) const;
  [[nodiscard]] Offsets Committed(const std::vector<TopicPartition>& partitions) const;
  [[nodiscard]] bool HasMembers();
  [[nodiscard]] std::vector<std::string> ClientIds();

 private:
  struct Member {
    int64_t order = 0;
    std::string instance_id;
    std::string client_id;
    Signal* signal = nullptr;
    std::function<int32_t()> task_count;
    std::set<int32_t> owned;
    std::set<int32_t> target;
    int64_t generation = -1;
    bool in_revoke = false;
    bool parked = false;
    std::chrono::nanoseconds parked_at{};
  };
  // What Next tells a member that is in the group no more.
  struct Gone {
    Member member;
    bool fenced = false;
  };

  std::string Add(Member member);
  void Rebalance();
  void NewGeneration();
  void DropParked();
  [[nodiscard]] absl::Status CheckCommit(const std::string& member_id) const;
  [[nodiscard]] bool IsOwned(int32_t task) const;

  Host* const host_;
  const std::string name_;
  const std::chrono::milliseconds session_timeout_;
  mutable std::mutex mutex_;
  std::map<std::string, Member> members_;
  std::map<std::string, Gone> gone_;
  int64_t generation_ = 0;
  int64_t joined_ = 0;
  Offsets committed_;
  std::map<int64_t, Offsets> staged_;  // by transaction
};

}  // namespace millrace::log::embedded

#endif  // MILLRACE_RUNTIME_LOG_EMBEDDED_GROUP_H_
