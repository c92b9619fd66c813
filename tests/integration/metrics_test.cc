#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "host/host.h"
#include "kafka_broker.h"
#include "log/kafka/kafka_log.h"
#include "metrics_text.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"

// Metrics and health against a real Kafka: of the shop's program, over HTTP, and of applications whose lag is known.

namespace millrace {
namespace {

using namespace std::chrono_literals;
using tests::MetricsText;
using Text = std::string;

/// A program that runs until it is told to end. What it logs goes to a file.
class Process {
 public:
  Process(std::vector<std::string> arguments, std::string log) : log_(std::move(log)) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    if (posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Process() {
    if (pid_ > 0) (void)Wait(SIGKILL);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] std::string log() const {
    std::ifstream file(log_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// Sends a signal (0 = none) and waits for the end. Returns the exit code, or -1.
  int Wait(int signal) {
    if (pid_ <= 0) return -1;
    if (signal != 0) kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  std::string log_;
  pid_t pid_ = -1;
};

class MetricsTest : public tests::KafkaBrokerTest {
 protected:
  void SetUp() override {
    log::kafka::KafkaLogOptions options;
    options.common["bootstrap.servers"] = broker_->bootstrap_servers();
    client_ = log::kafka::MakeKafkaLogClient(options).value();
    producer_ = client_->NewProducer().value();
    ASSERT_TRUE(host_.files().CreateDirectories(root_).ok());
  }
  void TearDown() override { EXPECT_TRUE(host_.files().RemoveAll(root_).ok()); }

  std::string MakeTopic(const std::string& name, int32_t partitions) {
    const std::string topic = application_ + "-" + name;
    const absl::Status created = client_->admin().CreateTopic({topic, partitions, 1, {}});
    EXPECT_TRUE(created.ok()) << created;
    return topic;
  }
  void Write(const std::string& topic, int32_t partition, int records, std::chrono::milliseconds ago) {
    for (int i = 0; i < records; ++i) {
      ASSERT_TRUE(
          producer_->Send(topic, partition, BytesView("k"), BytesView("v"), host_.Now() - ago, Headers::Empty(), nullptr).ok());
    }
    ASSERT_TRUE(producer_->Flush(30s).ok());
  }
  std::unique_ptr<KafkaStreams> Start(const Topology& topology, Properties more) {
    more.insert({{"application.id", application_},
                 {"bootstrap.servers", broker_->bootstrap_servers()},
                 {"state.dir", root_},
                 {"commit.interval.ms", "100"}});
    auto streams = std::make_unique<KafkaStreams>(topology, StreamsConfig::From(more).value());
    const absl::Status started = streams->Start();
    EXPECT_TRUE(started.ok()) << started;
    return streams;
  }
  [[nodiscard]] MetricsText Metrics(const KafkaStreams& streams) const {
    MetricsText metrics(streams.MetricsText());
    metrics.application = application_;
    return metrics;
  }
  void Expect(const KafkaStreams& streams, const std::string& series, double value) {
    EXPECT_TRUE(Eventually([&] { return Metrics(streams).Value(series) == value; }))
        << series << " is " << testing::PrintToString(Metrics(streams).Value(series)) << ", not " << value;
  }
  template <class Condition>
  bool Eventually(Condition condition) {
    for (auto waited = 0ms; waited < 60s; waited += 50ms) {
      if (condition()) return true;
      host_.Sleep(50ms);
    }
    return false;
  }

  Host& host_ = Host::Real();
  const std::string application_ = "metrics-" + std::to_string(host_.Random() % 1000000);
  const std::string root_ = testing::TempDir() + "/" + application_;
  std::unique_ptr<log::LogClient> client_;
  std::unique_ptr<log::Producer> producer_;
};

TEST_F(MetricsTest, TheShopsProgramServesWhatItHasDone) {
  const std::string servers = "--bootstrap-servers=" + broker_->bootstrap_servers();
  Process generate({MILLRACE_TSHIRT, "generate", servers, "--users=500", "--partitions=2"}, root_ + "/generate.log");
  ASSERT_EQ(generate.Wait(0), 0) << generate.log();
  int64_t written = 0;
  const std::vector<std::string> inputs = {"registrations", "orders", "deliveries", "payments"};
  for (const std::string& topic : inputs) {
    for (int32_t partition : {0, 1}) {
      written += client_->admin().EndOffset({topic, partition}, log::Isolation::kReadUncommitted).value();
    }
  }
  ASSERT_GT(written, 1000);

  Process shop({MILLRACE_TSHIRT, "run", servers, "--set=http.port=0", "--set=commit.interval.ms=200", "--set=state.dir=" + root_},
               root_ + "/shop.log");
  const std::string mark = "http://127.0.0.1:";
  ASSERT_TRUE(Eventually([&] { return shop.log().find(mark) != std::string::npos; })) << shop.log();
  const std::string log = shop.log();
  httplib::Client http("127.0.0.1", std::stoi(log.substr(log.find(mark) + mark.size())));
  http.set_read_timeout(10);
  ASSERT_TRUE(Eventually([&] {
    const auto ready = http.Get("/readyz");
    return ready && ready->status == 200;
  })) << shop.log();
  const auto ready = nlohmann::json::parse(http.Get("/readyz")->body);
  EXPECT_EQ(ready["ready"], true);
  EXPECT_EQ(ready["state"], "RUNNING");
  EXPECT_GT(ready["tasks"], 0);
  const auto alive = http.Get("/livez");
  ASSERT_TRUE(alive);
  EXPECT_EQ(alive->status, 200);

  const auto scrape = [&] {
    const auto page = http.Get("/metrics");
    MetricsText metrics(page ? page->body : "");
    metrics.application = "tshirt";
    return metrics;
  };
  const auto consumed = [&](const MetricsText& metrics) {
    double sum = 0;
    for (const std::string& topic : inputs) sum += metrics.Value("records_consumed_total{topic=\"" + topic + "\"}").value_or(0);
    return sum;
  };
  // All was read, and then all of the repartition topics too.
  ASSERT_TRUE(Eventually([&] {
    const MetricsText metrics = scrape();
    return consumed(metrics) == static_cast<double>(written) &&
           metrics.Value("source_lag_records{topic=\"orders\",partition=\"1\"}") == 0 && metrics.Sum("source_lag_records") == 0;
  })) << http.Get("/metrics")->body;
  const MetricsText metrics = scrape();
  EXPECT_EQ(metrics.duplicates, "");
  EXPECT_EQ(consumed(metrics), static_cast<double>(written));
  EXPECT_EQ(metrics.Sum("source_lag_seconds"), 0);
  EXPECT_EQ(metrics.Sum("partition_stalled_seconds"), 0);
  EXPECT_EQ(metrics.Sum("lso_gap_records"), 0);
  EXPECT_EQ(metrics.Sum("restore_remaining_records"), 0);
  EXPECT_EQ(metrics.Sum("worker_failures_total"), 0);
  EXPECT_GT(metrics.Value("commits_total"), 0);
  EXPECT_GT(metrics.Value("records_produced_total{topic=\"tshirt-facts\"}"), 0);
  EXPECT_GT(metrics.Value("record_e2e_latency_seconds_count{topic=\"orders\"}"), 0);
  EXPECT_GT(metrics.Value("thread_time_seconds_total{state=\"process\"}"), 0);
  EXPECT_LT(metrics.Value("process_rss_bytes"), *metrics.Value("memory_limit_bytes"));
  EXPECT_EQ(shop.Wait(SIGTERM), 0) << shop.log();
}

TEST_F(MetricsTest, ThePartitionThatWaitsForAnotherIsBehindByWhatWasWritten) {
  const std::string left = MakeTopic("left", 2);
  const std::string right = MakeTopic("right", 2);
  const std::string out = MakeTopic("out", 2);
  StreamsBuilder builder;
  builder.Stream<Text, Text>(left)
      .Join(
          builder.Stream<Text, Text>(right), [](const Text& a, const Text& b) { return a + b; },
          JoinWindows::OfTimeDifferenceWithNoGrace(10s))
      .To(out);
  Write(left, 1, 2500, 300s);  // more than is buffered
  auto streams = Start(builder.Build().value(), {{"max.task.idle.ms", "3600000"}});
  const std::string behind = "{topic=\"" + left + "\",partition=\"1\"}";
  Expect(*streams, "source_lag_records" + behind, 2500);
  ASSERT_TRUE(Eventually([&] { return Metrics(*streams).Value("partition_stalled_seconds" + behind) > 1; }));
  EXPECT_NEAR(Metrics(*streams).Value("source_lag_seconds" + behind).value_or(0), 300, 60);
  Expect(*streams, "source_lag_records{topic=\"" + left + "\",partition=\"0\"}", 0);
  Expect(*streams, "partition_stalled_seconds{topic=\"" + right + "\",partition=\"1\"}", 0);
  Write(right, 1, 1, 0s);
  Expect(*streams, "source_lag_records" + behind, 0);
  Expect(*streams, "source_lag_seconds" + behind, 0);
  Expect(*streams, "partition_stalled_seconds" + behind, 0);
  Expect(*streams, "records_consumed_total{topic=\"" + left + "\"}", 2500);
  EXPECT_TRUE(streams->Close());
}

TEST_F(MetricsTest, AnOpenTransactionIsTheGapBelowTheHighWatermark) {
  const std::string in = MakeTopic("in", 1);
  const std::string out = MakeTopic("out", 1);
  StreamsBuilder builder;
  builder.Stream<Text, Text>(in).To(out);
  auto streams = Start(builder.Build().value(), {{"isolation.level", "read_committed"}});
  const std::string partition = "{topic=\"" + in + "\",partition=\"0\"}";
  Write(in, 0, 3, 0s);
  Expect(*streams, "records_consumed_total{topic=\"" + in + "\"}", 3);
  Expect(*streams, "lso_gap_records" + partition, 0);
  auto transaction = client_->NewTransactionalProducer(application_).value();
  ASSERT_TRUE(transaction->Begin().ok());
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(transaction->Send(in, 0, BytesView("k"), BytesView("v"), host_.Now(), Headers::Empty(), nullptr).ok());
  }
  ASSERT_TRUE(transaction->Flush(30s).ok());
  Write(in, 0, 2, 0s);
  Expect(*streams, "lso_gap_records" + partition, 6);
  ASSERT_TRUE(Eventually([&] { return Metrics(*streams).Value("lso_gap_age_seconds" + partition) > 1; }));
  EXPECT_EQ(Metrics(*streams).Value("source_lag_records" + partition), 0);
  ASSERT_TRUE(transaction->Commit().ok());
  Expect(*streams, "records_consumed_total{topic=\"" + in + "\"}", 9);
  Expect(*streams, "lso_gap_records" + partition, 0);
  Expect(*streams, "lso_gap_age_seconds" + partition, 0);
  Expect(*streams, "source_lag_records" + partition, 0);
  EXPECT_TRUE(streams->Close());
}

}  // namespace
}  // namespace millrace
