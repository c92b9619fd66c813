#ifndef MILLRACE_WAREHOUSE_PROTOBUF_LOCAL_DAY_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_LOCAL_DAY_H_

#include <cstdint>
#include <utility>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace millrace::warehouse {

/// The day in a time zone that an instant is in. Remembers the last day, since rows come in about the order of time. Not
/// thread-safe.
class LocalDay {
 public:
  explicit LocalDay(absl::TimeZone zone) : zone_(std::move(zone)) {}

  /// Days since 1970-01-01 of an instant in microseconds since then in UTC.
  int32_t Of(int64_t micros) {
    if (micros < begin_ || micros >= end_) {
      Find(micros);
    }
    return day_;
  }

 private:
  void Find(int64_t micros) {
    const absl::Time time = absl::FromUnixMicros(micros);
    const absl::CivilDay day(zone_.At(time).cs);
    day_ = static_cast<int32_t>(day - absl::CivilDay(1970, 1, 1));
    const absl::Time begin = absl::FromCivil(day, zone_);
    const absl::Time end = absl::FromCivil(day + 1, zone_);
    // Where clocks change within the day, its instants need not be one range: it is found anew each time.
    absl::TimeZone::CivilTransition change;
    const bool changes =
        zone_.NextTransition(begin - absl::Nanoseconds(1), &change) && absl::FromCivil(change.to, zone_) - absl::Hours(26) < end;
    begin_ = changes ? micros : absl::ToUnixMicros(begin);
    end_ = changes ? micros : absl::ToUnixMicros(end);
  }

  absl::TimeZone zone_;
  int64_t begin_ = 0;
  int64_t end_ = 0;  // none
  int32_t day_ = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_LOCAL_DAY_H_
