#ifndef MILLRACE_WAREHOUSE_STORAGE_LOCAL_FILE_H_
#define MILLRACE_WAREHOUSE_STORAGE_LOCAL_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// An open file of this machine, closed with it. Not thread-safe.
class LocalFile {
 public:
  static absl::StatusOr<LocalFile> OpenToRead(const std::string& path);
  /// A new one; there must be none of this name.
  static absl::StatusOr<LocalFile> Create(const std::string& path);
  LocalFile(LocalFile&& other) noexcept : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  LocalFile& operator=(LocalFile&&) = delete;
  ~LocalFile();

  [[nodiscard]] const std::string& path() const { return path_; }
  absl::StatusOr<int64_t> Size() const;
  /// Up to `size` bytes from `offset`; less only at the end of the file.
  absl::StatusOr<std::string> ReadAt(int64_t offset, int64_t size) const;
  absl::Status Append(std::string_view content);
  absl::Status Sync();

 private:
  LocalFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::string path_;
  int descriptor_;
};

/// The content of a file of this machine, of which memory holds what is read just now. The file must not become shorter
/// meanwhile.
class MappedFile {
 public:
  static absl::StatusOr<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept : content_(std::exchange(other.content_, std::string_view())) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  /// Valid as long as this lives.
  [[nodiscard]] std::string_view content() const { return content_; }

 private:
  explicit MappedFile(std::string_view content) : content_(content) {}

  std::string_view content_;
};

/// Makes the content of a file, or the names in a folder, durable.
absl::Status SyncPath(const std::string& path);
/// Makes a folder and all above it that are missing, durably.
absl::Status MakeFolders(const std::string& folder);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_LOCAL_FILE_H_
