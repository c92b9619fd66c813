#include "landing/landing_metrics.h"

#include <nlohmann/json.hpp>

#include "metrics/metric_families.h"

namespace millrace {
namespace {

using warehouse::LandingCounts;

int64_t Get(const LandingProgress& table, int64_t LandingProgress::*count) { return table.*count; }
int64_t Get(const LandingProgress& table, int64_t LandingCounts::*count) { return table.counts.*count; }

template <class Count>  // a member of either
void AddCounter(const char* name, const char* help, Count count, const std::vector<LandingProgress>& progress,
                MetricFamilies* out) {
  for (const LandingProgress& table : progress)
    out->Counter(name, help, Get(table, count), {{"table", table.table}, {"topic", table.topic}});
}

}  // namespace

std::string LandingMetrics(const std::string& application_id, const std::vector<LandingProgress>& progress) {
  MetricFamilies families(application_id);
  AddCounter("warehouse_rows_total", "Rows that this process has made part of a table.", &LandingCounts::rows, progress,
             &families);
  AddCounter("warehouse_dead_letters_total", "Records that could not become rows and went to the dead-letter table.",
             &LandingCounts::dead_letters, progress, &families);
  AddCounter("warehouse_skipped_total", "Records that could not become rows and were left out, by errors=skip.",
             &LandingCounts::skipped, progress, &families);
  AddCounter("warehouse_commits_total", "Commits of tables.", &LandingProgress::commits, progress, &families);
  AddCounter("warehouse_lost_commits_total",
             "Commits that somebody else's had made void; what they had is landed once all the same.",
             &LandingProgress::lost_commits, progress, &families);
  AddCounter("warehouse_retries_total", "Times that a table was not reached and is tried again.", &LandingProgress::retries,
             progress, &families);
  AddCounter("warehouse_files_total", "Data files written.", &LandingCounts::files, progress, &families);
  AddCounter("warehouse_file_bytes_total", "Bytes of data files written.", &LandingCounts::bytes, progress, &families);
  AddCounter("warehouse_compactions_total", "Times that small data files of a partition were rewritten as larger ones.",
             &LandingCounts::compactions, progress, &families);
  AddCounter("warehouse_files_compacted_total", "Small data files that were rewritten.", &LandingCounts::files_compacted,
             progress, &families);
  AddCounter("warehouse_snapshots_expired_total", "Old snapshots of tables that were forgotten.",
             &LandingCounts::snapshots_expired, progress, &families);
  AddCounter("warehouse_files_deleted_total", "Files deleted that no snapshot refers to any more.", &LandingCounts::files_deleted,
             progress, &families);
  AddCounter("warehouse_upkeep_errors_total", "Times that upkeep of a table failed and is tried again.",
             &LandingCounts::upkeep_errors, progress, &families);
  for (const LandingProgress& table : progress) {
    families.Gauge("warehouse_pending_bytes", "What was read and is not committed yet, about.",
                   static_cast<double>(table.pending_bytes), {{"table", table.table}, {"topic", table.topic}});
  }
  for (const LandingProgress& table : progress) {
    if (!table.counts.valid_through_ms) continue;
    families.Gauge("warehouse_valid_through_seconds",
                   "Time since 1970 that all partitions of the topic had reached when the table was last committed here.",
                   static_cast<double>(*table.counts.valid_through_ms) / 1000, {{"table", table.table}, {"topic", table.topic}});
  }
  for (const LandingProgress& table : progress) {
    families.Gauge("warehouse_waits", "1 while a table cannot be committed or read, and is tried again.",
                   table.waits.empty() ? 0 : 1, {{"table", table.table}, {"topic", table.topic}});
  }
  for (const LandingProgress& table : progress) {
    families.Gauge("warehouse_failed", "1 while a table waits for somebody to act; the log and /readyz say why.",
                   table.failed ? 1 : 0, {{"table", table.table}, {"topic", table.topic}});
  }
  for (const LandingProgress& table : progress) {
    for (const auto& [partition, position] : table.positions) {
      families.Gauge("warehouse_position", "Next offset to be landed, as the table says, of the partitions that are read here.",
                     static_cast<double>(position),
                     {{"table", table.table}, {"topic", table.topic}, {"partition", std::to_string(partition)}});
    }
  }
  return families.Serialize();
}

Health LandingReadiness(const std::vector<LandingProgress>& progress, const absl::Status& error) {
  nlohmann::json waiting = nlohmann::json::array();
  for (const LandingProgress& table : progress) {
    if (!table.waits.empty()) waiting.push_back({{"table", table.table}, {"waits", table.waits}, {"failed", table.failed}});
  }
  const bool ready = waiting.empty() && error.ok();
  nlohmann::json body = {{"ready", ready}, {"waiting", waiting}};
  if (!error.ok()) body["error"] = std::string(error.message());
  return {ready, body.dump()};
}

}  // namespace millrace
