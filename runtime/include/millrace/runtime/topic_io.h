#ifndef MILLRACE_RUNTIME_TOPIC_IO_H_
#define MILLRACE_RUNTIME_TOPIC_IO_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/runtime/streams_config.h"
#include "millrace/state/bytes.h"
#include "millrace/state/headers.h"
#include "millrace/state/timestamp.h"

namespace millrace {

namespace log {
class LogClient;
}  // namespace log

/// A record of a topic as a reader sees it. Views are valid inside the call that hands them over.
struct TopicRecord {
  const std::string* topic = nullptr;
  int32_t partition = -1;
  int64_t offset = -1;
  NullableBytesView key;
  NullableBytesView value;
  Timestamp timestamp;
};

/// Writes records to topics, outside of any topology. Keys go to partitions as Kafka's default partitioner sends them. One
/// thread.
class TopicWriter {
 public:
  virtual ~TopicWriter() = default;
  /// Copies; waits while the buffer is full. A failure of an earlier record may come here.
  [[nodiscard]] virtual absl::Status Send(const std::string& topic, NullableBytesView key, NullableBytesView value,
                                          Timestamp timestamp, const Headers& headers = Headers::Empty()) = 0;
  /// Waits until every record is stored. kDeadlineExceeded says how many are not.
  [[nodiscard]] virtual absl::Status Flush(std::chrono::milliseconds timeout) = 0;
};

/// Reads topics from their beginning, all partitions, and follows them. Commits nothing. One thread.
class TopicReader {
 public:
  virtual ~TopicReader() = default;
  /// Calls `take` for what has arrived, waiting for the first record at most `timeout`. Returns how many.
  [[nodiscard]] virtual absl::StatusOr<int64_t> Poll(std::chrono::milliseconds timeout,
                                                     absl::FunctionRef<void(const TopicRecord&)> take) = 0;
  /// Everything up to the ends that the partitions have now. kDeadlineExceeded if that takes longer.
  [[nodiscard]] virtual absl::Status ReadToEnd(std::chrono::milliseconds timeout,
                                               absl::FunctionRef<void(const TopicRecord&)> take) = 0;
};

/// A connection for programs around a topology: loaders, checkers, demos. Calls with a broker behind them wait at most
/// request.timeout.ms. Thread-safe; readers and writers must not outlive it.
class TopicClient {
 public:
  virtual ~TopicClient() = default;

  /// To the brokers of the configuration, with its client settings. Makes no connection yet.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<TopicClient>> Connect(const StreamsConfig& config);
  /// To a new log inside this process, that lives as long as its clients.
  [[nodiscard]] static std::unique_ptr<TopicClient> Embedded();

  /// The same log for a KafkaStreams instance; a client of its own for each call.
  [[nodiscard]] virtual absl::StatusOr<std::shared_ptr<log::LogClient>> NewLogClient() = 0;

  /// kAlreadyExists if it is there.
  [[nodiscard]] virtual absl::Status CreateTopic(const std::string& topic, int32_t partitions, const Properties& config = {}) = 0;
  /// nullopt for a topic that does not exist.
  [[nodiscard]] virtual absl::StatusOr<std::optional<int32_t>> PartitionCount(const std::string& topic) = 0;
  /// How many records of these topics and of the application's own repartition topics its group has not committed. 0 twice in a
  /// row, with nothing written in between but by the application: all is processed, and what it makes is in the log. (Once is not
  /// enough: what a commit wrote may be in a topic that was looked at before.) kNotFound names a missing topic.
  [[nodiscard]] virtual absl::StatusOr<int64_t> Lag(const std::string& application_id,
                                                    const std::vector<std::string>& topics) = 0;
  [[nodiscard]] virtual absl::StatusOr<std::unique_ptr<TopicWriter>> NewWriter() = 0;
  /// kNotFound names a missing topic. read_committed leaves out what open and aborted transactions wrote.
  [[nodiscard]] virtual absl::StatusOr<std::unique_ptr<TopicReader>> NewReader(const std::vector<std::string>& topics,
                                                                               bool read_committed = true) = 0;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_TOPIC_IO_H_
