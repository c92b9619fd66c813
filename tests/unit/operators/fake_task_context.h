#ifndef MILLRACE_TESTS_UNIT_OPERATORS_FAKE_TASK_CONTEXT_H_
#define MILLRACE_TESTS_UNIT_OPERATORS_FAKE_TASK_CONTEXT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/operators/processor_node.h"
#include "millrace/state/engine.h"
#include "millrace/state/serdes.h"
#include "millrace/state/stores.h"

namespace millrace::operators_test {

using Strings = std::vector<std::string>;

inline Timestamp At(int64_t millis) { return Timestamp::FromMillis(millis); }

/// Keeps what sinks send, as "topic/partition:key=value@timestamp"; "-" is no partition.
class RecordingOutput : public OutputSink {
 public:
  void Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
            Timestamp timestamp, const Headers& headers) override {
    std::string line = topic + "/" + (partition ? std::to_string(*partition) : "-") + ":";
    line += (key ? std::string(*key) : "null") + "=" + (value ? std::string(*value) : "null");
    line += "@" + std::to_string(timestamp.millis());
    for (const Header& h : headers) line += "[" + h.name + "]";
    lines.push_back(line);
    keys.push_back(key ? NullableBytes(*key) : std::nullopt);
  }
  int32_t PartitionCount(const std::string&) override { return partitions; }
  Strings lines;
  std::vector<NullableBytes> keys;
  int32_t partitions = 4;
};

/// Counts changelog records, tombstones apart.
class CountingChangelog : public ChangelogSink {
 public:
  void Log(BytesView, NullableBytesView value, Timestamp, const Headers&) override { ++(value ? puts : deletes); }
  int puts = 0;
  int deletes = 0;
};

/// A task for nodes under test: real stores in memory, a clock that the test moves.
class FakeTaskContext : public TaskContext {
 public:
  FakeTaskContext() { emit_interval = std::chrono::milliseconds(0); }

  [[nodiscard]] TaskId task_id() const override { return {0, 3}; }
  [[nodiscard]] const std::string& application_id() const override { return application_id_; }
  StateStore* FindStore(std::string_view name) override {
    const auto it = stores_.find(std::string(name));
    return it == stores_.end() ? nullptr : it->second.get();
  }
  OutputSink& output() override { return sent; }
  [[nodiscard]] Timestamp stream_time() const override { return now; }
  [[nodiscard]] Timestamp system_time() const override { return now; }
  Cancellable Schedule(std::chrono::milliseconds, PunctuationType, Punctuator punctuator) override {
    punctuators.push_back(std::move(punctuator));
    return {};
  }
  void RequestCommit() override { ++commits; }
  bool OnException(const ProcessorNode& node) override {
    thrown_by.push_back(node.name());
    return leave_out;
  }
  bool OnUnwritable(const ProcessorNode&, const std::string&, const Headers&, const absl::Status& reason) override {
    if (!leave_out) error.Report(reason);
    return leave_out;
  }

  void AddStore(const std::shared_ptr<const StoreBuilder>& builder) {
    std::unique_ptr<StateStore> store = builder->Build();
    StoreContext store_context;
    store_context.changelog = &changelog;
    store_context.record = &record;
    store_context.error = &error;
    store_context.engines = engines_.get();
    EXPECT_EQ(store->Open(store_context), absl::OkStatus());
    stores_[builder->name()] = std::move(store);
  }
  void ForwardDirty() {
    for (auto& [name, store] : stores_) store->ForwardDirty();
  }

  RecordingOutput sent;
  CountingChangelog changelog;
  Timestamp now = At(0);
  int commits = 0;
  std::vector<Punctuator> punctuators;
  /// Answers of exception handlers; and which nodes they were asked about.
  bool leave_out = false;
  std::vector<std::string> thrown_by;

 private:
  std::string application_id_ = "app";
  std::unique_ptr<EngineFactory> engines_ = MakeMemoryEngineFactory();
  std::map<std::string, std::unique_ptr<StateStore>> stores_;
};

inline StoreOptions Options(std::string name, bool caching = false) {
  StoreOptions options;
  options.name = std::move(name);
  options.kind = StoreKind::kInMemory;
  options.caching = caching;
  return options;
}

inline std::string Text(const std::string& text) { return text; }
inline std::string Text(int64_t number) { return std::to_string(number); }
template <class K>
std::string Text(const Windowed<K>& key);
template <class V>
std::string Text(const Change<V>& change);
template <class T>
std::string Text(const T* value) {
  return value == nullptr ? "null" : Text(*value);
}
template <class K>
std::string Text(const Windowed<K>& key) {
  return Text(key.key) + "[" + std::to_string(key.window.start.millis()) + "," + std::to_string(key.window.end.millis()) + ")";
}
template <class V>
std::string Text(const Change<V>& change) {
  return Text(change.new_value) + (change.old_value != nullptr ? "(" + Text(*change.old_value) + ")" : "");
}

/// Keeps what reaches it, as "key=value@timestamp[header]"; a change is "new(old)".
template <class K, class V>
class Collector : public ProcessorNode, public Receiver<K, V> {
 public:
  explicit Collector(std::string name = "collector") : ProcessorNode(std::move(name)) {}
  [[nodiscard]] absl::Status AddChild(ProcessorNode*) override { return absl::InternalError("a collector has no children"); }
  [[nodiscard]] absl::Status Init(TaskContext*) override { return absl::OkStatus(); }
  void Process(const Record<K, V>& record) override {
    std::string line = Text(record.key) + "=" + Text(record.value) + "@" + std::to_string(record.timestamp.millis());
    for (const Header& h : *record.headers) line += "[" + h.name + "]";
    lines.push_back(line);
  }
  Strings Take() { return std::exchange(lines, {}); }
  Strings lines;
};

inline void Connect(ProcessorNode* node, ProcessorNode* child) { EXPECT_EQ(node->AddChild(child), absl::OkStatus()); }

/// A stream's record out of values; nullopt = null.
template <class Node>
void Feed(Node& node, std::optional<std::string> key, std::optional<std::string> value, int64_t time,
          const Headers* headers = &Headers::Empty()) {
  node.Process(Record<std::string, std::string>{key ? &*key : nullptr, value ? &*value : nullptr, At(time), headers});
}
/// A table's update.
template <class Node>
void FeedChange(Node& node, std::string key, std::optional<std::string> now, std::optional<std::string> old, int64_t time) {
  const Change<std::string> change{now ? &*now : nullptr, old ? &*old : nullptr};
  node.Process(Record<std::string, Change<std::string>>{&key, &change, At(time)});
}

}  // namespace millrace::operators_test

#endif  // MILLRACE_TESTS_UNIT_OPERATORS_FAKE_TASK_CONTEXT_H_
