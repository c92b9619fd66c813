#include "metrics/prometheus_text.h"

#include <utility>

#include "metrics/metric_families.h"

namespace millrace {
namespace {

void AddProcess(const RuntimeSnapshot& s, MetricFamilies* out) {
  out->Gauge("build_info",
             "Always 1; which program and topology run. More than one topology_hash in a fleet is an upgrade under way.", 1,
             {{"version", s.version}, {"topology_hash", s.topology_hash}});
  bool known = false;
  for (const char* state : {"CREATED", "REBALANCING", "RUNNING", "PENDING_SHUTDOWN", "NOT_RUNNING", "PENDING_ERROR", "ERROR"}) {
    known |= s.state == state;
    out->Gauge("app_state", "1 for the state that the application is in, 0 for the others.", s.state == state ? 1 : 0,
               {{"state", state}});
  }
  if (!known) out->Gauge("app_state", "", 1, {{"state", s.state}});
  out->Gauge("workers", "Worker threads that are alive.", static_cast<double>(s.workers));
  out->Counter("worker_failures_total", "Worker threads that ended with an error.", s.worker_failures);
  out->Counters("rebalances_total", "Generations of the group that this process has joined, by what had led there.", "reason",
                s.rebalances);
  std::map<std::string, int64_t> tasks = {{"RESTORING", 0}, {"RUNNING", 0}};
  for (const TaskSnapshot& task : s.tasks) ++tasks[task.state];
  for (const auto& [state, count] : tasks) {
    out->Gauge("tasks", "Tasks that this process owns, by state.", static_cast<double>(count), {{"state", state}});
  }
  if (s.process_rss_bytes.has_value()) {
    out->Gauge("process_rss_bytes", "Resident memory of the process.", static_cast<double>(*s.process_rss_bytes));
  }
  if (s.memory_budget_bytes.has_value()) {
    out->Gauge("memory_budget_bytes", "What stores, RocksDB, fetched and unsent records may take together (memory.max.bytes).",
               static_cast<double>(*s.memory_budget_bytes));
  }
  if (s.memory_limit_bytes.has_value()) {
    out->Gauge("memory_limit_bytes", "Least memory limit of the process's cgroups, or the machine's memory.",
               static_cast<double>(*s.memory_limit_bytes));
  }
}

/// One gauge for each partition of which `value` is known.
template <class Value>
void AddPartitionGauge(const RuntimeSnapshot& s, const char* name, const char* help, Value value, MetricFamilies* out) {
  for (const auto& [partition, snapshot] : s.partitions) {
    const auto& known = snapshot.*value;
    if (!known.has_value()) continue;
    out->Gauge(name, help, static_cast<double>(*known),
               {{"topic", partition.topic}, {"partition", std::to_string(partition.partition)}});
  }
}

void AddPartitions(const RuntimeSnapshot& s, MetricFamilies* out) {
  AddPartitionGauge(s, "source_lag_records", "Offsets between the position of processing and the end of the partition.",
                    &PartitionSnapshot::lag_records, out);
  AddPartitionGauge(s, "source_lag_seconds", "Age of the oldest record that is not processed yet; 0 at the end.",
                    &PartitionSnapshot::lag_seconds, out);
  AddPartitionGauge(s, "partition_stalled_seconds", "Since processing last moved, while it is below the end; else 0.",
                    &PartitionSnapshot::stalled_seconds, out);
  AddPartitionGauge(s, "lso_gap_records", "Offsets between the last stable offset and the high watermark: open transactions.",
                    &PartitionSnapshot::lso_gap_records, out);
  AddPartitionGauge(s, "lso_gap_age_seconds", "Since the last stable offset last moved, while it is below the high watermark.",
                    &PartitionSnapshot::lso_gap_age_seconds, out);
}

void AddRecords(const RuntimeSnapshot& s, MetricFamilies* out) {
  out->Counters("records_consumed_total", "Records read from source topics.", "topic", s.records_consumed);
  out->Counters("records_produced_total", "Records written, to changelogs and repartition topics too.", "topic",
                s.records_produced);
  out->Counters("records_dropped_total", "Records left out by rule.", "reason", s.records_dropped);
  out->Counters("dlq_records_total", "Records written to the dead-letter topic.", "error", s.dlq_records);
  for (const auto& [topic, latency] : s.record_e2e_latency) {
    out->Observations("record_e2e_latency_seconds",
                      "From a record's timestamp until its task has processed it. Of a sample; topic is where it was read.",
                      latency, {{"topic", topic}});
  }
  for (const auto& [topic, lateness] : s.record_lateness) {
    out->Observations("record_lateness_seconds", "How far a record's timestamp is behind its task's stream time. Of a sample.",
                      lateness, {{"topic", topic}});
  }
}

void AddCommits(const RuntimeSnapshot& s, MetricFamilies* out) {
  out->Counter("commits_total", "Commits that succeeded.", s.commits);
  out->Counter("commit_failures_total", "Commits that were refused or failed; they are tried again.", s.commit_failures);
  out->Counter("transactions_aborted_total", "Transactions given up; what was done in them is done again.",
               s.transactions_aborted);
  out->Observations("commit_duration_seconds", "From the start of a commit to the broker's answer.", s.commit_duration);
  if (s.last_commit_age_seconds.has_value()) {
    out->Gauge("last_commit_age_seconds",
               "Since the last commit, or the last time that there was nothing to commit, of the worker that is furthest behind.",
               *s.last_commit_age_seconds);
  }
  for (const auto& [state, seconds] : s.thread_time_seconds) {
    out->Seconds("thread_time_seconds_total", "Time of the worker threads, by what they did, summed over them.", seconds,
                 {{"state", state}});
  }
}

void AddState(const RuntimeSnapshot& s, MetricFamilies* out) {
  const auto labels = [](const StoreSnapshot& store) {
    return MetricFamilies::Labels{{"task", store.task}, {"store", store.store}};
  };
  for (const StoreSnapshot& store : s.stores) {
    out->Gauge("restore_remaining_records", "Changelog offsets that a store still needs; 0 when it is restored.",
               static_cast<double>(store.restore_remaining_records), labels(store));
  }
  for (const StoreSnapshot& store : s.stores) {
    if (!store.restore_eta_seconds.has_value()) continue;
    out->Gauge("restore_eta_seconds", "Time until a store is restored, at its speed so far; 0 when it is.",
               *store.restore_eta_seconds, labels(store));
  }
  out->Counter("records_restored_total", "Records read from changelogs.", s.records_restored);
  for (const StoreSnapshot& store : s.stores) {
    out->Gauge("open_iterators", "Iterators of the store that are open between records.",
               static_cast<double>(store.open_iterators), labels(store));
  }
  for (const StoreSnapshot& store : s.stores) {
    out->Gauge("oldest_iterator_age_seconds", "How long the oldest open iterator is open; 0 without one.",
               store.oldest_iterator_age_seconds, labels(store));
  }
  out->Gauge("disk_full_workers", "Worker threads that cannot write their stores for want of space on the disk.",
             static_cast<double>(s.disk_full.size()));
  if (s.rocksdb_memory_bytes.has_value()) {
    out->Gauge("rocksdb_memory_bytes", "Blocks, indexes, filters and memtables of all RocksDB stores.",
               static_cast<double>(*s.rocksdb_memory_bytes));
  }
  bool by_store = false;
  for (const StoreSnapshot& store : s.stores) {
    if (!store.memory_bytes.has_value()) continue;
    by_store = true;
    out->Gauge("state_memory_bytes", "Memory held by state stores.", static_cast<double>(*store.memory_bytes), labels(store));
  }
  if (!by_store && s.state_memory_bytes.has_value()) {
    out->Gauge("state_memory_bytes", "Memory held by state stores.", static_cast<double>(*s.state_memory_bytes));
  }
}

}  // namespace

std::string PrometheusText(const RuntimeSnapshot& snapshot) {
  MetricFamilies families(snapshot.application_id);
  AddProcess(snapshot, &families);
  AddPartitions(snapshot, &families);
  AddRecords(snapshot, &families);
  AddCommits(snapshot, &families);
  AddState(snapshot, &families);
  return families.Serialize();
}

}  // namespace millrace
