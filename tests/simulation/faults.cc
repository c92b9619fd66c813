#include "faults.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "application.h"
#include "millrace/runtime/logging.h"

namespace millrace::simulation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr double kYield = 0.2;
constexpr int64_t kLongestPause = 15000;
constexpr int64_t kSlowAnswer = 4000;
constexpr int64_t kUsualAnswer = 3000;  // microseconds
constexpr int64_t kLongestWay = 3000;
constexpr double kRare = 30;

// Of which a run makes few: more of them go wrong.
bool IsRare(Call call) {
  return call == Call::kJoin || call == Call::kLeave || call == Call::kDescribeGroup || call == Call::kAbort ||
         call == Call::kDeleteRecords;
}

}  // namespace

void CountFault(Trouble* trouble, size_t kind) {
  ++trouble->counts[kind];
  LogInfo(absl::StrCat("FAULT ", FaultCounts::Name(kind)), {.event = "fault"});
}

void Faults::Count(Event event) { CountFault(trouble_, FaultCounts::KindOf(event)); }

void Faults::Count(Call call, Fate fate) { CountFault(trouble_, FaultCounts::KindOf(call, fate)); }

bool Faults::Happens(double rate, Event event) {
  if (!random().Chance(rate)) return false;
  Count(event);
  return true;
}

bool Faults::Happens(double rate, Call call, Fate fate) {
  if (!random().Chance(rate)) return false;
  Count(call, fate);
  return true;
}

void Faults::Point(double crash, double pause, bool commit) {
  if (Happens(crash, commit ? Event::kCrashInCommit : Event::kCrash)) scheduler_->Kill(process_);
  if (Happens(pause, commit ? Event::kPauseInCommit : Event::kPause)) {
    return scheduler_->Pause(process_, milliseconds(random().Between(1, kLongestPause)));
  }
  if (random().Chance(kYield)) scheduler_->Yield();
}

Nanoseconds Faults::SlowTime() { return milliseconds(random().Between(1, kSlowAnswer)); }

void Faults::Way(Call call) {
  Point();
  if (Happens((IsRare(call) ? kRare : 1) * rates().slow_answer, call, Fate::kDelayed)) {
    scheduler_->Sleep(SlowTime());
  } else {
    scheduler_->Sleep(microseconds(random().Between(1, kUsualAnswer)));
  }
  IsCommit(call) ? CommitPoint() : Point();
}

double Faults::RateOf(Call call) const {
  switch (call) {
    case Call::kOffsetCommit:
    case Call::kTxnOffsets:
    case Call::kCommit:
      return rates().commit_error;
    case Call::kAbort:
      return 8 * rates().commit_error;
    case Call::kInitProducer:
      return rates().producer_error;
    case Call::kCreateTopic:
    case Call::kDeleteRecords:
      return rates().change_error;
    case Call::kLeave:
      return rates().leave_error;
    case Call::kProduce:
      return rates().produce_error;
    default:
      return (IsRare(call) ? kRare : 1) * rates().query_error;
  }
}

absl::Status Faults::NoAnswer(Call call) {
  const std::string text =
      absl::StrCat(FaultCounts::Name(FaultCounts::KindOf(call, Fate::kRequestLost)), " or its answer (simulated)");
  if (random().Chance(0.5)) return absl::UnavailableError(text);
  // Given up after a while.
  if (random().Chance(0.5)) scheduler_->Sleep(SlowTime());
  return absl::DeadlineExceededError(text);
}

void Faults::Later(Call call, Fate fate, const Copy& copy, int64_t number) {
  const auto way = milliseconds(random().Between(1, kLongestWay));
  if (copy.sent) copy.sent(fate);
  scheduler_->Start(network_, "packet", [this, way, call, fate, number, copy] {
    scheduler_->Sleep(way);
    Count(call, fate);
    if (sent_[copy.lane] > number) Count(call, Fate::kOvertaken);
    copy.arrive();
  });
}

std::optional<Refusal> Faults::RefusedByClient(const std::string& topic, NullableBytesView key) {
  if (!trouble_->refusals || topic != kEcho || !key || RefusedOf(*key) != RefusedBy::kClient) return std::nullopt;
  Count(Event::kRefusedByClient);
  return Refusal{absl::InvalidArgumentError("the record is too large (simulated)"), true, false};
}

std::optional<Refusal> Faults::RefusedLater(const std::string& topic, NullableBytesView key) {
  if (trouble_->refusals && topic == kEcho && key) {
    const RefusedBy by = RefusedOf(*key);
    if (by == RefusedBy::kPartition) {
      Count(Event::kRefusedForPartition);
      return Refusal{absl::InvalidArgumentError("there is no such partition (simulated)"), true, false};
    }
    if (by == RefusedBy::kBroker) {
      Count(Event::kRefusedByBroker);
      // The broker knows several reasons, and the client has no code of its own for some.
      const char* const why = "the record is not valid (simulated)";
      return Refusal{random().Chance(0.5) ? absl::InternalError(why) : absl::InvalidArgumentError(why), true, true};
    }
  }
  const ClosedTopic& closed = trouble_->closed;
  if (closed.topic != topic || scheduler_->now() >= closed.until) return std::nullopt;
  Count(closed.why);
  switch (closed.why) {
    case Event::kTopicUnknown:
      return Refusal{absl::NotFoundError(absl::StrCat("topic ", topic, " is not known (simulated)")), true, false};
    case Event::kBatchTooLarge:
      return Refusal{absl::InvalidArgumentError("message too large (simulated)"), true, true};
    default:
      return Refusal{absl::PermissionDeniedError(absl::StrCat("no right to write to ", topic, " (simulated)")), false, false};
  }
}

}  // namespace millrace::simulation
