#ifndef MILLRACE_TOPOLOGIES_REPARTITIONED_H_
#define MILLRACE_TOPOLOGIES_REPARTITIONED_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "millrace/state/serde.h"
#include "millrace/topologies/internal/serde_argument.h"
#include "millrace/topologies/stream_partitioner.h"

namespace millrace {

/// How KStream::Repartition goes: the topic's name ("<application.id>-<name>-repartition") and partition count, serdes,
/// partitioner. Follows Kafka's `Repartitioned`.
class Repartitioned {
 public:
  Repartitioned() = default;
  static Repartitioned As(std::string name) { return Repartitioned().WithName(std::move(name)); }
  template <class K, class V>
  static Repartitioned With(AnySerde<K> key, AnySerde<V> value) {
    return Repartitioned().WithKeySerde(std::move(key)).WithValueSerde(std::move(value));
  }

  Repartitioned& WithName(std::string name) {
    name_ = std::move(name);
    return *this;
  }
  template <class K>
  Repartitioned& WithKeySerde(AnySerde<K> serde) {
    key_.Set(std::move(serde));
    return *this;
  }
  template <class V>
  Repartitioned& WithValueSerde(AnySerde<V> serde) {
    value_.Set(std::move(serde));
    return *this;
  }
  template <class K, class V>
  Repartitioned& WithStreamPartitioner(StreamPartitioner<K, V> partitioner) {
    partitioner_.Set(std::move(partitioner));
    return *this;
  }
  /// Otherwise as many as the largest topic upstream has.
  Repartitioned& WithNumberOfPartitions(int32_t partitions) {
    partitions_ = partitions;
    return *this;
  }
  [[nodiscard]] std::optional<int32_t> partitions() const { return partitions_; }
  /// For the builder: empty if none was set or it is for other types.
  template <class K, class V>
  [[nodiscard]] StreamPartitioner<K, V> partitioner() const {
    const auto* partitioner = partitioner_.Get<StreamPartitioner<K, V>>();
    return partitioner != nullptr ? *partitioner : nullptr;
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const internal::SerdeArgument& key_serde() const { return key_; }
  [[nodiscard]] const internal::SerdeArgument& value_serde() const { return value_; }

 private:
  std::string name_;
  internal::SerdeArgument key_;
  internal::SerdeArgument value_;
  internal::ErasedArgument partitioner_;
  std::optional<int32_t> partitions_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_REPARTITIONED_H_
