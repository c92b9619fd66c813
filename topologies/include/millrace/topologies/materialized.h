#ifndef MILLRACE_TOPOLOGIES_MATERIALIZED_H_
#define MILLRACE_TOPOLOGIES_MATERIALIZED_H_

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "millrace/state/serde.h"
#include "millrace/state/state_store.h"
#include "millrace/topologies/internal/serde_argument.h"

namespace millrace {

/// How a table is kept: the store's name (then it can be queried), serdes, kind, caching, changelog, retention of windows. A
/// serde of another type than the table's makes StreamsBuilder::Build fail. Follows Kafka's `Materialized`.
class Materialized {
 public:
  /// As if it had not been passed.
  Materialized() = default;
  static Materialized As(std::string store_name) {
    Materialized materialized = Given();
    materialized.store_name_ = std::move(store_name);
    return materialized;
  }
  /// A store whose name is generated.
  static Materialized As(StoreKind kind) { return Given().WithStoreKind(kind); }
  template <class K, class V>
  static Materialized With(AnySerde<K> key, AnySerde<V> value) {
    return Given().WithKeySerde(std::move(key)).WithValueSerde(std::move(value));
  }

  template <class K>
  Materialized& WithKeySerde(AnySerde<K> serde) {
    given_ = true;
    key_.Set(std::move(serde));
    return *this;
  }
  template <class V>
  Materialized& WithValueSerde(AnySerde<V> serde) {
    given_ = true;
    value_.Set(std::move(serde));
    return *this;
  }
  Materialized& WithStoreKind(StoreKind kind) {
    given_ = true;
    kind_ = kind;
    return *this;
  }
  /// Forward and log each update, not the last one of a key per commit.
  Materialized& WithCachingDisabled() {
    given_ = true;
    cached_ = false;
    return *this;
  }
  Materialized& WithCachingEnabled() {
    given_ = true;
    cached_ = true;
    return *this;
  }
  /// Topic settings of the changelog, which win over the defaults.
  Materialized& WithLoggingEnabled(std::map<std::string, std::string> topic_config = {}) {
    given_ = true;
    logged_ = true;
    topic_config_ = std::move(topic_config);
    return *this;
  }
  /// The store starts empty whenever its task moves.
  Materialized& WithLoggingDisabled() {
    given_ = true;
    logged_ = false;
    return *this;
  }
  /// Windowed stores only; at least window size plus grace, which is the default.
  Materialized& WithRetention(std::chrono::milliseconds retention) {
    given_ = true;
    retention_ = retention;
    return *this;
  }

  [[nodiscard]] bool given() const { return given_; }
  [[nodiscard]] const std::string& store_name() const { return store_name_; }
  [[nodiscard]] StoreKind store_kind() const { return kind_; }
  [[nodiscard]] bool cached() const { return cached_; }
  [[nodiscard]] bool logged() const { return logged_; }
  [[nodiscard]] const std::map<std::string, std::string>& topic_config() const { return topic_config_; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> retention() const { return retention_; }
  [[nodiscard]] const internal::SerdeArgument& key_serde() const { return key_; }
  [[nodiscard]] const internal::SerdeArgument& value_serde() const { return value_; }

 private:
  static Materialized Given() {
    Materialized materialized;
    materialized.given_ = true;
    return materialized;
  }

  bool given_ = false;
  std::string store_name_;
  internal::SerdeArgument key_;
  internal::SerdeArgument value_;
  StoreKind kind_ = StoreKind::kPersistent;
  bool cached_ = true;
  bool logged_ = true;
  std::map<std::string, std::string> topic_config_;
  std::optional<std::chrono::milliseconds> retention_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_MATERIALIZED_H_
