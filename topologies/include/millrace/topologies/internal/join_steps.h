#ifndef MILLRACE_TOPOLOGIES_INTERNAL_JOIN_STEPS_H_
#define MILLRACE_TOPOLOGIES_INTERNAL_JOIN_STEPS_H_

#include <memory>
#include <string>
#include <utility>

#include "millrace/operators/internal/join_nodes.h"
#include "millrace/operators/windows.h"
#include "millrace/topologies/internal/dsl_core.h"
#include "millrace/topologies/joined.h"
#include "millrace/topologies/stream_joined.h"

namespace millrace::internal {

/// Names of the steps and stores of a stream-stream join; burns indices in Kafka Streams' order.
struct StreamJoinNames {
  std::string left_window;
  std::string right_window;
  std::string left_join;
  std::string right_join;
  std::string merge;
  std::string left_store;
  std::string right_store;
  /// Empty for an inner join.
  std::string outer_store;
};
enum class JoinKind { kInner, kLeft, kOuter };
[[nodiscard]] StreamJoinNames NameStreamJoin(GraphBuilder* graph, const StreamJoined& joined, JoinKind kind);
[[nodiscard]] WindowStoreOptions JoinWindowOptions(const StreamJoined& joined, const JoinWindows& windows, std::string name);
[[nodiscard]] StoreOptions OuterStoreOptions(const StreamJoined& joined, std::string name);
/// Both sides, their window processors (made before) and the merge as one step.
struct StreamJoinSpecs {
  ProcessorSpec left_window;
  ProcessorSpec right_window;
  ProcessorSpec left_join;
  ProcessorSpec right_join;
  ProcessorSpec merge;
};
[[nodiscard]] PlacePtr AppendStreamJoin(const Place& left, const Place& right, StreamJoinSpecs specs, JoinKind kind);
/// The step that joins a stream with the table behind `stores`.
[[nodiscard]] PlacePtr AppendTableJoin(const Place& stream, const Place& table, const std::string& store, ProcessorSpec spec,
                                       bool left);

template <class K, class V1, class V2, class VOut>
using FullJoiner = std::function<std::optional<VOut>(const K*, const V1*, const V2*)>;

template <class K, class V1, class V2, class VOut>
PlacePtr JoinStreams(const Place& left, const Place& right, FullJoiner<K, V1, V2, VOut> joiner, const JoinWindows& windows,
                     const StreamJoined& joined, JoinKind kind, const AnySerde<K>& key, const AnySerde<V1>& value1,
                     const AnySerde<V2>& value2) {
  const StreamJoinNames names = NameStreamJoin(left.graph.get(), joined, kind);
  const StorePtr left_store =
      DuplicateWindowStoreBuilder<K, V1>(JoinWindowOptions(joined, windows, names.left_store), key, value1);
  const StorePtr right_store =
      DuplicateWindowStoreBuilder<K, V2>(JoinWindowOptions(joined, windows, names.right_store), key, value2);
  std::vector<StorePtr> left_needs = {right_store};
  std::vector<StorePtr> right_needs = {left_store};
  if (kind != JoinKind::kInner) {
    const StorePtr outer = OuterJoinStoreBuilder<K, V1, V2>(OuterStoreOptions(joined, names.outer_store), key, value1, value2);
    left_needs.push_back(outer);
    right_needs.push_back(outer);
  }
  const StreamJoinSide left_side{names.right_store, names.outer_store, names.merge, windows, kind != JoinKind::kInner};
  const StreamJoinSide right_side{names.left_store, names.outer_store, names.merge, windows, kind == JoinKind::kOuter};

  StreamJoinSpecs specs;
  specs.left_window = {names.left_window, MakeNode<JoinWindowPutNode<K, V1>>(names.left_window, names.left_store),
                       [left_store] { return std::vector<StorePtr>{left_store}; }, nullptr};
  specs.right_window = {names.right_window, MakeNode<JoinWindowPutNode<K, V2>>(names.right_window, names.right_store),
                        [right_store] { return std::vector<StorePtr>{right_store}; }, nullptr};
  specs.left_join = {names.left_join, MakeNode<StreamStreamJoinNode<K, V1, V2, VOut, true>>(names.left_join, left_side, joiner),
                     [left_needs] { return left_needs; }, nullptr};
  specs.right_join = {names.right_join,
                      MakeNode<StreamStreamJoinNode<K, V2, V1, VOut, false>>(names.right_join, right_side, std::move(joiner)),
                      [right_needs] { return right_needs; }, nullptr};
  specs.merge = {names.merge, MakeNode<PassThroughNode<K, VOut>>(names.merge), nullptr, nullptr};
  return AppendStreamJoin(left, right, std::move(specs), kind);
}

/// Looks each record up in a table that is not in a store of its own. Follows KStreamKTableJoinProcessor over a value getter.
template <class K, class V, class VTable, class VOut>
class StreamViewJoinNode final : public ForwardingNode<K, VOut>, public Receiver<K, V> {
 public:
  using Open = std::function<absl::StatusOr<TableGetter<K, VTable>>(TaskContext*)>;
  StreamViewJoinNode(std::string name, Open open, FullJoiner<K, V, VTable, VOut> joiner, bool left)
      : ForwardingNode<K, VOut>(std::move(name)), open_(std::move(open)), joiner_(std::move(joiner)), left_(left) {}

  [[nodiscard]] absl::Status Init(TaskContext* context) override {
    if (absl::Status s = ForwardingNode<K, VOut>::Init(context); !s.ok()) return s;
    absl::StatusOr<TableGetter<K, VTable>> getter = open_(context);
    if (!getter.ok()) return getter.status();
    getter_ = *std::move(getter);
    return absl::OkStatus();
  }
  void Process(const Record<K, V>& record) override {
    if (record.value == nullptr || (record.key == nullptr && !left_)) {
      ++(record.value == nullptr ? this->context()->dropped.null_value : this->context()->dropped.null_key);
      return;
    }
    const VTable* row = record.key != nullptr ? getter_(*record.key) : nullptr;
    if (row == nullptr && !left_) return;
    const std::optional<VOut> joined = joiner_(record.key, record.value, row);
    this->out().Forward(record.WithValue(AsPointer(joined)));
  }

 private:
  const Open open_;
  const FullJoiner<K, V, VTable, VOut> joiner_;
  const bool left_;
  TableGetter<K, VTable> getter_;
};

template <class K, class V, class VTable, class VOut>
PlacePtr JoinTable(const Place& stream, const Place& table, const TableView<K, VTable>& view,
                   FullJoiner<K, V, VTable, VOut> joiner, const Joined& joined, bool left) {
  ProcessorSpec spec;
  spec.name = stream.graph->NameOr(joined.name(), left ? "KSTREAM-LEFTJOIN-" : "KSTREAM-JOIN-");
  if (view.direct) {
    spec.make = MakeNode<StreamTableJoinNode<K, V, VTable, VOut>>(spec.name, view.store, std::move(joiner), left);
  } else {
    spec.make = MakeNode<StreamViewJoinNode<K, V, VTable, VOut>>(spec.name, view.open, std::move(joiner), left);
  }
  return AppendTableJoin(stream, table, view.store, std::move(spec), left);
}

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_INTERNAL_JOIN_STEPS_H_
