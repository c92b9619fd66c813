#ifndef MILLRACE_RUNTIME_METRICS_RUNTIME_SNAPSHOT_H_
#define MILLRACE_RUNTIME_METRICS_RUNTIME_SNAPSHOT_H_

#include <array>
#include <cstddef>
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

/// Times in buckets, in seconds. `Bounds::kBounds` are the buckets' upper bounds; a last bucket without bound follows. Observe
/// costs a handful of compares; one writer.
template <class Bounds>
struct Histogram {
  static constexpr size_t kBuckets = Bounds::kBounds.size();
  static constexpr const auto& kBounds = Bounds::kBounds;
  /// Not cumulative: counts[i] is the number of observations in (kBounds[i-1], kBounds[i]].
  uint64_t counts[kBuckets + 1] = {};
  double sum = 0;

  void Observe(double seconds) {
    size_t i = 0;
    while (i < kBuckets && seconds > kBounds[i]) ++i;
    ++counts[i];
    sum += seconds;
  }
  void Merge(const Histogram& other) {
    for (size_t i = 0; i <= kBuckets; ++i) counts[i] += other.counts[i];
    sum += other.sum;
  }
};

/// How long something took in the process.
struct DurationBounds {
  static constexpr std::array<double, 12> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
};
/// Since a record came to be: with what lay in Kafka meanwhile.
struct LatencyBounds {
  static constexpr std::array<double, 15> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                     0.5,   1,      2.5,   10,   60,    600,  3600};
};
/// In event time; 0 = in order.
struct LatenessBounds {
  static constexpr std::array<double, 8> kBounds = {0, 0.1, 1, 10, 60, 600, 3600, 86400};
};
using DurationHistogram = Histogram<DurationBounds>;
using LatencyHistogram = Histogram<LatencyBounds>;
using LatenessHistogram = Histogram<LatenessBounds>;

/// One store that is being restored, or has been.
struct StoreSnapshot {
  std::string task;   // "1_3"
  std::string store;  // name in the topology
  /// Records that the changelog still holds for it; 0 = restored.
  int64_t restore_remaining_records = 0;
  bool restoring = false;
  /// At the speed so far; 0 = restored, unset before there is a speed.
  std::optional<double> restore_eta_seconds;
  /// Bytes of memory (overlay, memtables, cache); unset if not known.
  std::optional<int64_t> memory_bytes;
  /// Of a store of a running task.
  int64_t open_iterators = 0;
  double oldest_iterator_age_seconds = 0;
};

/// One partition that a running task reads.
struct PartitionSnapshot {
  /// Its end minus the position of processing.
  std::optional<int64_t> lag_records;
  /// Age of the oldest record that is not processed, by its timestamp; 0 at the end. Unset while no timestamp is known.
  std::optional<double> lag_seconds;
  /// How long the position has stood still below the end; 0 while it moves or is at the end.
  std::optional<double> stalled_seconds;
  /// High watermark minus last stable offset, and for how long the latter has stood still below the former.
  std::optional<int64_t> lso_gap_records;
  std::optional<double> lso_gap_age_seconds;
};

struct TaskSnapshot {
  std::string task;    // "1_3"
  std::string state;   // CREATED, RESTORING, RUNNING, ...
  std::string thread;  // name of the worker that owns it
  /// Of one whose stores are not read yet: "opening", or why it could not be opened so far.
  std::string waits = {};
};

struct RuntimeSnapshot {
  std::string application_id;
  std::string version;
  std::string topology_hash;
  /// Name of the KafkaStreams state: CREATED, REBALANCING, RUNNING, PENDING_SHUTDOWN, NOT_RUNNING, PENDING_ERROR, ERROR.
  std::string state = "CREATED";
  /// What ended it, for state ERROR; shown in /livez.
  std::string error;
  /// What is known to stand still and would not without this process: workers that hang in a function, partitions that are not
  /// read. Shown in /livez.
  std::vector<std::string> stuck;
  /// Of each worker that cannot write its stores for want of space: which, and what to do. Shown in /readyz.
  std::vector<std::string> disk_full;
  int64_t workers = 0;
  int64_t worker_failures = 0;
  std::map<std::string, int64_t> rebalances;  // by reason, see GroupMember
  std::vector<TaskSnapshot> tasks;
  std::vector<StoreSnapshot> stores;

  /// Of tasks that are ours and run.
  std::map<TopicPartitionKey, PartitionSnapshot> partitions;
  std::map<std::string, int64_t> records_consumed;  // by topic
  std::map<std::string, int64_t> records_produced;  // by topic; changelogs and repartition topics too
  std::map<std::string, int64_t> records_dropped;   // by reason: null-key, expired-window, ...
  std::map<std::string, int64_t> dlq_records;       // by error: deserialization, ...
  /// Of a sample of the records, by source topic.
  std::map<std::string, LatencyHistogram> record_e2e_latency;
  std::map<std::string, LatenessHistogram> record_lateness;
  /// What the workers did with their time, summed over them: process, poll, punctuate, commit, idle, other.
  std::map<std::string, double> thread_time_seconds;
  int64_t records_restored = 0;
  int64_t commits = 0;
  int64_t commit_failures = 0;
  int64_t transactions_aborted = 0;
  DurationHistogram commit_duration;
  /// Since everything was committed last, of the worker that is furthest behind; unset while there are no tasks.
  std::optional<double> last_commit_age_seconds;

  /// Of all stores together; unset if not known. Per store it stands in `stores`.
  std::optional<int64_t> state_memory_bytes;
  /// Of what the engines share: blocks, indexes and memtables.
  std::optional<int64_t> rocksdb_memory_bytes;
  /// What all that the runtime counts may take together (memory.max.bytes).
  std::optional<int64_t> memory_budget_bytes;
  /// Set by AddProcessMemory (metrics/process_memory.h) if the runtime leaves them unset.
  std::optional<int64_t> process_rss_bytes;
  std::optional<int64_t> memory_limit_bytes;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_METRICS_RUNTIME_SNAPSHOT_H_
