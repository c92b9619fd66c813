#ifndef MILLRACE_STATE_FLUSH_BOUND_H_
#define MILLRACE_STATE_FLUSH_BOUND_H_

#include <chrono>
#include <cstdint>

namespace millrace {

/// A store whose disk is this many changelog records behind is persisted and flushed. A restore reads some 100,000 records a
/// second and more, so that this costs a crash about a second for each store; and a flush for so many records costs no more files
/// than full memtables do.
inline constexpr int64_t kFlushRecords = 100'000;

/// Nothing stays off the disk for longer (state.flush.interval.ms unless set): stores with little traffic would be flushed when
/// they are closed and never before. A flush of a few records is one file and some syncs, some of which merge with the next.
inline constexpr std::chrono::milliseconds kFlushInterval{300'000};

/// When an engine is to be flushed: as soon as either is reached.
struct FlushBound {
  int64_t records = kFlushRecords;
  /// Since it was persisted. Each store takes a part of its own between half of it and all, for stores that are persisted
  /// together are not to be flushed together.
  std::chrono::nanoseconds age = kFlushInterval;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_FLUSH_BOUND_H_
