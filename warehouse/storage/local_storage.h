#ifndef MILLRACE_WAREHOUSE_STORAGE_LOCAL_STORAGE_H_
#define MILLRACE_WAREHOUSE_STORAGE_LOCAL_STORAGE_H_

#include <string>

#include "storage/storage.h"

namespace millrace::warehouse {

/// Files of this machine, or of a file system that it has mounted: "file:///folder/name". A file is written under a temporary
/// name in its folder, synced, and renamed, or linked where there must be none yet; then its folder is synced, and those that
/// were made for it. Folders that get empty stay. Thread-safe, and safe among processes: link(2) has one winner. On NFS that
/// holds for NFSv4; there, prefer another storage.
class LocalStorage final : public Storage {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override;
  absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset, int64_t size) override;
  absl::Status Write(const std::string& path, std::string_view content) override;
  absl::StatusOr<bool> WriteIfAbsent(const std::string& path, std::string_view content) override;
  absl::Status Upload(const std::string& local_file, const std::string& path) override;
  absl::Status List(const std::string& folder, const std::function<void(const FileInfo&)>& file) override;
  absl::Status ListFolders(const std::string& folder, const std::function<void(const std::string&)>& name) override;
  absl::Status Delete(const std::string& path) override;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_LOCAL_STORAGE_H_
