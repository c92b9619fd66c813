#include "storage/local_storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/file_error.h"
#include "storage/local_file.h"
#include "storage/random_name.h"
#include "storage/uri.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kCopyBytes = 4 << 20;

absl::StatusOr<std::string> LocalPath(const std::string& path) {
  absl::StatusOr<Uri> uri = ParseUri(path);
  if (!uri.ok()) return uri.status();
  if (uri->scheme != "file" || !uri->authority.empty() || uri->path.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' names no local file: write file:///folder/name"));
  }
  return uri->path;
}

/// A file that has its name only when it is whole; removed if it never gets it.
class TemporaryFile {
 public:
  static absl::StatusOr<TemporaryFile> Make(const std::string& final_path) {
    const std::string folder(FolderOf(final_path));
    if (absl::Status status = MakeFolders(folder); !status.ok()) return status;
    absl::StatusOr<LocalFile> file = LocalFile::Create(JoinPath(folder, TemporaryName()));
    if (!file.ok()) return file.status();
    return TemporaryFile(*std::move(file), final_path);
  }
  TemporaryFile(TemporaryFile&&) = default;
  ~TemporaryFile() {
    if (!file_.path().empty()) unlink(file_.path().c_str());
  }

  LocalFile& file() { return file_; }

  absl::Status Rename() {
    if (absl::Status status = file_.Sync(); !status.ok()) return status;
    if (rename(file_.path().c_str(), final_path_.c_str()) != 0)
      return FileError(errno, "rename a temporary file to", final_path_);
    return SyncNames();
  }

  absl::StatusOr<bool> Link() {
    if (absl::Status status = file_.Sync(); !status.ok()) return status;
    if (link(file_.path().c_str(), final_path_.c_str()) != 0) {
      if (errno == EEXIST) return false;
      return FileError(errno, "link a temporary file to", final_path_);
    }
    if (absl::Status status = SyncNames(); !status.ok()) return status;
    return true;
  }

 private:
  TemporaryFile(LocalFile file, std::string final_path) : file_(std::move(file)), final_path_(std::move(final_path)) {}

  /// The file is seen by now, but would not outlive the machine: whether it was written is open.
  absl::Status SyncNames() {
    absl::Status status = SyncPath(std::string(FolderOf(final_path_)));
    if (status.ok()) return status;
    return absl::UnavailableError(absl::StrCat(final_path_, " is written, but may not last: ", status.message()));
  }

  LocalFile file_;
  std::string final_path_;
};

absl::StatusOr<TemporaryFile> WriteTemporary(const std::string& path, std::string_view content) {
  absl::StatusOr<std::string> local = LocalPath(path);
  if (!local.ok()) return local.status();
  absl::StatusOr<TemporaryFile> temporary = TemporaryFile::Make(*local);
  if (!temporary.ok()) return temporary;
  if (absl::Status status = temporary->file().Append(content); !status.ok()) return status;
  return temporary;
}

absl::Status CopyFile(const std::string& from, const std::string& to) {
  absl::StatusOr<LocalFile> source = LocalFile::OpenToRead(from);
  if (!source.ok()) return source.status();
  absl::StatusOr<TemporaryFile> temporary = TemporaryFile::Make(to);
  if (!temporary.ok()) return temporary.status();
  for (int64_t offset = 0;;) {
    absl::StatusOr<std::string> block = source->ReadAt(offset, kCopyBytes);
    if (!block.ok()) return block.status();
    if (block->empty()) break;
    if (absl::Status status = temporary->file().Append(*block); !status.ok()) return status;
    offset += static_cast<int64_t>(block->size());
  }
  return temporary->Rename();
}

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

/// Calls `entry` with each name in a folder and what it is; one that is not there, or no folder, has none.
absl::Status ForEachEntry(const std::string& folder,
                          const std::function<absl::Status(const std::string& name, const struct stat& info)>& entry) {
  const Directory directory(opendir(folder.c_str()), &closedir);
  if (directory == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return absl::OkStatus();
    return FileError(errno, "list", folder);
  }
  while (true) {
    errno = 0;
    const dirent* found = readdir(directory.get());
    if (found == nullptr) return errno == 0 ? absl::OkStatus() : FileError(errno, "list", folder);
    const std::string name = found->d_name;
    struct stat info {};
    if (name == "." || name == "..") continue;
    if (fstatat(dirfd(directory.get()), found->d_name, &info, 0) != 0) {
      if (errno == ENOENT) continue;  // removed or renamed meanwhile
      return FileError(errno, "look at", JoinPath(folder, name));
    }
    if (absl::Status status = entry(name, info); !status.ok()) return status;
  }
}

absl::Status ListBelow(const std::string& local, const std::string& shown,
                       const std::function<void(const Storage::FileInfo&)>& file) {
  return ForEachEntry(local, [&](const std::string& name, const struct stat& info) {
    if (S_ISDIR(info.st_mode)) return ListBelow(JoinPath(local, name), JoinPath(shown, name), file);
    if (S_ISREG(info.st_mode)) {
      file({JoinPath(shown, name), info.st_size, info.st_mtim.tv_sec * int64_t{1000} + info.st_mtim.tv_nsec / 1000000});
    }
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<std::string> LocalStorage::Read(const std::string& path) {
  absl::StatusOr<std::string> local = LocalPath(path);
  if (!local.ok()) return local.status();
  absl::StatusOr<LocalFile> file = LocalFile::OpenToRead(*local);
  if (!file.ok()) return file.status();
  absl::StatusOr<int64_t> size = file->Size();
  if (!size.ok()) return size.status();
  return file->ReadAt(0, *size);
}

absl::StatusOr<std::string> LocalStorage::ReadRange(const std::string& path, int64_t offset, int64_t size) {
  absl::StatusOr<std::string> local = LocalPath(path);
  if (!local.ok()) return local.status();
  absl::StatusOr<LocalFile> file = LocalFile::OpenToRead(*local);
  return file.ok() ? file->ReadAt(offset, size) : file.status();
}

absl::Status LocalStorage::Write(const std::string& path, std::string_view content) {
  absl::StatusOr<TemporaryFile> temporary = WriteTemporary(path, content);
  if (!temporary.ok()) return temporary.status();
  return temporary->Rename();
}

absl::StatusOr<bool> LocalStorage::WriteIfAbsent(const std::string& path, std::string_view content) {
  absl::StatusOr<TemporaryFile> temporary = WriteTemporary(path, content);
  if (!temporary.ok()) return temporary.status();
  return temporary->Link();
}

absl::Status LocalStorage::Upload(const std::string& local_file, const std::string& path) {
  absl::StatusOr<std::string> target = LocalPath(path);
  if (!target.ok()) return target.status();
  if (absl::Status status = SyncPath(local_file); !status.ok()) return status;
  const std::string folder(FolderOf(*target));
  if (absl::Status status = MakeFolders(folder); !status.ok()) return status;
  if (rename(local_file.c_str(), target->c_str()) == 0) return SyncPath(folder);
  if (errno == EXDEV) return CopyFile(local_file, *target);
  return FileError(errno, absl::StrCat("rename ", local_file, " to"), *target);
}

absl::Status LocalStorage::List(const std::string& folder, const std::function<void(const FileInfo&)>& file) {
  absl::StatusOr<std::string> local = LocalPath(folder);
  if (!local.ok()) return local.status();
  return ListBelow(*local, folder, file);
}

absl::Status LocalStorage::ListFolders(const std::string& folder, const std::function<void(const std::string&)>& name) {
  absl::StatusOr<std::string> local = LocalPath(folder);
  if (!local.ok()) return local.status();
  return ForEachEntry(*local, [&](const std::string& entry, const struct stat& info) {
    if (S_ISDIR(info.st_mode)) name(entry);
    return absl::OkStatus();
  });
}

absl::Status LocalStorage::Delete(const std::string& path) {
  absl::StatusOr<std::string> local = LocalPath(path);
  if (!local.ok()) return local.status();
  if (unlink(local->c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return FileError(errno, "delete", *local);
}

}  // namespace millrace::warehouse
