#ifndef MILLRACE_RUNTIME_LOG_EMBEDDED_TOPIC_H_
#define MILLRACE_RUNTIME_LOG_EMBEDDED_TOPIC_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "log/embedded/partition_log.h"

namespace millrace::log::embedded {

/// A deleted topic lives on for those who hold it.
class Topic {
 public:
  Topic(std::string name, int32_t partitions) : name_(std::move(name)) {
    for (int32_t i = 0; i < partitions; ++i) partitions_.push_back(std::make_unique<PartitionLog>(&name_, i));
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int32_t partition_count() const { return static_cast<int32_t>(partitions_.size()); }
  [[nodiscard]] PartitionLog* partition(int32_t i) { return partitions_[i].get(); }
  /// Where the next record without a key goes.
  [[nodiscard]] int32_t NextInTurn() { return static_cast<int32_t>(turn_.fetch_add(1) % partitions_.size()); }

 private:
  const std::string name_;
  std::vector<std::unique_ptr<PartitionLog>> partitions_;
  std::atomic<uint64_t> turn_ = 0;
};

}  // namespace millrace::log::embedded

#endif  // MILLRACE_RUNTIME_LOG_EMBEDDED_TOPIC_H_
