#ifndef MILLRACE_TESTS_SIMULATION_SCHEDULER_H_
#define MILLRACE_TESTS_SIMULATION_SCHEDULER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "random.h"

namespace millrace::simulation {

using Nanoseconds = std::chrono::nanoseconds;

/// Threads that live, stop and die together: one instance of the application, or the world around it.
struct SimProcess {
  std::string name;
  bool dead = false;
  Nanoseconds paused_until{0};
  std::chrono::milliseconds clock_offset{0};  // of its wall clock
};

/// A real thread that runs only while it has the baton.
struct SimThread {
  enum class State { kReady, kWaiting, kBlocked, kDone };
  int id = 0;
  std::string name;
  SimProcess* process = nullptr;
  State state = State::kReady;
  /// kReady: not before. kWaiting: not later, whatever wakes it.
  Nanoseconds wake{0};
  const void* blocked_on = nullptr;  // a lock
  std::binary_semaphore baton{0};
};

/// Runs threads one at a time: the baton passes only in the calls below, to a thread that the seed chooses, and time moves only
/// here: a little with every step, and to the next one to wake when all wait. A dead process's threads never run again.
class Scheduler {
 public:
  /// The calling thread becomes the first simulated one, in a process of its own.
  explicit Scheduler(uint64_t seed);

  /// The scheduler whose thread is calling; null for a thread outside of any.
  static Scheduler* OfThisThread();

  SimProcess* NewProcess(const std::string& name);
  SimThread* Start(SimProcess* process, const std::string& name, absl::AnyInvocable<void()> body);
  void Join(SimThread* thread);
  /// Lets any thread go on that can, this one too.
  void Yield();
  void Sleep(Nanoseconds time);
  /// Waits until Wake or the time is over.
  void Wait(Nanoseconds timeout);
  void Wake(SimThread* thread);
  /// Waits for a lock that another thread has; Released tells its end.
  void Block(const void* lock);
  void Released(const void* lock);

  /// No thread of the process runs again. Does not return if the caller is one.
  void Kill(SimProcess* process);
  /// None runs for so long.
  void Pause(SimProcess* process, Nanoseconds time);

  [[nodiscard]] Nanoseconds now() const { return now_; }
  [[nodiscard]] SimThread* current() const { return current_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] int64_t steps() const { return steps_; }
  /// What happened so far, in one number.
  [[nodiscard]] uint64_t trace() const { return trace_; }
  void Trace(uint64_t what) { trace_ = (trace_ ^ what) * 0x100000001b3; }

  /// Called when time passes the limit or nothing can ever run again; must not return.
  void SetLimit(Nanoseconds limit, std::function<void(const std::string& why)> over) {
    limit_ = limit;
    over_ = std::move(over);
  }
  /// One line a thread: what it waits for.
  [[nodiscard]] std::string Describe() const;

 private:
  SimThread* Choose();
  void MoveTime();
  /// Gives the baton away and waits to have it again.
  void Switch();
  void Run(SimThread* thread, absl::AnyInvocable<void()> body);

  Random random_;
  Nanoseconds now_ = std::chrono::hours(5);
  Nanoseconds limit_ = Nanoseconds::max();
  std::function<void(const std::string&)> over_;
  uint64_t trace_ = 0xcbf29ce484222325;
  int64_t steps_ = 0;
  std::vector<std::unique_ptr<SimProcess>> processes_;
  std::vector<std::unique_ptr<SimThread>> threads_;
  std::vector<SimThread*> alive_;
  std::vector<SimThread*> ready_;
  SimThread* current_ = nullptr;
};

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_SCHEDULER_H_
