#include "cli/stop_signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cli/cli.h"

namespace millrace {

StopSignals::StopSignals() {
  signals_ = 0;
  // Made once and never closed: a signal or a listener may come at any time.
  static const bool made = pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) == 0;
  (void)made;
  struct sigaction action {};
  action.sa_handler = &StopSignals::Handle;
  action.sa_flags = SA_RESTART;
  (void)sigaction(SIGTERM, &action, &old_term_);
  (void)sigaction(SIGINT, &action, &old_int_);
}

StopSignals::~StopSignals() {
  (void)sigaction(SIGTERM, &old_term_, nullptr);
  (void)sigaction(SIGINT, &old_int_, nullptr);
}

void StopSignals::Wait(std::chrono::milliseconds timeout) {
  pollfd poll_fd{.fd = pipe_[0], .events = POLLIN, .revents = 0};
  if (poll(&poll_fd, 1, static_cast<int>(timeout.count())) <= 0) return;
  char bytes[64];
  while (read(pipe_[0], bytes, sizeof bytes) > 0) {
  }
}

void StopSignals::Wake() { (void)!write(pipe_[1], "", 1); }

void StopSignals::Handle(int /*signal*/) {
  const int saved = errno;
  if (signals_.fetch_add(1) > 0) {
    constexpr char kText[] = "second signal: aborted without a clean close\n";
    (void)!write(STDERR_FILENO, kText, sizeof kText - 1);
    _exit(kExitAborted);
  }
  Wake();
  errno = saved;
}

}  // namespace millrace
