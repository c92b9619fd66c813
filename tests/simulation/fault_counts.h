#ifndef MILLRACE_TESTS_SIMULATION_FAULT_COUNTS_H_
#define MILLRACE_TESTS_SIMULATION_FAULT_COUNTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace millrace::simulation {

/// What happens to processes, machines, brokers and records, not to one call.
enum class Event : size_t {
  kCrash,
  kCrashInCommit,
  kUnsyncedLost,
  kStoreDamaged,
  kDiskLost,
  kDiskFull,
  kPause,
  kPauseInCommit,
  kExpired,
  kMemberUnknown,
  kGroupFailed,
  kClockJump,
  kNoBroker,
  kFetchFailed,
  kFetchOutOfRange,
  kFetchDamaged,
  kFetchForbidden,
  kRefusedByClient,
  kRefusedForPartition,
  kRefusedByBroker,
  kTopicForbidden,
  kTopicUnknown,
  kBatchTooLarge,
  kCleanStop,
  kInstanceFailed,
  kEvents,
};

/// The calls of the seam, by the request that they stand for.
enum class Call : size_t {
  kFetch,
  kAssign,
  kProduce,
  kJoin,
  kPoll,
  kLeave,
  kOffsetFetch,
  kOffsetCommit,
  kInitProducer,
  kTxnOffsets,
  kCommit,
  kAbort,
  kMetadata,
  kListOffsets,
  kDescribeGroup,
  kCreateTopic,
  kDeleteRecords,
  kCalls,
};

/// What becomes of a call. Lost: its caller is told that no answer came.
enum class Fate : size_t {
  kDelayed,
  kRequestLost,  // nothing happened
  kAnswerLost,   // it happened
  kLate,         // it happens when its caller has given up
  kTwice,        // it happens, and some time later once more
  kOvertaken,    // of the two above: a newer one of the same kind came first
  kFates,
};

/// How often each kind of fault took place.
class FaultCounts {
 public:
  static constexpr size_t kKinds =
      static_cast<size_t>(Event::kEvents) + static_cast<size_t>(Call::kCalls) * static_cast<size_t>(Fate::kFates);

  static constexpr size_t KindOf(Event event) { return static_cast<size_t>(event); }
  static constexpr size_t KindOf(Call call, Fate fate) {
    return static_cast<size_t>(Event::kEvents) + static_cast<size_t>(call) * static_cast<size_t>(Fate::kFates) +
           static_cast<size_t>(fate);
  }
  /// Empty for what cannot happen, such as a fetch that is executed twice: that changes nothing.
  static std::string Name(size_t kind);

  [[nodiscard]] int64_t& operator[](size_t kind) { return times_[kind]; }
  [[nodiscard]] int64_t operator[](size_t kind) const { return times_[kind]; }
  [[nodiscard]] int64_t times(Event event) const { return times_[KindOf(event)]; }
  void Add(const FaultCounts& other) {
    for (size_t kind = 0; kind < kKinds; ++kind) times_[kind] += other[kind];
  }

  /// Those that took place, on one line.
  [[nodiscard]] std::string Summary() const;
  /// One line a kind: "fault: times".
  [[nodiscard]] std::string Table() const;
  /// Every kind took place.
  [[nodiscard]] bool complete() const;
  /// Numbers only, for another process.
  [[nodiscard]] std::string Encode() const;
  static FaultCounts Decode(const std::string& text);

 private:
  std::array<int64_t, kKinds> times_{};
};

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_FAULT_COUNTS_H_
