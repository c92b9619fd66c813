#ifndef MILLRACE_TOPOLOGIES_JOINED_H_
#define MILLRACE_TOPOLOGIES_JOINED_H_

#include <string>
#include <utility>

#include "millrace/state/serde.h"
#include "millrace/topologies/internal/serde_argument.h"

namespace millrace {

/// How a stream joins a table: the join's name (its repartition topic's too) and the stream's serdes, for a repartition before
/// the join. Follows Kafka's `Joined`, without a grace period.
class Joined {
 public:
  Joined() = default;
  static Joined As(std::string name) { return Joined().WithName(std::move(name)); }
  template <class K, class V>
  static Joined With(AnySerde<K> key, AnySerde<V> value) {
    return Joined().WithKeySerde(std::move(key)).WithValueSerde(std::move(value));
  }

  Joined& WithName(std::string name) {
    name_ = std::move(name);
    return *this;
  }
  template <class K>
  Joined& WithKeySerde(AnySerde<K> serde) {
    key_.Set(std::move(serde));
    return *this;
  }
  /// Of the stream's values.
  template <class V>
  Joined& WithValueSerde(AnySerde<V> serde) {
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

#endif  // MILLRACE_TOPOLOGIES_JOINED_H_
