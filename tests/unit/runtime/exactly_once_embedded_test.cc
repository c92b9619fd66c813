#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/host.h"
#include "log/embedded/embedded_log.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"
#include "task/offset_metadata.h"

// processing.guarantee=exactly_once_v2 on the embedded log: whatever happens to a worker's transactions, readers of committed
// records see each update of each count once and in order.

namespace millrace {
namespace {

using log::Isolation;
using log::embedded::EmbeddedLog;
using namespace std::chrono_literals;

constexpr int kPartitions = 2;

Topology TwoStageCount() {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("words")
      .SelectKey([](const std::string&, const std::string& value) { return value; })
      .GroupByKey()
      .Count(Materialized::As("counts"))
      .ToStream()
      .To("word-counts");
  return builder.Build().value();
}

class ExactlyOnceEmbeddedTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log_.CreateTopic("words", kPartitions).ok());
    ASSERT_TRUE(log_.CreateTopic("word-counts", kPartitions).ok());
  }
  void TearDown() override { EXPECT_TRUE(host_.files().RemoveAll(root_).ok()); }

  std::unique_ptr<KafkaStreams> Start(const std::string& directory, int threads = 1) {
    auto config = StreamsConfig::From({{"application.id", "counter"},
                                       {"bootstrap.servers", "embedded:0"},
                                       {"state.dir", root_ + "/" + directory},
                                       {"processing.guarantee", "exactly_once_v2"},
                                       {"num.stream.threads", std::to_string(threads)},
                                       {"statestore.cache.max.bytes", "0"},
                                       {"commit.interval.ms", "20"}});
    EXPECT_TRUE(config.ok()) << config.status();
    auto streams = std::make_unique<KafkaStreams>(TwoStageCount(), *config, std::shared_ptr<log::LogClient>(log_.NewClient()));
    const absl::Status started = streams->Start();
    EXPECT_TRUE(started.ok()) << started;
    return streams;
  }

  void Write(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      for (int word = 0; word < kWords; ++word) {
        const std::string text = "w" + std::to_string(word);
        ASSERT_TRUE(log_.Append("words", i % kPartitions, "k", BytesView(text), Timestamp::FromMillis(++time_)).ok());
      }
      written_ += 1;
    }
  }

  // The updates of each word that a reader of committed records sees.
  std::map<std::string, std::vector<int64_t>> Updates() {
    std::map<std::string, std::vector<int64_t>> updates;
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      const auto records = log_.Read("word-counts", partition, 0, Isolation::kReadCommitted).value();
      for (const auto& record : records) {
        int64_t count = 0;
        for (const char c : *record.value) count = (count << 8) | static_cast<unsigned char>(c);
        updates[*record.key].push_back(count);
      }
    }
    return updates;
  }

  void ExpectEachUpdateOnce() {
    std::map<std::string, std::vector<int64_t>> expected;
    for (int word = 0; word < kWords; ++word) {
      for (int64_t i = 1; i <= written_; ++i) expected["w" + std::to_string(word)].push_back(i);
    }
    for (int i = 0; i < 4000 && Updates() != expected; ++i) host_.Sleep(5ms);
    EXPECT_EQ(Updates(), expected);
  }

  // Ids under which the application has committed.
  std::set<std::string> TransactionalIds() {
    std::set<std::string> ids;
    std::vector<log::TopicPartition> partitions;
    for (int32_t p = 0; p < kPartitions; ++p) partitions.push_back({"words", p});
    const log::Offsets committed = log_.CommittedOffsets("counter", partitions);
    for (const auto& [partition, offset] : committed) {
      ids.insert(OffsetMetadata::Decode(offset.metadata).transactional_id);
    }
    return ids;
  }

  static constexpr int kWords = 5;
  Host& host_ = Host::Real();
  EmbeddedLog log_;
  int64_t written_ = 0;
  int64_t time_ = 1000;
  const std::string root_ = testing::TempDir() + "/exactly-once-" + std::to_string(host_.Random());
};

TEST_F(ExactlyOnceEmbeddedTest, CommittedReadersSeeEachUpdateOnce) {
  auto streams = Start("a");
  Write(200);
  ExpectEachUpdateOnce();
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

TEST_F(ExactlyOnceEmbeddedTest, AFencedWorkerUndoesItsTransactionAndGoesOn) {
  auto streams = Start("a", 2);
  Write(50);
  ExpectEachUpdateOnce();
  auto client = log_.NewClient();
  int fenced = 0;
  for (int i = 0; i < 20; ++i) {
    Write(20);
    for (const std::string& id : TransactionalIds()) {
      ASSERT_FALSE(id.empty());
      ASSERT_TRUE(client->NewTransactionalProducer(id).ok());
      ++fenced;
    }
    host_.Sleep(30ms);
  }
  EXPECT_GE(fenced, 20);
  ExpectEachUpdateOnce();
  const RuntimeSnapshot snapshot = streams->Snapshot();
  EXPECT_GT(snapshot.transactions_aborted, 0);
  EXPECT_LE(snapshot.transactions_aborted, fenced);
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

TEST_F(ExactlyOnceEmbeddedTest, InstancesThatComeAndGoRepeatNothing) {
  auto first = Start("a");
  Write(50);
  for (int i = 0; i < 4; ++i) {
    auto second = Start("b");
    Write(50);
    host_.Sleep(50ms);
    Write(50);
    EXPECT_TRUE(second->Close());
    EXPECT_TRUE(second->error().ok()) << second->error();
    Write(20);
  }
  ExpectEachUpdateOnce();
  EXPECT_TRUE(first->Close());
}

TEST_F(ExactlyOnceEmbeddedTest, ARestartGoesOnWithLocalStateOrWithout) {
  for (const char* directory : {"a", "a", "b"}) {
    auto streams = Start(directory);
    Write(60);
    ExpectEachUpdateOnce();
    EXPECT_TRUE(streams->Close());
  }
}

}  // namespace
}  // namespace millrace
