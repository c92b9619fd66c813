#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "host/host.h"
#include "log/embedded/embedded_log.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"
#include "status/status_record.h"
#include "status/status_topic.h"

// KafkaStreams as production runs it, on the embedded log: threads, group, restore, state directory.

namespace millrace {
namespace {

using log::embedded::EmbeddedLog;
using State = KafkaStreams::State;
using testing::HasSubstr;
using namespace std::chrono_literals;

Topology CountTopology() {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("words").GroupByKey().Count(Materialized::As("counts")).ToStream().To("word-counts");
  return builder.Build().value();
}

Topology RepartitionTopology() {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("words")
      .SelectKey([](const std::string&, const std::string& value) { return value; })
      .GroupByKey()
      .Count(Materialized::As("counts"))
      .ToStream()
      .To("word-counts");
  return builder.Build().value();
}

Topology WindowedCountTopology(std::chrono::milliseconds retention) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("words")
      .GroupByKey()
      .WindowedBy(TimeWindows::OfSizeWithNoGrace(1h))
      .Count(Materialized::As("counts").WithRetention(retention))
      .ToStream()
      .SelectKey([](const Windowed<std::string>& word, const int64_t&) { return word.key; })
      .To("word-counts");
  return builder.Build().value();
}

class KafkaStreamsEmbeddedTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log_.CreateTopic("words", 4).ok());
    ASSERT_TRUE(log_.CreateTopic("word-counts", 4).ok());
  }
  void TearDown() override { EXPECT_TRUE(host_.files().RemoveAll(root_).ok()); }

  [[nodiscard]] StreamsConfig Config(const std::string& directory = "a", Properties more = {}) const {
    more.insert({{"application.id", "counter"},
                 {"bootstrap.servers", "embedded:0"},
                 {"state.dir", root_ + "/" + directory},
                 {"commit.interval.ms", "50"}});
    auto config = StreamsConfig::From(more);
    EXPECT_TRUE(config.ok()) << config.status();
    return *config;
  }

  [[nodiscard]] std::unique_ptr<KafkaStreams> Make(const Topology& topology, const StreamsConfig& config) {
    return std::make_unique<KafkaStreams>(topology, config, std::shared_ptr<log::LogClient>(log_.NewClient()));
  }

  void Write(const std::string& key, int times, const std::string& value = "x") {
    for (int i = 0; i < times; ++i) {
      ASSERT_TRUE(log_.Append("words", std::nullopt, BytesView(key), BytesView(value), Timestamp::FromMillis(++time_)).ok());
    }
  }

  // The last count of each word in the output.
  [[nodiscard]] std::map<std::string, int64_t> Counts() const {
    std::map<std::string, int64_t> counts;
    for (int32_t partition = 0; partition < 4; ++partition) {
      auto records = log_.Read("word-counts", partition, 0);
      EXPECT_TRUE(records.ok()) << records.status();
      for (const auto& record : *records) {
        int64_t count = 0;
        for (const char c : *record.value) count = (count << 8) | static_cast<unsigned char>(c);
        counts[*record.key] = count;
      }
    }
    return counts;
  }

  template <class Condition>
  bool Eventually(Condition condition, std::chrono::milliseconds limit = 20s) {
    for (auto waited = 0ms; waited < limit; waited += 5ms) {
      if (condition()) return true;
      host_.Sleep(5ms);
    }
    return false;
  }

  // All four tasks have their stores open.
  bool AllRun(const KafkaStreams& streams) {
    return Eventually([&] { return streams.Progress().tasks_running == 4; });
  }

  void ExpectCounts(const std::map<std::string, int64_t>& expected) {
    EXPECT_TRUE(Eventually([&] { return Counts() == expected; })) << testing::PrintToString(Counts());
  }

  static int64_t Rebalances(const KafkaStreams& streams) {
    int64_t sum = 0;
    const RuntimeSnapshot snapshot = streams.Snapshot();
    for (const auto& [reason, count] : snapshot.rebalances) sum += count;
    return sum;
  }
  void ExpectCommitted(int64_t records) {
    const std::vector<log::TopicPartition> partitions = {{"words", 0}, {"words", 1}, {"words", 2}, {"words", 3}};
    EXPECT_TRUE(Eventually([&] {
      int64_t committed = 0;
      const log::Offsets offsets = log_.CommittedOffsets("counter", partitions);
      for (const auto& [partition, offset] : offsets) committed += offset.offset;
      return committed == records;
    }));
  }

  Host& host_ = Host::Real();
  EmbeddedLog log_;
  int64_t time_ = 1000;
  const std::string root_ = testing::TempDir() + "/streams-" + std::to_string(host_.Random());
};

TEST_F(KafkaStreamsEmbeddedTest, CountsAndPassesThroughTheStates) {
  auto streams = Make(CountTopology(), Config());
  std::vector<State> states;
  streams->SetStateListener([&](State now, State) { states.push_back(now); });
  EXPECT_EQ(streams->state(), State::kCreated);
  Write("a", 3);
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  EXPECT_TRUE(Eventually([&] { return streams->state() == State::kRunning; }));
  Write("b", 2);
  Write("a", 1);
  ExpectCounts({{"a", 4}, {"b", 2}});
  EXPECT_TRUE(streams->Close());
  EXPECT_EQ(streams->state(), State::kNotRunning);
  EXPECT_TRUE(streams->error().ok());
  EXPECT_EQ(states, (std::vector<State>{State::kRebalancing, State::kRunning, State::kPendingShutdown, State::kNotRunning}));
}

TEST_F(KafkaStreamsEmbeddedTest, CommitsAndReportsProgress) {
  auto streams = Make(CountTopology(), Config());
  Write("a", 10);
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ExpectCounts({{"a", 10}});
  EXPECT_TRUE(Eventually([&] {
    const StreamsProgress progress = streams->Progress();
    const auto consumed = progress.records_consumed.find("words");
    return progress.commits > 0 && progress.tasks_running == 4 && consumed != progress.records_consumed.end() &&
           consumed->second == 10;
  }));
  EXPECT_EQ(streams->Snapshot().state, "RUNNING");
  // The worker tells of a task a moment after it was given to it.
  EXPECT_TRUE(Eventually([&] { return streams->Snapshot().tasks.size() == 4; }));
  EXPECT_TRUE(streams->Close());
  int64_t committed = 0;
  for (const auto& [partition, offset] :
       log_.CommittedOffsets("counter", {{"words", 0}, {"words", 1}, {"words", 2}, {"words", 3}})) {
    committed += offset.offset;
  }
  EXPECT_EQ(committed, 10);
}

TEST_F(KafkaStreamsEmbeddedTest, SpreadsTasksOverWorkersAndInstances) {
  auto first = Make(CountTopology(), Config("a", {{"num.stream.threads", "2"}}));
  ASSERT_TRUE(first->Start().ok()) << first->error();
  EXPECT_TRUE(Eventually([&] { return first->Progress().tasks_running == 4; }));
  std::set<std::string> threads;
  EXPECT_TRUE(Eventually([&] {
    for (const TaskSnapshot& task : first->Snapshot().tasks) threads.insert(task.thread);
    return threads.size() == 2;
  }));
  for (int i = 0; i < 20; ++i) Write("word" + std::to_string(i), 1);
  auto second = Make(CountTopology(), Config("b"));
  ASSERT_TRUE(second->Start().ok()) << second->error();
  EXPECT_TRUE(Eventually([&] { return first->Progress().tasks_running == 2 && second->Progress().tasks_running == 2; }));
  std::map<std::string, int64_t> expected;
  for (int i = 0; i < 20; ++i) {
    Write("word" + std::to_string(i), 1);
    expected["word" + std::to_string(i)] = 2;
  }
  ExpectCounts(expected);
  EXPECT_TRUE(first->Close());
  EXPECT_TRUE(Eventually([&] { return second->Progress().tasks_running == 4 && second->state() == State::kRunning; }));
  for (auto& [word, count] : expected) {
    Write(word, 1);
    ++count;
  }
  ExpectCounts(expected);
}

TEST_F(KafkaStreamsEmbeddedTest, GoesOnFromLocalStateAfterARestart) {
  Write("a", 5);
  auto streams = Make(CountTopology(), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ExpectCounts({{"a", 5}});
  ASSERT_TRUE(streams->Close());
  streams = Make(CountTopology(), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write("a", 1);
  ExpectCounts({{"a", 6}});
  EXPECT_EQ(streams->Progress().records_restored, 0);
}

TEST_F(KafkaStreamsEmbeddedTest, CommitsWhereItReadsWhenTheCommittedRecordsAreGone) {
  Write("a", 5);
  const std::unique_ptr<log::LogClient> client = log_.NewClient();
  log::Offsets committed;
  for (int32_t p = 0; p < 4; ++p) {
    committed[{"words", p}] = {0, ""};
    const auto end = client->admin().EndOffset({"words", p}, log::Isolation::kReadUncommitted);
    ASSERT_TRUE(client->admin().DeleteRecords({"words", p}, *end).ok());
  }
  ASSERT_TRUE(client->admin().AlterOffsets("counter", committed).ok());
  auto streams = Make(CountTopology(), Config());
  ASSERT_TRUE(streams->Start().ok());
  // There is nothing to process, and nobody is to wait for it.
  ExpectCommitted(5);
  EXPECT_TRUE(streams->Close(10s));
  EXPECT_TRUE(Counts().empty());
}

TEST_F(KafkaStreamsEmbeddedTest, RestoresFromTheChangelogWithoutLocalState) {
  Write("a", 5);
  auto streams = Make(CountTopology(), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ExpectCounts({{"a", 5}});
  ASSERT_TRUE(streams->Close());
  streams = Make(CountTopology(), Config("another"));
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write("a", 1);
  ExpectCounts({{"a", 6}});
  EXPECT_GT(streams->Progress().records_restored, 0);
}

TEST_F(KafkaStreamsEmbeddedTest, RebuildsADamagedStoreAndKeepsTheDamagedOne) {
  Write("a", 5);
  auto streams = Make(CountTopology(), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  EXPECT_TRUE(AllRun(*streams));
  ExpectCounts({{"a", 5}});
  ASSERT_TRUE(Eventually([&] { return streams->Progress().tasks_running == 4; }));  // each with its store
  ASSERT_TRUE(streams->Close());
  for (int32_t task = 0; task < 4; ++task) {
    const std::string store = root_ + "/a/counter/0_" + std::to_string(task) + "/counts";
    ASSERT_TRUE(host_.files().Exists(store + "/CURRENT")) << store;
    ASSERT_TRUE(host_.files().Write(store + "/CURRENT", "MANIFEST-999999\n").ok());
  }
  streams = Make(CountTopology(), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  EXPECT_TRUE(AllRun(*streams));
  Write("a", 1);
  ExpectCounts({{"a", 6}});
  auto names = host_.files().List(root_ + "/a/counter/0_0");
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, testing::Contains(HasSubstr("counts.damaged-")));
}

TEST_F(KafkaStreamsEmbeddedTest, RebuildsAStoreOfAnotherRetentionKeepsTheOldOneAndSaysSo) {
  std::mutex mutex;
  std::vector<std::string> lines;
  LogOptions logging;
  logging.sink = [&](const LogEntry& entry, std::string_view line) {
    const std::lock_guard lock(mutex);
    if (entry.fields.event == "state-set-aside") lines.emplace_back(line);
  };
  ConfigureLogging(logging);
  Write("a", 5);
  auto streams = Make(WindowedCountTopology(10h), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  EXPECT_TRUE(AllRun(*streams));
  ExpectCounts({{"a", 5}});
  ASSERT_TRUE(streams->Close());
  EXPECT_THAT(lines, testing::IsEmpty());

  streams = Make(WindowedCountTopology(20h), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  EXPECT_TRUE(AllRun(*streams));
  Write("a", 1);
  ExpectCounts({{"a", 6}});
  EXPECT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return lines.size() == 4;
  })) << "one for each task";
  EXPECT_GT(streams->Progress().records_restored, 0);
  ASSERT_TRUE(streams->Close());
  ConfigureLogging({});
  auto names = host_.files().List(root_ + "/a/counter/0_0");
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, testing::UnorderedElementsAre("counts", testing::StartsWith("counts.damaged-")));
  EXPECT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines, testing::Each(testing::AllOf(HasSubstr("store 'counts' in '"), HasSubstr("holds another kind of store"),
                                                  HasSubstr("it is kept in "), HasSubstr("the store is rebuilt"))));

  streams = Make(WindowedCountTopology(20h), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  EXPECT_TRUE(AllRun(*streams));
  Write("a", 1);
  ExpectCounts({{"a", 7}});
  EXPECT_EQ(streams->Progress().records_restored, 0);
}

TEST_F(KafkaStreamsEmbeddedTest, RebuildsAStoreThatIsAheadOfItsChangelog) {
  Write("a", 5);
  auto streams = Make(CountTopology(), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ExpectCounts({{"a", 5}});
  ASSERT_TRUE(streams->Close());
  auto client = log_.NewClient();
  ASSERT_TRUE(client->admin().DeleteTopic("counter-counts-changelog").ok());
  ASSERT_TRUE(log_.CreateTopic("counter-counts-changelog", 4).ok());
  streams = Make(CountTopology(), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write("a", 1);
  ExpectCounts({{"a", 1}});
}

TEST_F(KafkaStreamsEmbeddedTest, RefusesToStartWithoutAChangelogThatItHad) {
  Write("a", 5);
  auto streams = Make(CountTopology(), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ExpectCounts({{"a", 5}});
  ASSERT_TRUE(streams->Close());
  ASSERT_TRUE(log_.NewClient()->admin().DeleteTopic("counter-counts-changelog").ok());
  for (const char* directory : {"a", "another"}) {
    streams = Make(CountTopology(), Config(directory));
    const absl::Status status = streams->Start();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("internal topic counter-counts-changelog: it is missing"));
  }
}

TEST_F(KafkaStreamsEmbeddedTest, RepartitionsWithAsManyPartitionsAsUpstreamAndPurges) {
  auto streams = Make(RepartitionTopology(), Config("a", {{"repartition.purge.interval.ms", "20"}}));
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  EXPECT_EQ(log_.PartitionCount("counter-counts-repartition"), 4);
  Write("k1", 3, "red");
  Write("k2", 2, "red");
  ExpectCounts({{"red", 5}});
  EXPECT_TRUE(Eventually([&] {
    int64_t begin = 0;
    for (int32_t p = 0; p < 4; ++p) begin += log_.BeginningOffset({"counter-counts-repartition", p}).value_or(0);
    return begin == 5;
  }));
}

TEST_F(KafkaStreamsEmbeddedTest, RefusesToStartWithoutASourceTopic) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("absent").To("word-counts");
  auto streams = Make(builder.Build().value(), Config());
  const absl::Status status = streams->Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("missing source topics: absent"));
  EXPECT_EQ(streams->state(), State::kError);
  EXPECT_EQ(streams->error(), status);
}

TEST_F(KafkaStreamsEmbeddedTest, RefusesToJoinTopicsWithUnequalPartitionCounts) {
  ASSERT_TRUE(log_.CreateTopic("more-words", 3).ok());
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("words")
      .Join(
          builder.Stream<std::string, std::string>("more-words"),
          [](const std::string& a, const std::string& b) { return a + b; }, JoinWindows::OfTimeDifferenceWithNoGrace(10ms))
      .To("word-counts");
  const absl::Status status = Make(builder.Build().value(), Config())->Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("more-words has 3, words has 4"));
}

TEST_F(KafkaStreamsEmbeddedTest, RefusesAnInternalTopicOfAnotherWidth) {
  ASSERT_TRUE(log_.CreateTopic("counter-counts-changelog", 7).ok());
  const absl::Status status = Make(CountTopology(), Config())->Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("counter-counts-changelog has 7 partitions, this topology needs 4"));
}

TEST_F(KafkaStreamsEmbeddedTest, RefusesATopologyThatDoesNotFitTheManifestAndPrintsTheDifference) {
  {
    auto streams = Make(CountTopology(), Config());
    ASSERT_TRUE(streams->Start().ok()) << streams->error();
    EXPECT_TRUE(streams->Close());
  }
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("words").GroupByKey().Count(Materialized::As("totals")).ToStream().To("word-counts");
  const absl::Status status = Make(builder.Build().value(), Config())->Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("sub-topology 0, store counts: the application has a"));
  EXPECT_FALSE(log_.PartitionCount("counter-totals-changelog").has_value()) << "nothing was made for it";
}

TEST_F(KafkaStreamsEmbeddedTest, DescribesItselfInTheStatusTopicWhileItRuns) {
  const auto instances = [&] {
    auto client = log_.NewClient();
    std::map<std::string, internal::Instance> decoded;
    const auto contents = ReadStatusTopic("counter-status", client.get(), &host_).value();
    for (const auto& [id, value] : contents.instances) {
      decoded[id] = DecodeInstance(value).value();
    }
    return decoded;
  };
  Write("a", 5);
  auto first = Make(CountTopology(), Config("a", {{"status.interval.ms", "100"}}));
  ASSERT_TRUE(first->Start().ok()) << first->error();
  auto second = Make(CountTopology(), Config("b", {{"status.interval.ms", "100"}}));
  ASSERT_TRUE(second->Start().ok()) << second->error();
  // Both run two tasks each, whose inputs are read to the end.
  EXPECT_TRUE(Eventually([&] {
    std::set<std::string> tasks;
    int64_t position = 0;
    for (const auto& [id, instance] : instances()) {
      if (instance.workers_size() != 1 || instance.workers(0).tasks_size() != 2 || instance.state() != "RUNNING") return false;
      for (const auto& task : instance.workers(0).tasks()) {
        tasks.insert(task.id());
        if (task.inputs_size() != 1 || !task.inputs(0).has_lag() || task.inputs(0).lag() != 0) return false;
        position += task.inputs(0).position();
      }
    }
    return tasks.size() == 4 && position == 5;
  }));
  ASSERT_EQ(instances().size(), 2u);
  EXPECT_TRUE(first->Close());
  EXPECT_TRUE(Eventually([&] {
    const auto left = instances();
    return left.size() == 1 && left.begin()->second.workers(0).tasks_size() == 4;
  })) << "a clean end removes the record";
  const std::string id = instances().begin()->first;
  EXPECT_TRUE(second->Close());
  EXPECT_TRUE(instances().empty());
  second = Make(CountTopology(), Config("b", {{"status.interval.ms", "100"}}));
  ASSERT_TRUE(second->Start().ok()) << second->error();
  EXPECT_TRUE(Eventually([&] { return !instances().empty(); }));
  EXPECT_EQ(instances().begin()->first, id) << "the id stays with the state directory";
}

TEST_F(KafkaStreamsEmbeddedTest, RefusesAStateDirectoryInUse) {
  auto first = Make(CountTopology(), Config());
  ASSERT_TRUE(first->Start().ok()) << first->error();
  const absl::Status status = Make(CountTopology(), Config())->Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("in use by another process"));
  EXPECT_TRUE(first->Close());
  EXPECT_TRUE(Make(CountTopology(), Config())->Start().ok());
}

TEST_F(KafkaStreamsEmbeddedTest, EndsInErrorWhenAUserFunctionThrows) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("words")
      .MapValues([](const std::string& value) -> std::string {
        if (value == "bad") throw std::runtime_error("bad word");
        return value;
      })
      .To("word-counts");
  auto streams = Make(builder.Build().value(), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write("a", 1, "bad");
  EXPECT_TRUE(Eventually([&] { return streams->state() == State::kError; }));
  EXPECT_THAT(std::string(streams->error().message()), HasSubstr("bad word"));
  auto client = log_.NewClient();
  const auto records = ReadStatusTopic("counter-status", client.get(), &host_).value().instances;
  ASSERT_EQ(records.size(), 1u);
  const internal::Instance record = DecodeInstance(records.begin()->second).value();
  EXPECT_EQ(record.state(), "ERROR");
  EXPECT_THAT(record.error(), HasSubstr("bad word"));
}

TEST_F(KafkaStreamsEmbeddedTest, DropsLostTasksAndTakesThemUpAgain) {
  Write("a", 5);
  auto streams = Make(CountTopology(), Config());
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ExpectCounts({{"a", 5}});
  for (int i = 0; i < 3; ++i) {
    // What is lost before its commit is counted again: at least once.
    ExpectCommitted(5 + i);
    const int64_t before = Rebalances(*streams);
    // The embedded group names its members in order; the one that is there is found by trying.
    int member = 0;
    while (!log_.ExpireMember("counter", "counter-member-" + std::to_string(member)).ok()) ASSERT_LT(++member, 100);
    // Until it knows, it may count what it cannot commit.
    EXPECT_TRUE(Eventually([&] { return Rebalances(*streams) > before && streams->state() == State::kRunning; }));
    Write("a", 1);
    ExpectCounts({{"a", 6 + i}});
  }
  EXPECT_TRUE(streams->Close());
}

}  // namespace
}  // namespace millrace
