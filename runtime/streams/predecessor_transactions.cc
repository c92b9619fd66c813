#include "streams/predecessor_transactions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
#include "task/offset_metadata.h"

namespace millrace {

PredecessorTransactions::PredecessorTransactions(log::LogClient* client, std::string application_id, std::string own_prefix,
                                                 int workers)
    : client_(client), application_id_(std::move(application_id)), own_prefix_(std::move(own_prefix)), workers_(workers) {}

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
  std::set<std::string> ids;
  for (const auto& [partition, offset] : *committed) ids.insert(OffsetMetadata::Decode(offset.metadata).transactional_id);
  for (const std::string& id : ids) {
    if (id.empty()) continue;
    if (absl::Status status = End(id); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Who asks for the same one meanwhile waits for the answer.
absl::Status PredecessorTransactions::End(const std::string& transactional_id) {
  const std::lock_guard lock(mutex_);
  if (ended_.contains(transactional_id)) return absl::OkStatus();
  absl::StatusOr<bool> gone = IsGone(transactional_id);
  if (!gone.ok()) return gone.status();
  if (!*gone) return absl::OkStatus();
  if (absl::Status status = client_->NewTransactionalProducer(transactional_id).status(); !status.ok()) return status;
  ended_.insert(transactional_id);
  LogInfo(absl::StrCat("the worker ", transactional_id, " is gone; what it had not committed is aborted"),
          {.event = "predecessor-ended"});
  return absl::OkStatus();
}

}  // namespace millrace
