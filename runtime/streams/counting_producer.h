#ifndef MILLRACE_RUNTIME_STREAMS_COUNTING_PRODUCER_H_
#define MILLRACE_RUNTIME_STREAMS_COUNTING_PRODUCER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "log/log.h"

namespace millrace {

/// Counts what is sent, by topic.
class CountingProducer final : public log::Producer {
 public:
  explicit CountingProducer(std::unique_ptr<log::Producer> producer) : producer_(std::move(producer)) {}

  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override {
    if (last_ == nullptr || last_->first != topic) last_ = &*counts_.try_emplace(topic, 0).first;
    ++last_->second;
    return producer_->Send(topic, partition, key, value, timestamp, headers, delivered_offset_max);
  }
  absl::Status Poll() override { return producer_->Poll(); }
  absl::Status Flush(std::chrono::milliseconds timeout) override { return producer_->Flush(timeout); }
  [[nodiscard]] int64_t outstanding() const override { return producer_->outstanding(); }

  [[nodiscard]] const std::map<std::string, int64_t>& counts() const { return counts_; }

 private:
  std::unique_ptr<log::Producer> producer_;
  std::map<std::string, int64_t> counts_;
  std::pair<const std::string, int64_t>* last_ = nullptr;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_COUNTING_PRODUCER_H_
