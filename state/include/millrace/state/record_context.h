#ifndef MILLRACE_STATE_RECORD_CONTEXT_H_
#define MILLRACE_STATE_RECORD_CONTEXT_H_

#include <cstdint>
#include <string>

#include "millrace/state/headers.h"
#include "millrace/state/timestamp.h"

namespace millrace {

/// What is known of the record in flight: the timestamp and headers that it has now, and where its source record came
/// from. A view: headers and topic belong to the task and outlive the call. Follows Kafka's `ProcessorRecordContext`.
/// During a punctuation topic is null, partition and offset are -1.
struct RecordContext {
  Timestamp timestamp;
  const Headers* headers = &Headers::Empty();
  const std::string* topic = nullptr;
  int32_t partition = -1;
  int64_t offset = -1;
};

/// A RecordContext that a cached entry keeps until it is forwarded: it owns its headers.
struct SavedRecordContext {
  Timestamp timestamp;
  Headers headers;
  const std::string* topic = nullptr;
  int32_t partition = -1;
  int64_t offset = -1;

  SavedRecordContext() = default;
  explicit SavedRecordContext(const RecordContext& c)
      : timestamp(c.timestamp), headers(*c.headers), topic(c.topic), partition(c.partition), offset(c.offset) {}
  [[nodiscard]] RecordContext View() const { return {timestamp, &headers, topic, partition, offset}; }
};

}  // namespace millrace

#endif  // MILLRACE_STATE_RECORD_CONTEXT_H_
