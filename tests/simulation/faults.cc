#include "faults.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::simulation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr double kYield = 0.2;
constexpr int64_t kLongestPause = 15000;
constexpr int64_t kSlowAnswer = 4000;
constexpr int64_t kUsualAnswer = 3000;  // microseconds
constexpr int64_t kLongestWay = 3000;

}  // namespace

void Faults::Point(double crash, double pause) {
  Random& random = scheduler_->random();
  if (random.Chance(crash)) {
    ++counts_->crashes;
    scheduler_->Kill(process_);
  }
  if (random.Chance(pause)) {
    ++counts_->pauses;
    return scheduler_->Pause(process_, milliseconds(random.Between(1, kLongestPause)));
  }
  if (random.Chance(kYield)) scheduler_->Yield();
}

void Faults::Answer() {
  Point();
  Random& random = scheduler_->random();
  if (random.Chance(rates_->slow_answer)) {
    scheduler_->Sleep(milliseconds(random.Between(1, kSlowAnswer)));
  } else {
    scheduler_->Sleep(microseconds(random.Between(1, kUsualAnswer)));
  }
  Point();
}

absl::Status Faults::Error(double rate, const char* what) {
  if (!scheduler_->random().Chance(rate)) return absl::OkStatus();
  ++counts_->errors;
  const std::string text = absl::StrCat(what, ": no answer (simulated)");
  return scheduler_->random().Chance(0.5) ? absl::UnavailableError(text) : absl::DeadlineExceededError(text);
}

void Faults::Later(std::function<void()> arrives) {
  const auto way = milliseconds(scheduler_->random().Between(1, kLongestWay));
  ++counts_->late_commits;
  scheduler_->Start(network_, "packet", [scheduler = scheduler_, way, arrives = std::move(arrives)] {
    scheduler->Sleep(way);
    arrives();
  });
}

}  // namespace millrace::simulation
