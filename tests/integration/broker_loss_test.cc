#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <csignal>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/host.h"
#include "kafka_broker.h"
#include "log/kafka/kafka_log.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"

// Three brokers with everything on all of them, of which one is killed while tasks move at exactly-once.

namespace millrace {
namespace {

using namespace std::chrono_literals;

constexpr int kNodes = 3;
constexpr int kPartitions = 4;
constexpr int kWords = 40;

class BrokerLossTest : public testing::Test {
 protected:
  void SetUp() override {
    log::kafka::KafkaLogOptions options;
    options.common["bootstrap.servers"] = cluster_.bootstrap_servers();
    client_ = log::kafka::MakeKafkaLogClient(options).value();
    for (const std::string& topic : {input_, output_}) {
      const absl::Status created = client_->admin().CreateTopic({topic, kPartitions, kNodes, {}});
      ASSERT_TRUE(created.ok()) << created;
    }
    producer_ = client_->NewProducer().value();
    consumer_ = client_->NewConsumer({log::Isolation::kReadCommitted, kPartitions, false, ""}).value();
    for (int p = 0; p < kPartitions; ++p) readers_.push_back(consumer_->Assign({output_, p}, 0).value());
  }
  void TearDown() override { EXPECT_TRUE(host_.files().RemoveAll(root_).ok()); }

  [[nodiscard]] std::unique_ptr<KafkaStreams> Start(const std::string& directory) {
    StreamsBuilder builder;
    builder.Stream<std::string, std::string>(input_).GroupByKey().Count(Materialized::As("counts")).ToStream().To(output_);
    auto config = StreamsConfig::From({{"application.id", application_},
                                       {"bootstrap.servers", cluster_.bootstrap_servers()},
                                       {"state.dir", root_ + "/" + directory},
                                       {"processing.guarantee", "exactly_once_v2"},
                                       {"replication.factor", std::to_string(kNodes)},
                                       {"session.timeout.ms", "10000"},
                                       {"heartbeat.interval.ms", "500"}});
    EXPECT_TRUE(config.ok()) << config.status();
    auto streams = std::make_unique<KafkaStreams>(builder.Build().value(), *config);
    const absl::Status started = streams->Start();
    EXPECT_TRUE(started.ok()) << started;
    return streams;
  }

  void Write(int times) {
    for (int i = 0; i < times * kWords; ++i) {
      const std::string key = "word" + std::to_string(i % kWords);
      ASSERT_TRUE(
          producer_->Send(input_, std::nullopt, BytesView(key), BytesView("x"), host_.Now(), Headers::Empty(), nullptr).ok());
    }
    written_ += times;
  }
  // Each count of each word has come once, or a later one in its place, and the last one is there.
  bool CountsAreRight() {
    for (log::PartitionReader* reader : readers_) {
      const auto drained = reader->Drain(100000, [&](const RawRecord& record) {
        int64_t count = 0;
        EXPECT_TRUE(Serde<int64_t>{}.Deserialize(*record.value, &count).ok());
        int64_t& last = counts_[std::string(*record.key)];
        EXPECT_GT(count, last) << *record.key;
        last = count;
      });
      EXPECT_TRUE(drained.ok()) << drained.status();
    }
    if (counts_.size() != kWords) return false;
    for (const auto& [word, count] : counts_) {
      if (count != written_) return false;
    }
    return true;
  }
  template <class Condition>
  bool Eventually(Condition condition, std::chrono::milliseconds limit = 120s) {
    const auto start = host_.Monotonic();
    while (host_.Monotonic() - start < limit) {
      if (condition()) return true;
      host_.Sleep(50ms);
    }
    return false;
  }

  /// The number of the node that coordinates the application's group; 0 if that cannot be told now.
  int Coordinator() {
    char text[512];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", cluster_.bootstrap_servers().c_str(), text, sizeof(text));
    rd_kafka_t* rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    rd_kafka_queue_t* queue = rd_kafka_queue_new(rk);
    const char* groups[] = {application_.c_str()};
    rd_kafka_DescribeConsumerGroups(rk, groups, 1, nullptr, queue);
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 30000);
    int node = 0;
    size_t count = 0;
    if (event != nullptr && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const auto* described =
          rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event), &count);
      const rd_kafka_Node_t* found = count == 1 ? rd_kafka_ConsumerGroupDescription_coordinator(described[0]) : nullptr;
      if (found != nullptr) node = rd_kafka_Node_id(found);
    }
    if (event != nullptr) rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
    return node;
  }

  tests::KafkaBroker cluster_{kNodes};
  Host& host_ = Host::Real();
  const std::string application_ = "loss-" + std::to_string(host_.Random() % 1000000);
  const std::string input_ = application_ + "-in";
  const std::string output_ = application_ + "-out";
  const std::string root_ = testing::TempDir() + "/" + application_;
  std::unique_ptr<log::LogClient> client_;
  std::unique_ptr<log::Producer> producer_;
  std::unique_ptr<log::Consumer> consumer_;
  std::vector<log::PartitionReader*> readers_;
  std::map<std::string, int64_t> counts_;
  int64_t written_ = 0;
};

TEST_F(BrokerLossTest, TasksMoveWhileOneBrokerIsDown) {
  auto first = Start("first");
  Write(20);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  int coordinator = 0;
  ASSERT_TRUE(Eventually([&] { return (coordinator = Coordinator()) > 0; }));

  // One that the group does not need.
  const int other = coordinator % kNodes + 1;
  cluster_.Kill(other);
  // Each partition, so also those it led: they are asked of who leads them next.
  for (int p = 0; p < kPartitions; ++p) {
    const auto end = client_->admin().EndOffset({output_, p}, log::Isolation::kReadCommitted);
    EXPECT_TRUE(end.ok()) << end.status();
  }
  Write(20);
  auto second = Start("second");
  EXPECT_TRUE(Eventually([&] { return first->Progress().tasks_running == 2 && second->Progress().tasks_running == 2; }));
  Write(20);
  EXPECT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  EXPECT_TRUE(first->error().ok()) << first->error();
  EXPECT_TRUE(second->error().ok()) << second->error();
  cluster_.Start();

  // Who is left has to find the new one, and to end what its predecessor's transactions are.
  cluster_.Kill(coordinator);
  Write(20);
  EXPECT_TRUE(second->Close(60s));
  second.reset();
  EXPECT_TRUE(Eventually([&] { return first->Progress().tasks_running == kPartitions; }));
  Write(20);
  EXPECT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  EXPECT_TRUE(first->Close(60s));
  EXPECT_TRUE(first->error().ok()) << first->error();
}

}  // namespace
}  // namespace millrace
