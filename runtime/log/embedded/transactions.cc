#include "log/embedded/transactions.h"

#include "absl/strings/str_cat.h"

namespace millrace::log::embedded {

ProducerIdentity Transactions::Take(const std::string& transactional_id) {
  const std::lock_guard lock(mutex_);
  Holder& holder = holders_[transactional_id];
  Finish(&holder, /*committed=*/false);
  return {transactional_id, ++holder.epoch};
}

absl::StatusOr<Transactions::Holder*> Transactions::Find(const ProducerIdentity& producer) {
  Holder& holder = holders_[producer.transactional_id];
  if (holder.epoch == producer.epoch) return &holder;
  return absl::FailedPreconditionError(absl::StrCat("the producer of ", producer.transactional_id, " with epoch ", producer.epoch,
                                                    " is fenced by epoch ", holder.epoch,
                                                    ": another one has its id, or its transaction took too long"));
}

// Markers first: a reader that sees the offsets committed finds the records committed.
void Transactions::Finish(Holder* holder, bool committed) {
  if (holder->open == 0) return;
  for (const auto& [topic, partition] : holder->partitions) topic->partition(partition)->EndTransaction(holder->open, committed);
  for (const auto& group : holder->groups) group->EndTransaction(holder->open, committed);
  holder->open = 0;
  holder->partitions.clear();
  holder->groups.clear();
}

absl::Status Transactions::Begin(const ProducerIdentity& producer) {
  const std::lock_guard lock(mutex_);
  absl::StatusOr<Holder*> holder = Find(producer);
  if (!holder.ok()) return holder.status();
  if ((*holder)->open != 0) return absl::InternalError("a transaction is open already");
  (*holder)->open = ++last_transaction_;
  (*holder)->begun = host_->Monotonic();
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Transactions::Append(const ProducerIdentity& producer, const std::shared_ptr<Topic>& topic,
                                             int32_t partition, NullableBytesView key, NullableBytesView value,
                                             Timestamp timestamp, const Headers& headers) {
  const std::lock_guard lock(mutex_);
  absl::StatusOr<Holder*> holder = Find(producer);
  if (!holder.ok()) return holder.status();
  if ((*holder)->open == 0) return absl::InternalError(absl::StrCat("no transaction of ", producer.transactional_id, " is open"));
  (*holder)->partitions.emplace(topic, partition);
  return topic->partition(partition)->Append(key, value, timestamp, headers, (*holder)->open);
}

absl::Status Transactions::Stage(const ProducerIdentity& producer, const std::shared_ptr<Group>& group, const Offsets& offsets,
                                 const GroupIdentity& identity) {
  const std::lock_guard lock(mutex_);
  absl::StatusOr<Holder*> holder = Find(producer);
  if (!holder.ok()) return holder.status();
  if ((*holder)->open == 0) return absl::InternalError(absl::StrCat("no transaction of ", producer.transactional_id, " is open"));
  (*holder)->groups.insert(group);
  return group->Stage((*holder)->open, identity, offsets);
}

absl::Status Transactions::End(const ProducerIdentity& producer, bool commit) {
  const std::lock_guard lock(mutex_);
  absl::StatusOr<Holder*> holder = Find(producer);
  if (!holder.ok()) return holder.status();
  Finish(*holder, commit);
  return absl::OkStatus();
}

void Transactions::ExpireOld() {
  const std::lock_guard lock(mutex_);
  const std::chrono::nanoseconds now = host_->Monotonic();
  for (auto& [id, holder] : holders_) {
    if (holder.open == 0 || now - holder.begun < timeout_) continue;
    Finish(&holder, /*committed=*/false);
    ++holder.epoch;
  }
}

}  // namespace millrace::log::embedded
