#ifndef MILLRACE_RUNTIME_LOG_EMBEDDED_CLIENTS_H_
#define MILLRACE_RUNTIME_LOG_EMBEDDED_CLIENTS_H_

#include <memory>

#include "log/embedded/embedded_log.h"

namespace millrace::log::embedded {

[[nodiscard]] std::unique_ptr<LogClient> MakeClient(std::shared_ptr<EmbeddedLog::State> state);

}  // namespace millrace::log::embedded

#endif  // MILLRACE_RUNTIME_LOG_EMBEDDED_CLIENTS_H_
