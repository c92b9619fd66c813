#ifndef MILLRACE_RUNTIME_METRICS_RUNTIME_SNAPSHOT_H_
#define MILLRACE_RUNTIME_METRICS_RUNTIME_SNAPSHOT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What KafkaStreams shows of itself at one moment: plain values, copied out by the runtime when somebody asks (a scrape, a health
// probe). Nothing here is touched by the record path. Counters only grow while the process lives. What is unknown stays unset and
// is not exported.

namespace millrace {

struct TopicPartitionKey {
  std::string topic;
  int32_t partition = 0;
  friend auto operator<=>(const TopicPartitionKey&, const TopicPartitionKey&) = default;
};

/// Durations in cumulative buckets, in seconds. Observe costs a handful of compares; one writer.
struct DurationHistogram {
  static constexpr int kBuckets = 12;
  /// Upper bounds in seconds; a last bucket without bound follows.
  static constexpr double kBounds[kBuckets] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
  /// Not cumulative: counts[i] is the number of observations in (kBounds[i-1], kBounds[i]].
  uint64_t counts[kBuckets + 1] = {};
  double sum = 0;

  void Observe(double seconds) {
    int i = 0;
    while (i < kBuckets && seconds > kBounds[i]) ++i;
    ++counts[i];
    sum += seconds;
  }
  void Merge(const DurationHistogram& other) {
    for (int i = 0; i <= kBuckets; ++i) counts[i] += other.counts[i];
    sum += other.sum;
  }
};

/// One store that is being restored, or has been.
struct StoreSnapshot {
  std::string task;   // "1_3"
  std::string store;  // name in the topology
  /// Records that the changelog still holds for it; 0 = restored.
  int64_t restore_remaining_records = 0;
  bool restoring = false;
  /// Bytes of memory (overlay, memtables, cache); unset if not known.
  std::optional<int64_t> memory_bytes;
};

struct TaskSnapshot {
  std::string task;    // "1_3"
  std::string state;   // CREATED, RESTORING, RUNNING, ...
  std::string thread;  // name of the worker that owns it
};

struct RuntimeSnapshot {
  std::string application_id;
  std::string version;
  std::string topology_hash;
  /// Name of the KafkaStreams state: CREATED, REBALANCING, RUNNING, PENDING_SHUTDOWN, NOT_RUNNING, PENDING_ERROR, ERROR.
  std::string state = "CREATED";
  /// What ended it, for state ERROR; shown in /livez.
  std::string error;
  int64_t workers = 0;
  int64_t worker_failures = 0;
  int64_t rebalances = 0;
  std::vector<TaskSnapshot> tasks;
  std::vector<StoreSnapshot> stores;

  /// End of the partition as the reader sees it, minus the position of processing. Only partitions of tasks that are ours.
  std::map<TopicPartitionKey, int64_t> source_lag_records;
  std::map<std::string, int64_t> records_consumed;  // by topic
  std::map<std::string, int64_t> records_produced;  // by topic; changelogs and repartition topics too
  std::map<std::string, int64_t> records_dropped;   // by reason: null-key, expired-window, ...
  std::map<std::string, int64_t> dlq_records;       // by error: deserialization, ...
  int64_t commits = 0;
  int64_t commit_failures = 0;
  DurationHistogram commit_duration;
  /// Seconds since the last commit that succeeded, of the worker that is furthest behind; unset before the first.
  std::optional<double> last_commit_age_seconds;

  /// Of all stores together; unset if not known. Per store it stands in `stores`.
  std::optional<int64_t> state_memory_bytes;
  /// Set by ReadProcessMemory (metrics/process_memory.h) if the runtime leaves them unset.
  std::optional<int64_t> process_rss_bytes;
  std::optional<int64_t> memory_limit_bytes;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_METRICS_RUNTIME_SNAPSHOT_H_
