#ifndef MILLRACE_RUNTIME_LOGGING_CLIENT_LOG_H_
#define MILLRACE_RUNTIME_LOGGING_CLIENT_LOG_H_

#include <string_view>

namespace millrace {

/// Puts a line of the Kafka client into the process's log. `level` as in syslog: up to 3 error, 4 warning, 5 and 6 information, 7
/// debug. Of equal lines of one handle (a broker that stays away, tried again and again) one passes in ten seconds.
void LogClientLine(int level, std::string_view handle, std::string_view message);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_LOGGING_CLIENT_LOG_H_
