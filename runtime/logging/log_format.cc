#include "logging/log_format.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace millrace {
namespace {

std::string Timestamp(std::chrono::system_clock::time_point time) {
  const int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                         utc.tm_min, utc.tm_sec, ms % 1000);
}

std::string OneLine(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\r') {
      line += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
      line += absl::StrFormat("\\x%02x", static_cast<unsigned char>(c));
    } else {
      line += c;
    }
  }
  return line;
}

/// Calls take(name, value) for the fields that are set, in a fixed order.
template <class Take>
void ForEachField(const LogFields& fields, Take take) {
  if (!fields.event.empty()) take("event", fields.event);
  if (!fields.task.empty()) take("task", fields.task);
  if (!fields.store.empty()) take("store", fields.store);
  if (!fields.topic.empty()) take("topic", fields.topic);
  if (fields.partition.has_value()) take("partition", int64_t{*fields.partition});
  if (fields.offset.has_value()) take("offset", *fields.offset);
}

struct AppendText {
  std::string* line;
  bool first = true;

  void Start(const char* name) {
    absl::StrAppend(line, first ? " (" : " ", name, "=");
    first = false;
  }
  void operator()(const char* name, std::string_view value) {
    Start(name);
    line->append(OneLine(value));
  }
  void operator()(const char* name, int64_t value) {
    Start(name);
    absl::StrAppend(line, value);
  }
};

}  // namespace

std::string FormatText(const LogEntry& entry) {
  constexpr const char* kLevels[] = {"DEBUG", "INFO ", "WARN ", "ERROR", "OFF"};
  std::string line = absl::StrCat(Timestamp(entry.time), " ", kLevels[static_cast<int>(entry.level)], " [", OneLine(entry.thread),
                                  "] ", OneLine(entry.message));
  AppendText append{&line};
  ForEachField(entry.fields, [&](const char* name, auto value) { append(name, value); });
  if (!append.first) line += ')';
  line += '\n';
  return line;
}

std::string FormatJson(const LogEntry& entry) {
  nlohmann::ordered_json object;
  object["ts"] = Timestamp(entry.time);
  object["level"] = std::string(LogLevelName(entry.level));
  object["app"] = std::string(entry.application);
  object["thread"] = std::string(entry.thread);
  ForEachField(entry.fields, [&](const char* name, auto value) {
    if constexpr (std::is_same_v<decltype(value), std::string_view>) {
      object[name] = std::string(value);
    } else {
      object[name] = value;
    }
  });
  object["msg"] = std::string(entry.message);
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace millrace
