#ifndef MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_TOPIC_ROWS_H_
#define MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_TOPIC_ROWS_H_

#include <chrono>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "host/host.h"
#include "log/log.h"

namespace millrace {

/// Gives all committed records of a topic that were there when the call began: partition by partition, each in its order. The
/// first error of `take` ends it, and is the answer. NotFound if there is no such topic; DeadlineExceeded if nothing comes for
/// `patience`.
absl::Status ReadCommittedRecords(log::LogClient* client, Host* host, const std::string& topic,
                                  std::chrono::milliseconds patience,
                                  absl::FunctionRef<absl::Status(int32_t partition, const RawRecord& record)> take);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_TOPIC_ROWS_H_
