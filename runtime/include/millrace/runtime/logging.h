#ifndef MILLRACE_RUNTIME_LOGGING_H_
#define MILLRACE_RUNTIME_LOGGING_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// The log of a Millrace process: lines with a level, a message and a few fixed fields, as text or as JSON, to stderr. Every
/// function here may be called from any thread.
namespace millrace {

enum class LogLevel { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3, kOff = 4 };

/// "debug", "info", "warn", "error", "off".
[[nodiscard]] std::string_view LogLevelName(LogLevel level);
/// nullopt for another text.
[[nodiscard]] std::optional<LogLevel> ParseLogLevel(std::string_view text);

/// Where a line belongs to. All optional; views need to live only during the call.
struct LogFields {
  /// One word for the kind of event ("state-changed", "task-restored"), for searching and alerts.
  std::string_view event = {};
  std::string_view task = {};
  std::string_view store = {};
  std::string_view topic = {};
  std::optional<int32_t> partition = std::nullopt;
  std::optional<int64_t> offset = std::nullopt;
};

/// One line as a sink gets it.
struct LogEntry {
  std::chrono::system_clock::time_point time;
  LogLevel level = LogLevel::kInfo;
  std::string_view application;
  std::string_view thread;
  LogFields fields;
  std::string_view message;
};

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  /// One JSON object a line instead of text.
  bool json = false;
  /// The `app` field.
  std::string application;
  /// Gets every line that passes the level, one at a time; empty = stderr. It must not log itself.
  std::function<void(const LogEntry& entry, std::string_view formatted)> sink;
};

/// Replaces the settings of the process. Lines that are being written finish with the old ones.
void ConfigureLogging(LogOptions options);

namespace internal {
extern std::atomic<int> log_threshold;
}  // namespace internal

/// Cheap enough for any path: ask before building an expensive message.
[[nodiscard]] inline bool LogEnabled(LogLevel level) {
  return static_cast<int>(level) >= internal::log_threshold.load(std::memory_order_relaxed);
}

/// Writes one line if its level is enabled. Line breaks in the message are escaped.
void Log(LogLevel level, std::string_view message, const LogFields& fields = {});
inline void LogDebug(std::string_view message, const LogFields& fields = {}) {
  if (LogEnabled(LogLevel::kDebug)) Log(LogLevel::kDebug, message, fields);
}
inline void LogInfo(std::string_view message, const LogFields& fields = {}) { Log(LogLevel::kInfo, message, fields); }
inline void LogWarning(std::string_view message, const LogFields& fields = {}) { Log(LogLevel::kWarning, message, fields); }
inline void LogError(std::string_view message, const LogFields& fields = {}) { Log(LogLevel::kError, message, fields); }

/// Names the calling thread in its lines ("app-StreamThread-1"). Threads without a name show their number.
void SetLogThreadName(std::string name);

/// Lets a message through at most once in an interval, from any number of threads. Keep one per place in the code:
///   static LogRateLimit limit(10s);
///   if (std::optional<int64_t> skipped = limit.Allow()) LogWarning(absl::StrCat("...; ", *skipped, " more since the last
///   line"));
class LogRateLimit {
 public:
  explicit LogRateLimit(std::chrono::milliseconds interval) : interval_(interval) {}
  /// The number of messages held back since the last one that passed, or nullopt if this one is to be held back.
  [[nodiscard]] std::optional<int64_t> Allow();

 private:
  const std::chrono::milliseconds interval_;
  std::atomic<int64_t> next_ms_{0};
  std::atomic<int64_t> held_back_{0};
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_LOGGING_H_
