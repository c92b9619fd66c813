#ifndef MILLRACE_OPERATORS_INTERNAL_IO_NODES_H_
#define MILLRACE_OPERATORS_INTERNAL_IO_NODES_H_

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "millrace/operators/processor_node.h"
#include "millrace/operators/timestamp_extractor.h"
#include "millrace/state/serdes.h"
#include "millrace/state/windowed.h"

namespace millrace::internal {

[[nodiscard]] absl::Status Unparsable(const char* part, absl::string_view reason);
/// Inside a catch clause.
[[nodiscard]] absl::Status ThrownBySerde(const char* part);

/// Where a task's records come in. Key and value are decoded once, when the record becomes the head of its queue, into memory
/// that the node reuses. Follows SourceNode.
template <class K, class V>
class TypedSourceNode final : public SourceNode {
 public:
  TypedSourceNode(std::string name, AnySerde<K> key, AnySerde<V> value, TimestampExtractor<K, V> extractor)
      : SourceNode(std::move(name)),
        key_serde_(std::move(key)),
        value_serde_(std::move(value)),
        extractor_(std::move(extractor)) {}

  [[nodiscard]] absl::Status AddChild(ProcessorNode* child) override { return out_.Add(name(), child); }
  [[nodiscard]] absl::Status Init(TaskContext* context) override {
    context_ = context;
    out_.Init(context);
    return absl::OkStatus();
  }

  [[nodiscard]] absl::StatusOr<Timestamp> ExtractTimestamp(const RawRecord& record, Timestamp partition_time) override {
    if (absl::Status status = Decode(record); !status.ok()) return status;
    if (!extractor_) return record.timestamp;
    return extractor_(View(record, record.timestamp), partition_time);
  }

  [[nodiscard]] absl::Status Push(const RawRecord& record, Timestamp timestamp) override {
    if (!IsDecoded(record)) {
      if (absl::Status status = Decode(record); !status.ok()) return status;
    }
    context_->record = {timestamp, record.headers, record.topic, record.partition, record.offset};
    decoded_offset_ = -1;
    out_.Forward(View(record, timestamp));
    return absl::OkStatus();
  }

 private:
  bool IsDecoded(const RawRecord& record) const {
    return decoded_offset_ >= 0 && decoded_offset_ == record.offset && decoded_partition_ == record.partition &&
           decoded_topic_ == record.topic;
  }
  Record<K, V> View(const RawRecord& record, Timestamp timestamp) const {
    return {has_key_ ? &key_ : nullptr, has_value_ ? &value_ : nullptr, timestamp, record.headers};
  }
  absl::Status Decode(const RawRecord& record) {
    decoded_offset_ = -1;
    if (absl::Status s = DecodePart("key", key_serde_, record.key, &key_, &has_key_); !s.ok()) return s;
    if (absl::Status s = DecodePart("value", value_serde_, record.value, &value_, &has_value_); !s.ok()) return s;
    decoded_offset_ = record.offset;
    decoded_partition_ = record.partition;
    decoded_topic_ = record.topic;
    return absl::OkStatus();
  }
  // A serde that throws did not parse the record either, as in Java: the setting for such records decides, not the first throw.
  template <class T>
  static absl::Status DecodePart(const char* part, const AnySerde<T>& serde, NullableBytesView bytes, T* to, bool* has) {
    *has = false;
    if (!bytes) return absl::OkStatus();
    try {
      const absl::StatusOr<bool> read = serde.DeserializeNullable(*bytes, to);
      if (!read.ok()) return Unparsable(part, read.status().message());
      *has = *read;
      return absl::OkStatus();
    } catch (...) {
      return ThrownBySerde(part);
    }
  }

  const AnySerde<K> key_serde_;
  const AnySerde<V> value_serde_;
  const TimestampExtractor<K, V> extractor_;
  TaskContext* context_ = nullptr;
  Forwarder<K, V> out_;
  K key_{};
  V value_{};
  bool has_key_ = false;
  bool has_value_ = false;
  // Which record key_ and value_ hold; offset -1 = none.
  const std::string* decoded_topic_ = nullptr;
  int32_t decoded_partition_ = -1;
  int64_t decoded_offset_ = -1;
};

/// The bytes that decide the partition: the key's, but only the base key's for a windowed key. Follows WindowedStreamPartitioner.
template <class K>
struct PartitionKey {
  static std::optional<BytesView> Of(const K&, BytesView) { return std::nullopt; }
};
template <class K>
struct PartitionKey<Windowed<K>> {
  static constexpr size_t kWindowStartBytes = 8;
  static std::optional<BytesView> Of(const Windowed<K>&, BytesView serialised) {
    return serialised.substr(0, serialised.size() - kWindowStartBytes);
  }
};

/// What a sink does with a serialised record.
class SinkNodeBase : public ProcessorNode {
 public:
  using ProcessorNode::ProcessorNode;
  [[nodiscard]] absl::Status AddChild(ProcessorNode* child) override;
  [[nodiscard]] absl::Status Init(TaskContext* context) override;

 protected:
  /// False if the timestamp is negative: the record is left out, or the task has failed. Else the buffers are empty.
  [[nodiscard]] bool Begin(const std::string& topic, Timestamp timestamp, const Headers& headers);
  /// Inside a catch clause: a serde threw. Throws on if the task has failed.
  void LeaveOut(const std::string& topic, const char* part, const Headers& headers) const;
  /// Sends what stands in the buffers.
  void Send(const std::string& topic, std::optional<int32_t> partition, bool has_key, bool has_value, Timestamp timestamp,
            const Headers& headers) {
    context_->sink = this;
    context_->output().Send(topic, partition, has_key ? NullableBytesView(key_) : std::nullopt,
                            has_value ? NullableBytesView(value_) : std::nullopt, timestamp, headers);
  }
  /// By murmur2; nullopt if the topic is not known.
  [[nodiscard]] std::optional<int32_t> PartitionOf(const std::string& topic, BytesView key) const;
  [[nodiscard]] TaskContext* context() const { return context_; }

  Bytes key_;
  Bytes value_;

 private:
  TaskContext* context_ = nullptr;
};

/// Where a task's records leave for a topic: a fixed one, or one that a function names. Follows SinkNode.
template <class K, class V>
class SinkNode final : public SinkNodeBase, public Receiver<K, V> {
 public:
  using TopicNameExtractor = std::function<std::string(const K*, const V*, const RecordContext&)>;
  /// nullopt = the default partitioner. `partitions` is the topic's count.
  using Partitioner = std::function<std::optional<int32_t>(const std::string& topic, const K*, const V*, int32_t partitions)>;
  using Topic = std::variant<std::string, TopicNameExtractor>;

  SinkNode(std::string name, Topic topic, AnySerde<K> key, AnySerde<V> value, Partitioner partitioner = nullptr)
      : SinkNodeBase(std::move(name)),
        topic_(std::move(topic)),
        key_serde_(std::move(key)),
        value_serde_(std::move(value)),
        partitioner_(std::move(partitioner)) {}

  void Process(const Record<K, V>& record) override {
    if (const std::string* topic = std::get_if<std::string>(&topic_)) return Write(*topic, record);
    Write(std::get<TopicNameExtractor>(topic_)(record.key, record.value, context()->record), record);
  }

 private:
  void Write(const std::string& topic, const Record<K, V>& record) {
    if (!Begin(topic, record.timestamp, *record.headers)) return;
    const char* part = "key";
    try {
      if (record.key != nullptr) key_serde_.Serialize(*record.key, &key_);
      part = "value";
      if (record.value != nullptr) value_serde_.Serialize(*record.value, &value_);
    } catch (...) {
      return LeaveOut(topic, part, *record.headers);
    }
    Send(topic, Partition(topic, record), record.key != nullptr, record.value != nullptr, record.timestamp, *record.headers);
  }
  std::optional<int32_t> Partition(const std::string& topic, const Record<K, V>& record) {
    if (partitioner_) {
      std::optional<int32_t> chosen = partitioner_(topic, record.key, record.value, context()->output().PartitionCount(topic));
      if (chosen) return chosen;
    }
    if (record.key == nullptr) return std::nullopt;
    const std::optional<BytesView> base = PartitionKey<K>::Of(*record.key, key_);
    return base ? PartitionOf(topic, *base) : std::nullopt;
  }

  const Topic topic_;
  const AnySerde<K> key_serde_;
  const AnySerde<V> value_serde_;
  const Partitioner partitioner_;
};

}  // namespace millrace::internal

#endif  // MILLRACE_OPERATORS_INTERNAL_IO_NODES_H_
