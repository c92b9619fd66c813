#include "streams/partition_progress.h"

#include <algorithm>

namespace millrace {
namespace {

double Seconds(std::chrono::nanoseconds time) { return std::max(0.0, std::chrono::duration<double>(time).count()); }

/// Age of the oldest record that waits. If the worker has not read it yet it is at most as old as the last one that was processed
/// (timestamps rise along a partition as a rule), and has come since processing was at the end.
std::optional<double> LagSeconds(const PartitionProgress& progress, std::chrono::nanoseconds now, Timestamp wall) {
  const auto age = [wall](Timestamp time) { return Seconds(wall - time); };
  if (progress.oldest.millis() >= 0) return age(progress.oldest);
  std::optional<double> most;
  if (progress.processed.millis() >= 0) most = age(progress.processed);
  if (progress.at_end_at) most = std::min(most.value_or(Seconds(now - *progress.at_end_at)), Seconds(now - *progress.at_end_at));
  return most;
}

}  // namespace

void PartitionProgress::Observe(const RecordQueue& queue, const log::PartitionReader& reader, std::chrono::nanoseconds now) {
  const int64_t before = position;
  position = queue.next_offset();
  read_position = reader.position();
  buffered = queue.size();
  at_end = reader.at_end();
  oldest = queue.first_timestamp();
  processed = queue.partition_time();
  if (at_end && buffered == 0) at_end_at = now;
  if (undone > 0 && position > committed) return;
  if (at_end_at == now || (undone == 0 && position != before)) moved_at = now;
}

void PartitionEnd::Observe(int64_t high_watermark_now, int64_t last_stable_now, std::chrono::nanoseconds now) {
  const bool moved = last_stable_now != last_stable;
  high_watermark = high_watermark_now;
  last_stable = last_stable_now;
  answered_at = now;
  if (last_stable >= high_watermark) {
    gap_since.reset();
  } else if (moved || !gap_since) {
    gap_since = now;
  }
}

PartitionEnds AskForEnds(log::Admin* admin, const std::vector<log::TopicPartition>& partitions, const PartitionEnds& before,
                         std::chrono::nanoseconds now) {
  PartitionEnds ends;
  for (const log::TopicPartition& partition : partitions) {
    if (const auto known = before.find(partition); known != before.end()) ends.insert(*known);
  }
  if (partitions.empty()) return ends;
  const auto high = admin->EndOffsets(partitions, log::Isolation::kReadUncommitted);
  if (!high.ok()) return ends;
  const auto stable = admin->EndOffsets(partitions, log::Isolation::kReadCommitted);
  if (!stable.ok()) return ends;
  for (const auto& [partition, offset] : *high) {
    if (const auto it = stable->find(partition); it != stable->end()) ends[partition].Observe(offset, it->second, now);
  }
  return ends;
}

PartitionSnapshot Describe(const PartitionProgress& progress, const PartitionEnd* end, bool read_committed,
                           std::chrono::nanoseconds now, Timestamp wall) {
  PartitionSnapshot out;
  // The broker was asked a while ago; what has been read since is below the end too.
  std::optional<int64_t> last;
  if (progress.at_end || end != nullptr) last = progress.read_position;
  if (end != nullptr) last = std::max(*last, read_committed ? end->last_stable : end->high_watermark);
  if (last) out.lag_records = std::max<int64_t>(0, *last - progress.done());
  const bool behind = progress.buffered > 0 || out.lag_records.value_or(0) > 0;
  if (behind) {
    out.lag_seconds = LagSeconds(progress, now, wall);
    out.stalled_seconds = Seconds(now - progress.moved_at);
  } else if (out.lag_records) {
    out.lag_seconds = 0;
    out.stalled_seconds = 0;
  }
  if (end != nullptr) {
    out.lso_gap_records = std::max<int64_t>(0, end->high_watermark - end->last_stable);
    out.lso_gap_age_seconds = end->gap_since ? Seconds(now - *end->gap_since) : 0;
  }
  return out;
}

}  // namespace millrace
