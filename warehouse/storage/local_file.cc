#include "storage/local_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "storage/file_error.h"
#include "storage/uri.h"

namespace millrace::warehouse {

absl::StatusOr<LocalFile> LocalFile::OpenToRead(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return FileError(errno, "read", path);
  return LocalFile(path, descriptor);
}

absl::StatusOr<LocalFile> LocalFile::Create(const std::string& path) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0) return FileError(errno, "create", path);
  return LocalFile(path, descriptor);
}

LocalFile::~LocalFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::StatusOr<int64_t> LocalFile::Size() const {
  struct stat info {};
  if (fstat(descriptor_, &info) != 0) return FileError(errno, "look at", path_);
  return info.st_size;
}

absl::StatusOr<std::string> LocalFile::ReadAt(int64_t offset, int64_t size) const {
  std::string content(static_cast<size_t>(size), '\0');
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = pread(descriptor_, content.data() + done, content.size() - done, offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "read", path_);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  content.resize(done);
  return content;
}

absl::Status LocalFile::Append(std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(descriptor_, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError(errno, "write", path_);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status LocalFile::Sync() {
  if (fsync(descriptor_) != 0) return FileError(errno, "sync", path_);
  return absl::OkStatus();
}

absl::StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return FileError(errno, "read", path);
  struct stat info {};
  void* mapped = nullptr;
  bool read = fstat(descriptor, &info) == 0;
  if (read && info.st_size > 0) {
    mapped = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
    read = mapped != MAP_FAILED;
  }
  const int error = errno;
  close(descriptor);  // the mapping does not need it
  if (!read) return FileError(error, "read", path);
  return MappedFile(std::string_view(static_cast<const char*>(mapped), static_cast<size_t>(info.st_size)));
}

MappedFile::~MappedFile() {
  if (!content_.empty()) munmap(const_cast<char*>(content_.data()), content_.size());
}

absl::Status SyncPath(const std::string& path) {
  absl::StatusOr<LocalFile> opened = LocalFile::OpenToRead(path);
  if (!opened.ok()) return opened.status();
  return opened->Sync();
}

absl::Status MakeFolders(const std::string& folder) {
  struct stat info {};
  if (folder.empty() || (stat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode))) return absl::OkStatus();
  const std::string above(FolderOf(folder));
  if (absl::Status status = MakeFolders(above); !status.ok()) return status;
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return FileError(errno, "make folder", folder);
  // Also where another made it just now: it may not have come to the sync yet, and what is written here must last.
  return SyncPath(above.empty() ? "/" : above);
}

}  // namespace millrace::warehouse
