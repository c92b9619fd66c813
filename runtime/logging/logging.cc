#include "millrace/runtime/logging.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "logging/log_format.h"

namespace millrace {
namespace internal {
std::atomic<int> log_threshold{static_cast<int>(LogLevel::kInfo)};
}  // namespace internal

namespace {

/// Settings are replaced as a whole; a line holds the ones it began with. Neither is ever destroyed, so that threads may log to
/// the very end.
struct Front {
  std::mutex mutex;
  std::shared_ptr<const LogOptions> options = std::make_shared<LogOptions>();
};

Front& TheFront() {
  static auto* const front = new Front;
  return *front;
}

std::string& ThreadName() {
  thread_local std::string name = absl::StrCat("thread-", gettid());
  return name;
}

void WriteToStderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody to tell
    line.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

std::string_view LogLevelName(LogLevel level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warn", "error", "off"};
  return kNames[static_cast<int>(level)];
}

std::optional<LogLevel> ParseLogLevel(std::string_view text) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError, LogLevel::kOff}) {
    if (LogLevelName(level) == text) return level;
  }
  return std::nullopt;
}

void ConfigureLogging(LogOptions options) {
  Front& front = TheFront();
  const std::lock_guard lock(front.mutex);
  internal::log_threshold.store(static_cast<int>(options.level), std::memory_order_relaxed);
  front.options = std::make_shared<LogOptions>(std::move(options));
}

void Log(LogLevel level, std::string_view message, const LogFields& fields) {
  if (level >= LogLevel::kOff || !LogEnabled(level)) return;
  LogEntry entry{.time = std::chrono::system_clock::now(),
                 .level = level,
                 .application = {},
                 .thread = ThreadName(),
                 .fields = fields,
                 .message = message};
  Front& front = TheFront();
  const std::lock_guard lock(front.mutex);
  const LogOptions& options = *front.options;
  entry.application = options.application;
  const std::string line = options.json ? FormatJson(entry) : FormatText(entry);
  if (options.sink) {
    options.sink(entry, line);
  } else {
    WriteToStderr(line);
  }
}

void SetLogThreadName(std::string name) { ThreadName() = std::move(name); }

std::optional<int64_t> LogRateLimit::Allow() {
  const auto now_time = std::chrono::steady_clock::now().time_since_epoch();
  const int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(now_time).count();
  int64_t next = next_ms_.load(std::memory_order_relaxed);
  if (now < next || !next_ms_.compare_exchange_strong(next, now + interval_.count(), std::memory_order_relaxed)) {
    held_back_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return held_back_.exchange(0, std::memory_order_relaxed);
}

}  // namespace millrace
