#ifndef MILLRACE_TOPOLOGIES_PRODUCED_H_
#define MILLRACE_TOPOLOGIES_PRODUCED_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "millrace/state/serde.h"
#include "millrace/topologies/internal/serde_argument.h"
#include "millrace/topologies/stream_partitioner.h"

namespace millrace {

/// How a topic is written: the sink's name, serdes, and who chooses partitions. A serde of another type than the stream's makes
/// StreamsBuilder::Build fail. Follows Kafka's `Produced`.
class Produced {
 public:
  Produced() = default;
  static Produced As(std::string name) { return Produced().WithName(std::move(name)); }
  template <class K, class V>
  static Produced With(AnySerde<K> key, AnySerde<V> value) {
    return Produced().WithKeySerde(std::move(key)).WithValueSerde(std::move(value));
  }

  Produced& WithName(std::string name) {
    name_ = std::move(name);
    return *this;
  }
  template <class K>
  Produced& WithKeySerde(AnySerde<K> serde) {
    key_.Set(std::move(serde));
    return *this;
  }
  template <class V>
  Produced& WithValueSerde(AnySerde<V> serde) {
    value_.Set(std::move(serde));
    return *this;
  }
  template <class K, class V>
  Produced& WithStreamPartitioner(StreamPartitioner<K, V> partitioner) {
    partitioner_.Set(std::move(partitioner));
    return *this;
  }

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
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_PRODUCED_H_
