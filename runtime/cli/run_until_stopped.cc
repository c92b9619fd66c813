#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "cli/cli.h"
#include "http/observability_server.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/runtime/logging.h"
#include "millrace/runtime/main.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kCloseTimeout{30};
/// For a start that is under way when the stop comes; before its end nothing has been processed, so that it may simply be left.
constexpr std::chrono::seconds kStartGrace{2};

/// Turns the first SIGTERM or SIGINT into a flag that wakes Wait; the second one ends the process. One at a time in a process.
class StopSignals {
 public:
  StopSignals() {
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
  ~StopSignals() {
    (void)sigaction(SIGTERM, &old_term_, nullptr);
    (void)sigaction(SIGINT, &old_int_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  [[nodiscard]] bool stop_requested() const { return signals_ > 0; }
  /// Until a signal, Wake or the end of the time.
  void Wait(milliseconds timeout) {
    pollfd poll_fd{.fd = pipe_[0], .events = POLLIN, .revents = 0};
    if (poll(&poll_fd, 1, static_cast<int>(timeout.count())) <= 0) return;
    char bytes[64];
    while (read(pipe_[0], bytes, sizeof bytes) > 0) {
    }
  }
  /// From any thread.
  static void Wake() { (void)!write(pipe_[1], "", 1); }

 private:
  static void Handle(int /*signal*/) {
    const int saved = errno;
    if (signals_.fetch_add(1) > 0) {
      constexpr char kText[] = "second signal: aborted without a clean close\n";
      (void)!write(STDERR_FILENO, kText, sizeof kText - 1);
      _exit(kExitAborted);
    }
    Wake();
    errno = saved;
  }

  static inline std::atomic<int> signals_{0};
  static inline int pipe_[2] = {-1, -1};
  struct sigaction old_term_ {};
  struct sigaction old_int_ {};
};

int Failed(const absl::Status& status) {
  fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return kExitFailed;
}

/// Starts on a thread of its own, so that a signal is answered while a broker does not answer. nullopt: a stop came before the
/// end.
std::optional<absl::Status> StartOrStop(KafkaStreams* streams, StopSignals* signals) {
  struct Start {
    std::atomic<bool> done{false};
    absl::Status status;
  };
  Start start;
  std::thread thread([&] {
    SetLogThreadName("start");
    start.status = streams->Start();
    start.done = true;
    StopSignals::Wake();
  });
  while (!start.done && !signals->stop_requested()) signals->Wait(milliseconds(200));
  const auto deadline = steady_clock::now() + kStartGrace;
  while (!start.done && steady_clock::now() < deadline) signals->Wait(milliseconds(50));
  if (!start.done) {
    LogInfo("stopped by a signal before the start was over", {.event = "stopped"});
    // The thread waits for a broker and cannot be called back.
    _exit(kExitOk);
  }
  thread.join();
  if (!start.status.ok() && signals->stop_requested()) return std::nullopt;
  return start.status;
}

absl::StatusOr<std::unique_ptr<ObservabilityServer>> StartServer(const StreamsConfig& config, KafkaStreams* streams) {
  if (!config.http_port().has_value()) return nullptr;
  auto server = ObservabilityServer::Start({.host = config.http_host(), .port = *config.http_port()},
                                           [streams] { return streams->Snapshot(); });
  if (server.ok()) {
    LogInfo(absl::StrCat("metrics and health at http://", config.http_host(), ":", (*server)->port()), {.event = "http-started"});
  }
  return server;
}

}  // namespace

void ConfigureLoggingFrom(const StreamsConfig& config) {
  ConfigureLogging({.level = ParseLogLevel(config.log_level()).value_or(LogLevel::kInfo),
                    .json = config.log_json(),
                    .application = config.application_id(),
                    .sink = nullptr});
  SetLogThreadName("main");
}

int RunStreams(const StreamsConfig& config, KafkaStreams* streams) {
  ConfigureLoggingFrom(config);
  StopSignals signals;
  streams->SetStateListener([](KafkaStreams::State, KafkaStreams::State) { StopSignals::Wake(); });
  absl::StatusOr<std::unique_ptr<ObservabilityServer>> server = StartServer(config, streams);
  if (!server.ok()) return Failed(server.status());

  const std::optional<absl::Status> started = StartOrStop(streams, &signals);
  if (started.has_value() && !started->ok()) return Failed(*started);
  const auto ending = [streams] {
    const KafkaStreams::State state = streams->state();
    return state == KafkaStreams::State::kPendingError || state == KafkaStreams::State::kError ||
           state == KafkaStreams::State::kNotRunning;
  };
  while (!signals.stop_requested() && !ending()) signals.Wait(milliseconds(500));

  if (!ending()) LogInfo("a signal asks for the end: committing and leaving", {.event = "stopping"});
  const auto begin = steady_clock::now();
  const bool closed = streams->Close(kCloseTimeout);
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  server->reset();
  const absl::Status error = streams->error();
  if (!error.ok()) (void)Failed(error);
  if (!closed) {
    fprintf(stderr, "error: not closed within %lld s: what was not committed will be processed again\n",
            static_cast<long long>(kCloseTimeout.count()));
    // Threads that hang cannot be waited for.
    _exit(kExitFailed);
  }
  if (!error.ok()) return kExitFailed;
  LogInfo(absl::StrCat("closed cleanly in ", took.count(), " ms"), {.event = "stopped"});
  return kExitOk;
}

int RunUntilStopped(const StreamsConfig& config, const Topology& topology, ExceptionHandlers handlers) {
  ConfigureLoggingFrom(config);
  KafkaStreams streams(topology, config);
  streams.SetExceptionHandlers(std::move(handlers));
  return RunStreams(config, &streams);
}

}  // namespace millrace
