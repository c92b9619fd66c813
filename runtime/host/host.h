#ifndef MILLRACE_RUNTIME_HOST_HOST_H_
#define MILLRACE_RUNTIME_HOST_HOST_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/state/engine.h"
#include "millrace/state/timestamp.h"

// The only way in which code of runtime/ starts threads, waits, reads clocks, draws random numbers and touches files.
// Host::Real() is the machine; a simulation gives its own, so that one seed decides everything.

namespace millrace {

/// Held as long as it lives.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

/// Paths are absolute or relative to the working directory. Thread-safe. Errors name the path.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  /// With all folders above it; no error if it is there.
  virtual absl::Status CreateDirectories(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  /// File or folder with all that is in it; no error if there is none.
  virtual absl::Status RemoveAll(const std::string& path) = 0;
  [[nodiscard]] virtual bool Exists(const std::string& path) = 0;
  /// Names in a folder, sorted, without the folder's own.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  /// kNotFound if there is no such file.
  virtual absl::StatusOr<std::string> Read(const std::string& path) = 0;
  /// Replaces the file as one act (temporary file, fsync, rename).
  virtual absl::Status Write(const std::string& path, const std::string& contents) = 0;
  /// Takes the exclusive lock of a file, made if missing; never waits. kFailedPrecondition if another process or another caller
  /// in this one has it. Ends with the process, however that ends.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

/// A running thread. The destructor waits for its end.
class Thread {
 public:
  virtual ~Thread() = default;
  virtual void Join() = 0;
};

/// Wakes a waiting thread: a flag that Wait takes back. Thread-safe.
class Signal {
 public:
  virtual ~Signal() = default;
  virtual void Notify() = 0;
  /// True if it was notified since the last Wait; false when the time is over.
  virtual bool Wait(std::chrono::milliseconds timeout) = 0;
};

class Host {
 public:
  virtual ~Host() = default;
  /// Wall clock.
  [[nodiscard]] virtual Timestamp Now() = 0;
  /// Monotonic clock, from an unknown start.
  [[nodiscard]] virtual std::chrono::nanoseconds Monotonic() = 0;
  /// CPU time of the calling thread.
  [[nodiscard]] virtual std::chrono::nanoseconds ThreadCpu() = 0;
  virtual void Sleep(std::chrono::milliseconds time) = 0;
  [[nodiscard]] virtual uint64_t Random() = 0;
  /// The name (at most 15 characters) is what debuggers show.
  [[nodiscard]] virtual std::unique_ptr<Thread> StartThread(const std::string& name, absl::AnyInvocable<void()> body) = 0;
  [[nodiscard]] virtual std::unique_ptr<Signal> NewSignal() = 0;
  [[nodiscard]] virtual FileSystem& files() = 0;
  /// The engines of one task's stores, in a directory of files(): RocksDB, unless the host has a disk of its own.
  [[nodiscard]] virtual std::unique_ptr<EngineFactory> Engines(const std::string& directory, const RocksDbOptions& options);
  /// Process id and host name, for lock files and messages.
  [[nodiscard]] virtual std::string ProcessName() = 0;

  /// The machine. Lives for ever.
  static Host& Real();
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_HOST_HOST_H_
