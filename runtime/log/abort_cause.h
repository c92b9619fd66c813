#ifndef MILLRACE_RUNTIME_LOG_ABORT_CAUSE_H_
#define MILLRACE_RUNTIME_LOG_ABORT_CAUSE_H_

#include "absl/status/status.h"
#include "absl/strings/cord.h"

// What a restart of this process cannot mend is told apart from what it can, although TransactionalProducer says kAborted of
// both.

namespace millrace::log {

inline constexpr char kNoAnswerPayload[] = "millrace/no-answer";

/// A call that a broker has not answered; it may be repeated.
[[nodiscard]] inline bool IsNoAnswer(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

/// kAborted, for a transaction that `cause` has spoiled.
[[nodiscard]] inline absl::Status AbortedBy(const absl::Status& cause) {
  absl::Status aborted = absl::AbortedError(cause.message());
  if (IsNoAnswer(cause)) aborted.SetPayload(kNoAnswerPayload, absl::Cord());
  return aborted;
}

/// Of an error of a producer: brokers did not answer in time. Not so if they said no.
[[nodiscard]] inline bool IsForWantOfABroker(const absl::Status& status) {
  return IsNoAnswer(status) || status.GetPayload(kNoAnswerPayload).has_value();
}

}  // namespace millrace::log

#endif  // MILLRACE_RUNTIME_LOG_ABORT_CAUSE_H_
