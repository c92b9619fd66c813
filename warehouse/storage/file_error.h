#ifndef MILLRACE_WAREHOUSE_STORAGE_FILE_ERROR_H_
#define MILLRACE_WAREHOUSE_STORAGE_FILE_ERROR_H_

#include <string_view>

#include "absl/status/status.h"

namespace millrace::warehouse {

/// What `error` (a number of errno.h) from `action` on the local file `path` is to callers of Storage, and what to do about it.
/// `action` is as in "cannot write".
absl::Status FileError(int error, std::string_view action, std::string_view path);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_FILE_ERROR_H_
