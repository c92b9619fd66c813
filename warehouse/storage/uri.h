#ifndef MILLRACE_WAREHOUSE_STORAGE_URI_H_
#define MILLRACE_WAREHOUSE_STORAGE_URI_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// A path of the warehouse in its parts. Nothing in it is encoded: tables name their files literally, "%" and spaces included.
struct Uri {
  std::string scheme;     // "s3"
  std::string authority;  // a bucket, host:port, or nothing
  std::string path;       // "/a/b"; nothing if there is none

  [[nodiscard]] std::string ToString() const;
};

/// "file:/x" is read as "file:///x", as Spark writes it. InvalidArgument without a scheme, with an empty, "." or ".." part inside
/// of the path (storages would disagree about them), and with a user in the authority, which would come into messages.
absl::StatusOr<Uri> ParseUri(std::string_view text);

/// `folder` without a slash at its end, one slash, `name`.
std::string JoinPath(std::string_view folder, std::string_view name);
/// All before the last slash, which is not among it; and all behind it.
std::string_view FolderOf(std::string_view path);
std::string_view NameOf(std::string_view path);

/// All but letters, digits and "-._~" as %XX (RFC 3986); slashes stay if `keep_slashes`.
std::string PercentEncode(std::string_view text, bool keep_slashes);
/// What is no %XX stays as it is.
std::string PercentDecode(std::string_view text);
/// "a=1&b=x%2Fy", sorted by name, as signatures want it. Every name has its "=".
std::string EncodeQuery(std::vector<std::pair<std::string, std::string>> parameters);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_URI_H_
