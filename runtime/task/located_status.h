#ifndef MILLRACE_RUNTIME_TASK_LOCATED_STATUS_H_
#define MILLRACE_RUNTIME_TASK_LOCATED_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace millrace {

/// The same error with where it happened in front of its message.
inline absl::Status At(const absl::Status& status, const std::string& where) {
  return absl::Status(status.code(), absl::StrCat(where, ": ", std::string(status.message())));
}

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_TASK_LOCATED_STATUS_H_
