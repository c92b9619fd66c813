#ifndef MILLRACE_WAREHOUSE_STORAGE_BACKOFF_H_
#define MILLRACE_WAREHOUSE_STORAGE_BACKOFF_H_

#include <chrono>

namespace millrace::warehouse {

/// Waits between the attempts of one operation: 50 ms at first, twice as long each time up to 3 s, each drawn from between half
/// and all of that, so that writers who met do not meet again. Not thread-safe; one for each operation.
class Backoff {
 public:
  /// No attempt begins when `total` is over.
  explicit Backoff(std::chrono::milliseconds total) : end_(std::chrono::steady_clock::now() + total) {}

  /// Sleeps; false without having slept if the time would be over then.
  [[nodiscard]] bool Wait();

 private:
  const std::chrono::steady_clock::time_point end_;
  std::chrono::milliseconds next_{50};
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_BACKOFF_H_
