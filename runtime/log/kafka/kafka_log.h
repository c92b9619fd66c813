#ifndef MILLRACE_RUNTIME_LOG_KAFKA_KAFKA_LOG_H_
#define MILLRACE_RUNTIME_LOG_KAFKA_KAFKA_LOG_H_

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "config/client_properties.h"
#include "log/log.h"

// The log that is Kafka, through librdkafka 2.0.2 and later.

namespace millrace::log::kafka {

/// One line of the Kafka client. level as in syslog: 3 error, 4 warning, 6 information, 7 debug. Called on any thread, also on
/// the client's own; must not call back into the log.
using ClientLog = std::function<void(int level, std::string_view handle, std::string_view message)>;

/// Names and values are librdkafka's. `common` goes to every kind of client, the others over it. What the seam promises is set
/// whatever stands here: no auto commit, an error at an offset out of range, end-of-partition events, idempotence with acks=all.
struct KafkaLogOptions {
  std::map<std::string, std::string> common;
  std::map<std::string, std::string> consumer;
  /// Consumers with ConsumerOptions::restore; if empty, those of `consumer`.
  std::map<std::string, std::string> restore;
  std::map<std::string, std::string> producer;
  std::map<std::string, std::string> membership;
  std::map<std::string, std::string> admin;
  /// Limit of each blocking call of Admin and of CommittedOffsets.
  std::chrono::milliseconds request_timeout = std::chrono::seconds(30);
  ClientLog log;
  /// For tests that show what happens without: a transactional producer is replaced before its next transaction when a request of
  /// an earlier one was never answered, because that request may still reach the broker and would change the wrong transaction.
  bool replace_doubtful_producers = true;
};

/// Makes no connection yet. kInvalidArgument names the property that librdkafka does not take. The parts that the client makes
/// may outlive it.
absl::StatusOr<std::unique_ptr<LogClient>> MakeKafkaLogClient(KafkaLogOptions options);

/// The settings of a configuration; the client's lines go to `log`, or to standard error if it is empty.
KafkaLogOptions OptionsFrom(const ClientProperties& properties, ClientLog log = nullptr);

/// MakeKafkaLogClient with these.
absl::StatusOr<std::unique_ptr<LogClient>> Connect(const ClientProperties& properties, ClientLog log = nullptr);

}  // namespace millrace::log::kafka

#endif  // MILLRACE_RUNTIME_LOG_KAFKA_KAFKA_LOG_H_
