#include "cli/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

absl::Status Error(const std::string& what, const std::string& path) {
  const int error = errno;
  const std::string message = absl::StrCat(what, " ", path, ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(message);
  if (error == EACCES || error == EPERM || error == EROFS) return absl::PermissionDeniedError(message);
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message);
  return absl::UnavailableError(message);
}

absl::Status WriteAll(int descriptor, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error("cannot write", path);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

class StandardOutput final : public Output {
 public:
  absl::Status Append(std::string_view text) override { return WriteAll(STDOUT_FILENO, text, "the standard output"); }
  absl::Status Finish() override { return absl::OkStatus(); }
};

class WholeFile final : public Output {
 public:
  explicit WholeFile(const std::string& path)
      : path_(path),
        folder_(path.find('/') == std::string::npos ? "." : path.substr(0, path.rfind('/') + 1)),
        temporary_(absl::StrCat(folder_ == "." ? "" : folder_, ".millrace-", getpid(), "-", path.substr(path.rfind('/') + 1))) {}
  ~WholeFile() override {
    if (descriptor_ >= 0) close(descriptor_);
    if (!finished_) unlink(temporary_.c_str());
  }
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  absl::Status Open() {
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    return descriptor_ < 0 ? Error("cannot make", temporary_) : absl::OkStatus();
  }
  absl::Status Append(std::string_view text) override { return WriteAll(descriptor_, text, temporary_); }
  absl::Status Finish() override {
    if (fsync(descriptor_) != 0) return Error("cannot make durable", temporary_);
    if (rename(temporary_.c_str(), path_.c_str()) != 0) return Error("cannot make", path_);
    finished_ = true;
    const int folder = open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return Error("cannot open", folder_);
    const int synced = fsync(folder);
    close(folder);
    return synced != 0 ? Error("cannot make durable", folder_) : absl::OkStatus();
  }

 private:
  const std::string path_;
  const std::string folder_;
  const std::string temporary_;
  int descriptor_ = -1;
  bool finished_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Output>> OpenOutput(const std::string& path) {
  if (path == "-") return std::make_unique<StandardOutput>();
  struct stat about;
  if (stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is a folder: give the name of a file"));
  }
  auto file = std::make_unique<WholeFile>(path);
  if (absl::Status status = file->Open(); !status.ok()) return status;
  return file;
}

}  // namespace millrace
