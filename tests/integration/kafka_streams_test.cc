#include "millrace/runtime/kafka_streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/host.h"
#include "kafka_broker.h"
#include "log/kafka/kafka_log.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/main.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"
#include "reset/application_reset.h"
#include "status/fleet_table.h"
#include "status/status_record.h"
#include "status/status_topic.h"

// KafkaStreams on a real Kafka: two instances share the work, one leaves midway; restart with and without local state.

namespace millrace {
namespace {

using namespace std::chrono_literals;
using State = KafkaStreams::State;

constexpr int kPartitions = 4;
constexpr int kWords = 50;

Topology CountTopology(const std::string& input, const std::string& output) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>(input).GroupByKey().Count(Materialized::As("counts")).ToStream().To(output);
  return builder.Build().value();
}

class KafkaStreamsTest : public tests::KafkaBrokerTest {
 protected:
  void SetUp() override {
    log::kafka::KafkaLogOptions options;
    options.common["bootstrap.servers"] = broker_->bootstrap_servers();
    auto client = log::kafka::MakeKafkaLogClient(options);
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    for (const std::string& topic : {input_, output_}) {
      const absl::Status created = client_->admin().CreateTopic({topic, kPartitions, 1, {}});
      ASSERT_TRUE(created.ok()) << created;
    }
    producer_ = client_->NewProducer().value();
  }
  void TearDown() override { EXPECT_TRUE(host_.files().RemoveAll(root_).ok()); }

  [[nodiscard]] StreamsConfig Config(const std::string& directory) const {
    auto config = StreamsConfig::From({{"application.id", application_},
                                       {"bootstrap.servers", broker_->bootstrap_servers()},
                                       {"state.dir", root_ + "/" + directory},
                                       {"num.stream.threads", "2"},
                                       {"session.timeout.ms", "6000"},
                                       {"heartbeat.interval.ms", "500"},
                                       {"status.interval.ms", "200"},
                                       {"commit.interval.ms", "100"}});
    EXPECT_TRUE(config.ok()) << config.status();
    return *config;
  }

  [[nodiscard]] std::unique_ptr<KafkaStreams> Make(const std::string& directory) const {
    return std::make_unique<KafkaStreams>(CountTopology(input_, output_), Config(directory));
  }

  /// `times` records of each word.
  void Write(int times) {
    for (int i = 0; i < times; ++i) {
      for (int word = 0; word < kWords; ++word) {
        const std::string key = "word" + std::to_string(word);
        ASSERT_TRUE(
            producer_->Send(input_, std::nullopt, BytesView(key), BytesView("x"), host_.Now(), Headers::Empty(), nullptr).ok());
      }
    }
    const absl::Status flushed = producer_->Flush(30s);
    ASSERT_TRUE(flushed.ok()) << flushed;
    written_ += times;
  }

  // Reads on; true when the last count of each word is the number written, and no count was ever larger.
  bool CountsAreRight() {
    if (!consumer_) {
      consumer_ = client_->NewConsumer({log::Isolation::kReadUncommitted, kPartitions, false, ""}).value();
      for (int p = 0; p < kPartitions; ++p) readers_.push_back(consumer_->Assign({output_, p}, 0).value());
    }
    for (log::PartitionReader* reader : readers_) {
      (void)reader->Drain(100000, [&](const RawRecord& record) {
        int64_t count = 0;
        for (const char c : *record.value) count = (count << 8) | static_cast<unsigned char>(c);
        counts_[std::string(*record.key)] = count;
        EXPECT_LE(count, written_) << *record.key;
      });
    }
    if (counts_.size() != kWords) return false;
    for (const auto& [word, count] : counts_) {
      if (count != written_) return false;
    }
    return true;
  }

  template <class Condition>
  bool Eventually(Condition condition, std::chrono::milliseconds limit = 60s) {
    for (auto waited = 0ms; waited < limit; waited += 20ms) {
      if (condition()) return true;
      host_.Sleep(20ms);
    }
    return false;
  }

  Host& host_ = Host::Real();
  const std::string application_ = "count-" + std::to_string(host_.Random() % 1000000);
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

TEST_F(KafkaStreamsTest, TwoInstancesShareTheWorkAndOneLeavesMidway) {
  auto first = Make("first");
  ASSERT_TRUE(first->Start().ok()) << first->error();
  Write(20);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  auto second = Make("second");
  ASSERT_TRUE(second->Start().ok()) << second->error();
  Write(20);
  ASSERT_TRUE(Eventually([&] { return first->Progress().tasks_running == 2 && second->Progress().tasks_running == 2; }));
  Write(20);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  Write(20);
  const auto before = host_.Monotonic();
  EXPECT_TRUE(first->Close());
  EXPECT_LT(host_.Monotonic() - before, 20s);  // a member that hangs takes 30 s
  Write(20);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  EXPECT_TRUE(Eventually([&] { return second->state() == State::kRunning && second->Progress().tasks_running == 4; }));
  EXPECT_TRUE(second->Close());
  EXPECT_TRUE(second->error().ok()) << second->error();
}

TEST_F(KafkaStreamsTest, InstancesDescribeThemselvesAndAreGoneAfterACleanEnd) {
  const std::string topic = StatusTopicName(application_);
  const auto read = [&] {
    auto contents = ReadStatusTopic(topic, client_.get(), &host_);
    EXPECT_TRUE(contents.ok()) << contents.status();
    return contents.ok() ? *contents : StatusTopicContents();
  };
  auto first = Make("first");
  ASSERT_TRUE(first->Start().ok()) << first->error();
  auto second = Make("second");
  ASSERT_TRUE(second->Start().ok()) << second->error();
  Write(20);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  // Together they have all four tasks, two each, at the end of their inputs.
  StatusTopicContents contents;
  const auto all_is_told = [&] {
    std::set<std::string> tasks;
    int64_t positions = 0;
    contents = read();
    for (const auto& [id, value] : contents.instances) {
      const auto instance = DecodeInstance(value);
      if (!instance.ok() || instance->state() != "RUNNING" || instance->workers_size() != 2) return false;
      EXPECT_TRUE(IsAlive(*instance, host_.Now()));
      int its_tasks = 0;
      for (const internal::WorkerStatus& worker : instance->workers()) {
        its_tasks += worker.tasks_size();
        for (const internal::TaskStatus& task : worker.tasks()) {
          tasks.insert(task.id());
          for (const internal::InputStatus& input : task.inputs()) {
            if (!input.has_lag() || input.lag() != 0) return false;
            positions += input.position();
          }
        }
      }
      if (its_tasks != kPartitions / 2) return false;
    }
    return tasks.size() == kPartitions && positions == 20 * kWords;
  };
  ASSERT_TRUE(Eventually(all_is_told));
  EXPECT_EQ(contents.instances.size(), 2u);
  const auto manifest = DecodeManifest(contents.manifest.value_or(""));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->subtopologies(0).stores(0).name(), "counts");
  const auto table = FleetTable(application_, contents, host_.Now());
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(std::count(table->begin(), table->end(), '\n'), 4) << *table;
  EXPECT_TRUE(first->Close());
  EXPECT_TRUE(second->Close());
  EXPECT_TRUE(read().instances.empty());
  EXPECT_TRUE(read().manifest.has_value());

  // The command of every application prints the same.
  Application application(application_, [&](const StreamsConfig&) { return CountTopology(input_, output_); });
  const std::vector<const char*> arguments = {"program", "status", "--bootstrap-servers", broker_->bootstrap_servers().c_str()};
  testing::internal::CaptureStdout();
  EXPECT_EQ(application.Run(static_cast<int>(arguments.size()), arguments.data()), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              testing::AllOf(testing::HasSubstr("application " + application_ + ", topology "),
                             testing::HasSubstr("tasks that no living instance has: 0_0 0_1 0_2 0_3\n")));
  Application unknown("never-started", [&](const StreamsConfig&) { return CountTopology(input_, output_); });
  testing::internal::CaptureStderr();
  EXPECT_EQ(unknown.Run(static_cast<int>(arguments.size()), arguments.data()), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("there is no topic never-started-status"));
}

TEST_F(KafkaStreamsTest, RefusesAProgramThatDoesNotFitTheState) {
  auto first = Make("first");
  ASSERT_TRUE(first->Start().ok()) << first->error();
  StreamsBuilder builder;
  builder.Table<std::string, std::string>(input_, Materialized::As("counts")).ToStream().To(output_);
  KafkaStreams other(builder.Build().value(), Config("other"));
  const absl::Status status = other.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(
      std::string(status.message()),
      testing::HasSubstr("sub-topology 0, store counts, value, serde: the application has int64, this program has string"));
  EXPECT_TRUE(first->Close());
}

TEST_F(KafkaStreamsTest, CountsAllAnewAfterAReset) {
  auto streams = Make("a");
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write(10);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);

  const std::string state_dir = "state.dir=" + root_ + "/a";
  const auto reset = [&](std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), {"program", "reset", "--bootstrap-servers", broker_->bootstrap_servers().c_str(), "--set",
                                         state_dir.c_str()});
    Application application(application_, [&](const StreamsConfig&) { return CountTopology(input_, output_); });
    return application.Run(static_cast<int>(arguments.size()), arguments.data());
  };
  testing::internal::CaptureStderr();
  EXPECT_EQ(reset({"--execute"}), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("application " + application_ + " has 1 members"));
  EXPECT_TRUE(streams->Close());
  streams.reset();

  testing::internal::CaptureStdout();
  EXPECT_EQ(reset({"--to-latest"}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), testing::HasSubstr("nothing was changed; with --execute it is done"));
  EXPECT_TRUE(host_.files().Exists(root_ + "/a/" + application_));
  testing::internal::CaptureStdout();
  EXPECT_EQ(reset({"--execute"}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              testing::AllOf(testing::HasSubstr("  " + application_ + "-counts-changelog\n"), testing::HasSubstr("done\n")));
  EXPECT_FALSE(host_.files().Exists(root_ + "/a/" + application_));
  EXPECT_EQ(client_->admin().PartitionCount(application_ + "-counts-changelog").value(), std::nullopt);

  streams = Make("a");
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write(5);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  EXPECT_TRUE(streams->Close());
}

// As an operator does, for the runtime has no such call.
void AddPartitions(const std::string& servers, const std::string& topic, size_t total) {
  char error[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  ASSERT_EQ(rd_kafka_conf_set(conf, "bootstrap.servers", servers.c_str(), error, sizeof error), RD_KAFKA_CONF_OK) << error;
  const std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)> client(
      rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error), &rd_kafka_destroy);
  ASSERT_NE(client, nullptr) << error;
  const std::unique_ptr<rd_kafka_queue_t, decltype(&rd_kafka_queue_destroy)> queue(rd_kafka_queue_new(client.get()),
                                                                                   &rd_kafka_queue_destroy);
  rd_kafka_NewPartitions_t* wanted = rd_kafka_NewPartitions_new(topic.c_str(), total, error, sizeof error);
  rd_kafka_CreatePartitions(client.get(), &wanted, 1, nullptr, queue.get());
  const std::unique_ptr<rd_kafka_event_t, decltype(&rd_kafka_event_destroy)> event(rd_kafka_queue_poll(queue.get(), 30000),
                                                                                   &rd_kafka_event_destroy);
  rd_kafka_NewPartitions_destroy(wanted);
  ASSERT_NE(event, nullptr);
  ASSERT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR) << rd_kafka_event_error_string(event.get());
}

TEST_F(KafkaStreamsTest, EndsWhenItsInputGetsMorePartitions) {
  auto streams = Make("a");
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write(5);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  ASSERT_NO_FATAL_FAILURE(AddPartitions(broker_->bootstrap_servers(), input_, kPartitions + 2));
  ASSERT_TRUE(Eventually([&] { return streams->state() == State::kError; }));
  EXPECT_THAT(std::string(streams->error().message()),
              testing::HasSubstr("source topic " + input_ + " has 6 partitions now, and had 4 when this instance started"));
}

TEST_F(KafkaStreamsTest, AResetTakesNothingFromAMemberThatJoinedAfterItsPlan) {
  auto streams = Make("a");
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write(10);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  ASSERT_TRUE(streams->Close());

  StreamsOptions options;
  options.application_id = application_;
  options.state_dir = root_ + "/elsewhere";
  const Topology topology = CountTopology(input_, output_);
  const auto plan = PlanReset(topology, options, {}, client_.get(), &host_);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_FALSE(plan->interrupted);
  streams = Make("a");
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ASSERT_TRUE(Eventually([&] { return streams->state() == KafkaStreams::State::kRunning; }));
  const absl::Status refused = ExecuteReset(*plan, options, client_.get(), &host_);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  for (const std::string& topic : plan->topics) EXPECT_TRUE(client_->admin().PartitionCount(topic).value().has_value()) << topic;
  Write(5);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  ASSERT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  // The mark is taken back.
  streams = Make("a");
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ASSERT_TRUE(streams->Close());
  EXPECT_TRUE(ExecuteReset(*plan, options, client_.get(), &host_).ok());
  EXPECT_EQ(client_->admin().PartitionCount(application_ + "-status").value(), std::nullopt);
}

TEST_F(KafkaStreamsTest, RestartsFromLocalStateAndWithoutIt) {
  auto streams = Make("a");
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write(10);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  ASSERT_TRUE(streams->Close());

  streams = Make("a");
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write(10);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  EXPECT_EQ(streams->Progress().records_restored, 0);
  ASSERT_TRUE(streams->Close());

  streams = Make("b");
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  Write(10);
  ASSERT_TRUE(Eventually([&] { return CountsAreRight(); })) << testing::PrintToString(counts_);
  EXPECT_GT(streams->Progress().records_restored, 0);
  ASSERT_TRUE(streams->Close());
}

}  // namespace
}  // namespace millrace
