#ifndef MILLRACE_RUNTIME_EXCEPTION_HANDLERS_H_
#define MILLRACE_RUNTIME_EXCEPTION_HANDLERS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "millrace/operators/task_context.h"
#include "millrace/state/bytes.h"
#include "millrace/state/headers.h"
#include "millrace/state/timestamp.h"

namespace millrace {

/// What went wrong and where. A view: valid inside the call of the handler. Follows Kafka's `ErrorHandlerContext`.
struct ErrorHandlerContext {
  TaskId task;
  /// Of the topology; empty if it is not known.
  std::string node;
  /// Where the record in flight came from. Empty, -1 and -1 during a punctuation, and for a refusal that the broker told later.
  std::string topic;
  int32_t partition = -1;
  int64_t offset = -1;
  /// Those that the record has where the error happened.
  Timestamp timestamp;
  const Headers* headers = &Headers::Empty();
  /// The source record as it was read. Null also where it is not kept: results that a cache has held back, punctuations.
  NullableBytesView source_key;
  NullableBytesView source_value;
  /// The cause; for an exception its text.
  absl::Status error;
  /// A name for the kind of the error: the type of an exception ("std::runtime_error"), or that of Kafka's own class for it.
  std::string exception;
};

/// A record that a handler has written instead.
struct DeadLetter {
  std::string topic;
  NullableBytes key;
  NullableBytes value;
  Timestamp timestamp;
  Headers headers;
};

/// The source record's bytes with the timestamp and headers of `context`, and behind those Kafka Streams' headers
/// `__streams.errors.exception`, `.message`, `.stacktrace`, `.topic`, `.partition` and `.offset`. There is no stack trace to
/// give: what stands in its place says where the error happened.
[[nodiscard]] DeadLetter MakeDeadLetter(std::string topic, const ErrorHandlerContext& context);

/// A handler's answer. Follows the `Response` of Kafka's handlers.
struct ErrorHandlerResponse {
  enum class Result {
    /// The task fails: nothing since the last commit is kept, and the instance ends with the error.
    kFail,
    /// The record goes no further, is counted in records_dropped_total, and the task goes on.
    kContinue,
    /// Production only, and only for errors that may be over later (nothing is kept, all is done again from the last commit);
    /// otherwise as kFail.
    kRetry,
  };
  Result result = Result::kFail;
  /// Written by the task's own producer, so with exactly_once_v2 in the same transaction. Their topics must exist.
  std::vector<DeadLetter> dead_letters;

  [[nodiscard]] static ErrorHandlerResponse Fail() { return {}; }
  [[nodiscard]] static ErrorHandlerResponse Continue(std::vector<DeadLetter> dead_letters = {}) {
    return {Result::kContinue, std::move(dead_letters)};
  }
  [[nodiscard]] static ErrorHandlerResponse Retry() { return {Result::kRetry, {}}; }
};

/// An output record that cannot be written. Views, as above.
struct UnwritableRecord {
  std::string topic;
  /// Unset if it was not serialised.
  NullableBytesView key;
  NullableBytesView value;
  Timestamp timestamp;
  const Headers* headers = &Headers::Empty();
  /// A serde threw, or the timestamp is negative; else the client or the broker refuses the record.
  bool serialization = false;
  /// It might be written later.
  bool retriable = false;
};

/// What an application decides itself about records that fail; an empty function leaves that to the property of the same name.
/// Called on worker threads, several at a time; must not block. If one throws, the task fails.
struct ExceptionHandlers {
  /// Key or value of a source record do not parse (deserialization.exception.handler).
  std::function<ErrorHandlerResponse(const ErrorHandlerContext&)> deserialization;
  /// A function of the topology threw (processing.exception.handler). What it forwarded before stays. Not asked when state may be
  /// damaged (a store failed, or a serde threw inside one) or memory is short: those always fail.
  std::function<ErrorHandlerResponse(const ErrorHandlerContext&)> processing;
  /// An output record cannot be written (production.exception.handler). Not asked for changelog records, without which state
  /// would be wrong, nor if the application may not write to the topic: those always fail.
  std::function<ErrorHandlerResponse(const ErrorHandlerContext&, const UnwritableRecord&)> production;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_EXCEPTION_HANDLERS_H_
