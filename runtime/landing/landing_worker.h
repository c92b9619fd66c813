#ifndef MILLRACE_RUNTIME_LANDING_LANDING_WORKER_H_
#define MILLRACE_RUNTIME_LANDING_LANDING_WORKER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "log/log.h"
#include "millrace/warehouse/warehouse.h"

namespace millrace {

/// What a worker has done for one table.
struct LandingProgress {
  std::string topic;
  std::string table;  // with its namespace
  int64_t commits = 0;
  int64_t lost_commits = 0;         // somebody else had landed the same records
  warehouse::LandingCounts counts;  // after the last commit here, or upkeep
  int64_t pending_bytes = 0;
  int64_t retries = 0;
  std::string waits;                     // why it cannot go on now; empty = it can
  bool failed = false;                   // what it waits for does not pass by itself: somebody must act
  std::map<int32_t, int64_t> positions;  // of the partitions that are read here, as committed
};

/// Everything that workers share. Outlives them.
struct LandingContext {
  Host* host = nullptr;
  log::LogClient* client = nullptr;
  warehouse::Warehouse* warehouse = nullptr;
  std::chrono::milliseconds commit_interval{60000};
  /// A table is committed before its interval is over when so much waits.
  int64_t commit_bytes = int64_t{128} << 20;
  int64_t fetch_bytes = int64_t{64} << 20;
  /// So many records of a partition are taken before another has its turn.
  int drain_records = 5000;
  int max_partitions = 16;
  std::string idle_topic;
  /// A table that failed is tried again after so long, as somebody may have mended what is wrong.
  std::chrono::milliseconds failed_table_pause{300000};
  /// Told after each commit, on the worker's thread; for offsets that lag tools read.
  std::function<void(const std::string& topic, const std::map<int32_t, int64_t>& positions)> committed;
  /// On the worker's thread, once when a table fails, and when it goes on. Must be set.
  std::function<void(const absl::Status&)> table_failed;
  std::function<void()> table_goes_on;
};

/// One thread that lands some topics: reads the partitions it is told to, appends, commits when the interval is over. Each table
/// is its own: neither an outage nor an error of one holds up the commits of another, but for the time that its calls take.
class LandingWorker {
 public:
  LandingWorker(int index, const LandingContext* context, std::vector<warehouse::LandingDescription> tables);
  ~LandingWorker();

  absl::Status Start();
  /// Any thread. Begins to read these partitions where their table says.
  void Take(std::vector<log::TopicPartition> partitions);
  /// Any thread. Stops reading them, after a commit of their tables if `commit`; returns when that is done, or after `patience`:
  /// then the worker does it when it can, and its commit, if it comes at all, is as good as any. Why a table without partitions
  /// waited is another's matter then, but not at the `ending`, which is to say it.
  void Release(std::vector<log::TopicPartition> partitions, bool commit, std::chrono::milliseconds patience, bool ending = false);
  /// Commits all that it can and ends the thread; the destructor does so too.
  void Stop();
  [[nodiscard]] std::vector<LandingProgress> progress() const;

 private:
  struct Part {
    log::PartitionReader* reader = nullptr;  // null until it is assigned
    int64_t start = 0;                       // what the table says
    std::optional<int64_t> stream_time_ms;   // of all that was read since
  };
  /// What is done with a table: it is asked where it is, or rows go there.
  enum class Step { kPlace, kRows };
  struct Table {
    warehouse::LandingDescription description;
    std::unique_ptr<warehouse::TableLanding> landing;  // null until the table is open
    std::map<int32_t, Part> parts;
    bool misplaced = true;  // parts are to be read from where the table says now
    std::chrono::nanoseconds next_commit{0};
    std::chrono::nanoseconds next_try{0};
    std::chrono::milliseconds pause{0};
    Step stuck_at = Step::kPlace;    // while it waits
    int64_t commits_when_stuck = 0;  // of progress
    LandingProgress progress;
  };
  struct Request {
    std::vector<log::TopicPartition> partitions;
    bool take = false;
    bool commit = false;
    bool forget = false;
    bool end = false;
    std::shared_ptr<Signal> done;
  };

  void Run();
  bool HandleRequests();
  void Handle(const Request& request);
  int64_t Drain();
  absl::StatusOr<int64_t> DrainTable(Table* table);
  void CommitIfDue(Table* table);
  absl::Status Commit(Table* table);
  /// Once an interval, after a commit that nobody waits for, or without one if nothing was read.
  void Upkeep(Table* table);
  absl::Status Place(Table* table);
  absl::StatusOr<int64_t> PlaceOf(const log::TopicPartition& partition, const std::map<int32_t, int64_t>& positions);
  void Unread(Table* table);
  /// What went wrong is tried again after a pause, with a word; a long one if it does not pass by itself. Over is it when the
  /// same step was done.
  void Settle(Table* table, Step step, const absl::Status& status);
  void GoOn(Table* table);
  /// What it waited for: that is over, or another's matter.
  void Forget(Table* table);
  void FailTable(Table* table, const absl::Status& status);
  void Publish();
  [[nodiscard]] std::chrono::milliseconds TimeToNext() const;
  Table* Find(const std::string& topic);

  const int index_;
  const LandingContext* const context_;
  std::unique_ptr<log::Consumer> consumer_;
  std::vector<Table> tables_;
  std::unique_ptr<Thread> thread_;

  mutable std::mutex mutex_;
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<LandingProgress> progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_LANDING_LANDING_WORKER_H_
