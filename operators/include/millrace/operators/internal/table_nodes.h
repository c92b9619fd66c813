#ifndef MILLRACE_OPERATORS_INTERNAL_TABLE_NODES_H_
#define MILLRACE_OPERATORS_INTERNAL_TABLE_NODES_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "millrace/operators/internal/stateless_nodes.h"
#include "millrace/operators/processor_node.h"
#include "millrace/state/key_value_store.h"

namespace millrace::internal {

/// The error of a node whose store the task does not have: the topology was built wrongly.
absl::Status NoStore(const std::string& node, const std::string& store);

/// A node that forwards a table's updates from its store: at once, or (store cached) when the store forwards. Follows
/// TimestampedTupleForwarder.
template <class K, class V>
class StoreForwardingNode : public ForwardingNode<K, Change<V>>, public ForwardSink<K, V> {
 public:
  using Store = TimestampedKeyValueStore<K, V>;
  StoreForwardingNode(std::string name, std::string store_name, bool send_old_values)
      : ForwardingNode<K, Change<V>>(std::move(name)), store_name_(std::move(store_name)), send_old_values_(send_old_values) {}

  [[nodiscard]] absl::Status Init(TaskContext* context) override {
    if (absl::Status status = ForwardingNode<K, Change<V>>::Init(context); !status.ok()) return status;
    if (store_name_.empty()) return absl::OkStatus();
    store_ = dynamic_cast<Store*>(context->FindStore(store_name_));
    if (store_ == nullptr) return NoStore(this->name(), store_name_);
    store_->SetForwardSink(this, send_old_values_);
    return absl::OkStatus();
  }

  void Forward(const K& key, const V* new_value, const V* old_value, Timestamp timestamp, const Headers& headers) override {
    const Change<V> change{new_value, old_value};
    this->out().Forward({&key, &change, timestamp, &headers});
  }

 protected:
  [[nodiscard]] Store* store() const { return store_; }
  [[nodiscard]] bool send_old_values() const { return send_old_values_; }
  /// Stores `value` and forwards unless the store does so later. `old_value` may be null.
  void PutAndForward(const K& key, std::optional<V> value, const V* old_value, Timestamp timestamp, const Headers& headers) {
    if (!store_->Put(key, value, timestamp)) return;
    Forward(key, AsPointer(value), send_old_values_ ? old_value : nullptr, timestamp, headers);
  }

 private:
  const std::string store_name_;
  const bool send_old_values_;
  Store* store_ = nullptr;
};

/// Turns a topic's records into table updates: each record replaces its key's row, a null value deletes it, a null key is
/// dropped. Follows KTableSource.
template <class K, class V>
class TableSourceNode final : public StoreForwardingNode<K, V>, public Receiver<K, V> {
 public:
  using StoreForwardingNode<K, V>::StoreForwardingNode;

  void Process(const Record<K, V>& record) override {
    if (record.key == nullptr) {
      ++this->context()->dropped.null_key;
      return;
    }
    if (this->store() == nullptr) {
      const Change<V> change{record.value, nullptr};
      this->out().Forward({record.key, &change, record.timestamp, record.headers});
      return;
    }
    std::optional<V> old_value;
    if (this->send_old_values()) {
      if (const ValueAndTimestamp<V>* old = this->store()->Get(*record.key)) old_value = old->value;
    }
    std::optional<V> value;
    if (record.value != nullptr) value = *record.value;
    this->PutAndForward(*record.key, std::move(value), AsPointer(old_value), record.timestamp, *record.headers);
  }
};

/// Keeps rows that pass; a row that stops passing is deleted downstream. Follows KTableFilter.
template <class K, class V>
class TableFilterNode final : public StoreForwardingNode<K, V>, public Receiver<K, Change<V>> {
 public:
  using Predicate = std::function<bool(const K*, const V*)>;
  TableFilterNode(std::string name, Predicate predicate, std::string store_name, bool send_old_values)
      : StoreForwardingNode<K, V>(std::move(name), std::move(store_name), send_old_values), predicate_(std::move(predicate)) {}

  void Process(const Record<K, Change<V>>& record) override {
    const V* new_value = Passed(record.key, record.value->new_value);
    std::optional<V> stored;
    const V* old_value = this->send_old_values() ? OldValue(record, &stored) : nullptr;
    // Neither the old nor the new row is of the result.
    if (this->send_old_values() && old_value == nullptr && new_value == nullptr) return;
    if (this->store() == nullptr) {
      const Change<V> change{new_value, old_value};
      this->out().Forward({record.key, &change, record.timestamp, record.headers});
      return;
    }
    this->PutAndForward(*record.key, new_value ? std::optional<V>(*new_value) : std::nullopt, old_value, record.timestamp,
                        *record.headers);
  }

 private:
  /// What the result had for this key; `stored` backs it if the result is materialised.
  const V* OldValue(const Record<K, Change<V>>& record, std::optional<V>* stored) const {
    if (this->store() == nullptr) return Passed(record.key, record.value->old_value);
    if (const ValueAndTimestamp<V>* old = this->store()->Get(*record.key)) *stored = old->value;
    return AsPointer(*stored);
  }
  const V* Passed(const K* key, const V* value) const { return value != nullptr && predicate_(key, value) ? value : nullptr; }
  const Predicate predicate_;
};

/// Maps each row's value; a deleted row stays deleted. Follows KTableMapValues.
template <class K, class V, class V2>
class TableMapValuesNode final : public StoreForwardingNode<K, V2>, public Receiver<K, Change<V>> {
 public:
  using Mapper = std::function<std::optional<V2>(const K*, const V*)>;
  TableMapValuesNode(std::string name, Mapper mapper, std::string store_name, bool send_old_values)
      : StoreForwardingNode<K, V2>(std::move(name), std::move(store_name), send_old_values), mapper_(std::move(mapper)) {}

  void Process(const Record<K, Change<V>>& record) override {
    std::optional<V2> new_value = Mapped(record.key, record.value->new_value);
    std::optional<V2> old_value;
    if (this->send_old_values()) {
      if (this->store() == nullptr) {
        old_value = Mapped(record.key, record.value->old_value);
      } else if (const ValueAndTimestamp<V2>* old = this->store()->Get(*record.key)) {
        old_value = old->value;
      }
    }
    if (this->store() == nullptr) {
      const Change<V2> change{AsPointer(new_value), AsPointer(old_value)};
      this->out().Forward({record.key, &change, record.timestamp, record.headers});
      return;
    }
    this->PutAndForward(*record.key, std::move(new_value), AsPointer(old_value), record.timestamp, *record.headers);
  }

 private:
  std::optional<V2> Mapped(const K* key, const V* value) const {
    return value == nullptr ? std::optional<V2>() : mapper_(key, value);
  }
  const Mapper mapper_;
};

/// Updates of a table as a stream of its new values. Follows KTableImpl.toStream.
template <class K, class V>
class TableToStreamNode final : public ForwardingNode<K, V>, public Receiver<K, Change<V>> {
 public:
  using ForwardingNode<K, V>::ForwardingNode;
  void Process(const Record<K, Change<V>>& record) override { this->out().Forward(record.WithValue(record.value->new_value)); }
};

}  // namespace millrace::internal

#endif  // MILLRACE_OPERATORS_INTERNAL_TABLE_NODES_H_
