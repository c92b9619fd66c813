#ifndef MILLRACE_RUNTIME_HOST_THREAD_POOL_H_
#define MILLRACE_RUNTIME_HOST_THREAD_POOL_H_

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "host/host.h"

namespace millrace {

/// A few threads for work that takes long and must not hold up those who ask for it. Thread-safe.
class ThreadPool {
 public:
  /// `name` is the threads' name, with their number.
  ThreadPool(Host* host, const std::string& name, int threads);
  /// All that was added has run when it returns.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs it on one of the threads, in the order of additions. The work may add more.
  void Add(absl::AnyInvocable<void()> work);

 private:
  void Run(const std::string& name);

  Host* const host_;
  const std::unique_ptr<Signal> added_;
  std::mutex mutex_;
  std::deque<absl::AnyInvocable<void()>> work_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_HOST_THREAD_POOL_H_
