#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/host.h"
#include "log/embedded/embedded_log.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/serdes.h"
#include "millrace/state/stores.h"
#include "millrace/topologies/streams_builder.h"

// What happens to the disk under a running application, on the embedded log: it goes on by itself.

namespace millrace {
namespace {

using log::Isolation;
using log::embedded::EmbeddedLog;
using testing::Contains;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// Engines of a disk that can be full: writes find no space then.
class LimitedEngine final : public KeyValueEngine {
 public:
  LimitedEngine(const std::atomic<bool>* full, std::unique_ptr<KeyValueEngine> engine)
      : full_(full), engine_(std::move(engine)) {}
  absl::StatusOr<bool> Get(BytesView key, Bytes* value) override { return engine_->Get(key, value); }
  absl::StatusOr<bool> GetMeta(BytesView key, Bytes* value) override { return engine_->GetMeta(key, value); }
  absl::Status MultiGet(std::span<const BytesView> keys, std::vector<NullableBytes>* values) override {
    return engine_->MultiGet(keys, values);
  }
  std::unique_ptr<EngineIterator> Scan(const EngineRange& range, bool reverse) override { return engine_->Scan(range, reverse); }
  absl::Status Write(const WriteBatch& batch) override { return *full_ ? NoSpace() : engine_->Write(batch); }
  absl::Status Flush(bool wait) override { return *full_ ? NoSpace() : engine_->Flush(wait); }
  [[nodiscard]] int64_t written() const override { return engine_->written(); }
  [[nodiscard]] int64_t durable() const override { return engine_->durable(); }
  [[nodiscard]] bool stopped() const override { return engine_->stopped(); }
  [[nodiscard]] bool persistent() const override { return engine_->persistent(); }
  [[nodiscard]] const std::string& location() const override { return engine_->location(); }

 private:
  [[nodiscard]] absl::Status NoSpace() const {
    return absl::ResourceExhaustedError("store in " + location() + ": no space left on device; free disk space");
  }
  const std::atomic<bool>* const full_;
  const std::unique_ptr<KeyValueEngine> engine_;
};

class LimitedEngines final : public EngineFactory {
 public:
  LimitedEngines(const std::atomic<bool>* full, std::unique_ptr<EngineFactory> engines)
      : full_(full), engines_(std::move(engines)) {}
  absl::StatusOr<std::unique_ptr<KeyValueEngine>> Open(const std::string& store, StoreKind kind) override {
    auto engine = engines_->Open(store, kind);
    if (!engine.ok()) return engine.status();
    return std::make_unique<LimitedEngine>(full_, *std::move(engine));
  }

 private:
  const std::atomic<bool>* const full_;
  const std::unique_ptr<EngineFactory> engines_;
};

/// The machine, with such a disk.
class LimitedHost final : public Host {
 public:
  [[nodiscard]] Timestamp Now() override { return Real().Now(); }
  [[nodiscard]] std::chrono::nanoseconds Monotonic() override { return Real().Monotonic(); }
  [[nodiscard]] std::chrono::nanoseconds ThreadCpu() override { return Real().ThreadCpu(); }
  void Sleep(std::chrono::milliseconds time) override { Real().Sleep(time); }
  [[nodiscard]] uint64_t Random() override { return Real().Random(); }
  [[nodiscard]] std::unique_ptr<Thread> StartThread(const std::string& name, absl::AnyInvocable<void()> body) override {
    return Real().StartThread(name, std::move(body));
  }
  [[nodiscard]] std::unique_ptr<Signal> NewSignal() override { return Real().NewSignal(); }
  [[nodiscard]] FileSystem& files() override { return Real().files(); }
  [[nodiscard]] std::string ProcessName() override { return Real().ProcessName(); }
  [[nodiscard]] std::unique_ptr<EngineFactory> Engines(const std::string& directory, const RocksDbOptions& options) override {
    return std::make_unique<LimitedEngines>(&full, Real().Engines(directory, options));
  }

  std::atomic<bool> full = false;
};

/// Counts of keys "k<i>" in a store that is logged, and of their values in one that is not.
class Counter : public Processor<std::string, std::string> {
 public:
  void Init(ProcessorContext<std::string, std::string>& context) override {
    Processor::Init(context);
    counts_ = context.GetStateStore<KeyValueStore<std::string, int64_t>>("counts");
    unlogged_ = context.GetStateStore<KeyValueStore<std::string, int64_t>>("unlogged");
  }
  void Process(const Record<std::string, std::string>& record) override {
    const std::string count = std::to_string(Next(counts_, *record.key));
    Next(unlogged_, *record.key);
    context().Forward(record.WithValue(&count));
  }

 private:
  static int64_t Next(KeyValueStore<std::string, int64_t>* store, const std::string& key) {
    const int64_t* before = store->Get(key);
    const int64_t count = before == nullptr ? 1 : *before + 1;
    store->Put(key, count);
    return count;
  }
  KeyValueStore<std::string, int64_t>* counts_ = nullptr;
  KeyValueStore<std::string, int64_t>* unlogged_ = nullptr;
};

Topology CounterTopology() {
  StreamsBuilder builder;
  StoreOptions store;
  store.name = "counts";
  builder.AddStateStore(KeyValueStoreBuilder<std::string, int64_t>(store));
  store.name = "unlogged";
  store.changelog.enabled = false;
  builder.AddStateStore(KeyValueStoreBuilder<std::string, int64_t>(store));
  builder.Stream<std::string, std::string>("in")
      .Process([] { return std::make_unique<Counter>(); }, {"counts", "unlogged"})
      .To("out");
  return builder.Build().value();
}

class StateFaultsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log_.CreateTopic("in", 1).ok());
    ASSERT_TRUE(log_.CreateTopic("out", 1).ok());
    ConfigureLogging({.level = LogLevel::kInfo, .json = false, .application = "", .sink = [this](const LogEntry&, auto line) {
                        const std::lock_guard lock(mutex_);
                        lines_.emplace_back(line);
                      }});
  }
  void TearDown() override {
    ConfigureLogging({});
    EXPECT_TRUE(host_.files().RemoveAll(root_).ok());
  }
  std::unique_ptr<KafkaStreams> Start() {
    const StreamsConfig config = StreamsConfig::From({{"application.id", "counter"},
                                                      {"bootstrap.servers", "embedded:0"},
                                                      {"state.dir", root_},
                                                      {"processing.guarantee", GetParam()},
                                                      {"statestore.uncommitted.max.bytes", "1048576"},
                                                      {"state.flush.interval.ms", "1000"},
                                                      {"commit.interval.ms", "20"}})
                                     .value();
    auto streams =
        std::make_unique<KafkaStreams>(CounterTopology(), config, std::shared_ptr<log::LogClient>(log_.NewClient()), &host_);
    const absl::Status started = streams->Start();
    EXPECT_TRUE(started.ok()) << started;
    return streams;
  }
  void WriteKeys(int from, int to, size_t size = 0) {
    for (int i = from; i < to; ++i) {
      const std::string key = "k" + std::to_string(i) + std::string(size, '_');
      ASSERT_TRUE(log_.Append("in", 0, BytesView(key), "x", Timestamp::FromMillis(1000)).ok());
      ++expected_[key];
    }
  }
  // The last count of each key, and how many there are.
  std::map<std::string, int64_t> Counts() {
    std::map<std::string, int64_t> counts;
    const auto records = log_.Read("out", 0, 0, Isolation::kReadCommitted).value();
    for (const auto& record : records) {
      counts[*record.key] = std::stoll(*record.value);
    }
    return counts;
  }
  template <class Condition>
  bool Eventually(Condition condition) {
    for (int i = 0; i < 6000; ++i) {
      if (condition()) return true;
      host_.Sleep(10ms);
    }
    return false;
  }
  // Exactly, or, where work was given up and done again at least once, at least.
  bool AllCounted(bool given_up = false) {
    const bool exact = !given_up || std::string(GetParam()) == "exactly_once_v2";
    return Eventually([&] {
      const std::map<std::string, int64_t> counts = Counts();
      if (exact || counts.size() != expected_.size()) return counts == expected_;
      return std::all_of(expected_.begin(), expected_.end(), [&](const auto& e) { return counts.at(e.first) >= e.second; });
    });
  }
  std::vector<std::string> Lines(const std::string& with) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> lines;
    for (const std::string& line : lines_) {
      if (line.find(with) != std::string::npos) lines.push_back(line);
    }
    return lines;
  }
  std::vector<std::string> Folders() { return host_.files().List(root_ + "/counter/0_0").value(); }

  LimitedHost host_;
  EmbeddedLog log_;
  std::map<std::string, int64_t> expected_;
  std::mutex mutex_;
  std::vector<std::string> lines_;
  const std::string root_ = testing::TempDir() + "/state-faults-" + std::to_string(host_.Random());
};

void FlipInTheMiddle(const std::filesystem::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  file.seekg(middle);
  const int byte = file.get();
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 16));
}

TEST_P(StateFaultsTest, ADamagedBlockUnderItsFeetCostsThatStoreOnly) {
  constexpr int kKeys = 6000;
  {
    auto streams = Start();
    WriteKeys(0, kKeys);
    ASSERT_TRUE(AllCounted());
    ASSERT_TRUE(streams->Close());
  }
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(root_ + "/counter/0_0/counts")) {
    if (file.path().extension() != ".sst") continue;
    ++files;
    FlipInTheMiddle(file.path());
  }
  ASSERT_GE(files, 1);

  auto streams = Start();
  ASSERT_TRUE(Eventually([&] { return streams->state() == KafkaStreams::State::kRunning; }));
  EXPECT_EQ(Folders(), (std::vector<std::string>{"counts", "unlogged"})) << "opening does not see it";
  WriteKeys(0, kKeys);
  ASSERT_TRUE(AllCounted(/*given_up=*/true)) << streams->error();
  const std::vector<std::string> aside = Lines("event=state-set-aside");
  ASSERT_EQ(aside.size(), 1U);
  EXPECT_THAT(aside.front(), HasSubstr("task=0_0 store=counts"));
  EXPECT_THAT(aside.front(), HasSubstr("the store is rebuilt"));
  const std::vector<std::string> folders = Folders();
  ASSERT_EQ(folders.size(), 3U) << testing::PrintToString(folders);
  EXPECT_THAT(folders[1], HasSubstr("counts.damaged-"));
  EXPECT_THAT(Lines("event=failed"), testing::IsEmpty());
  EXPECT_EQ(streams->Snapshot().worker_failures, 0);
  EXPECT_GE(streams->Snapshot().records_restored, kKeys);
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

TEST_P(StateFaultsTest, ADamagedStoreWithoutChangelogStartsEmptyAndSaysSo) {
  constexpr int kKeys = 6000;
  {
    auto streams = Start();
    WriteKeys(0, kKeys);
    ASSERT_TRUE(AllCounted());
    ASSERT_TRUE(streams->Close());
  }
  for (const auto& file : std::filesystem::directory_iterator(root_ + "/counter/0_0/unlogged")) {
    if (file.path().extension() == ".sst") FlipInTheMiddle(file.path());
  }
  auto streams = Start();
  WriteKeys(0, kKeys);
  ASSERT_TRUE(AllCounted(/*given_up=*/true)) << streams->error();
  EXPECT_THAT(
      Lines("event=state-set-aside"),
      testing::ElementsAre(testing::AllOf(HasSubstr("store=unlogged"), HasSubstr("starts empty, for it has no changelog"))));
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

TEST_P(StateFaultsTest, OnAFullDiskWorkGoesOnInMemoryThenWaitsAndGoesOnWhenThereIsSpace) {
  auto streams = Start();
  WriteKeys(0, 100);
  ASSERT_TRUE(AllCounted());
  EXPECT_TRUE(Eventually([&] { return streams->Readiness().ok; }));

  host_.full = true;
  WriteKeys(100, 200);
  ASSERT_TRUE(Eventually([&] { return !Lines("event=disk-full").empty(); }));
  EXPECT_THAT(Lines("event=disk-full").front(), HasSubstr("0_0/"));
  EXPECT_THAT(Lines("event=disk-full").front(), HasSubstr("Work goes on as long as there is memory"));
  ASSERT_TRUE(AllCounted()) << "what is committed needs no disk";
  EXPECT_TRUE(Eventually([&] { return !streams->Readiness().ok; }));
  EXPECT_THAT(streams->Readiness().body, HasSubstr("\"disk_full\""));
  EXPECT_TRUE(streams->Liveness().ok);
  EXPECT_THAT(streams->MetricsText(), HasSubstr("disk_full_workers{application=\"counter\"} 1"));

  // More than may wait in memory, twice: of each store.
  WriteKeys(200, 800, 5000);
  ASSERT_TRUE(Eventually([&] { return !Lines("No input is taken").empty(); }));
  const size_t waiting = Counts().size();
  EXPECT_LT(waiting, expected_.size());
  EXPECT_TRUE(streams->Liveness().ok);

  host_.full = false;
  ASSERT_TRUE(AllCounted()) << streams->error();
  EXPECT_THAT(Lines("event=disk-has-space"), testing::SizeIs(1));
  EXPECT_TRUE(Eventually([&] { return streams->Readiness().ok; })) << streams->Readiness().body;
  EXPECT_EQ(streams->state(), KafkaStreams::State::kRunning);
  EXPECT_EQ(streams->Snapshot().worker_failures, 0);
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();

  streams = Start();
  WriteKeys(0, 200);
  ASSERT_TRUE(AllCounted()) << "nothing was taken for written that was not";
  EXPECT_EQ(streams->Snapshot().records_restored, 0);
  EXPECT_TRUE(streams->Close());
}

TEST_P(StateFaultsTest, AStoreIsOnTheDiskWithinItsTimeWithoutAnyMoreInput) {
  auto streams = Start();
  WriteKeys(0, 100);
  ASSERT_TRUE(AllCounted());
  const std::string store = root_ + "/counter/0_0/counts";
  EXPECT_TRUE(Eventually([&] {
    for (const auto& file : std::filesystem::directory_iterator(store)) {
      if (file.path().extension() == ".sst") return true;
    }
    return false;
  }));
  EXPECT_TRUE(streams->Close());
}

INSTANTIATE_TEST_SUITE_P(Guarantees, StateFaultsTest, testing::Values("at_least_once", "exactly_once_v2"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace millrace
