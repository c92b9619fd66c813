#ifndef MILLRACE_RUNTIME_LOG_KAFKA_UNANSWERED_REQUESTS_H_
#define MILLRACE_RUNTIME_LOG_KAFKA_UNANSWERED_REQUESTS_H_

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdint>

namespace millrace::log::kafka {

/// Whether requests of a client that change transactions were sent, but never answered: their connection broke, or they took too
/// long. librdkafka repeats them and reports success, while the first one may still be on its way to the broker. Must outlive the
/// client. Thread-safe.
class UnansweredRequests {
 public:
  UnansweredRequests() = default;
  UnansweredRequests(const UnansweredRequests&) = delete;
  UnansweredRequests& operator=(const UnansweredRequests&) = delete;

  /// Before the client is made of `conf`.
  void Watch(rd_kafka_conf_t* conf);
  [[nodiscard]] bool any() const { return any_; }

 private:
  static rd_kafka_resp_err_t OnNew(rd_kafka_t* rk, const rd_kafka_conf_t* conf, void* opaque, char* text, size_t size);
  static rd_kafka_resp_err_t OnResponse(rd_kafka_t* rk, int sockfd, const char* broker, int32_t broker_id, int16_t api_key,
                                        int16_t version, int32_t correlation, size_t size, int64_t round_trip,
                                        rd_kafka_resp_err_t error, void* opaque);

  std::atomic<bool> any_ = false;
};

}  // namespace millrace::log::kafka

#endif  // MILLRACE_RUNTIME_LOG_KAFKA_UNANSWERED_REQUESTS_H_
