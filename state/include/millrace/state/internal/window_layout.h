#ifndef MILLRACE_STATE_INTERNAL_WINDOW_LAYOUT_H_
#define MILLRACE_STATE_INTERNAL_WINDOW_LAYOUT_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "millrace/state/state_store.h"

namespace millrace::internal {

/// How a window store lays its windows out in the engine: by segments of time, as Kafka Streams does.
struct WindowLayout {
  int64_t retention_ms = 0;
  int64_t window_size_ms = 0;
  [[nodiscard]] int64_t segment_interval_ms() const { return std::max<int64_t>(retention_ms / 2, 60'000); }
  /// For the mark that tells one kind of store on disk from another.
  [[nodiscard]] std::string Mark(const std::string& kind) const;
};

/// Start and sequence number, which stand behind the key of a window.
inline constexpr size_t kWindowTail = sizeof(int64_t) + sizeof(int32_t);

/// kDataLoss if the changelog record is no window's.
[[nodiscard]] absl::Status CheckWindowKey(const std::string& store, const ChangelogRecord& record);

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_WINDOW_LAYOUT_H_
