#ifndef MILLRACE_TESTS_SIMULATION_SIM_HOST_H_
#define MILLRACE_TESTS_SIMULATION_SIM_HOST_H_

#include <memory>
#include <string>

#include "disk.h"
#include "host/host.h"
#include "scheduler.h"

namespace millrace::simulation {

/// The machine as one simulated process sees it: threads, clock and chance of the scheduler, files of a disk.
class SimHost final : public Host {
 public:
  /// `disk` may be null for a process that touches no files.
  SimHost(Scheduler* scheduler, SimProcess* process, Disk* disk) : scheduler_(scheduler), process_(process), disk_(disk) {}

  [[nodiscard]] Timestamp Now() override;
  [[nodiscard]] std::chrono::nanoseconds Monotonic() override { return scheduler_->now(); }
  [[nodiscard]] std::chrono::nanoseconds ThreadCpu() override { return scheduler_->now(); }
  void Sleep(std::chrono::milliseconds time) override { scheduler_->Sleep(time); }
  [[nodiscard]] uint64_t Random() override { return scheduler_->random().Next(); }
  [[nodiscard]] std::unique_ptr<Thread> StartThread(const std::string& name, absl::AnyInvocable<void()> body) override;
  [[nodiscard]] std::unique_ptr<Signal> NewSignal() override;
  [[nodiscard]] FileSystem& files() override { return *disk_; }
  [[nodiscard]] std::unique_ptr<EngineFactory> Engines(const std::string& directory, const RocksDbOptions& options) override;
  [[nodiscard]] std::string ProcessName() override { return process_->name + ":1"; }

 private:
  Scheduler* const scheduler_;
  SimProcess* const process_;
  Disk* const disk_;
};

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_SIM_HOST_H_
