#include "millrace/state/internal/window_layout.h"

#include "absl/strings/str_cat.h"

namespace millrace::internal {

std::string WindowLayout::Mark(const std::string& kind) const {
  return absl::StrCat(kind, " by segments of ", segment_interval_ms());
}

absl::Status CheckWindowKey(const std::string& store, const ChangelogRecord& record) {
  if (record.key.size() >= kWindowTail) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("store '", store, "': changelog offset ", record.offset, " has a key of ",
                                          record.key.size(),
                                          " bytes, which is no window key; was the topic made by another store?"));
}

}  // namespace millrace::internal
