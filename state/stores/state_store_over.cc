#include "millrace/state/internal/state_store_over.h"

#include "millrace/state/internal/duplicate_windows.h"
#include "millrace/state/internal/key_value_overlay.h"
#include "millrace/state/internal/window_overlay.h"

namespace millrace::internal {

template <class Core>
const std::string& StateStoreOver<Core>::name() const {
  return core_->name();
}
template <class Core>
absl::Status StateStoreOver<Core>::Open(const StoreContext& context) {
  return core_->OpenOverlay(context);
}
template <class Core>
void StateStoreOver<Core>::ForwardDirty() {
  core_->ForwardDirty();
}
template <class Core>
void StateStoreOver<Core>::LogDirty() {
  core_->LogDirty();
}
template <class Core>
absl::Status StateStoreOver<Core>::Persist(std::optional<int64_t> changelog_offset) {
  return core_->Persist(changelog_offset);
}
template <class Core>
int64_t StateStoreOver<Core>::RecordsBehind(std::optional<int64_t> changelog_offset) {
  return core_->RecordsBehind(changelog_offset);
}
template <class Core>
absl::Status StateStoreOver<Core>::FlushIfBehind(std::chrono::nanoseconds now, const FlushBound& bound) {
  return core_->FlushIfBehind(now, bound);
}
template <class Core>
absl::StatusOr<std::optional<int64_t>> StateStoreOver<Core>::PersistedOffset() {
  return core_->PersistedOffset();
}
template <class Core>
absl::Status StateStoreOver<Core>::Restore(std::span<const ChangelogRecord> records, int64_t next_offset) {
  return core_->Restore(records, next_offset);
}
template <class Core>
int64_t StateStoreOver<Core>::dirty_bytes() const {
  return core_->dirty_bytes;
}
template <class Core>
int64_t StateStoreOver<Core>::memory_bytes() const {
  return core_->memory_bytes();
}
template <class Core>
void StateStoreOver<Core>::Trim() {
  core_->Trim();
}
template <class Core>
bool StateStoreOver<Core>::persistent() const {
  return core_->persistent();
}

template <class Core>
OpenIterators StateStoreOver<Core>::ObserveIterators(std::chrono::nanoseconds now) {
  return core_->ObserveIterators(now);
}

template class StateStoreOver<KeyValueOverlay>;
template class StateStoreOver<WindowOverlay>;
template class StateStoreOver<DuplicateWindows>;

}  // namespace millrace::internal
