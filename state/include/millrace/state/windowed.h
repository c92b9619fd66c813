#ifndef MILLRACE_STATE_WINDOWED_H_
#define MILLRACE_STATE_WINDOWED_H_

#include "millrace/state/timestamp.h"

namespace millrace {

/// A span of event time. Time windows are [start, end); session windows [start, end]. Follows Kafka's `Window`.
struct Window {
  Timestamp start;
  Timestamp end;
  friend bool operator==(const Window&, const Window&) = default;
};

/// A key together with the window that a result belongs to. Follows Kafka's `Windowed`.
template <class K>
struct Windowed {
  K key;
  Window window;
  friend bool operator==(const Windowed&, const Windowed&) = default;
};

/// A value with the event time it is valid at: what DSL stores hold. Follows Kafka's `ValueAndTimestamp`.
template <class V>
struct ValueAndTimestamp {
  V value;
  Timestamp timestamp;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_WINDOWED_H_
