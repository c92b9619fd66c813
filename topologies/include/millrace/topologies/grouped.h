#ifndef MILLRACE_TOPOLOGIES_GROUPED_H_
#define MILLRACE_TOPOLOGIES_GROUPED_H_

#include <string>
#include <utility>

#include "millrace/state/serde.h"
#include "millrace/topologies/internal/serde_argument.h"

namespace millrace {

/// How a stream is grouped: the name of the repartition topic, if one is needed, and its serdes. A serde of another type than the
/// group's key or value makes StreamsBuilder::Build fail. Follows Kafka's `Grouped`.
class Grouped {
 public:
  Grouped() = default;
  static Grouped As(std::string name) { return Grouped().WithName(std::move(name)); }
  template <class K, class V>
  static Grouped With(AnySerde<K> key, AnySerde<V> value) {
    return Grouped().WithKeySerde(std::move(key)).WithValueSerde(std::move(value));
  }

  Grouped& WithName(std::string name) {
    name_ = std::move(name);
    return *this;
  }
  template <class K>
  Grouped& WithKeySerde(AnySerde<K> serde) {
    key_.Set(std::move(serde));
    return *this;
  }
  template <class V>
  Grouped& WithValueSerde(AnySerde<V> serde) {
    value_.Set(std::move(serde));
    return *this;
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const internal::SerdeArgument& key_serde() const { return key_; }
  [[nodiscard]] const internal::SerdeArgument& value_serde() const { return value_; }

 private:
  std::string name_;
  internal::SerdeArgument key_;
  internal::SerdeArgument value_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_GROUPED_H_
