#ifndef MILLRACE_RUNTIME_CLI_WHOLE_FILE_H_
#define MILLRACE_RUNTIME_CLI_WHOLE_FILE_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace {

/// Where a command writes what it makes. Not thread-safe. Errors name the path.
class Output {
 public:
  virtual ~Output() = default;
  virtual absl::Status Append(std::string_view text) = 0;
  /// Nothing follows.
  virtual absl::Status Finish() = 0;
};

/// "-" is the standard output, which gets what is appended at once. A file gets its name when it is finished, in place of an
/// older one; until then it is a temporary one beside it, which is removed if it is never finished. When Finish returns, the
/// file is durable.
absl::StatusOr<std::unique_ptr<Output>> OpenOutput(const std::string& path);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CLI_WHOLE_FILE_H_
