#ifndef MILLRACE_RUNTIME_TASK_PUNCTUATION_QUEUE_H_
#define MILLRACE_RUNTIME_TASK_PUNCTUATION_QUEUE_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "millrace/operators/task_context.h"

namespace millrace {

/// The punctuations of one kind of time of a task, by due time. Follows Kafka's `PunctuationQueue`.
class PunctuationQueue {
 public:
  Cancellable Add(Timestamp first, std::chrono::milliseconds interval, Punctuator punctuator);
  /// Fires what is due at `now`, each at most once; missed ticks collapse. True if any fired. Stops when `fire` returns false.
  bool Fire(Timestamp now, const std::function<bool(const Punctuator&, Timestamp)>& fire);
  [[nodiscard]] std::optional<Timestamp> next() const;

 private:
  struct Schedule {
    Timestamp due;
    std::chrono::milliseconds interval;
    Punctuator punctuator;
    std::shared_ptr<bool> cancelled;
  };
  std::vector<Schedule> schedules_;  // few; scanned for the earliest, in order of schedule
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_TASK_PUNCTUATION_QUEUE_H_
