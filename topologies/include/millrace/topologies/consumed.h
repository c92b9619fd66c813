#ifndef MILLRACE_TOPOLOGIES_CONSUMED_H_
#define MILLRACE_TOPOLOGIES_CONSUMED_H_

#include <string>
#include <utility>

#include "millrace/operators/timestamp_extractor.h"
#include "millrace/state/serde.h"
#include "millrace/topologies/internal/serde_argument.h"

namespace millrace {

/// How a topic is read: the source's name, serdes, and where event time comes from. Copied by the builder. Follows Kafka's
/// `Consumed`.
template <class K, class V>
class Consumed {
 public:
  Consumed() = default;
  static Consumed As(std::string name) { return Consumed().WithName(std::move(name)); }
  static Consumed With(AnySerde<K> key, AnySerde<V> value) {
    return Consumed().WithKeySerde(std::move(key)).WithValueSerde(std::move(value));
  }
  static Consumed With(TimestampExtractor<K, V> extractor) { return Consumed().WithTimestampExtractor(std::move(extractor)); }

  Consumed& WithName(std::string name) {
    name_ = std::move(name);
    return *this;
  }
  Consumed& WithKeySerde(AnySerde<K> serde) {
    key_ = std::move(serde);
    return *this;
  }
  Consumed& WithValueSerde(AnySerde<V> serde) {
    value_ = std::move(serde);
    return *this;
  }
  /// Called on the worker's thread, for every record; an answer below 0 drops the record.
  Consumed& WithTimestampExtractor(TimestampExtractor<K, V> extractor) {
    extractor_ = std::move(extractor);
    return *this;
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const internal::MaybeSerde<K>& key_serde() const { return key_; }
  [[nodiscard]] const internal::MaybeSerde<V>& value_serde() const { return value_; }
  [[nodiscard]] const TimestampExtractor<K, V>& timestamp_extractor() const { return extractor_; }

 private:
  std::string name_;
  internal::MaybeSerde<K> key_;
  internal::MaybeSerde<V> value_;
  TimestampExtractor<K, V> extractor_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_CONSUMED_H_
