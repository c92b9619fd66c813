#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
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
#include "millrace/topologies/streams_builder.h"

// max.poll.interval.ms: a function that does not return gives the tasks of its copy up.

namespace millrace {
namespace {

using log::Isolation;
using log::embedded::EmbeddedLog;
using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr int32_t kPartitions = 4;

/// Holds the first who comes, until it is opened.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    if (taken_) return;
    taken_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  bool AwaitTaken() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [this] { return taken_; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool taken_ = false;
  bool open_ = false;
};

class HungWorkerTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log_.CreateTopic("in", kPartitions).ok());
    ASSERT_TRUE(log_.CreateTopic("out", kPartitions).ok());
    LogOptions logging;
    logging.sink = [this](const LogEntry& entry, std::string_view line) {
      const std::lock_guard lock(lines_mutex_);
      if (entry.fields.event == "worker-hung") lines_.emplace_back(line);
    };
    ConfigureLogging(logging);
  }
  void TearDown() override {
    ConfigureLogging({});
    EXPECT_TRUE(host_.files().RemoveAll(root_).ok());
  }

  // Counts values; the gate stands behind the store, so that state has changed and nothing was forwarded.
  std::unique_ptr<KafkaStreams> Start(const std::string& directory) {
    StreamsBuilder builder;
    builder.Stream<std::string, std::string>("in")
        .GroupByKey()
        .Count(Materialized::As("counts"))
        .ToStream()
        .Peek([this](const std::string& key, const int64_t&) {
          if (key == "hang") gate_.Pass();
        })
        .To("out");
    auto config = StreamsConfig::From({{"application.id", "hanging"},
                                       {"bootstrap.servers", "embedded:0"},
                                       {"state.dir", root_ + "/" + directory},
                                       {"processing.guarantee", GetParam()},
                                       {"statestore.cache.max.bytes", "0"},
                                       {"heartbeat.interval.ms", "50"},
                                       {"session.timeout.ms", "100"},
                                       {"max.poll.interval.ms", "1500"},
                                       {"commit.interval.ms", "20"}});
    EXPECT_TRUE(config.ok()) << config.status();
    auto streams =
        std::make_unique<KafkaStreams>(builder.Build().value(), *config, std::shared_ptr<log::LogClient>(log_.NewClient()));
    const absl::Status started = streams->Start();
    EXPECT_TRUE(started.ok()) << started;
    return streams;
  }
  void Write(const std::string& key) {
    ASSERT_TRUE(log_.Append("in", std::nullopt, BytesView(key), "x", Timestamp::FromMillis(1000)).ok());
    ++expected_[key];
  }
  template <class Condition>
  bool Eventually(Condition condition) {
    for (int i = 0; i < 6000; ++i) {
      if (condition()) return true;
      host_.Sleep(5ms);
    }
    return false;
  }
  // All counts of each key in the order of the log.
  std::map<std::string, std::vector<int64_t>> Updates() {
    std::map<std::string, std::vector<int64_t>> updates;
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      const auto records = log_.Read("out", partition, 0, Isolation::kReadCommitted).value();
      for (const auto& record : records) {
        int64_t count = 0;
        for (const char c : *record.value) count = (count << 8) | static_cast<unsigned char>(c);
        updates[*record.key].push_back(count);
      }
    }
    return updates;
  }
  bool AllCounted() {
    auto updates = Updates();
    return std::all_of(expected_.begin(), expected_.end(), [&](const auto& expected) {
      const auto& seen = updates[expected.first];
      return !seen.empty() && seen.back() == expected.second;
    });
  }
  std::vector<std::string> Lines() {
    const std::lock_guard lock(lines_mutex_);
    return lines_;
  }

  Host& host_ = Host::Real();
  EmbeddedLog log_;
  Gate gate_;
  std::map<std::string, int64_t> expected_;
  std::mutex lines_mutex_;
  std::vector<std::string> lines_;
  const std::string root_ = testing::TempDir() + "/hung-" + std::to_string(host_.Random());
};

TEST_P(HungWorkerTest, OthersTakeOverAndTheCopyComesBackWhenTheFunctionReturns) {
  auto first = Start("a");
  auto second = Start("b");
  ASSERT_TRUE(Eventually([&] { return first->Progress().tasks_running == 2 && second->Progress().tasks_running == 2; }));
  for (int i = 0; i < 20; ++i) Write("k" + std::to_string(i));
  ASSERT_TRUE(Eventually([&] { return AllCounted(); }));
  Write("hang");
  ASSERT_TRUE(gate_.AwaitTaken());
  for (int i = 0; i < 20; ++i) Write("k" + std::to_string(i));
  EXPECT_TRUE(Eventually([&] { return AllCounted(); })) << testing::PrintToString(Updates());
  ASSERT_TRUE(Eventually([&] { return first->Liveness().ok != second->Liveness().ok; }));
  KafkaStreams& hung = first->Liveness().ok ? *second : *first;
  KafkaStreams& other = first->Liveness().ok ? *first : *second;
  EXPECT_THAT(hung.Liveness().body, HasSubstr("has hung for 1500 ms (max.poll.interval.ms) in processing a record (task 0_"));
  EXPECT_TRUE(Eventually([&] { return other.Progress().tasks_running == kPartitions; }));
  EXPECT_THAT(Lines(), testing::Contains(testing::AllOf(HasSubstr("task=0_"), HasSubstr("topic=in"), HasSubstr("offset="))));

  gate_.Open();
  EXPECT_TRUE(Eventually([&] { return hung.Progress().tasks_running == 2 && other.Progress().tasks_running == 2; }));
  EXPECT_TRUE(Eventually([&] { return hung.Liveness().ok; }));
  for (int i = 0; i < 20; ++i) Write("k" + std::to_string(i));
  Write("hang");
  EXPECT_TRUE(Eventually([&] { return AllCounted(); })) << testing::PrintToString(Updates());
  if (std::string(GetParam()) == "exactly_once_v2") {
    for (const auto& [key, seen] : Updates()) {
      for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], static_cast<int64_t>(i) + 1) << key;
    }
  }
  for (KafkaStreams* streams : {first.get(), second.get()}) {
    EXPECT_TRUE(streams->Close());
    EXPECT_TRUE(streams->error().ok()) << streams->error();
  }
}

TEST_P(HungWorkerTest, ACopyThatIsAloneGoesOnWhenTheFunctionReturns) {
  auto streams = Start("a");
  Write("hang");
  ASSERT_TRUE(gate_.AwaitTaken());
  Write("k");
  ASSERT_TRUE(Eventually([&] { return !streams->Liveness().ok; }));
  EXPECT_TRUE(Eventually([&] { return streams->state() == KafkaStreams::State::kRebalancing; }));
  gate_.Open();
  EXPECT_TRUE(Eventually([&] { return AllCounted(); })) << testing::PrintToString(Updates());
  // At least once, what it had begun may come out before the loss is over.
  EXPECT_TRUE(Eventually([&] { return streams->Liveness().ok; })) << streams->Liveness().body;
  EXPECT_TRUE(Eventually([&] { return streams->Snapshot().rebalances.at("lost") == 1; }));
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

INSTANTIATE_TEST_SUITE_P(Guarantees, HungWorkerTest, testing::Values("at_least_once", "exactly_once_v2"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace millrace
