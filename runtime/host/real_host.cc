#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "host/host.h"

namespace millrace {
namespace {

absl::Status SystemError(const char* what, const std::string& path, int error) {
  const std::string text = absl::StrCat(what, " ", path, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(text);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(text);
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(text);
    default:
      return absl::InternalError(text);
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class RealFileLock final : public FileLock {
 public:
  explicit RealFileLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;
};

class RealFileSystem final : public FileSystem {
 public:
  absl::Status CreateDirectories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    return error ? SystemError("create directory", path, error.value()) : absl::OkStatus();
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return SystemError("rename", absl::StrCat(from, " to ", to), errno);
    return absl::OkStatus();
  }

  absl::Status RemoveAll(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    return error ? SystemError("remove", path, error.value()) : absl::OkStatus();
  }

  bool Exists(const std::string& path) override {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0;
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    std::error_code error;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
      names.push_back(it->path().filename().string());
    }
    if (error) return SystemError("list", path, error.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::StatusOr<std::string> Read(const std::string& path) override {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) return SystemError("open", path, errno);
    std::string contents;
    char buffer[4096];
    while (true) {
      const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return SystemError("read", path, errno);
      if (n == 0) return contents;
      contents.append(buffer, static_cast<size_t>(n));
    }
  }

  absl::Status Write(const std::string& path, const std::string& contents) override {
    const std::string temporary = path + ".tmp";
    {
      const Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
      if (fd.get() < 0) return SystemError("create", temporary, errno);
      size_t done = 0;
      while (done < contents.size()) {
        const ssize_t n = ::write(fd.get(), contents.data() + done, contents.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return SystemError("write", temporary, errno);
        done += static_cast<size_t>(n);
      }
      if (::fsync(fd.get()) != 0) return SystemError("fsync", temporary, errno);
    }
    return Rename(temporary, path);
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    if (fd.get() < 0) return SystemError("open", path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return absl::FailedPreconditionError(absl::StrCat("lock ", path, ": another process holds it"));
      return SystemError("lock", path, errno);
    }
    return std::make_unique<RealFileLock>(std::move(fd));
  }
};

class RealThread final : public Thread {
 public:
  RealThread(const std::string& name, absl::AnyInvocable<void()> body) : thread_(std::move(body)) {
    ::pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
  }
  ~RealThread() override { Join(); }
  void Join() override {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

// gcc 12's thread sanitizer does not know the call behind a wait on the steady clock.
#ifdef __SANITIZE_THREAD__
using WaitClock = std::chrono::system_clock;
#else
using WaitClock = std::chrono::steady_clock;
#endif

class RealSignal final : public Signal {
 public:
  void Notify() override {
    const std::lock_guard lock(mutex_);
    notified_ = true;
    changed_.notify_all();
  }
  bool Wait(std::chrono::milliseconds timeout) override {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, WaitClock::now() + timeout, [this] { return notified_; });
    return std::exchange(notified_, false);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool notified_ = false;
};

class RealHost final : public Host {
 public:
  RealHost() : random_(std::random_device{}()) {}

  Timestamp Now() override {
    return Timestamp::FromMillis(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  }
  std::chrono::nanoseconds Monotonic() override { return std::chrono::steady_clock::now().time_since_epoch(); }
  std::chrono::nanoseconds ThreadCpu() override {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }
  void Sleep(std::chrono::milliseconds time) override { std::this_thread::sleep_for(time); }
  uint64_t Random() override {
    const std::lock_guard lock(mutex_);
    return random_();
  }
  std::unique_ptr<Thread> StartThread(const std::string& name, absl::AnyInvocable<void()> body) override {
    return std::make_unique<RealThread>(name, std::move(body));
  }
  std::unique_ptr<Signal> NewSignal() override { return std::make_unique<RealSignal>(); }
  FileSystem& files() override { return files_; }
  std::string ProcessName() override {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0) name[0] = '\0';
    return absl::StrCat(name, ":", ::getpid());
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 random_;
  RealFileSystem files_;
};

}  // namespace

std::unique_ptr<EngineFactory> Host::Engines(const std::string& directory, const RocksDbOptions& options) {
  return MakeRocksDbEngineFactory(directory, options);
}

Host& Host::Real() {
  static Host* const host = new RealHost;
  return *host;
}

}  // namespace millrace
