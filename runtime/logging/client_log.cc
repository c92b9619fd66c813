#include "logging/client_log.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kInterval{10};
constexpr size_t kMostKeys = 1000;

/// Lines without their numbers ("after 3ms in state CONNECT"), so that repetitions are equal.
std::string KeyOf(std::string_view handle, std::string_view message) {
  std::string key = absl::StrCat(std::string(handle), "|");
  for (const char c : message) {
    if (c < '0' || c > '9') key.push_back(c);
  }
  return key;
}

/// How many equal lines were held back before this one, or -1 to hold it back too.
int64_t Pass(std::string_view handle, std::string_view message) {
  struct Seen {
    Clock::time_point next;
    int64_t held_back = 0;
  };
  static auto* const mutex = new std::mutex;
  static auto* const seen = new std::map<std::string, Seen>;
  const std::lock_guard lock(*mutex);
  if (seen->size() > kMostKeys) seen->clear();
  Seen& entry = (*seen)[KeyOf(handle, message)];
  const Clock::time_point now = Clock::now();
  if (now < entry.next) {
    ++entry.held_back;
    return -1;
  }
  const int64_t held_back = entry.held_back;
  entry = {.next = now + kInterval, .held_back = 0};
  return held_back;
}

}  // namespace

void LogClientLine(int level, std::string_view handle, std::string_view message) {
  const LogLevel own = level <= 3   ? LogLevel::kError
                       : level == 4 ? LogLevel::kWarning
                       : level <= 6 ? LogLevel::kInfo
                                    : LogLevel::kDebug;
  if (!LogEnabled(own)) return;
  int64_t held_back = 0;
  if (own != LogLevel::kDebug) {
    held_back = Pass(handle, message);
    if (held_back < 0) return;
  }
  std::string line = absl::StrCat(std::string(handle), ": ", std::string(message));
  if (held_back > 0) absl::StrAppend(&line, " (and ", held_back, " times more since)");
  Log(own, line, {.event = "kafka-client"});
}

}  // namespace millrace
