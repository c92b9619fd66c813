#ifndef MILLRACE_OPERATORS_RECORD_H_
#define MILLRACE_OPERATORS_RECORD_H_

#include "millrace/state/headers.h"
#include "millrace/state/timestamp.h"

namespace millrace {

/// A record in flight: a view of key and value (null where Kafka's record has null), with the timestamp and headers it
/// has now. Valid during the Process call that it is passed to. Follows Kafka's `Record`.
template <class K, class V>
struct Record {
  using Key = K;
  using Value = V;

  const K* key = nullptr;
  const V* value = nullptr;
  Timestamp timestamp;
  const Headers* headers = &Headers::Empty();

  template <class K2>
  [[nodiscard]] Record<K2, V> WithKey(const K2* k) const {
    return {k, value, timestamp, headers};
  }
  template <class V2>
  [[nodiscard]] Record<K, V2> WithValue(const V2* v) const {
    return {key, v, timestamp, headers};
  }
  [[nodiscard]] Record WithTimestamp(Timestamp t) const { return {key, value, t, headers}; }
  [[nodiscard]] Record WithHeaders(const Headers* h) const { return {key, value, timestamp, h}; }
};

/// An update of a table: what flows between table operators. The record's value pointer to it is never null; new_value null =
/// deleted; old_value is null unless the downstream asked for old values. Follows Kafka's `Change`.
template <class V>
struct Change {
  const V* new_value = nullptr;
  const V* old_value = nullptr;
};

}  // namespace millrace

#endif  // MILLRACE_OPERATORS_RECORD_H_
