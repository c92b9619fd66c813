#ifndef MILLRACE_TESTING_TOPOLOGY_TEST_DRIVER_H_
#define MILLRACE_TESTING_TOPOLOGY_TEST_DRIVER_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/runtime/exception_handlers.h"
#include "millrace/state/bytes.h"
#include "millrace/state/key_value_store.h"
#include "millrace/state/serdes.h"
#include "millrace/state/state_store.h"
#include "millrace/state/timestamp.h"
#include "millrace/topologies/topology.h"

namespace millrace {

/// A record as a test sees it; nullopt = null. Follows Kafka's `TestRecord`.
template <class K, class V>
struct TestRecord {
  std::optional<K> key;
  std::optional<V> value;
  Timestamp timestamp;
  Headers headers;
};

/// A record as it went to a topic, internal ones included.
struct ProducedRecord {
  std::string topic;
  NullableBytes key;
  NullableBytes value;
  Timestamp timestamp;
  Headers headers;
};

template <class K, class V>
class TestInputTopic;
template <class K, class V>
class TestOutputTopic;

/// Runs a topology in the test's own thread, without a broker, with the production task, operators, stores and commit. Every
/// topic has one partition; all sub-topologies run as one task; after each processed record due stream-time punctuation fires and
/// the task commits, so that caches show nothing of themselves. The wall clock moves only by AdvanceWallClock. Follows Kafka's
/// `TopologyTestDriver`.
///
///   auto driver = TopologyTestDriver::Create(*topology);
///   auto in = (*driver)->CreateInputTopic<std::string, std::string>("in");
///   in.PipeInput("key", "value", Timestamp::FromMillis(10));
///   auto record = (*driver)->CreateOutputTopic<std::string, std::string>("out").ReadRecord();
///
/// An error of the topology (a user function that throws, a record that does not parse) is returned by the call that met it, and
/// by all later ones. One thread.
class TopologyTestDriver {
 public:
  struct Options {
    std::string application_id = "app";
    Timestamp wall_clock = Timestamp::FromMillis(0);
    /// False: as with statestore.cache.max.bytes=0.
    bool caching = true;
    /// What is done about records that fail; without handlers the first failure is the driver's error.
    ExceptionHandlers exception_handlers = {};
  };

  [[nodiscard]] static absl::StatusOr<std::unique_ptr<TopologyTestDriver>> Create(const Topology& topology, Options options);
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<TopologyTestDriver>> Create(const Topology& topology) {
    return Create(topology, Options());
  }
  ~TopologyTestDriver();
  TopologyTestDriver(const TopologyTestDriver&) = delete;
  TopologyTestDriver& operator=(const TopologyTestDriver&) = delete;

  template <class K, class V>
  TestInputTopic<K, V> CreateInputTopic(std::string topic, AnySerde<K> key = {}, AnySerde<V> value = {}) {
    return {this, std::move(topic), std::move(key), std::move(value)};
  }
  template <class K, class V>
  TestOutputTopic<K, V> CreateOutputTopic(std::string topic, AnySerde<K> key = {}, AnySerde<V> value = {}) {
    return {this, std::move(topic), std::move(key), std::move(value)};
  }

  /// kNotFound if the topology does not read the topic.
  absl::Status PipeRaw(const std::string& topic, NullableBytesView key, NullableBytesView value, Timestamp timestamp,
                       const Headers& headers = Headers::Empty());
  /// Fires due wall-clock punctuations once.
  absl::Status AdvanceWallClock(std::chrono::milliseconds by);

  /// The next record of a topic that was not read yet; nullopt if there is none.
  [[nodiscard]] std::optional<ProducedRecord> ReadRaw(const std::string& topic);
  /// All records produced since the last call, over all topics, in order; does not move ReadRaw.
  [[nodiscard]] std::vector<ProducedRecord> TakeProduced();

  /// Null if there is no such store of that type: `driver->GetStateStore<TimestampedKeyValueStore<K, V>>("counts")`. Owned by the
  /// driver.
  template <class Store>
  Store* GetStateStore(std::string_view name) {
    return dynamic_cast<Store*>(FindStore(name));
  }
  [[nodiscard]] Timestamp wall_clock() const;

 private:
  class Impl;
  explicit TopologyTestDriver(std::unique_ptr<Impl> impl);
  StateStore* FindStore(std::string_view name);

  std::unique_ptr<Impl> impl_;
};

/// Follows Kafka's `TestInputTopic`. The driver outlives it.
template <class K, class V>
class TestInputTopic {
 public:
  TestInputTopic(TopologyTestDriver* driver, std::string topic, AnySerde<K> key, AnySerde<V> value)
      : driver_(driver), topic_(std::move(topic)), key_(std::move(key)), value_(std::move(value)) {}

  absl::Status PipeInput(const std::optional<K>& key, const std::optional<V>& value, Timestamp timestamp,
                         const Headers& headers = Headers::Empty()) {
    NullableBytes key_bytes;
    NullableBytes value_bytes;
    if (key) key_bytes = key_.ToBytes(*key);
    if (value) value_bytes = value_.ToBytes(*value);
    return driver_->PipeRaw(topic_, key_bytes, value_bytes, timestamp, headers);
  }

 private:
  TopologyTestDriver* driver_;
  std::string topic_;
  AnySerde<K> key_;
  AnySerde<V> value_;
};

/// Follows Kafka's `TestOutputTopic`. The driver outlives it.
template <class K, class V>
class TestOutputTopic {
 public:
  TestOutputTopic(TopologyTestDriver* driver, std::string topic, AnySerde<K> key, AnySerde<V> value)
      : driver_(driver), topic_(std::move(topic)), key_(std::move(key)), value_(std::move(value)) {}

  /// kOutOfRange if there is no further record; otherwise an error is a record that the serdes do not parse.
  [[nodiscard]] absl::StatusOr<TestRecord<K, V>> ReadRecord() {
    std::optional<ProducedRecord> raw = driver_->ReadRaw(topic_);
    if (!raw) return absl::OutOfRangeError("no further record in topic " + topic_);
    return Parse(*raw);
  }
  /// What was not read yet.
  [[nodiscard]] absl::StatusOr<std::vector<TestRecord<K, V>>> ReadAll() {
    std::vector<TestRecord<K, V>> records;
    while (std::optional<ProducedRecord> raw = driver_->ReadRaw(topic_)) {
      absl::StatusOr<TestRecord<K, V>> record = Parse(*raw);
      if (!record.ok()) return record.status();
      records.push_back(*std::move(record));
    }
    return records;
  }

 private:
  absl::StatusOr<TestRecord<K, V>> Parse(const ProducedRecord& raw) const {
    TestRecord<K, V> record;
    record.timestamp = raw.timestamp;
    record.headers = raw.headers;
    if (raw.key) {
      if (absl::Status s = key_.Deserialize(*raw.key, &record.key.emplace()); !s.ok()) return s;
    }
    if (raw.value) {
      if (absl::Status s = value_.Deserialize(*raw.value, &record.value.emplace()); !s.ok()) return s;
    }
    return record;
  }

  TopologyTestDriver* driver_;
  std::string topic_;
  AnySerde<K> key_;
  AnySerde<V> value_;
};

}  // namespace millrace

#endif  // MILLRACE_TESTING_TOPOLOGY_TEST_DRIVER_H_
