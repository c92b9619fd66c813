#ifndef MILLRACE_OPERATORS_INTERNAL_JOIN_NODES_H_
#define MILLRACE_OPERATORS_INTERNAL_JOIN_NODES_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "millrace/operators/internal/table_nodes.h"
#include "millrace/operators/windows.h"
#include "millrace/state/window_store.h"

namespace millrace::internal {

/// The clock that both sides of one stream-stream join in one task share. Follows KStreamImplJoin.TimeTracker.
struct JoinTimeTracker {
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  int64_t stream_time = -1;
  /// No record waits in the outer-join store with a smaller timestamp.
  int64_t min_time = kNever;
  int64_t next_time_to_emit = 0;
};

/// Forwards a record to its join, then stores it for the other side's. Follows KStreamJoinWindow.
template <class K, class V>
class JoinWindowPutNode final : public ForwardingNode<K, V>, public Receiver<K, V> {
 public:
  JoinWindowPutNode(std::string name, std::string store_name)
      : ForwardingNode<K, V>(std::move(name)), store_name_(std::move(store_name)) {}

  [[nodiscard]] absl::Status Init(TaskContext* context) override {
    if (absl::Status status = ForwardingNode<K, V>::Init(context); !status.ok()) return status;
    store_ = dynamic_cast<WindowStore<K, V>*>(context->FindStore(store_name_));
    return store_ != nullptr ? absl::OkStatus() : NoStore(this->name(), store_name_);
  }
  void Process(const Record<K, V>& record) override {
    this->out().Forward(record);
    if (record.key == nullptr) return;
    // A null value can join nothing, yet it is logged, as Kafka Streams does.
    store_->PutCopy(*record.key, record.value, record.timestamp);
  }

 private:
  const std::string store_name_;
  WindowStore<K, V>* store_ = nullptr;
};

/// What one side of a stream-stream join is built from.
struct StreamJoinSide {
  std::string other_window_store;
  /// Empty for an inner join.
  std::string outer_join_store;
  /// Names the join; both sides give the same.
  std::string join_name;
  JoinWindows windows;
  /// This side's records are emitted without a partner too.
  bool outer = false;
};

/// One side of a stream-stream join: looks a record up in the other side's window store, and emits unmatched records of both
/// sides when their windows close. Follows KStreamKStreamJoin.
template <class K, class VThis, class VOther, class VOut, bool kLeft>
class StreamStreamJoinNode final : public ForwardingNode<K, VOut>, public Receiver<K, VThis> {
 public:
  using VLeft = std::conditional_t<kLeft, VThis, VOther>;
  using VRight = std::conditional_t<kLeft, VOther, VThis>;
  /// The same for both sides.
  using Joiner = std::function<std::optional<VOut>(const K*, const VLeft*, const VRight*)>;
  StreamStreamJoinNode(std::string name, StreamJoinSide side, Joiner joiner)
      : ForwardingNode<K, VOut>(std::move(name)),
        side_(std::move(side)),
        joiner_(std::move(joiner)),
        before_ms_((kLeft ? side_.windows.before() : side_.windows.after()).count()),
        after_ms_((kLeft ? side_.windows.after() : side_.windows.before()).count()),
        grace_ms_(side_.windows.grace().count()) {}

  [[nodiscard]] absl::Status Init(TaskContext* context) override {
    if (absl::Status status = ForwardingNode<K, VOut>::Init(context); !status.ok()) return status;
    other_ = dynamic_cast<WindowStore<K, VOther>*>(context->FindStore(side_.other_window_store));
    if (other_ == nullptr) return NoStore(this->name(), side_.other_window_store);
    if (!side_.outer_join_store.empty()) {
      unmatched_ = dynamic_cast<Unmatched*>(context->FindStore(side_.outer_join_store));
      if (unmatched_ == nullptr) return NoStore(this->name(), side_.outer_join_store);
    }
    std::shared_ptr<void>& shared = context->shared[side_.join_name];
    if (shared == nullptr) shared = std::make_shared<JoinTimeTracker>();
    tracker_ = std::static_pointer_cast<JoinTimeTracker>(shared);
    // What was restored waits since an unknown time.
    if (unmatched_ != nullptr && !unmatched_->Empty()) tracker_->min_time = 0;
    return absl::OkStatus();
  }
  void Close() override {
    if (this->context() != nullptr) this->context()->shared.erase(side_.join_name);
  }

  void Process(const Record<K, VThis>& record) override {
    const int64_t time = record.timestamp.millis();
    tracker_->stream_time = std::max(tracker_->stream_time, time);
    if (side_.outer && record.key == nullptr && record.value != nullptr) return Emit(record, nullptr, record.timestamp);
    if (record.key == nullptr || record.value == nullptr) {
      ++(record.key == nullptr ? this->context()->dropped.null_key : this->context()->dropped.null_value);
      return;
    }
    if (unmatched_ != nullptr && time == tracker_->stream_time) EmitUnmatched(record);

    const int64_t from = std::max<int64_t>(0, time - before_ms_);
    const int64_t to = std::max<int64_t>(0, time + after_ms_);
    bool matched = false;
    const auto match = [&](Timestamp start, const VOther& other) {
      matched = true;
      if (unmatched_ != nullptr) unmatched_->Delete(*record.key, start, !kLeft);
      Emit(record, &other, std::max(record.timestamp, start));
    };
    other_->ForEach(*record.key, Timestamp::FromMillis(from), Timestamp::FromMillis(to), match);
    if (matched || !side_.outer) return;
    // A record whose join window is over already cannot find a partner any more.
    if (unmatched_ == nullptr || to < tracker_->stream_time) return Emit(record, nullptr, record.timestamp);
    tracker_->min_time = std::min(tracker_->min_time, time);
    if constexpr (kLeft) {
      unmatched_->PutLeft(*record.key, record.timestamp, *record.value);
    } else {
      unmatched_->PutRight(*record.key, record.timestamp, *record.value);
    }
  }

 private:
  using Unmatched = OuterJoinStore<K, VLeft, VRight>;
  using Entry = typename Unmatched::Entry;

  void Emit(const Record<K, VThis>& record, const VOther* other, Timestamp timestamp) {
    const std::optional<VOut> joined = Join(record.key, record.value, other);
    this->out().Forward({record.key, AsPointer(joined), timestamp, record.headers});
  }

  std::optional<VOut> Join(const K* key, const VThis* mine, const VOther* other) const {
    if constexpr (kLeft) {
      return joiner_(key, mine, other);
    } else {
      return joiner_(key, other, mine);
    }
  }

  bool ClosedAt(int64_t time, int64_t after_ms) const { return time + after_ms + grace_ms_ < tracker_->stream_time; }
  /// Whether something may wait whose window is over. When nothing waits, Kafka Streams looks all the same (its sum overflows)
  /// unless the window has no after and no grace, and so starts the emit interval: kept, for results come at the same times.
  bool MayHaveClosed() const {
    if (tracker_->min_time == JoinTimeTracker::kNever) return after_ms_ + grace_ms_ > 0;
    return ClosedAt(tracker_->min_time, after_ms_);
  }

  /// Emits what can find no partner any more, under the record context of `trigger`. At most once per emit interval of wall
  /// clock.
  void EmitUnmatched(const Record<K, VThis>& trigger) {
    if (!MayHaveClosed()) return;
    const int64_t now = this->context()->system_time().millis();
    if (now < tracker_->next_time_to_emit) return;
    tracker_->next_time_to_emit = now + this->context()->emit_interval.count();
    tracker_->min_time = JoinTimeTracker::kNever;

    bool left_open = false;
    bool right_open = false;
    std::optional<std::pair<K, std::pair<Timestamp, bool>>> emitted;
    for (auto it = unmatched_->All(); it->Valid(); it->Next()) {
      const Entry& entry = it->entry();
      tracker_->min_time = entry.timestamp.millis();
      if (left_open && right_open) break;
      const int64_t after_ms = (entry.left ? side_.windows.after() : side_.windows.before()).count();
      if (!ClosedAt(entry.timestamp.millis(), after_ms)) {
        (entry.left ? left_open : right_open) = true;
        continue;
      }
      ForwardUnmatched(trigger, entry);
      const auto position = std::pair(entry.timestamp, entry.left);
      // A list is deleted only when all its values are out.
      if (emitted && (emitted->second != position || !(emitted->first == entry.key))) DeleteEmitted(*emitted);
      emitted.emplace(entry.key, position);
    }
    if (emitted) DeleteEmitted(*emitted);
  }
  void DeleteEmitted(const std::pair<K, std::pair<Timestamp, bool>>& emitted) {
    unmatched_->Delete(emitted.first, emitted.second.first, emitted.second.second);
  }
  void ForwardUnmatched(const Record<K, VThis>& trigger, const Entry& entry) {
    const std::optional<VOut> joined = joiner_(&entry.key, AsPointer(entry.left_value), AsPointer(entry.right_value));
    this->out().Forward({&entry.key, AsPointer(joined), entry.timestamp, trigger.headers});
  }

  const StreamJoinSide side_;
  const Joiner joiner_;
  // Where a partner's time may lie, as this side sees it.
  const int64_t before_ms_;
  const int64_t after_ms_;
  const int64_t grace_ms_;
  WindowStore<K, VOther>* other_ = nullptr;
  Unmatched* unmatched_ = nullptr;
  std::shared_ptr<JoinTimeTracker> tracker_;
};

/// Looks each record of the stream up in the table. Follows KStreamKTableJoinProcessor without grace.
template <class K, class V, class VTable, class VOut>
class StreamTableJoinNode final : public ForwardingNode<K, VOut>, public Receiver<K, V> {
 public:
  using Joiner = std::function<std::optional<VOut>(const K*, const V*, const VTable*)>;
  StreamTableJoinNode(std::string name, std::string table_store, Joiner joiner, bool left)
      : ForwardingNode<K, VOut>(std::move(name)), table_store_(std::move(table_store)), joiner_(std::move(joiner)), left_(left) {}

  [[nodiscard]] absl::Status Init(TaskContext* context) override {
    if (absl::Status status = ForwardingNode<K, VOut>::Init(context); !status.ok()) return status;
    table_ = dynamic_cast<TimestampedKeyValueStore<K, VTable>*>(context->FindStore(table_store_));
    return table_ != nullptr ? absl::OkStatus() : NoStore(this->name(), table_store_);
  }
  void Process(const Record<K, V>& record) override {
    if (record.value == nullptr || (record.key == nullptr && !left_)) {
      ++(record.value == nullptr ? this->context()->dropped.null_value : this->context()->dropped.null_key);
      return;
    }
    const ValueAndTimestamp<VTable>* row = record.key != nullptr ? table_->Get(*record.key) : nullptr;
    if (row == nullptr && !left_) return;
    const std::optional<VOut> joined = joiner_(record.key, record.value, row != nullptr ? &row->value : nullptr);
    this->out().Forward(record.WithValue(AsPointer(joined)));
  }

 private:
  const std::string table_store_;
  const Joiner joiner_;
  const bool left_;
  TimestampedKeyValueStore<K, VTable>* table_ = nullptr;
};

}  // namespace millrace::internal

#endif  // MILLRACE_OPERATORS_INTERNAL_JOIN_NODES_H_
