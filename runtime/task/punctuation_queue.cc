#include "task/punctuation_queue.h"

#include <algorithm>
#include <utility>

namespace millrace {

Cancellable PunctuationQueue::Add(Timestamp first, std::chrono::milliseconds interval, Punctuator punctuator) {
  auto cancelled = std::make_shared<bool>(false);
  schedules_.push_back({first, interval, std::move(punctuator), cancelled});
  return Cancellable(std::move(cancelled));
}

bool PunctuationQueue::Fire(Timestamp now, const std::function<bool(const Punctuator&, Timestamp)>& fire) {
  bool fired = false;
  while (true) {
    std::erase_if(schedules_, [](const Schedule& s) { return *s.cancelled; });
    const auto earliest = std::min_element(schedules_.begin(), schedules_.end(),
                                           [](const Schedule& a, const Schedule& b) { return a.due < b.due; });
    if (earliest == schedules_.end() || earliest->due > now) return fired;
    Schedule schedule = *earliest;
    schedules_.erase(earliest);
    fired = true;
    const bool go_on = fire(schedule.punctuator, now);
    // The next tick of the grid behind now: missed ones are not made up for.
    const Timestamp next = schedule.due + schedule.interval;
    if (now >= next) {
      const int64_t missed = (now - schedule.due).count() / schedule.interval.count();
      schedule.due = schedule.due + schedule.interval * (missed + 1);
    } else {
      schedule.due = next;
    }
    schedules_.push_back(std::move(schedule));
    if (!go_on) return fired;
  }
}

std::optional<Timestamp> PunctuationQueue::next() const {
  std::optional<Timestamp> earliest;
  for (const Schedule& schedule : schedules_) {
    if (!*schedule.cancelled && (!earliest || schedule.due < *earliest)) earliest = schedule.due;
  }
  return earliest;
}

}  // namespace millrace
