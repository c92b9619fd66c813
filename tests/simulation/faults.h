#ifndef MILLRACE_TESTS_SIMULATION_FAULTS_H_
#define MILLRACE_TESTS_SIMULATION_FAULTS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fault_counts.h"
#include "log/log.h"
#include "scheduler.h"

namespace millrace::simulation {

/// How often what goes wrong, at each call of the log. All zero: nothing does.
struct FaultRates {
  double crash = 0;         // of the process, in the call
  double pause = 0;         // of the process, in the call, for up to 15 s
  double commit_crash = 0;  // the same between the steps of a commit, where it hurts most
  double commit_pause = 0;
  double slow_answer = 0;     // up to 4 s instead of a few milliseconds
  double commit_error = 0;    // each of: before the effect, after it, another copy of the request
  double produce_error = 0;   // of a batch of records
  double producer_error = 0;  // of the start of a transactional producer
  double query_error = 0;     // of what changes nothing
  double change_error = 0;    // of topics and records
  double assign_error = 0;    // of the question for the leader of a partition
  double group_error = 0;     // of the poll of the group
  double fetch_delay = 0;     // of one partition
  double fetch_error = 0;     // of one partition; it sticks
  double leave_error = 0;
  double damage = 0;  // of a store, at a crash
};

/// Why a broker or a client does not take a record.
struct Refusal {
  absl::Status error;
  bool for_good = false;  // by what the record is
  bool of_batch = false;  // or another one of its batch
};

/// A topic that takes no records for a while.
struct ClosedTopic {
  std::string topic;
  Nanoseconds until{0};
  Event why = Event::kTopicForbidden;
};

/// What goes wrong, now and until now, for all processes.
struct Trouble {
  FaultRates rates;
  Nanoseconds stalled_until{0};  // no broker takes or gives records
  ClosedTopic closed;
  bool refusals = false;           // of the records of some orders, for good
  bool late_records = false;       // of producers without a transaction: they come after newer ones
  bool records_came_late = false;  // they did
  FaultCounts counts;
};

/// A member whose leaving the group has not heard of.
struct Ghost {
  std::shared_ptr<log::Membership> membership;
  Nanoseconds since{0};
};

/// A request that may arrive once more, or when its caller has given up.
struct Copy {
  std::function<void()> arrive;    // none: it does not
  std::string lane;                // of requests of which the last counts
  std::function<void(Fate)> sent;  // told when one is under way
};

/// The faults of one process at the calls of its log client.
class Faults {
 public:
  Faults(Scheduler* scheduler, SimProcess* process, SimProcess* network, Trouble* trouble)
      : scheduler_(scheduler), process_(process), network_(network), trouble_(trouble) {}

  /// Others may go on here; the process may die or stop here.
  void Point() { Point(rates().crash, rates().pause, /*commit=*/false); }
  /// The same within a commit.
  void CommitPoint() { Point(rates().commit_crash, rates().commit_pause, /*commit=*/true); }
  /// Of a request, or of its answer.
  void Way(Call call);

  /// A request and its answer: `ask` is what happens at the broker, and returns a Status or a StatusOr.
  template <class Ask>
  auto Exchange(Call call, Ask ask, const Copy& copy = {}) -> decltype(ask()) {
    Way(call);
    const int64_t number = copy.arrive ? CountSent(copy.lane) : 0;
    if (random().Chance(RateOf(call))) {
      if (copy.arrive && random().Chance(0.5)) {
        Later(call, Fate::kLate, copy, number);
      } else {
        Count(call, Fate::kRequestLost);
      }
      return NoAnswer(call);
    }
    auto answer = ask();
    if (!answer.ok()) return answer;
    if (copy.arrive && random().Chance(RateOf(call))) Later(call, Fate::kTwice, copy, number);
    if (IsCommit(call)) CommitPoint();
    Way(call);
    if (!random().Chance(RateOf(call))) return answer;
    Count(call, Fate::kAnswerLost);
    return NoAnswer(call);
  }

  /// What a caller is told whose request or answer is lost; it may take a while.
  [[nodiscard]] absl::Status NoAnswer(Call call);
  /// Whether it happens; counted and logged then.
  [[nodiscard]] bool Happens(double rate, Event event);
  [[nodiscard]] bool Happens(double rate, Call call, Fate fate);
  void Count(Event event);
  void Count(Call call, Fate fate);
  /// Something that is under way on the network and cannot be called back.
  void Later(Call call, Fate fate, const Copy& copy, int64_t number);
  /// Numbers the requests of a lane.
  int64_t CountSent(const std::string& lane) { return ++sent_[lane]; }
  [[nodiscard]] Nanoseconds SlowTime();

  /// No broker takes records now.
  [[nodiscard]] bool stalled() const { return scheduler_->now() < trouble_->stalled_until; }
  /// Whether a record is refused, at once or when it is on its way.
  [[nodiscard]] std::optional<Refusal> RefusedLater(const std::string& topic, NullableBytesView key);
  [[nodiscard]] std::optional<Refusal> RefusedByClient(const std::string& topic, NullableBytesView key);

  [[nodiscard]] const FaultRates& rates() const { return trouble_->rates; }
  [[nodiscard]] Trouble& trouble() { return *trouble_; }
  [[nodiscard]] Random& random() { return scheduler_->random(); }
  [[nodiscard]] Scheduler* scheduler() { return scheduler_; }

  /// By which the group knows the process; null when it is not a member.
  const log::Membership* membership = nullptr;
  /// Those that the group still takes for members.
  std::vector<Ghost> ghosts;

 private:
  void Point(double crash, double pause, bool commit);
  [[nodiscard]] double RateOf(Call call) const;
  static bool IsCommit(Call call) { return call == Call::kOffsetCommit || call == Call::kTxnOffsets || call == Call::kCommit; }

  Scheduler* const scheduler_;
  SimProcess* const process_;
  SimProcess* const network_;
  Trouble* const trouble_;
  std::map<std::string, int64_t> sent_;
};

/// Counts and, with a log, says it.
void CountFault(Trouble* trouble, size_t kind);

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_FAULTS_H_
