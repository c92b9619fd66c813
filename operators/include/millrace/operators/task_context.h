#ifndef MILLRACE_OPERATORS_TASK_CONTEXT_H_
#define MILLRACE_OPERATORS_TASK_CONTEXT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "millrace/state/bytes.h"
#include "millrace/state/first_error.h"
#include "millrace/state/record_context.h"
#include "millrace/state/state_store.h"

namespace millrace {

/// Sub-topology and partition. Prints as Kafka's "0_3".
struct TaskId {
  int32_t subtopology = 0;
  int32_t partition = 0;
  friend auto operator<=>(const TaskId&, const TaskId&) = default;
  [[nodiscard]] std::string ToString() const { return std::to_string(subtopology) + "_" + std::to_string(partition); }
};

enum class PunctuationType { kStreamTime, kWallClockTime };
using Punctuator = std::function<void(Timestamp now)>;

/// Stops a punctuation. Copies share it; dropping all copies does not stop it.
class Cancellable {
 public:
  Cancellable() = default;
  explicit Cancellable(std::shared_ptr<bool> cancelled) : cancelled_(std::move(cancelled)) {}
  void Cancel() {
    if (cancelled_) *cancelled_ = true;
  }

 private:
  std::shared_ptr<bool> cancelled_;
};

/// Takes output records; the runtime implements it. partition: nullopt = murmur2 of the key (null key: the producer decides).
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers) = 0;
  /// Partitions of a topic, for custom partitioners; -1 if the topic is not known.
  virtual int32_t PartitionCount(const std::string& topic) = 0;
};

/// Counters of what operators leave out, by reason. Exported by the runtime as records_dropped_total{reason}.
struct DroppedRecords {
  int64_t null_key = 0;
  int64_t null_value = 0;
  int64_t late = 0;
  int64_t invalid_timestamp = 0;
  int64_t deserialization = 0;
  int64_t processing = 0;  // the processing exception handler said so
  int64_t production = 0;  // the production exception handler said so
};

class ProcessorNode;

/// What the nodes of one task get from it. Implemented by the runtime; lives as long as the nodes. One thread at a time.
class TaskContext {
 public:
  virtual ~TaskContext() = default;

  virtual TaskId task_id() const = 0;
  virtual const std::string& application_id() const = 0;
  /// Null if the task has no store of that name.
  virtual StateStore* FindStore(std::string_view name) = 0;
  virtual OutputSink& output() = 0;
  virtual Timestamp stream_time() const = 0;
  virtual Timestamp system_time() const = 0;
  /// Fires `punctuator` with the node's context set: stream time first at the first record, then every interval; wall clock first
  /// after one interval. Missed ticks collapse to one; the argument is the current time.
  virtual Cancellable Schedule(std::chrono::milliseconds interval, PunctuationType type, Punctuator punctuator) = 0;
  virtual void RequestCommit() = 0;
  /// Inside a catch clause: what `node` threw while it processed a record. True = the record goes no further from there and the
  /// task goes on; false = throw on, the task has failed.
  virtual bool OnException(const ProcessorNode& node) = 0;
  /// A record that sink `node` cannot make bytes of, or whose timestamp no log takes; inside a catch clause if a serde threw.
  /// True = it is left out; false = the task has failed.
  virtual bool OnUnwritable(const ProcessorNode& node, const std::string& topic, const Headers& headers,
                            const absl::Status& reason) = 0;

  /// The record in flight. Nodes set timestamp and headers around a forward.
  RecordContext record;
  /// The sink that sends.
  const ProcessorNode* sink = nullptr;
  FirstError error;
  DroppedRecords dropped;
  /// What several nodes of the task share, by a name of theirs (the clock of a join's two sides).
  std::map<std::string, std::shared_ptr<void>> shared;
  /// Kafka Streams emits results of closed windows and unmatched joins at most this often (wall clock; the test driver sets 0).
  std::chrono::milliseconds emit_interval{1000};
};

}  // namespace millrace

#endif  // MILLRACE_OPERATORS_TASK_CONTEXT_H_
