#ifndef MILLRACE_STATE_INTERNAL_STATE_STORE_OVER_H_
#define MILLRACE_STATE_INTERNAL_STATE_STORE_OVER_H_

#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "millrace/state/state_store.h"

namespace millrace::internal {

class KeyValueOverlay;
class WindowOverlay;
class DuplicateWindows;

/// The StateStore part of every store, handed on to a table free of types: so it is compiled once for all types.
template <class Core>
class StateStoreOver : public virtual StateStore {
 public:
  [[nodiscard]] const std::string& name() const final;
  [[nodiscard]] absl::Status Open(const StoreContext& context) final;
  void ForwardDirty() final;
  void LogDirty() final;
  [[nodiscard]] absl::Status Persist(std::optional<int64_t> changelog_offset) final;
  [[nodiscard]] int64_t RecordsBehind(std::optional<int64_t> changelog_offset) final;
  [[nodiscard]] absl::Status FlushIfBehind(std::chrono::nanoseconds now, const FlushBound& bound) final;
  [[nodiscard]] absl::StatusOr<std::optional<int64_t>> PersistedOffset() final;
  [[nodiscard]] absl::Status Restore(std::span<const ChangelogRecord> records, int64_t next_offset) final;
  [[nodiscard]] int64_t dirty_bytes() const final;
  [[nodiscard]] int64_t memory_bytes() const final;
  void Trim() final;
  [[nodiscard]] bool persistent() const final;
  [[nodiscard]] OpenIterators ObserveIterators(std::chrono::nanoseconds now) final;

 protected:
  explicit StateStoreOver(Core* core) : core_(core) {}

 private:
  Core* const core_;
};

extern template class StateStoreOver<KeyValueOverlay>;
extern template class StateStoreOver<WindowOverlay>;
extern template class StateStoreOver<DuplicateWindows>;

}  // namespace millrace::internal

#endif  // MILLRACE_STATE_INTERNAL_STATE_STORE_OVER_H_
