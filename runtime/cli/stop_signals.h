#ifndef MILLRACE_RUNTIME_CLI_STOP_SIGNALS_H_
#define MILLRACE_RUNTIME_CLI_STOP_SIGNALS_H_

#include <signal.h>

#include <atomic>
#include <chrono>

namespace millrace {

/// Turns the first SIGTERM or SIGINT into a flag that wakes Wait; the second one ends the process. One at a time in a process.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  [[nodiscard]] bool stop_requested() const { return signals_ > 0; }
  /// Until a signal, Wake or the end of the time.
  void Wait(std::chrono::milliseconds timeout);
  /// From any thread.
  static void Wake();

 private:
  static void Handle(int signal);

  static inline std::atomic<int> signals_{0};
  static inline int pipe_[2] = {-1, -1};
  struct sigaction old_term_ {};
  struct sigaction old_int_ {};
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CLI_STOP_SIGNALS_H_
