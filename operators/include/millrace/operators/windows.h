#ifndef MILLRACE_OPERATORS_WINDOWS_H_
#define MILLRACE_OPERATORS_WINDOWS_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "millrace/state/timestamp.h"

namespace millrace {

/// Windows of one size that start at multiples of the advance: tumbling (advance = size) or hopping. [start, end). Values that
/// make no sense are reported by StreamsBuilder::Build. Follows Kafka's `TimeWindows`.
class TimeWindows {
 public:
  static TimeWindows OfSizeWithNoGrace(std::chrono::milliseconds size) { return {size, size, std::chrono::milliseconds(0)}; }
  static TimeWindows OfSizeAndGrace(std::chrono::milliseconds size, std::chrono::milliseconds grace) {
    return {size, size, grace};
  }
  [[nodiscard]] TimeWindows AdvanceBy(std::chrono::milliseconds advance) const { return {size_, advance, grace_}; }

  [[nodiscard]] std::chrono::milliseconds size() const { return size_; }
  [[nodiscard]] std::chrono::milliseconds advance() const { return advance_; }
  [[nodiscard]] std::chrono::milliseconds grace() const { return grace_; }
  [[nodiscard]] bool valid() const {
    const std::chrono::milliseconds zero(0);
    return size_ > zero && advance_ > zero && advance_ <= size_ && grace_ >= zero;
  }

  /// Start of the earliest window that holds `time`; the others follow at each advance while start <= time.
  [[nodiscard]] Timestamp FirstStart(Timestamp time) const {
    const int64_t advance = advance_.count();
    return Timestamp::FromMillis(std::max<int64_t>(0, time.millis() - size_.count() + advance) / advance * advance);
  }

 private:
  TimeWindows(std::chrono::milliseconds size, std::chrono::milliseconds advance, std::chrono::milliseconds grace)
      : size_(size), advance_(advance), grace_(grace) {}
  std::chrono::milliseconds size_;
  std::chrono::milliseconds advance_;
  std::chrono::milliseconds grace_;
};

/// How far apart two records may be to join: the other side's time in [time - before, time + after], as the left side sees it.
/// Follows Kafka's `JoinWindows`.
class JoinWindows {
 public:
  static JoinWindows OfTimeDifferenceAndGrace(std::chrono::milliseconds difference, std::chrono::milliseconds grace) {
    return {difference, difference, grace};
  }
  static JoinWindows OfTimeDifferenceWithNoGrace(std::chrono::milliseconds difference) {
    return {difference, difference, std::chrono::milliseconds(0)};
  }
  [[nodiscard]] JoinWindows Before(std::chrono::milliseconds before) const { return {before, after_, grace_}; }
  [[nodiscard]] JoinWindows After(std::chrono::milliseconds after) const { return {before_, after, grace_}; }

  [[nodiscard]] std::chrono::milliseconds before() const { return before_; }
  [[nodiscard]] std::chrono::milliseconds after() const { return after_; }
  [[nodiscard]] std::chrono::milliseconds grace() const { return grace_; }
  [[nodiscard]] std::chrono::milliseconds size() const { return before_ + after_; }
  [[nodiscard]] bool valid() const { return size().count() >= 0 && grace_.count() >= 0; }

 private:
  JoinWindows(std::chrono::milliseconds before, std::chrono::milliseconds after, std::chrono::milliseconds grace)
      : before_(before), after_(after), grace_(grace) {}
  std::chrono::milliseconds before_;
  std::chrono::milliseconds after_;
  std::chrono::milliseconds grace_;
};

}  // namespace millrace

#endif  // MILLRACE_OPERATORS_WINDOWS_H_
