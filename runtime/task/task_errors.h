#ifndef MILLRACE_RUNTIME_TASK_TASK_ERRORS_H_
#define MILLRACE_RUNTIME_TASK_TASK_ERRORS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "log/log.h"
#include "millrace/runtime/exception_handlers.h"
#include "millrace/runtime/streams_config.h"

namespace millrace {

/// What is done with records that fail: the properties, and the application's own handlers, which come first.
struct ErrorOptions {
  ErrorPolicy deserialization = ErrorPolicy::kFail;
  ErrorPolicy processing = ErrorPolicy::kFail;
  ErrorPolicy production = ErrorPolicy::kFail;
  /// Where records go under kDeadLetter.
  std::string dead_letter_topic;
  ExceptionHandlers handlers;
};

struct DeadLetterCounts {
  int64_t deserialization = 0;
  int64_t processing = 0;
  int64_t production = 0;
};

/// Inside a catch clause: sets error and kind of `context` from the exception. False for one after which nothing can be trusted
/// (no memory).
bool DescribeException(ErrorHandlerContext* context);

/// What Kafka calls the error of an output record.
[[nodiscard]] std::string KindOfUnwritable(const UnwritableRecord& record, const absl::Status& reason);

/// Asks what to do about records that fail, says it in the log and writes dead letters. Belongs to a task.
class TaskErrors {
 public:
  /// Both outlive this.
  TaskErrors(const ErrorOptions* options, log::Producer* producer) : options_(options), producer_(producer) {}

  // OK: leave the record out and go on. Else what the task is to fail with.

  [[nodiscard]] absl::Status OnDeserialization(const ErrorHandlerContext& context);
  [[nodiscard]] absl::Status OnProcessing(const ErrorHandlerContext& context);
  [[nodiscard]] absl::Status OnProduction(const ErrorHandlerContext& context, const UnwritableRecord& record);

  /// Of a record that no broker took in time: RETRY, as Kafka Streams' own handler says, unless the application's says otherwise.
  [[nodiscard]] ErrorHandlerResponse::Result OnRetriable(const ErrorHandlerContext& context, const UnwritableRecord& record);

  [[nodiscard]] const DeadLetterCounts& dead_letters() const { return dead_letters_; }

 private:
  struct Kind;
  static Kind ProductionKind();
  absl::Status Decide(const Kind& kind, ErrorPolicy policy, const ErrorHandlerContext& context,
                      const std::function<ErrorHandlerResponse()>& ask);
  absl::Status Send(const DeadLetter& letter);

  const ErrorOptions* const options_;
  log::Producer* const producer_;
  DeadLetterCounts dead_letters_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_TASK_TASK_ERRORS_H_
