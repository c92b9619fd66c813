#ifndef MILLRACE_TESTS_SIMULATION_FAULTS_H_
#define MILLRACE_TESTS_SIMULATION_FAULTS_H_

#include <functional>

#include "absl/status/status.h"
#include "log/log.h"
#include "scheduler.h"

namespace millrace::simulation {

/// How often what goes wrong, at each call of the log. All zero: nothing does.
struct FaultRates {
  double crash = 0;         // of the process, in the call
  double pause = 0;         // of the process, in the call, for up to 15 s
  double commit_crash = 0;  // the same between the steps of a commit, where it hurts most
  double commit_pause = 0;
  double slow_answer = 0;   // up to 4 s instead of a few milliseconds
  double commit_error = 0;  // before or after the effect
  double send_error = 0;    // a batch of records is refused
  double other_error = 0;   // of what ends an instance: reads, topics, offsets
  double damage = 0;        // of a store, at a crash
};

/// What happened, to be printed and to show that the faults are there.
struct FaultCounts {
  int64_t crashes = 0;
  int64_t pauses = 0;
  int64_t expired = 0;
  int64_t errors = 0;
  int64_t late_commits = 0;
  int64_t failed_instances = 0;
  int64_t lost_disks = 0;
  int64_t clock_jumps = 0;
};

/// The faults of one process at the calls of its log client.
class Faults {
 public:
  Faults(Scheduler* scheduler, SimProcess* process, SimProcess* network, const FaultRates* rates,
         const Nanoseconds* stalled_until, FaultCounts* counts)
      : scheduler_(scheduler),
        process_(process),
        network_(network),
        rates_(rates),
        stalled_until_(stalled_until),
        counts_(counts) {}

  /// Others may go on here; the process may die or stop here.
  void Point() { Point(rates_->crash, rates_->pause); }
  /// The same within a commit.
  void CommitPoint() { Point(rates_->commit_crash, rates_->commit_pause); }
  /// A call that waits for an answer.
  void Answer();
  /// An error to be returned, or OK.
  [[nodiscard]] absl::Status Error(double rate, const char* what);
  [[nodiscard]] absl::Status CommitError(const char* what) { return Error(rates_->commit_error, what); }
  [[nodiscard]] absl::Status SendError(const char* what) { return Error(rates_->send_error, what); }
  [[nodiscard]] absl::Status OtherError(const char* what) { return Error(rates_->other_error, what); }
  /// No broker takes records now.
  [[nodiscard]] bool stalled() const { return scheduler_->now() < *stalled_until_; }
  /// Something that is under way on the network and cannot be called back.
  void Later(std::function<void()> arrives);

  [[nodiscard]] Random& random() { return scheduler_->random(); }
  [[nodiscard]] Scheduler* scheduler() { return scheduler_; }

  /// By which the group knows the process; null when it is not a member.
  const log::Membership* membership = nullptr;

 private:
  void Point(double crash, double pause);

  Scheduler* const scheduler_;
  SimProcess* const process_;
  SimProcess* const network_;
  const FaultRates* const rates_;
  const Nanoseconds* const stalled_until_;
  FaultCounts* const counts_;
};

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_FAULTS_H_
