#ifndef MILLRACE_RUNTIME_LOG_EMBEDDED_STATE_H_
#define MILLRACE_RUNTIME_LOG_EMBEDDED_STATE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "log/embedded/embedded_log.h"
#include "log/embedded/group.h"
#include "log/embedded/topic.h"
#include "log/embedded/transactions.h"

namespace millrace::log::embedded {

struct Appended {
  int32_t partition = 0;
  int64_t offset = 0;
};

inline absl::Status NoSuchTopic(const std::string& name) {
  return absl::NotFoundError(absl::StrCat("topic ", name, " does not exist; create it first"));
}

/// Topics and groups; what all clients share. Thread-safe.
class EmbeddedLog::State {
 public:
  State(Host* host, const EmbeddedLogOptions& options)
      : host_(host), options_(options), transactions_(host, options.transaction_timeout) {}

  [[nodiscard]] Host* host() const { return host_; }

  absl::Status CreateTopic(const std::string& name, int32_t partitions);
  absl::Status DeleteTopic(const std::string& name);
  /// Null if there is none.
  [[nodiscard]] std::shared_ptr<Topic> Find(const std::string& name) const;
  /// kNotFound without the topic, kInvalidArgument without the partition.
  absl::StatusOr<std::shared_ptr<Topic>> Find(const TopicPartition& partition) const;
  [[nodiscard]] std::vector<std::string> ListTopics() const;
  [[nodiscard]] int64_t stored_bytes() const;

  absl::StatusOr<Appended> Append(Topic* topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                                  Timestamp timestamp, const Headers& headers);

  /// The partition that a record goes to. kInvalidArgument if the topic does not have it.
  static absl::StatusOr<int32_t> ChoosePartition(Topic* topic, std::optional<int32_t> partition, NullableBytesView key);

  [[nodiscard]] Transactions& transactions() { return transactions_; }
  /// Waits while open transactions hold offsets of these partitions, at most as long as a transaction may last.
  absl::StatusOr<Offsets> StableCommitted(Group* group, const std::vector<TopicPartition>& partitions);

  /// Null if there is none.
  [[nodiscard]] std::shared_ptr<Group> FindGroup(const std::string& name) const;
  [[nodiscard]] std::shared_ptr<Group> MakeGroup(const std::string& name);
  absl::Status DeleteGroup(const std::string& name);

 private:
  Host* const host_;
  const EmbeddedLogOptions options_;
  Transactions transactions_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Topic>> topics_;
  std::map<std::string, std::shared_ptr<Group>> groups_;
};

}  // namespace millrace::log::embedded

#endif  // MILLRACE_RUNTIME_LOG_EMBEDDED_STATE_H_
