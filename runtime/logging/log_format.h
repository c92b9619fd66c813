#ifndef MILLRACE_RUNTIME_LOGGING_LOG_FORMAT_H_
#define MILLRACE_RUNTIME_LOGGING_LOG_FORMAT_H_

#include <string>

#include "millrace/runtime/logging.h"

namespace millrace {

/// `2026-11-25T06:28:19.123Z INFO  [thread] message (task=0_1 topic=orders ...)`, with a line break at the end.
[[nodiscard]] std::string FormatText(const LogEntry& entry);
/// One JSON object and a line break; always valid UTF-8 (bad bytes become U+FFFD).
[[nodiscard]] std::string FormatJson(const LogEntry& entry);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_LOGGING_LOG_FORMAT_H_
