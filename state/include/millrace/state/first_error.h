#ifndef MILLRACE_STATE_FIRST_ERROR_H_
#define MILLRACE_STATE_FIRST_ERROR_H_

#include <utility>

#include "absl/status/status.h"

namespace millrace {

/// The first error of a task. Code on the record path (stores, operators, sinks) reports here and goes on harmlessly;
/// the task looks after every record and punctuation, commits nothing once an error stands, and is thrown away whole.
/// That keeps a Status out of every call between operators. Used by the task's worker thread only.
class FirstError {
 public:
  void Report(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  [[nodiscard]] bool ok() const { return status_.ok(); }
  [[nodiscard]] const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_FIRST_ERROR_H_
