#ifndef MILLRACE_WAREHOUSE_STORAGE_STORAGE_H_
#define MILLRACE_WAREHOUSE_STORAGE_STORAGE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// Where the files of a warehouse are: a local disk, an object store, HDFS. Paths are absolute and have a scheme
/// ("file:///data/x", "s3://bucket/x", "hdfs://host:port/x"), as they stand in the metadata of tables. Files are written whole
/// and never changed, but for hints. Thread-safe. Errors: NotFound for what is not there, Unavailable or DeadlineExceeded when
/// the outcome is not known, PermissionDenied, ResourceExhausted without space; messages name the path and what to do, never a
/// credential.
class Storage {
 public:
  struct FileInfo {
    std::string path;
    int64_t size_bytes = 0;
    int64_t modified_ms = 0;  // since 1970, by the storage's clock
  };

  virtual ~Storage() = default;

  /// The whole file.
  virtual absl::StatusOr<std::string> Read(const std::string& path) = 0;
  /// `size` bytes of a file from `offset`; less, or nothing, only at its end.
  virtual absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, int64_t size) = 0;
  /// Writes a file, over an older one if there is one; readers see the old or the new one whole. When this returns, it is
  /// durable.
  virtual absl::Status Write(const std::string& path, std::string_view content) = 0;
  /// Writes a file if there is none of this name: of several writers exactly one does. False: there was one, which stands as it
  /// was.
  virtual absl::StatusOr<bool> WriteIfAbsent(const std::string& path, std::string_view content) = 0;
  /// Brings a local file there under a name that nobody else uses; the local one may be gone afterwards.
  virtual absl::Status Upload(const std::string& local_file, const std::string& path) = 0;
  /// All files whose path starts with `folder` + "/", at any depth, in no order. A folder that is not there has none.
  virtual absl::Status List(const std::string& folder, const std::function<void(const FileInfo&)>& file) = 0;
  /// The names, without slashes, of the folders right below `folder`, that is of those that have files at some depth (where
  /// folders exist by themselves, also of empty ones). In no order.
  virtual absl::Status ListFolders(const std::string& folder, const std::function<void(const std::string& name)>& name);
  /// Not there is no error.
  virtual absl::Status Delete(const std::string& path) = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_STORAGE_H_
