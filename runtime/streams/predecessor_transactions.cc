#include "streams/predecessor_transactions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
#include "task/offset_metadata.h"

namespace millrace {

PredecessorTransactions::PredecessorTransactions(log::LogClient* client, std::string application_id, std::string own_prefix,
                                                 int workers, std::vector<log::TopicPartition> all_sources)
    : client_(client),
      application_id_(std::move(application_id)),
      own_prefix_(std::move(own_prefix)),
      workers_(workers),
      all_sources_(std::move(all_sources)) {}

std::string PredecessorTransactions::TransactionalId(const std::string& prefix, int number) {
  return absl::StrCat(prefix, "-", number);
}

std::string PredecessorTransactions::MemberClientId(const std::string& prefix) { return absl::StrCat(prefix, "-member"); }

absl::StatusOr<bool> PredecessorTransactions::IsGone(const std::string& transactional_id) {
  for (int number = 1; number <= workers_; ++number) {
    if (transactional_id == TransactionalId(own_prefix_, number)) return false;
  }
  const size_t dash = transactional_id.rfind('-');
  if (dash == std::string::npos) return false;
  const std::string prefix = transactional_id.substr(0, dash);
  // A worker that this process had when it ran with more threads.
  if (prefix == own_prefix_) return true;
  absl::StatusOr<std::vector<std::string>> members = client_->admin().GroupClientIds(application_id_);
  if (!members.ok()) return members.status();
  return std::find(members->begin(), members->end(), MemberClientId(prefix)) == members->end();
}

absl::Status PredecessorTransactions::EndThoseOf(const std::vector<log::TopicPartition>& sources) {
  absl::StatusOr<log::Offsets> committed = client_->admin().CommittedOffsets(application_id_, sources);
  if (!committed.ok()) return committed.status();
  std::map<std::string, log::Offsets> commits;
  for (const auto& [partition, offset] : *committed) {
    commits[OffsetMetadata::Decode(offset.metadata).transactional_id][partition] = offset;
  }
  for (const auto& [id, commits_of_id] : commits) {
    if (id.empty()) continue;
    if (absl::Status status = End(id, commits_of_id); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Who asks for the same one meanwhile waits for the answer.
absl::Status PredecessorTransactions::End(const std::string& transactional_id, const log::Offsets& commits) {
  const std::lock_guard lock(mutex_);
  if (const auto ended = ended_.find(transactional_id); ended != ended_.end()) {
    if (!HasCommittedSince(ended->second, commits)) return absl::OkStatus();
    ended_.erase(ended);
  }
  absl::StatusOr<bool> gone = IsGone(transactional_id);
  if (!gone.ok()) return gone.status();
  if (!*gone) return absl::OkStatus();
  // Before it is fenced: a commit that comes after this look is one of a new life, of which nothing must be overlooked.
  absl::StatusOr<log::Offsets> before = client_->admin().CommittedOffsets(application_id_, all_sources_);
  if (!before.ok()) return before.status();
  if (absl::Status status = client_->NewTransactionalProducer(transactional_id).status(); !status.ok()) return status;
  ended_[transactional_id] = *std::move(before);
  LogInfo(absl::StrCat("the worker ", transactional_id, " is gone; what it had not committed is aborted"),
          {.event = "predecessor-ended"});
  return absl::OkStatus();
}

// Transactional ids belong to the state directory: a process that takes it up again has the same ones.
bool PredecessorTransactions::HasCommittedSince(const log::Offsets& before, const log::Offsets& commits) {
  return std::any_of(commits.begin(), commits.end(), [&](const auto& commit) {
    const auto then = before.find(commit.first);
    return then == before.end() || then->second.offset != commit.second.offset || then->second.metadata != commit.second.metadata;
  });
}

}  // namespace millrace
