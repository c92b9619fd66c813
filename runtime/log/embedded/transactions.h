#ifndef MILLRACE_RUNTIME_LOG_EMBEDDED_TRANSACTIONS_H_
#define MILLRACE_RUNTIME_LOG_EMBEDDED_TRANSACTIONS_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "log/embedded/group.h"
#include "log/embedded/topic.h"
#include "log/log.h"

namespace millrace::log::embedded {

/// What a producer needs to prove that its id is still its own.
struct ProducerIdentity {
  std::string transactional_id;
  int64_t epoch = 0;
};

/// The transaction coordinator: which producer holds which transactional id, and what its open transaction has touched.
/// Thread-safe.
class Transactions {
 public:
  /// A transaction that lasts longer than `timeout` is aborted by the next call of ExpireOld.
  Transactions(Host* host, std::chrono::milliseconds timeout) : host_(host), timeout_(timeout) {}

  /// Fences the id's holder and aborts its open transaction.
  ProducerIdentity Take(const std::string& transactional_id);

  // kFailedPrecondition: the producer is fenced. kAborted: the transaction has timed out.

  absl::Status Begin(const ProducerIdentity& producer);
  absl::StatusOr<int64_t> Append(const ProducerIdentity& producer, const std::shared_ptr<Topic>& topic, int32_t partition,
                                 NullableBytesView key, NullableBytesView value, Timestamp timestamp, const Headers& headers);
  absl::Status Stage(const ProducerIdentity& producer, const std::shared_ptr<Group>& group, const Offsets& offsets,
                     const GroupIdentity& identity);
  absl::Status End(const ProducerIdentity& producer, bool commit);

  /// Aborts transactions that have lasted too long and fences their producers.
  void ExpireOld();

 private:
  struct Holder {
    int64_t epoch = 0;
    int64_t open = 0;  // the transaction's number, or 0
    std::chrono::nanoseconds begun{0};
    std::set<std::pair<std::shared_ptr<Topic>, int32_t>> partitions;
    std::set<std::shared_ptr<Group>> groups;
  };
  absl::StatusOr<Holder*> Find(const ProducerIdentity& producer);
  static void Finish(Holder* holder, bool committed);

  Host* const host_;
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::map<std::string, Holder> holders_;
  int64_t last_transaction_ = 0;
};

}  // namespace millrace::log::embedded

#endif  // MILLRACE_RUNTIME_LOG_EMBEDDED_TRANSACTIONS_H_
