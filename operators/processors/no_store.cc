#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "millrace/operators/internal/table_nodes.h"

namespace millrace::internal {

absl::Status NoStore(const std::string& node, const std::string& store) {
  return absl::InternalError(absl::StrCat("node ", node, ": the task has no store ", store, " of the type that it needs"));
}

}  // namespace millrace::internal
