#include "host/thread_pool.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"

namespace millrace {
namespace {

// A thread looks again by itself: of two additions only one may have woken anybody.
constexpr std::chrono::milliseconds kLook{100};

}  // namespace

ThreadPool::ThreadPool(Host* host, const std::string& name, int threads) : host_(host), added_(host->NewSignal()) {
  for (int number = 1; number <= threads; ++number) {
    const std::string own = absl::StrCat(name, "-", number);
    threads_.push_back(host_->StartThread(own, [this, own] { Run(own); }));
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  added_->Notify();
  for (const auto& thread : threads_) thread->Join();
}

void ThreadPool::Add(absl::AnyInvocable<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }
  added_->Notify();
}

void ThreadPool::Run(const std::string& name) {
  SetLogThreadName(name);
  while (true) {
    absl::AnyInvocable<void()> work;
    {
      const std::lock_guard lock(mutex_);
      if (work_.empty() && stop_) break;
      if (!work_.empty()) {
        work = std::move(work_.front());
        work_.pop_front();
      }
    }
    if (!work) {
      added_->Wait(kLook);
      continue;
    }
    added_->Notify();  // more may be there
    std::move(work)();
  }
  added_->Notify();
}

}  // namespace millrace
