#ifndef MILLRACE_STATE_TIMESTAMP_H_
#define MILLRACE_STATE_TIMESTAMP_H_

#include <chrono>
#include <compare>
#include <cstdint>

namespace millrace {

/// A point in event or wall-clock time: milliseconds since 1970-01-01T00:00:00Z, as in a Kafka record. -1 means "unknown".
/// A value type; safe to copy between threads.
class Timestamp {
 public:
  constexpr Timestamp() = default;
  static constexpr Timestamp FromMillis(int64_t millis) { return Timestamp(millis); }
  static constexpr Timestamp Unknown() { return Timestamp(-1); }

  [[nodiscard]] constexpr int64_t millis() const { return millis_; }

  friend constexpr auto operator<=>(Timestamp, Timestamp) = default;
  friend constexpr Timestamp operator+(Timestamp t, std::chrono::milliseconds d) { return Timestamp(t.millis_ + d.count()); }
  friend constexpr Timestamp operator-(Timestamp t, std::chrono::milliseconds d) { return Timestamp(t.millis_ - d.count()); }
  friend constexpr std::chrono::milliseconds operator-(Timestamp a, Timestamp b) {
    return std::chrono::milliseconds(a.millis_ - b.millis_);
  }

 private:
  explicit constexpr Timestamp(int64_t millis) : millis_(millis) {}
  int64_t millis_ = -1;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_TIMESTAMP_H_
