#ifndef MILLRACE_RUNTIME_TASK_RECORD_QUEUE_H_
#define MILLRACE_RUNTIME_TASK_RECORD_QUEUE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "log/log.h"
#include "millrace/operators/processor_node.h"

namespace millrace {

/// The records of one partition that wait for a task, in order. Only the head has been looked at: its source node has parsed it
/// and given it a timestamp. Bytes of all waiting records stand in one buffer that is reused. Follows Kafka's `RecordQueue`.
class RecordQueue {
 public:
  /// Gets a record that does not parse; OK = leave it out and go on, an error fails the task.
  using CorruptRecord = std::function<absl::Status(const RawRecord&, const absl::Status&)>;

  RecordQueue(log::TopicPartition partition, SourceNode* source, DroppedRecords* dropped, CorruptRecord corrupt)
      : partition_(std::move(partition)), source_(source), dropped_(dropped), corrupt_(std::move(corrupt)) {}
  RecordQueue(const RecordQueue&) = delete;
  RecordQueue& operator=(const RecordQueue&) = delete;

  /// Copies. Call UpdateHead afterwards if the queue was empty.
  void Add(const RawRecord& record);
  /// Finds the head: leaves out records that do not parse or have a negative timestamp. Ok with no head if none is left.
  [[nodiscard]] absl::Status UpdateHead();
  /// Takes the head to the source node, which forwards it; then drops it. Call UpdateHead afterwards.
  [[nodiscard]] absl::Status PushHead();

  [[nodiscard]] bool has_head() const { return has_head_; }
  [[nodiscard]] Timestamp head_timestamp() const { return head_timestamp_; }
  [[nodiscard]] int64_t head_offset() const { return entries_[first_].offset; }
  /// The first waiting record; there must be one. Valid until the queue changes.
  [[nodiscard]] RawRecord head() const { return View(entries_[first_]); }
  /// Of the first waiting record as it stands in the log; unknown if none waits.
  [[nodiscard]] Timestamp first_timestamp() const { return size() > 0 ? entries_[first_].timestamp : Timestamp::Unknown(); }
  /// Waiting records, the head included.
  [[nodiscard]] int size() const { return static_cast<int>(entries_.size() - first_); }
  /// How many records more it may take so that it holds not more than both limits: one at least when it is empty, and as many as
  /// fit by the size of those that it has had.
  [[nodiscard]] int Room(int max_records, int64_t max_bytes) const;
  [[nodiscard]] const log::TopicPartition& partition() const { return partition_; }

  /// Largest timestamp of a head that was taken; unknown before the first.
  [[nodiscard]] Timestamp partition_time() const { return partition_time_; }
  void set_partition_time(Timestamp time) { partition_time_ = time; }

  /// Which of its task's sources it is.
  void set_index(int32_t index) { index_ = index; }
  [[nodiscard]] int32_t index() const { return index_; }

  /// Where the next record will come from, as the reader says, and whether the end of the partition was seen.
  void SetInput(int64_t position, bool at_end) {
    position_ = position;
    at_end_ = at_end;
  }
  [[nodiscard]] int64_t position() const { return position_; }
  [[nodiscard]] bool at_end() const { return at_end_; }
  /// Since when the group has waited for a record of this partition at its end.
  [[nodiscard]] std::optional<Timestamp>& idle_since() { return idle_since_; }
  /// Offset of the next record to process: the head's, or the reader's position.
  [[nodiscard]] int64_t next_offset() const { return size() > 0 ? entries_[first_].offset : position_; }

 private:
  struct Entry {
    size_t start;
    int64_t key_bytes;  // -1 = null
    int64_t value_bytes;
    Timestamp timestamp;
    int64_t offset;
    Headers headers;
  };
  [[nodiscard]] RawRecord View(const Entry& entry) const;
  void DropFirst();

  const log::TopicPartition partition_;
  SourceNode* const source_;
  DroppedRecords* const dropped_;
  const CorruptRecord corrupt_;
  int32_t index_ = -1;
  std::string buffer_;
  std::vector<Entry> entries_;
  size_t first_ = 0;
  int64_t record_bytes_ = 0;  // of the larger ones, lately
  bool has_head_ = false;
  Timestamp head_timestamp_;
  Timestamp partition_time_;
  int64_t position_ = 0;
  bool at_end_ = false;
  std::optional<Timestamp> idle_since_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_TASK_RECORD_QUEUE_H_
