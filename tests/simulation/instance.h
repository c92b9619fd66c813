#ifndef MILLRACE_TESTS_SIMULATION_INSTANCE_H_
#define MILLRACE_TESTS_SIMULATION_INSTANCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "disk.h"
#include "faults.h"
#include "log/embedded/embedded_log.h"
#include "millrace/runtime/streams_config.h"

namespace millrace::simulation {

/// What all instances share.
struct Surroundings {
  Scheduler* scheduler = nullptr;
  log::embedded::EmbeddedLog* log = nullptr;
  SimProcess* network = nullptr;
  Trouble trouble;
  std::map<std::string, std::string> properties;
  bool static_members = false;
};

/// One life of an instance: a process that runs KafkaStreams until it is asked to stop, fails or is killed. Never destroyed: its
/// frozen threads may hold pointers.
struct Life {
  SimProcess* process = nullptr;
  std::unique_ptr<Faults> faults;
  bool stop = false;
  bool running = false;  // all its tasks run
  bool ended = false;
  bool closed = false;  // within the time for it
  absl::Status error;
  Nanoseconds last_heartbeat{0};
  [[nodiscard]] bool gone() const { return ended || process->dead; }
};

/// A machine on which one life follows another.
class Instance {
 public:
  Instance(Surroundings* around, int number);
  void Start();
  /// The life that is or was last; null before the first.
  [[nodiscard]] Life* life() { return lives_.empty() ? nullptr : lives_.back().get(); }
  [[nodiscard]] const std::vector<std::unique_ptr<Life>>& lives() const { return lives_; }
  [[nodiscard]] Disk& disk() { return disk_; }

  Nanoseconds start_at{0};
  bool crash_noticed = true;

 private:
  void Run(Life* life);

  Surroundings* const around_;
  const std::string name_;
  Disk disk_;
  std::vector<std::unique_ptr<Life>> lives_;
};

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_INSTANCE_H_
