#ifndef MILLRACE_RUNTIME_STREAMS_PREDECESSOR_TRANSACTIONS_H_
#define MILLRACE_RUNTIME_STREAMS_PREDECESSOR_TRANSACTIONS_H_

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "log/log.h"

namespace millrace {

/// Ends what workers that died have left open, at once instead of at the broker's time-out (ten to twenty seconds, in which a new
/// owner cannot restore and readers downstream see nothing). Each commit says who made it (OffsetMetadata::transactional_id): a
/// new owner looks whether that worker's process is still a member of the group, and if not takes over its transactional id. A
/// live worker is never touched: that would fence it. Any thread.
class PredecessorTransactions {
 public:
  /// `own_prefix` begins the transactional ids of this process, which has `workers` of them. `all_sources` are the partitions for
  /// which the application commits.
  PredecessorTransactions(log::LogClient* client, std::string application_id, std::string own_prefix, int workers,
                          std::vector<log::TopicPartition> all_sources);

  /// Before a task's committed offsets and changelogs are read.
  absl::Status EndThoseOf(const std::vector<log::TopicPartition>& sources);

  /// The id of worker `number` (from 1) and the name under which its process is a member.
  static std::string TransactionalId(const std::string& prefix, int number);
  static std::string MemberClientId(const std::string& prefix);

 private:
  /// Has run in this process, or in one that has left the group.
  absl::StatusOr<bool> IsGone(const std::string& transactional_id);
  /// `commits` name it.
  absl::Status End(const std::string& transactional_id, const log::Offsets& commits);
  static bool HasCommittedSince(const log::Offsets& before, const log::Offsets& commits);

  log::LogClient* const client_;
  const std::string application_id_;
  const std::string own_prefix_;
  const int workers_;
  const std::vector<log::TopicPartition> all_sources_;
  std::mutex mutex_;
  // With what was committed then.
  std::map<std::string, log::Offsets> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_PREDECESSOR_TRANSACTIONS_H_
