#ifndef MILLRACE_RUNTIME_STREAMS_THREAD_TIME_H_
#define MILLRACE_RUNTIME_STREAMS_THREAD_TIME_H_

#include <array>
#include <chrono>
#include <cstddef>

#include "host/host.h"

namespace millrace {

/// Where a thread's time goes, by a lap clock: all time between two laps belongs to what the later one names, so that the states
/// add up to the thread's life. A lap is one look at the clock; take it at batch boundaries. One thread.
class ThreadTime {
 public:
  enum State : size_t { kProcess, kPoll, kPunctuate, kCommit, kIdle, kOther, kStates };
  static constexpr std::array<const char*, kStates> kNames = {"process", "poll", "punctuate", "commit", "idle", "other"};

  /// The clock runs from here on.
  explicit ThreadTime(Host* host) : host_(host), last_(host->Monotonic()) {}

  /// The time since the last lap went to `state`. Returns the time now, on the host's monotonic clock.
  std::chrono::nanoseconds Lap(State state) {
    const std::chrono::nanoseconds now = host_->Monotonic();
    spent_[state] += now - last_;
    last_ = now;
    return now;
  }
  /// Of the last lap.
  [[nodiscard]] std::chrono::nanoseconds last() const { return last_; }
  [[nodiscard]] std::chrono::nanoseconds spent(State state) const { return spent_[state]; }

 private:
  Host* const host_;
  std::chrono::nanoseconds last_;
  std::array<std::chrono::nanoseconds, kStates> spent_{};
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_THREAD_TIME_H_
