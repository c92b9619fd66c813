#ifndef MILLRACE_RUNTIME_LOG_KAFKA_HANDLE_H_
#define MILLRACE_RUNTIME_LOG_KAFKA_HANDLE_H_

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "log/kafka/kafka_log.h"

// librdkafka's objects with owners, and its errors as statuses.

namespace millrace::log::kafka {

template <auto destroy>
struct Destroyer {
  template <typename T>
  void operator()(T* object) const {
    destroy(object);
  }
};
using ConfPtr = std::unique_ptr<rd_kafka_conf_t, Destroyer<rd_kafka_conf_destroy>>;
using TopicPtr = std::unique_ptr<rd_kafka_topic_t, Destroyer<rd_kafka_topic_destroy>>;
using QueuePtr = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
using ListPtr = std::unique_ptr<rd_kafka_topic_partition_list_t, Destroyer<rd_kafka_topic_partition_list_destroy>>;
using ErrorPtr = std::unique_ptr<rd_kafka_error_t, Destroyer<rd_kafka_error_destroy>>;
using EventPtr = std::unique_ptr<rd_kafka_event_t, Destroyer<rd_kafka_event_destroy>>;
using MetadataPtr = std::unique_ptr<const rd_kafka_metadata_t, Destroyer<rd_kafka_metadata_destroy>>;
using GroupMetadataPtr = std::unique_ptr<rd_kafka_consumer_group_metadata_t, Destroyer<rd_kafka_consumer_group_metadata_destroy>>;

/// A failure of librdkafka or the broker: what was tried, the broker's words, and what to do. `text` is empty for the usual
/// words.
[[nodiscard]] absl::Status KafkaError(rd_kafka_resp_err_t error, std::string_view what, std::string_view text = {});
[[nodiscard]] absl::Status KafkaError(const rd_kafka_error_t* error, std::string_view what);

using PropertyMap = std::map<std::string, std::string>;

/// librdkafka's handle with the state that its callbacks need. Subclasses are the opaque pointer of their callbacks; handles are
/// destroyed by them first thing in their destructors (Destroy), while the callbacks may still run.
class Handle {
 public:
  virtual ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  [[nodiscard]] rd_kafka_t* get() const { return rk_; }
  /// Not OK once librdkafka has called an error fatal.
  [[nodiscard]] absl::Status fatal() const;
  /// What the client last said of a connection that failed; empty if none has.
  [[nodiscard]] std::string last_failure() const;
  void Log(int level, std::string_view message) const;
  /// FetchLeaders does not wait for brokers any more.
  void Cancel() { cancelled_ = true; }
  [[nodiscard]] bool cancelled() const { return cancelled_; }

 protected:
  Handle(std::string name, ClientLog log) : name_(std::move(name)), log_(std::move(log)) {}

  /// kInvalidArgument names the property that is refused. `fixed` goes over `properties`.
  [[nodiscard]] absl::StatusOr<ConfPtr> MakeConf(const PropertyMap& properties, const PropertyMap& fixed) const;
  [[nodiscard]] absl::Status Open(rd_kafka_type_t type, ConfPtr conf);
  void Destroy(int flags = 0);
  /// Sees each line of the client before it is logged, on the thread that writes it; false keeps it out of the log.
  virtual bool OnLine(int /*level*/, std::string_view /*facility*/, std::string_view /*message*/) { return true; }
  /// Gets an error that is not fatal, on the thread that serves the queue it came by; false has it logged.
  virtual bool OnClientError(rd_kafka_resp_err_t /*error*/, std::string_view /*reason*/) { return false; }

 private:
  static void OnLog(const rd_kafka_t* rk, int level, const char* facility, const char* message);
  static void OnError(rd_kafka_t* rk, int error, const char* reason, void* opaque);

  const std::string name_;
  const ClientLog log_;
  rd_kafka_t* rk_ = nullptr;
  std::atomic<bool> cancelled_ = false;
  mutable std::mutex mutex_;
  absl::Status fatal_;
  std::string last_failure_;
};

/// Partitions of a topic with their leaders' broker ids (-1: none at the moment); kNotFound if the topic does not exist. Teaches
/// the handle where they are, so that the first request need not wait. Logs after 3 s that no broker answers; the error at the
/// end of the time says how the last connection failed. kCancelled within about a second after Handle::Cancel.
[[nodiscard]] absl::StatusOr<std::vector<int32_t>> FetchLeaders(rd_kafka_t* rk, rd_kafka_topic_t* topic,
                                                                std::chrono::milliseconds timeout);
[[nodiscard]] absl::StatusOr<std::vector<int32_t>> FetchLeaders(rd_kafka_t* rk, const std::string& topic,
                                                                std::chrono::milliseconds timeout);

/// How long a topic that was just made may take until every broker knows it.
inline constexpr std::chrono::milliseconds kNewTopicTime{3000};
/// FetchLeaders, but a topic that does not exist is waited for so long.
[[nodiscard]] absl::StatusOr<std::vector<int32_t>> AwaitLeaders(rd_kafka_t* rk, rd_kafka_topic_t* topic,
                                                                std::chrono::milliseconds timeout);
[[nodiscard]] absl::StatusOr<std::vector<int32_t>> AwaitLeaders(rd_kafka_t* rk, const std::string& topic,
                                                                std::chrono::milliseconds timeout);

/// The time to give librdkafka for an admin request to a group's coordinator: its most. When that is over and the answer comes
/// even so, it ends the process (an assertion on `eonce->refcnt`, issue 4605, in all versions so far): who asks gives up by
/// himself.
inline constexpr std::chrono::milliseconds kCoordinatorTime{3600000};

/// A list of offsets with their metadata.
[[nodiscard]] ListPtr ToList(const Offsets& offsets);
[[nodiscard]] ListPtr ToList(const std::vector<TopicPartition>& partitions);
/// Those that have an offset; the first error of a partition, if there is one.
[[nodiscard]] absl::StatusOr<Offsets> FromList(const rd_kafka_topic_partition_list_t* list, std::string_view what);

}  // namespace millrace::log::kafka

#endif  // MILLRACE_RUNTIME_LOG_KAFKA_HANDLE_H_
