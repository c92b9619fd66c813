#ifndef MILLRACE_STATE_FIRST_ERROR_H_
#define MILLRACE_STATE_FIRST_ERROR_H_

#include <string>
#include <string_view>
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
  /// kDataLoss: what the store has on the disk is damaged, and can be set aside and rebuilt.
  void ReportOfStore(absl::Status status, std::string_view store) {
    if (status_.ok() && absl::IsDataLoss(status)) damaged_store_ = store;
    Report(std::move(status));
  }
  /// The same error in other words.
  void Reword(absl::Status status) { status_ = std::move(status); }
  /// Empty unless the error is damage of a store.
  [[nodiscard]] const std::string& damaged_store() const { return damaged_store_; }
  [[nodiscard]] bool ok() const { return status_.ok(); }
  [[nodiscard]] const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
  std::string damaged_store_;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_FIRST_ERROR_H_
