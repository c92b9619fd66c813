#include "task/partition_group.h"

#include <algorithm>
#include <utility>

namespace millrace {

void PartitionGroup::AddQueue(std::unique_ptr<RecordQueue> queue) {
  by_partition_[queue->partition()] = queue.get();
  queues_.push_back(std::move(queue));
}

RecordQueue* PartitionGroup::Find(const log::TopicPartition& partition) const {
  const auto it = by_partition_.find(partition);
  return it == by_partition_.end() ? nullptr : it->second;
}

void PartitionGroup::InitStreamTime() {
  for (const auto& queue : queues_) stream_time_ = std::max(stream_time_, queue->partition_time());
}

absl::Status PartitionGroup::Admit(RecordQueue* queue) {
  if (queue->has_head()) return absl::OkStatus();
  if (absl::Status status = queue->UpdateHead(); !status.ok()) return status;
  if (queue->has_head()) Offer(queue);
  return absl::OkStatus();
}

bool PartitionGroup::Ready(Timestamp now) {
  if (heap_.empty()) return false;
  if (max_task_idle_.count() < 0) return true;
  if (heap_.size() == queues_.size() && !idling_) return true;
  idling_ = false;
  bool ready = true;
  for (const auto& queue : queues_) {
    std::optional<Timestamp>& since = queue->idle_since();
    if (queue->has_head()) {
      since.reset();
    } else if (!queue->at_end()) {  // records are known, or may be, on their way
      since.reset();
      ready = false;
    } else if (max_task_idle_.count() > 0) {
      if (!since) since = now;
      idling_ = true;
      if (now - *since < max_task_idle_) ready = false;
    }
  }
  return ready;
}

absl::Status PartitionGroup::ProcessNext() {
  RecordQueue* queue = Poll();
  stream_time_ = std::max(stream_time_, queue->head_timestamp());
  return queue->PushHead();
}

// java.util.PriorityQueue.siftUp
void PartitionGroup::Offer(RecordQueue* queue) {
  size_t k = heap_.size();
  heap_.push_back(queue);
  while (k > 0) {
    const size_t parent = (k - 1) / 2;
    if (queue->head_timestamp() >= heap_[parent]->head_timestamp()) break;
    heap_[k] = heap_[parent];
    k = parent;
  }
  heap_[k] = queue;
}

// java.util.PriorityQueue.poll with siftDown
RecordQueue* PartitionGroup::Poll() {
  RecordQueue* first = heap_.front();
  RecordQueue* moved = heap_.back();
  heap_.pop_back();
  const size_t n = heap_.size();
  if (n == 0) return first;
  size_t k = 0;
  while (k < n / 2) {
    size_t child = 2 * k + 1;
    if (child + 1 < n && heap_[child]->head_timestamp() > heap_[child + 1]->head_timestamp()) ++child;
    if (moved->head_timestamp() <= heap_[child]->head_timestamp()) break;
    heap_[k] = heap_[child];
    k = child;
  }
  heap_[k] = moved;
  return first;
}

}  // namespace millrace
