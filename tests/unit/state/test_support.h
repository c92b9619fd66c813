#ifndef MILLRACE_TESTS_UNIT_STATE_TEST_SUPPORT_H_
#define MILLRACE_TESTS_UNIT_STATE_TEST_SUPPORT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/state/engine.h"
#include "millrace/state/serdes.h"
#include "millrace/state/store_memory.h"
#include "millrace/state/stores.h"

namespace millrace::state_test {

inline Timestamp At(int64_t millis) { return Timestamp::FromMillis(millis); }

inline StoreOptions Named(std::string name, bool caching = false) {
  StoreOptions options;
  options.name = std::move(name);
  options.caching = caching;
  return options;
}

inline std::string Hex(BytesView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

/// A directory that lives as long as the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-state-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Another value for one bit in the middle of each table file of a store's directory. Returns how many files there are.
inline int FlipInTables(const std::string& directory) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".sst") continue;
    ++files;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(entry.path()) / 2);
    file.seekg(middle);
    const int byte = file.get();
    file.seekp(middle);
    file.put(static_cast<char>(byte ^ 16));
  }
  return files;
}

/// What a SIGKILL leaves of a directory that is in use, elsewhere.
inline void CopyAsLeftByACrash(const std::string& from, const std::string& to) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

/// Keeps what is logged, as "key=value@timestamp[headers]" and as records to restore from.
class RecordingChangelog : public ChangelogSink {
 public:
  void Log(BytesView key, NullableBytesView value, Timestamp timestamp, const Headers& headers) override {
    std::string line = std::string(key) + "=" + (value ? std::string(*value) : "null") + "@" + std::to_string(timestamp.millis());
    for (const Header& h : headers) line += "[" + h.name + "]";
    lines.push_back(line);
    records.push_back({Bytes(key), value ? NullableBytes(*value) : std::nullopt, timestamp});
  }
  struct Logged {
    Bytes key;
    NullableBytes value;
    Timestamp timestamp;
  };
  [[nodiscard]] absl::Status RestoreInto(StateStore* store) const {
    std::vector<ChangelogRecord> views;
    for (const Logged& r : records) {
      views.push_back({r.key, NullableBytesView(r.value), r.timestamp, &Headers::Empty(), static_cast<int64_t>(views.size())});
    }
    return store->Restore(views, static_cast<int64_t>(views.size()));
  }
  std::vector<std::string> TakeLines() { return std::exchange(lines, {}); }

  std::vector<std::string> lines;
  std::vector<Logged> records;
};

/// A task around one store; `on_disk` chooses the engine.
class Task {
 public:
  explicit Task(bool on_disk, std::string directory = "") {
    if (on_disk && directory.empty()) directory = own_.path();
    engines_ = on_disk ? MakeRocksDbEngineFactory(directory) : MakeMemoryEngineFactory();
    context_.changelog = &changelog;
    context_.record = &record;
    context_.error = &error;
    context_.engines = engines_.get();
  }
  StoreContext& context() { return context_; }
  /// For the stores that are opened from now on.
  void LimitMemory(int64_t bytes) {
    memory_ = std::make_unique<StoreMemory>(bytes);
    context_.memory = memory_.get();
  }
  /// The store must be of that type.
  template <class Store>
  Store* Open(const StoreBuilder& builder) {
    store_ = builder.Build();
    EXPECT_EQ(store_->Open(context_), absl::OkStatus());
    auto* typed = dynamic_cast<Store*>(store_.get());
    EXPECT_NE(typed, nullptr);
    return typed;
  }
  void Close() { store_.reset(); }
  void At(int64_t millis, const Headers* headers = &Headers::Empty()) {
    record.timestamp = Timestamp::FromMillis(millis);
    record.headers = headers;
  }
  /// What a task does at a commit.
  void Commit(int64_t offset) {
    store_->ForwardDirty();
    store_->LogDirty();
    EXPECT_EQ(store_->Persist(offset), absl::OkStatus());
  }
  [[nodiscard]] std::optional<int64_t> Offset() {
    auto offset = store_->PersistedOffset();
    EXPECT_TRUE(offset.ok()) << offset.status();
    return offset.ok() ? *offset : std::nullopt;
  }

  RecordingChangelog changelog;
  RecordContext record;
  FirstError error;

 private:
  TemporaryDirectory own_;
  std::unique_ptr<EngineFactory> engines_;
  std::unique_ptr<StoreMemory> memory_;
  StoreContext context_;
  std::unique_ptr<StateStore> store_;
};

template <class K>
std::string Text(const K& key) {
  if constexpr (std::is_same_v<K, std::string>) return key;
  if constexpr (std::is_same_v<K, Timestamp>) return std::to_string(key.millis());
  if constexpr (std::is_same_v<K, Windowed<std::string>>) {
    return key.key + "@" + std::to_string(key.window.start.millis()) + "/" + std::to_string(key.window.end.millis());
  }
}
inline std::string Text(const ValueAndTimestamp<std::string>& v) { return v.value + "@" + std::to_string(v.timestamp.millis()); }

/// "key=value key=value".
template <class K, class V>
std::string Walk(std::unique_ptr<StoreIterator<K, V>> it) {
  std::string out;
  for (; it->Valid(); it->Next()) out += (out.empty() ? "" : " ") + Text(it->key()) + "=" + Text(it->value());
  return out;
}

/// Keeps what is forwarded, as "key=new(old)@timestamp[headers]".
template <class K>
class RecordingForward : public ForwardSink<K, std::string> {
 public:
  void Forward(const K& key, const std::string* new_value, const std::string* old_value, Timestamp timestamp,
               const Headers& headers) override {
    std::string line = Text(key) + "=" + (new_value ? *new_value : "null");
    if (old_value != nullptr) line += "(" + *old_value + ")";
    line += "@" + std::to_string(timestamp.millis());
    for (const Header& h : headers) line += "[" + h.name + "]";
    lines.push_back(line);
    if (then) then();
  }
  std::vector<std::string> Take() { return std::exchange(lines, {}); }
  std::vector<std::string> lines;
  std::function<void()> then;
};

}  // namespace millrace::state_test

#endif  // MILLRACE_TESTS_UNIT_STATE_TEST_SUPPORT_H_
