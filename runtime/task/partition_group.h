#ifndef MILLRACE_RUNTIME_TASK_PARTITION_GROUP_H_
#define MILLRACE_RUNTIME_TASK_PARTITION_GROUP_H_

#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include "task/record_queue.h"

namespace millrace {

/// The record queues of a task and the choice of the next record: the smallest head timestamp, ties as java.util.PriorityQueue
/// breaks them. Follows Kafka's `PartitionGroup`.
class PartitionGroup {
 public:
  /// max_task_idle: 0 = never wait for a partition that is known to be at its end; < 0 = never wait at all.
  explicit PartitionGroup(std::chrono::milliseconds max_task_idle) : max_task_idle_(max_task_idle) {}

  void AddQueue(std::unique_ptr<RecordQueue> queue);
  /// Null if the task does not read this partition.
  [[nodiscard]] RecordQueue* Find(const log::TopicPartition& partition) const;
  [[nodiscard]] const std::vector<std::unique_ptr<RecordQueue>>& queues() const { return queues_; }

  /// The queue has records now: if it has no head yet, finds it and lets it take part in the choice.
  [[nodiscard]] absl::Status Admit(RecordQueue* queue);
  /// False while a partition without records may still bring an earlier one (KIP-695).
  [[nodiscard]] bool Ready(Timestamp now);
  /// Takes the chosen head through its source node. Requires HasRecord(). Admit the queue afterwards: apart, so that an error of
  /// the record behind is not taken for one of this.
  [[nodiscard]] absl::Status ProcessNext();
  [[nodiscard]] bool HasRecord() const { return !heap_.empty(); }
  /// The queue that ProcessNext will take from.
  [[nodiscard]] RecordQueue* next() const { return heap_.front(); }

  /// Largest timestamp of a record taken, over all partitions.
  [[nodiscard]] Timestamp stream_time() const { return stream_time_; }
  void InitStreamTime();

 private:
  void Offer(RecordQueue* queue);
  RecordQueue* Poll();

  const std::chrono::milliseconds max_task_idle_;
  std::vector<std::unique_ptr<RecordQueue>> queues_;
  std::map<log::TopicPartition, RecordQueue*> by_partition_;
  std::vector<RecordQueue*> heap_;  // by head timestamp
  Timestamp stream_time_;
  bool idling_ = false;  // some queue counts how long it has been empty
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_TASK_PARTITION_GROUP_H_
