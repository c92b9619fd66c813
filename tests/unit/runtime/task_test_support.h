#ifndef MILLRACE_TESTS_UNIT_RUNTIME_TASK_TEST_SUPPORT_H_
#define MILLRACE_TESTS_UNIT_RUNTIME_TASK_TEST_SUPPORT_H_

#include <memory>
#include <string>
#include <vector>

#include "task/record_queue.h"

namespace millrace {

inline Timestamp Ms(int64_t millis) { return Timestamp::FromMillis(millis); }

/// Takes text values; "corrupt" does not parse. What is pushed is kept as "topic/offset/value".
class FakeSource final : public SourceNode {
 public:
  explicit FakeSource(std::vector<std::string>* pushed) : SourceNode("source"), pushed_(pushed) {}
  absl::Status AddChild(ProcessorNode*) override { return absl::OkStatus(); }
  absl::Status Init(TaskContext*) override { return absl::OkStatus(); }
  absl::StatusOr<Timestamp> ExtractTimestamp(const RawRecord& record, Timestamp partition_time) override {
    ++parsed;
    if (record.value == "corrupt") return absl::InvalidArgumentError("no text");
    return record.value == "partition time" ? partition_time : record.timestamp;
  }
  absl::Status Push(const RawRecord& record, Timestamp) override {
    pushed_->push_back(*record.topic + "/" + std::to_string(record.offset) + "/" + std::string(record.value.value_or("null")));
    return absl::OkStatus();
  }

  int parsed = 0;

 private:
  std::vector<std::string>* pushed_;
};

inline RawRecord RecordAt(int64_t offset, int64_t millis, NullableBytesView value = "v", NullableBytesView key = "k") {
  RawRecord record;
  record.key = key;
  record.value = value;
  record.timestamp = Ms(millis);
  record.offset = offset;
  return record;
}

}  // namespace millrace

#endif  // MILLRACE_TESTS_UNIT_RUNTIME_TASK_TEST_SUPPORT_H_
