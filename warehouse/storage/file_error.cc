#include "storage/file_error.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {

absl::Status FileError(int error, std::string_view action, std::string_view path) {
  const std::string what =
      absl::StrCat("cannot ", std::string(action), " ", std::string(path), ": ", std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(what);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(absl::StrCat(what, "; make space or raise the quota, nothing was changed"));
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::ResourceExhaustedError(absl::StrCat(what, "; raise the limit of the process"));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(absl::StrCat(what, "; let the user of this process write there"));
    case EISDIR:
      return absl::FailedPreconditionError(absl::StrCat(what, "; a folder has the name of a file"));
    default:
      return absl::InternalError(what);
  }
}

}  // namespace millrace::warehouse
