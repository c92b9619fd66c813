#ifndef MILLRACE_RUNTIME_LANDING_LANDING_H_
#define MILLRACE_RUNTIME_LANDING_LANDING_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "landing/landing_worker.h"
#include "log/log.h"
#include "membership/group_member.h"
#include "millrace/warehouse/warehouse.h"

namespace millrace {

struct LandingOptions {
  std::string application_id;
  std::string sink = "warehouse";  // where topics are landed: "warehouse" or "serving"
  std::vector<warehouse::LandingDescription> tables;
  int threads = 1;
  std::chrono::milliseconds commit_interval{60000};
  int64_t commit_bytes = int64_t{128} << 20;
  int64_t fetch_bytes = int64_t{64} << 20;
  std::chrono::milliseconds failed_table_pause{300000};
  std::chrono::milliseconds max_poll_interval{300000};
  std::string group_instance_id;
  int16_t replication_factor = -1;
};

/// Whoever lands is told on some thread what goes wrong.
struct LandingListener {
  std::function<void(const absl::Status&)> failed;        // at most once: nothing is landed any more
  std::function<void(const absl::Status&)> table_failed;  // others are landed on; this one is tried again
  std::function<void()> table_goes_on;                    // one that had failed
};

/// Lands topics in tables until it is closed: a member of the group "<application.id>-<sink>", whose members share the
/// partitions of all topics. Membership is for sharing the work only; what is committed once is decided by the tables.
class Landing final : private TaskHolder {
 public:
  /// `warehouse`, `client` and `host` outlive it.
  Landing(LandingOptions options, warehouse::Warehouse* warehouse, log::LogClient* client, Host* host, LandingListener listener);
  ~Landing() override;
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;

  /// NotFound names topics that do not exist. Call once.
  [[nodiscard]] absl::Status Start();
  /// Commits what was read and leaves the group; the destructor does so too.
  void Close();
  [[nodiscard]] const std::string& sink() const { return options_.sink; }
  /// Any thread; by topic.
  [[nodiscard]] std::vector<LandingProgress> progress() const;

 private:
  void Take(const std::vector<int32_t>& shares) override;
  void Release(const std::vector<int32_t>& shares, bool commit) override;
  void Watch();
  absl::Status LookAtTopic(const warehouse::LandingDescription& table, bool first);
  [[nodiscard]] std::vector<log::TopicPartition> PartitionsOf(const std::vector<int32_t>& shares) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  LandingWorker& WorkerOf(const std::string& topic);
  void Fail(const absl::Status& status);
  void CommitToGroup(const std::string& topic, const std::map<int32_t, int64_t>& positions);

  LandingOptions options_;
  log::LogClient* const client_;
  Host* const host_;
  const LandingListener listener_;
  LandingContext context_;
  std::vector<std::unique_ptr<LandingWorker>> workers_;
  std::map<std::string, size_t> worker_of_topic_;
  std::unique_ptr<GroupMember> member_;
  const std::unique_ptr<Signal> stop_signal_;
  std::unique_ptr<Thread> watch_;

  std::mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool failed_once_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, int32_t> partitions_ ABSL_GUARDED_BY(mutex_);  // by topic
  std::set<int32_t> shares_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_LANDING_LANDING_H_
