#include "sim_host.h"

#include <utility>

namespace millrace::simulation {
namespace {

// Of the wall clock at the scheduler's zero.
constexpr int64_t kEpochMillis = 1'700'000'000'000;

class SimThreadHandle final : public Thread {
 public:
  SimThreadHandle(Scheduler* scheduler, SimThread* thread) : scheduler_(scheduler), thread_(thread) {}
  ~SimThreadHandle() override { Join(); }
  void Join() override { scheduler_->Join(thread_); }

 private:
  Scheduler* const scheduler_;
  SimThread* const thread_;
};

class SimSignal final : public Signal {
 public:
  explicit SimSignal(Scheduler* scheduler) : scheduler_(scheduler) {}
  void Notify() override {
    notified_ = true;
    for (SimThread* thread : waiting_) scheduler_->Wake(thread);
  }
  bool Wait(std::chrono::milliseconds timeout) override {
    if (!notified_) {
      SimThread* const self = scheduler_->current();
      waiting_.push_back(self);
      scheduler_->Wait(timeout);
      std::erase(waiting_, self);
    } else {
      scheduler_->Yield();
    }
    return std::exchange(notified_, false);
  }

 private:
  Scheduler* const scheduler_;
  std::vector<SimThread*> waiting_;
  bool notified_ = false;
};

}  // namespace

Timestamp SimHost::Now() {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(scheduler_->now());
  return Timestamp::FromMillis(kEpochMillis + (since + process_->clock_offset).count());
}

std::unique_ptr<Thread> SimHost::StartThread(const std::string& name, absl::AnyInvocable<void()> body) {
  return std::make_unique<SimThreadHandle>(scheduler_, scheduler_->Start(process_, name, std::move(body)));
}

std::unique_ptr<Signal> SimHost::NewSignal() { return std::make_unique<SimSignal>(scheduler_); }

std::unique_ptr<EngineFactory> SimHost::Engines(const std::string& directory, const RocksDbOptions& /*options*/) {
  return disk_->Engines(directory);
}

}  // namespace millrace::simulation
