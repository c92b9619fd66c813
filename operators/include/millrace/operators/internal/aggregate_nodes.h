#ifndef MILLRACE_OPERATORS_INTERNAL_AGGREGATE_NODES_H_
#define MILLRACE_OPERATORS_INTERNAL_AGGREGATE_NODES_H_

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "millrace/operators/internal/table_nodes.h"
#include "millrace/operators/windows.h"
#include "millrace/state/window_store.h"

namespace millrace::internal {

/// Aggregates a grouped stream by key. Records with a null key or value are dropped. Follows KStreamAggregate.
template <class K, class V, class VA>
class StreamAggregateNode final : public StoreForwardingNode<K, VA>, public Receiver<K, V> {
 public:
  using Initializer = std::function<std::optional<VA>()>;
  using Aggregator = std::function<std::optional<VA>(const K&, const V*, std::optional<VA>)>;
  StreamAggregateNode(std::string name, std::string store_name, Initializer initializer, Aggregator aggregator,
                      bool send_old_values)
      : StoreForwardingNode<K, VA>(std::move(name), std::move(store_name), send_old_values),
        initializer_(std::move(initializer)),
        aggregator_(std::move(aggregator)) {}

  void Process(const Record<K, V>& record) override {
    if (record.key == nullptr || record.value == nullptr) {
      ++(record.key == nullptr ? this->context()->dropped.null_key : this->context()->dropped.null_value);
      return;
    }
    const ValueAndTimestamp<VA>* stored = this->store()->Get(*record.key);
    std::optional<VA> old_value = stored != nullptr ? std::optional<VA>(stored->value) : initializer_();
    const Timestamp timestamp = stored != nullptr ? std::max(record.timestamp, stored->timestamp) : record.timestamp;
    std::optional<VA> forwarded_old;
    if (this->send_old_values()) forwarded_old = old_value;
    std::optional<VA> value = aggregator_(*record.key, record.value, std::move(old_value));
    this->PutAndForward(*record.key, std::move(value), AsPointer(forwarded_old), timestamp, *record.headers);
  }

 private:
  const Initializer initializer_;
  const Aggregator aggregator_;
};

/// Combines the values of a key; the first value stands as it is. Follows KStreamReduce.
template <class K, class V>
class StreamReduceNode final : public StoreForwardingNode<K, V>, public Receiver<K, V> {
 public:
  using Reducer = std::function<std::optional<V>(const V&, const V&)>;
  StreamReduceNode(std::string name, std::string store_name, Reducer reducer, bool send_old_values)
      : StoreForwardingNode<K, V>(std::move(name), std::move(store_name), send_old_values), reducer_(std::move(reducer)) {}

  void Process(const Record<K, V>& record) override {
    if (record.key == nullptr || record.value == nullptr) {
      ++(record.key == nullptr ? this->context()->dropped.null_key : this->context()->dropped.null_value);
      return;
    }
    const ValueAndTimestamp<V>* stored = this->store()->Get(*record.key);
    if (stored == nullptr) return this->PutAndForward(*record.key, *record.value, nullptr, record.timestamp, *record.headers);
    const Timestamp timestamp = std::max(record.timestamp, stored->timestamp);
    std::optional<V> old_value;
    if (this->send_old_values()) old_value = stored->value;
    std::optional<V> value = reducer_(stored->value, *record.value);
    this->PutAndForward(*record.key, std::move(value), AsPointer(old_value), timestamp, *record.headers);
  }

 private:
  const Reducer reducer_;
};

/// Aggregates a grouped stream by key and time window. Records with a null key are dropped; windows that closed before the
/// largest timestamp seen here, minus grace, too. A null value is aggregated. Follows KStreamWindowAggregate with
/// EmitStrategy.onWindowUpdate.
template <class K, class V, class VA>
class WindowAggregateNode final : public ForwardingNode<Windowed<K>, Change<VA>>,
                                  public Receiver<K, V>,
                                  public ForwardSink<Windowed<K>, VA> {
 public:
  using Store = TimestampedWindowStore<K, VA>;
  using Initializer = std::function<std::optional<VA>()>;
  using Aggregator = std::function<std::optional<VA>(const K&, const V*, std::optional<VA>)>;
  WindowAggregateNode(std::string name, std::string store_name, TimeWindows windows, Initializer initializer,
                      Aggregator aggregator, bool send_old_values)
      : ForwardingNode<Windowed<K>, Change<VA>>(std::move(name)),
        store_name_(std::move(store_name)),
        windows_(windows),
        initializer_(std::move(initializer)),
        aggregator_(std::move(aggregator)),
        send_old_values_(send_old_values) {}

  [[nodiscard]] absl::Status Init(TaskContext* context) override {
    if (absl::Status status = ForwardingNode<Windowed<K>, Change<VA>>::Init(context); !status.ok()) return status;
    store_ = dynamic_cast<Store*>(context->FindStore(store_name_));
    if (store_ == nullptr) return NoStore(this->name(), store_name_);
    store_->SetForwardSink(this, send_old_values_);
    return absl::OkStatus();
  }

  void Process(const Record<K, V>& record) override {
    if (record.key == nullptr) {
      ++this->context()->dropped.null_key;
      return;
    }
    observed_time_ = std::max(observed_time_, record.timestamp);
    const Timestamp close_time = observed_time_ - windows_.grace();
    for (Timestamp start = windows_.FirstStart(record.timestamp); start <= record.timestamp; start = start + windows_.advance()) {
      if (start + windows_.size() > close_time) {
        Update(record, {start, start + windows_.size()});
      } else {
        ++this->context()->dropped.late;
      }
    }
  }

  void Forward(const Windowed<K>& key, const VA* new_value, const VA* old_value, Timestamp timestamp,
               const Headers& headers) override {
    const Change<VA> change{new_value, old_value};
    this->out().Forward({&key, &change, timestamp, &headers});
  }

 private:
  void Update(const Record<K, V>& record, const Window& window) {
    const ValueAndTimestamp<VA>* stored = store_->Fetch(*record.key, window.start);
    std::optional<VA> old_value = stored != nullptr ? std::optional<VA>(stored->value) : initializer_();
    const Timestamp timestamp = stored != nullptr ? std::max(record.timestamp, stored->timestamp) : record.timestamp;
    std::optional<VA> forwarded_old;
    if (send_old_values_) forwarded_old = old_value;
    const std::optional<VA> value = aggregator_(*record.key, record.value, std::move(old_value));
    if (!store_->Put(*record.key, value, timestamp, window.start)) return;
    const Windowed<K> key{*record.key, window};
    Forward(key, AsPointer(value), AsPointer(forwarded_old), timestamp, *record.headers);
  }

  const std::string store_name_;
  const TimeWindows windows_;
  const Initializer initializer_;
  const Aggregator aggregator_;
  const bool send_old_values_;
  Store* store_ = nullptr;
  Timestamp observed_time_ = Timestamp::Unknown();
};

}  // namespace millrace::internal

#endif  // MILLRACE_OPERATORS_INTERNAL_AGGREGATE_NODES_H_
