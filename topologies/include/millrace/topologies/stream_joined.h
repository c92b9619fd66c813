#ifndef MILLRACE_TOPOLOGIES_STREAM_JOINED_H_
#define MILLRACE_TOPOLOGIES_STREAM_JOINED_H_

#include <map>
#include <string>
#include <utility>

#include "millrace/state/serde.h"
#include "millrace/state/state_store.h"
#include "millrace/topologies/internal/serde_argument.h"

namespace millrace {

/// How two streams join: names of the steps and of the window stores, serdes, where the stores live and whether they are logged.
/// Follows Kafka's `StreamJoined`.
class StreamJoined {
 public:
  StreamJoined() = default;
  /// The base name of the stores, and so of their changelog topics.
  static StreamJoined As(std::string store_name) { return StreamJoined().WithStoreName(std::move(store_name)); }
  template <class K, class V1, class V2>
  static StreamJoined With(AnySerde<K> key, AnySerde<V1> left, AnySerde<V2> right) {
    return StreamJoined().WithKeySerde(std::move(key)).WithValueSerde(std::move(left)).WithOtherValueSerde(std::move(right));
  }

  /// Of the steps, and of repartition topics before the join ("<name>-left", "<name>-right").
  StreamJoined& WithName(std::string name) {
    name_ = std::move(name);
    return *this;
  }
  StreamJoined& WithStoreName(std::string store_name) {
    store_name_ = std::move(store_name);
    return *this;
  }
  template <class K>
  StreamJoined& WithKeySerde(AnySerde<K> serde) {
    key_.Set(std::move(serde));
    return *this;
  }
  template <class V>
  StreamJoined& WithValueSerde(AnySerde<V> serde) {
    value_.Set(std::move(serde));
    return *this;
  }
  template <class V>
  StreamJoined& WithOtherValueSerde(AnySerde<V> serde) {
    other_value_.Set(std::move(serde));
    return *this;
  }
  StreamJoined& WithStoreKind(StoreKind kind) {
    kind_ = kind;
    return *this;
  }
  /// Topic settings of the changelogs, which win over the defaults.
  StreamJoined& WithLoggingEnabled(std::map<std::string, std::string> topic_config = {}) {
    logged_ = true;
    topic_config_ = std::move(topic_config);
    return *this;
  }
  /// Unmatched records are forgotten when a task moves.
  StreamJoined& WithLoggingDisabled() {
    logged_ = false;
    return *this;
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& store_name() const { return store_name_; }
  [[nodiscard]] StoreKind store_kind() const { return kind_; }
  [[nodiscard]] bool logged() const { return logged_; }
  [[nodiscard]] const std::map<std::string, std::string>& topic_config() const { return topic_config_; }
  [[nodiscard]] const internal::SerdeArgument& key_serde() const { return key_; }
  [[nodiscard]] const internal::SerdeArgument& value_serde() const { return value_; }
  [[nodiscard]] const internal::SerdeArgument& other_value_serde() const { return other_value_; }

 private:
  std::string name_;
  std::string store_name_;
  internal::SerdeArgument key_;
  internal::SerdeArgument value_;
  internal::SerdeArgument other_value_;
  StoreKind kind_ = StoreKind::kPersistent;
  bool logged_ = true;
  std::map<std::string, std::string> topic_config_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_STREAM_JOINED_H_
