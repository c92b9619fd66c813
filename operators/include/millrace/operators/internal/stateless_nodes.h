#ifndef MILLRACE_OPERATORS_INTERNAL_STATELESS_NODES_H_
#define MILLRACE_OPERATORS_INTERNAL_STATELESS_NODES_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/operators/processor_node.h"

// Operators without state. User functions come in pointer form (null = Kafka's null); the DSL adapts those that take references.

namespace millrace::internal {

template <class T>
const T* AsPointer(const std::optional<T>& value) {
  return value ? &*value : nullptr;
}

/// Follows KStreamFilter.
template <class K, class V>
class FilterNode final : public ForwardingNode<K, V>, public Receiver<K, V> {
 public:
  using Predicate = std::function<bool(const K*, const V*)>;
  FilterNode(std::string name, Predicate predicate) : ForwardingNode<K, V>(std::move(name)), predicate_(std::move(predicate)) {}
  void Process(const Record<K, V>& record) override {
    if (predicate_(record.key, record.value)) this->out().Forward(record);
  }

 private:
  const Predicate predicate_;
};

/// Follows KStreamMapValues.
template <class K, class V, class V2>
class MapValuesNode final : public ForwardingNode<K, V2>, public Receiver<K, V> {
 public:
  using Mapper = std::function<std::optional<V2>(const K*, const V*)>;
  MapValuesNode(std::string name, Mapper mapper) : ForwardingNode<K, V2>(std::move(name)), mapper_(std::move(mapper)) {}
  void Process(const Record<K, V>& record) override {
    const std::optional<V2> value = mapper_(record.key, record.value);
    this->out().Forward(record.WithValue(AsPointer(value)));
  }

 private:
  const Mapper mapper_;
};

/// Follows KStreamMap as selectKey uses it.
template <class K, class V, class K2>
class SelectKeyNode final : public ForwardingNode<K2, V>, public Receiver<K, V> {
 public:
  using Mapper = std::function<std::optional<K2>(const K*, const V*)>;
  SelectKeyNode(std::string name, Mapper mapper) : ForwardingNode<K2, V>(std::move(name)), mapper_(std::move(mapper)) {}
  void Process(const Record<K, V>& record) override {
    const std::optional<K2> key = mapper_(record.key, record.value);
    this->out().Forward(record.WithKey(AsPointer(key)));
  }

 private:
  const Mapper mapper_;
};

/// Follows KStreamMap.
template <class K, class V, class K2, class V2>
class MapNode final : public ForwardingNode<K2, V2>, public Receiver<K, V> {
 public:
  using Pair = std::pair<std::optional<K2>, std::optional<V2>>;
  using Mapper = std::function<Pair(const K*, const V*)>;
  MapNode(std::string name, Mapper mapper) : ForwardingNode<K2, V2>(std::move(name)), mapper_(std::move(mapper)) {}
  void Process(const Record<K, V>& record) override {
    const Pair pair = mapper_(record.key, record.value);
    this->out().Forward({AsPointer(pair.first), AsPointer(pair.second), record.timestamp, record.headers});
  }

 private:
  const Mapper mapper_;
};

/// Follows KStreamFlatMap.
template <class K, class V, class K2, class V2>
class FlatMapNode final : public ForwardingNode<K2, V2>, public Receiver<K, V> {
 public:
  using Pair = std::pair<std::optional<K2>, std::optional<V2>>;
  using Mapper = std::function<std::vector<Pair>(const K*, const V*)>;
  FlatMapNode(std::string name, Mapper mapper) : ForwardingNode<K2, V2>(std::move(name)), mapper_(std::move(mapper)) {}
  void Process(const Record<K, V>& record) override {
    for (const Pair& pair : mapper_(record.key, record.value)) {
      this->out().Forward({AsPointer(pair.first), AsPointer(pair.second), record.timestamp, record.headers});
    }
  }

 private:
  const Mapper mapper_;
};

/// Follows KStreamFlatMapValues.
template <class K, class V, class V2>
class FlatMapValuesNode final : public ForwardingNode<K, V2>, public Receiver<K, V> {
 public:
  using Mapper = std::function<std::vector<std::optional<V2>>(const K*, const V*)>;
  FlatMapValuesNode(std::string name, Mapper mapper) : ForwardingNode<K, V2>(std::move(name)), mapper_(std::move(mapper)) {}
  void Process(const Record<K, V>& record) override {
    for (const std::optional<V2>& value : mapper_(record.key, record.value))
      this->out().Forward(record.WithValue(AsPointer(value)));
  }

 private:
  const Mapper mapper_;
};

/// Peek, and ForEach when it has no children. Follows KStreamPeek.
template <class K, class V>
class PeekNode final : public ForwardingNode<K, V>, public Receiver<K, V> {
 public:
  using Action = std::function<void(const K*, const V*)>;
  PeekNode(std::string name, Action action) : ForwardingNode<K, V>(std::move(name)), action_(std::move(action)) {}
  void Process(const Record<K, V>& record) override {
    action_(record.key, record.value);
    this->out().Forward(record);
  }

 private:
  const Action action_;
};

/// Merge, branch ends. Follows PassThrough.
template <class K, class V>
class PassThroughNode final : public ForwardingNode<K, V>, public Receiver<K, V> {
 public:
  using ForwardingNode<K, V>::ForwardingNode;
  void Process(const Record<K, V>& record) override { this->out().Forward(record); }
};

/// Sends a record to the first branch whose predicate holds: child i belongs to predicate i, the child behind the last predicate
/// is the default branch. Follows KStreamBranch.
template <class K, class V>
class BranchNode final : public ForwardingNode<K, V>, public Receiver<K, V> {
 public:
  using Predicate = std::function<bool(const K*, const V*)>;
  BranchNode(std::string name, std::vector<Predicate> predicates, bool has_default)
      : ForwardingNode<K, V>(std::move(name)), predicates_(std::move(predicates)), has_default_(has_default) {}
  void Process(const Record<K, V>& record) override {
    for (size_t i = 0; i < predicates_.size(); ++i) {
      if (predicates_[i](record.key, record.value)) return this->out().ForwardTo(i, record);
    }
    if (has_default_) this->out().ForwardTo(predicates_.size(), record);
  }

 private:
  const std::vector<Predicate> predicates_;
  const bool has_default_;
};

}  // namespace millrace::internal

#endif  // MILLRACE_OPERATORS_INTERNAL_STATELESS_NODES_H_
