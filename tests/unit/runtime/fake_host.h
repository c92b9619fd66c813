#ifndef MILLRACE_TESTS_UNIT_RUNTIME_FAKE_HOST_H_
#define MILLRACE_TESTS_UNIT_RUNTIME_FAKE_HOST_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "host/host.h"

namespace millrace {

/// The machine, but for its clocks, which stand until the test moves them. Counts the looks at the monotonic one. One thread.
class FakeHost final : public Host {
 public:
  void Advance(std::chrono::milliseconds time) {
    now_ += time;
    wall_ = wall_ + time;
  }
  [[nodiscard]] int looks() const { return looks_; }

  [[nodiscard]] Timestamp Now() override { return wall_; }
  [[nodiscard]] std::chrono::nanoseconds Monotonic() override {
    ++looks_;
    return now_;
  }
  [[nodiscard]] std::chrono::nanoseconds ThreadCpu() override { return Real().ThreadCpu(); }
  void Sleep(std::chrono::milliseconds time) override { Advance(time); }
  [[nodiscard]] uint64_t Random() override { return Real().Random(); }
  [[nodiscard]] std::unique_ptr<Thread> StartThread(const std::string& name, absl::AnyInvocable<void()> body) override {
    return Real().StartThread(name, std::move(body));
  }
  [[nodiscard]] std::unique_ptr<Signal> NewSignal() override { return Real().NewSignal(); }
  [[nodiscard]] FileSystem& files() override { return Real().files(); }
  [[nodiscard]] std::string ProcessName() override { return Real().ProcessName(); }

 private:
  std::chrono::nanoseconds now_ = std::chrono::hours(5);
  Timestamp wall_ = Timestamp::FromMillis(1'700'000'000'000);
  int looks_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_TESTS_UNIT_RUNTIME_FAKE_HOST_H_
