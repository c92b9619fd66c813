#ifndef MILLRACE_RUNTIME_STREAMS_PURGE_BOARD_H_
#define MILLRACE_RUNTIME_STREAMS_PURGE_BOARD_H_

#include <map>
#include <mutex>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "log/log.h"

namespace millrace {

/// Committed offsets of repartition topics: what lies before them may be deleted. Workers write after a commit, the control
/// thread reads.
class PurgeBoard {
 public:
  void Committed(const log::TopicPartition& partition, int64_t offset) {
    const std::lock_guard lock(mutex_);
    offsets_[partition] = offset;
  }
  [[nodiscard]] std::map<log::TopicPartition, int64_t> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(offsets_, {});
  }

 private:
  std::mutex mutex_;
  std::map<log::TopicPartition, int64_t> offsets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_PURGE_BOARD_H_
