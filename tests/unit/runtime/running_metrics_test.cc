#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "host/host.h"
#include "log/embedded/embedded_log.h"
#include "metrics_text.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/state/serdes.h"
#include "millrace/state/stores.h"
#include "millrace/topologies/streams_builder.h"

// The metrics of applications that run, on the embedded log, against what is known of them; and docs/metrics.md against both.

namespace millrace {
namespace {

using log::embedded::EmbeddedLog;
using tests::MetricFamily;
using tests::MetricsText;
using State = KafkaStreams::State;
using namespace std::chrono_literals;

using Text = std::string;

/// What operators alert on, with what the alert needs to tell apart.
const std::map<std::string, std::set<std::string>> kAlertedOn = {
    {"app_state", {"state"}},
    {"worker_failures_total", {}},
    {"source_lag_records", {"topic", "partition"}},
    {"source_lag_seconds", {"topic", "partition"}},
    {"partition_stalled_seconds", {"topic", "partition"}},
    {"records_dropped_total", {"reason"}},
    {"dlq_records_total", {"error"}},
    {"commit_duration_seconds", {}},
    {"last_commit_age_seconds", {}},
    {"thread_time_seconds_total", {"state"}},
    {"record_e2e_latency_seconds", {"topic"}},
    {"record_lateness_seconds", {"topic"}},
    {"restore_remaining_records", {"task", "store"}},
    {"restore_eta_seconds", {"task", "store"}},
    {"rebalances_total", {"reason"}},
    {"state_memory_bytes", {"task", "store"}},
    {"process_rss_bytes", {}},
    {"memory_limit_bytes", {}},
    {"open_iterators", {"task", "store"}},
    {"oldest_iterator_age_seconds", {"task", "store"}},
    {"lso_gap_records", {"topic", "partition"}},
    {"lso_gap_age_seconds", {"topic", "partition"}},
    {"build_info", {"version", "topology_hash"}},
};

/// Lets the restore of changelogs come so far and no further.
class GatedClient final : public log::LogClient {
 public:
  GatedClient(std::unique_ptr<log::LogClient> client, std::atomic<int64_t>* allowed)
      : client_(std::move(client)), allowed_(allowed) {}
  absl::StatusOr<std::unique_ptr<log::Consumer>> NewConsumer(const log::ConsumerOptions& options) override {
    auto consumer = client_->NewConsumer(options);
    if (!consumer.ok() || !options.restore) return consumer;
    return std::make_unique<GatedConsumer>(*std::move(consumer), allowed_);
  }
  absl::StatusOr<std::unique_ptr<log::Producer>> NewProducer() override { return client_->NewProducer(); }
  absl::StatusOr<std::unique_ptr<log::TransactionalProducer>> NewTransactionalProducer(const std::string& id) override {
    return client_->NewTransactionalProducer(id);
  }
  absl::StatusOr<std::unique_ptr<log::Membership>> NewMembership(const log::MembershipOptions& options,
                                                                 log::MembershipListener* listener) override {
    return client_->NewMembership(options, listener);
  }
  log::Admin& admin() override { return client_->admin(); }

 private:
  class GatedReader final : public log::PartitionReader {
   public:
    GatedReader(log::PartitionReader* reader, std::atomic<int64_t>* allowed) : reader_(reader), allowed_(allowed) {}
    absl::StatusOr<int> Drain(int max_records, absl::FunctionRef<void(const RawRecord&)> take) override {
      const int records = static_cast<int>(std::min<int64_t>(max_records, *allowed_));
      if (records == 0) return 0;
      auto drained = reader_->Drain(records, take);
      if (drained.ok()) *allowed_ -= *drained;
      return drained;
    }
    [[nodiscard]] int64_t position() const override { return reader_->position(); }
    [[nodiscard]] bool at_end() const override { return reader_->at_end(); }

   private:
    log::PartitionReader* reader_;
    std::atomic<int64_t>* allowed_;
  };
  class GatedConsumer final : public log::Consumer {
   public:
    GatedConsumer(std::unique_ptr<log::Consumer> consumer, std::atomic<int64_t>* allowed)
        : consumer_(std::move(consumer)), allowed_(allowed) {}
    absl::StatusOr<log::PartitionReader*> Assign(const log::TopicPartition& partition, int64_t offset) override {
      auto reader = consumer_->Assign(partition, offset);
      if (!reader.ok()) return reader.status();
      return (readers_[partition] = std::make_unique<GatedReader>(*reader, allowed_)).get();
    }
    absl::Status Unassign(const log::TopicPartition& partition) override {
      readers_.erase(partition);
      return consumer_->Unassign(partition);
    }
    void Wait(std::chrono::milliseconds timeout) override { consumer_->Wait(std::min(timeout, 5ms)); }
    void Wake() override { consumer_->Wake(); }

   private:
    std::unique_ptr<log::Consumer> consumer_;
    std::atomic<int64_t>* allowed_;
    std::map<log::TopicPartition, std::unique_ptr<GatedReader>> readers_;
  };

  std::unique_ptr<log::LogClient> client_;
  std::atomic<int64_t>* allowed_;
};

/// Opens an iterator at a record "open" and keeps it until "close".
class KeepsAnIterator final : public Processor<Text, Text> {
 public:
  void Init(ProcessorContext<Text, Text>& context) override { store_ = context.GetStateStore<KeyValueStore<Text, Text>>("kept"); }
  void Process(const Record<Text, Text>& record) override {
    store_->Put(*record.key, *record.value);
    if (*record.value == "open") iterator_ = store_->All();
    if (*record.value == "close") iterator_.reset();
  }
  void Close() override { iterator_.reset(); }

 private:
  KeyValueStore<Text, Text>* store_ = nullptr;
  std::unique_ptr<StoreIterator<Text, Text>> iterator_;
};

class RunningMetricsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* topic : {"clicks", "totals", "views"}) ASSERT_TRUE(log_.CreateTopic(topic, 2).ok());
  }
  void TearDown() override {
    streams_.reset();
    EXPECT_TRUE(host_.files().RemoveAll(root_).ok());
  }

  /// Counts in all and by window, and keeps an iterator of a third store when told to.
  static Topology Stateful() {
    StreamsBuilder builder;
    StoreOptions kept;
    kept.name = "kept";
    builder.AddStateStore(KeyValueStoreBuilder<Text, Text>(kept));
    auto clicks = builder.Stream<Text, Text>("clicks");
    clicks.GroupByKey().Count(Materialized::As("counts")).ToStream().To("totals");
    (void)clicks.GroupByKey().WindowedBy(TimeWindows::OfSizeWithNoGrace(60s)).Count(Materialized::As("windows"));
    (void)clicks.Process(ProcessorSupplier<Text, Text>([] { return std::make_unique<KeepsAnIterator>(); }),
                         std::vector<Text>{"kept"});
    return builder.Build().value();
  }

  void Start(const Topology& topology, const std::string& directory = "a", Properties more = {},
             std::shared_ptr<log::LogClient> client = nullptr) {
    more.insert({{"application.id", "observed"},
                 {"bootstrap.servers", "embedded:0"},
                 {"state.dir", root_ + "/" + directory},
                 {"commit.interval.ms", "50"}});
    if (client == nullptr) client = log_.NewClient();
    streams_ = std::make_unique<KafkaStreams>(topology, StreamsConfig::From(more).value(), std::move(client));
    ASSERT_TRUE(streams_->Start().ok()) << streams_->error();
  }
  void Write(const std::string& topic, int32_t partition, const std::string& key, const std::string& value,
             std::chrono::milliseconds ago = 0ms) {
    ASSERT_TRUE(log_.Append(topic, partition, BytesView(key), BytesView(value), host_.Now() - ago).ok());
  }

  [[nodiscard]] MetricsText Metrics() const { return MetricsText(streams_->MetricsText()); }
  template <class Condition>
  bool Eventually(Condition condition) {
    for (auto waited = 0ms; waited < 20s; waited += 10ms) {
      if (condition()) return true;
      host_.Sleep(10ms);
    }
    return false;
  }
  /// The series has, or comes to have, this value.
  void Expect(const std::string& series, double value) {
    EXPECT_TRUE(Eventually([&] { return Metrics().Value(series) == value; }))
        << series << " is " << testing::PrintToString(Metrics().Value(series)) << ", not " << value;
  }

  Host& host_ = Host::Real();
  EmbeddedLog log_;
  const std::string root_ = testing::TempDir() + "/metrics-" + std::to_string(host_.Random());
  std::unique_ptr<KafkaStreams> streams_;
};

/// The table of docs/metrics.md.
std::map<std::string, MetricFamily> Documented() {
  std::map<std::string, MetricFamily> families;
  std::ifstream page(std::string(MILLRACE_SOURCE_DIR) + "/docs/metrics.md");
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    if (cells.size() != 7) throw std::runtime_error("not a row of five cells: " + line);
    const auto code = [](absl::string_view cell) {
      cell = absl::StripAsciiWhitespace(cell);
      absl::ConsumePrefix(&cell, "`");
      absl::ConsumeSuffix(&cell, "`");
      return std::string(cell);
    };
    MetricFamily& family = families[code(cells[1])];
    family.type = code(cells[2]);
    for (const absl::string_view label : absl::StrSplit(cells[3], ',', absl::SkipWhitespace())) family.labels.insert(code(label));
    EXPECT_FALSE(absl::StripAsciiWhitespace(cells[4]).empty()) << line;
  }
  return families;
}

TEST_F(RunningMetricsTest, HasEverySeriesThatOperatorsAlertOnAndThePageListsThemAll) {
  Write("clicks", 0, "a", "x");
  Start(Stateful());
  ASSERT_TRUE(Eventually([&] { return Metrics().families.contains("lso_gap_records"); }));
  const MetricsText metrics = Metrics();
  EXPECT_EQ(metrics.duplicates, "");
  for (const auto& [name, labels] : kAlertedOn) {
    const auto family = metrics.families.find(name);
    ASSERT_NE(family, metrics.families.end()) << name;
    EXPECT_EQ(family->second.labels, labels) << name;
  }
  const std::map<std::string, MetricFamily> documented = Documented();
  for (const auto& [name, family] : metrics.families) {
    const auto row = documented.find(name);
    ASSERT_NE(row, documented.end()) << name << " is not in docs/metrics.md";
    EXPECT_EQ(row->second.type, family.type) << name;
    EXPECT_EQ(row->second.labels, family.labels) << name;
  }
  for (const auto& [name, family] : documented) EXPECT_TRUE(metrics.families.contains(name)) << name << " is not exported";
}

TEST_F(RunningMetricsTest, CountsAndTimesAreThoseOfWhatWasDone) {
  const std::chrono::nanoseconds begin = host_.Monotonic();
  Start(Stateful());
  for (int i = 0; i < 10; ++i) Write("clicks", 0, "a", "x", 10s);
  Write("clicks", 0, "a", "x", 70s);
  Expect("records_consumed_total{topic=\"clicks\"}", 11);
  Expect("source_lag_records{topic=\"clicks\",partition=\"0\"}", 0);
  Expect("source_lag_seconds{topic=\"clicks\",partition=\"0\"}", 0);
  Expect("partition_stalled_seconds{topic=\"clicks\",partition=\"0\"}", 0);
  Expect("lso_gap_records{topic=\"clicks\",partition=\"0\"}", 0);
  Expect("workers", 1);
  Expect("tasks{state=\"RUNNING\"}", 2);
  Expect("rebalances_total{reason=\"started\"}", 1);
  Expect("restore_remaining_records{task=\"0_1\",store=\"windows\"}", 0);
  Expect("restore_eta_seconds{task=\"0_1\",store=\"windows\"}", 0);
  const MetricsText metrics = Metrics();
  const std::string topic = "{topic=\"clicks\"}";
  const double samples = metrics.Value("record_e2e_latency_seconds_count" + topic).value_or(0);
  EXPECT_GE(samples, 1);
  EXPECT_LE(samples, 11);
  EXPECT_GE(metrics.Value("record_e2e_latency_seconds_sum" + topic).value_or(0), 10 * samples);
  EXPECT_EQ(metrics.Value("record_lateness_seconds_count" + topic), samples);
  EXPECT_GE(metrics.Value("records_dropped_total{reason=\"null-key\"}"), 0);
  EXPECT_EQ(metrics.Sum("open_iterators"), 0);
  EXPECT_GT(metrics.Sum("state_memory_bytes"), 0);
  EXPECT_GT(metrics.Value("rocksdb_memory_bytes"), 0);
  EXPECT_GT(metrics.Value("memory_budget_bytes"), metrics.Value("rocksdb_memory_bytes"));
  EXPECT_GT(metrics.Value("process_rss_bytes"), 1 << 20);
  EXPECT_LT(metrics.Value("last_commit_age_seconds"), 5);
  const double spent = metrics.Sum("thread_time_seconds_total");
  const double lived = std::chrono::duration<double>(host_.Monotonic() - begin).count();
  EXPECT_LE(spent, lived);
  EXPECT_GT(metrics.Value("thread_time_seconds_total{state=\"process\"}"), 0);
  EXPECT_GT(metrics.Value("thread_time_seconds_total{state=\"commit\"}"), 0);
  EXPECT_TRUE(Eventually([&] { return Metrics().Value("thread_time_seconds_total{state=\"idle\"}") > 0.3; }));
}

TEST_F(RunningMetricsTest, LateRecordsShowInTheLateness) {
  Start(Stateful());
  Write("clicks", 0, "a", "x", 10s);
  Expect("record_lateness_seconds_count{topic=\"clicks\"}", 1);
  Write("clicks", 0, "a", "x", 310s);
  Expect("record_lateness_seconds_count{topic=\"clicks\"}", 2);
  EXPECT_EQ(Metrics().Value("record_lateness_seconds_bucket{topic=\"clicks\",le=\"0\"}"), 1);
  EXPECT_NEAR(*Metrics().Value("record_lateness_seconds_sum{topic=\"clicks\"}"), 300, 1);
  Expect("records_dropped_total{reason=\"late\"}", 1);
}

TEST_F(RunningMetricsTest, ThePartitionThatWaitsForAnotherIsBehindAndStalled) {
  StreamsBuilder builder;
  builder.Stream<Text, Text>("clicks")
      .Join(
          builder.Stream<Text, Text>("views"), [](const Text& a, const Text& b) { return a + b; },
          JoinWindows::OfTimeDifferenceWithNoGrace(10s))
      .To("totals");
  Start(builder.Build().value(), "a", {{"max.task.idle.ms", "3600000"}});
  for (int i = 0; i < 5; ++i) Write("clicks", 1, "a", "x", 120s);
  const std::string behind = "{topic=\"clicks\",partition=\"1\"}";
  Expect("source_lag_records" + behind, 5);
  ASSERT_TRUE(Eventually([&] { return Metrics().Value("partition_stalled_seconds" + behind) > 0.5; }));
  EXPECT_NEAR(*Metrics().Value("source_lag_seconds" + behind), 120, 20);
  EXPECT_EQ(Metrics().Value("source_lag_records{topic=\"views\",partition=\"1\"}"), 0);
  EXPECT_EQ(Metrics().Value("partition_stalled_seconds{topic=\"clicks\",partition=\"0\"}"), 0);
  Write("views", 1, "a", "y");
  Expect("source_lag_records" + behind, 0);
  Expect("source_lag_seconds" + behind, 0);
  Expect("partition_stalled_seconds" + behind, 0);
}

TEST_F(RunningMetricsTest, AWorkerThatHangsIsSeenByWhatTheLogSays) {
  auto hold = std::make_shared<std::atomic<bool>>(true);
  auto held = std::make_shared<std::atomic<bool>>(false);
  StreamsBuilder builder;
  builder.Stream<Text, Text>("clicks")
      .Peek([hold, held](const Text&, const Text& value) {
        if (value != "hang") return;
        *held = true;
        while (*hold) Host::Real().Sleep(1ms);
      })
      .To("totals");
  Start(builder.Build().value());
  Write("clicks", 0, "a", "x");
  Expect("records_consumed_total{topic=\"clicks\"}", 1);
  Write("clicks", 0, "a", "hang");
  EXPECT_TRUE(Eventually([&] { return held->load(); }));
  for (int i = 0; i < 9; ++i) Write("clicks", 0, "a", "x");
  Write("clicks", 1, "a", "x");
  Expect("source_lag_records{topic=\"clicks\",partition=\"0\"}", 10);
  Expect("source_lag_records{topic=\"clicks\",partition=\"1\"}", 1);
  EXPECT_TRUE(Eventually([&] { return Metrics().Value("partition_stalled_seconds{topic=\"clicks\",partition=\"0\"}") > 1; }));
  EXPECT_GT(Metrics().Value("source_lag_seconds{topic=\"clicks\",partition=\"0\"}"), 0);
  *hold = false;
  Expect("source_lag_records{topic=\"clicks\",partition=\"0\"}", 0);
  Expect("partition_stalled_seconds{topic=\"clicks\",partition=\"0\"}", 0);
}

TEST_F(RunningMetricsTest, AnIteratorThatIsNotClosedIsCountedAndAges) {
  Start(Stateful());
  Write("clicks", 1, "a", "open");
  const std::string store = "{task=\"0_1\",store=\"kept\"}";
  Expect("open_iterators" + store, 1);
  EXPECT_TRUE(Eventually([&] { return Metrics().Value("oldest_iterator_age_seconds" + store) > 0.3; }));
  EXPECT_EQ(Metrics().Sum("open_iterators"), 1);
  Write("clicks", 1, "a", "close");
  Expect("open_iterators" + store, 0);
  Expect("oldest_iterator_age_seconds" + store, 0);
}

TEST_F(RunningMetricsTest, ARestoreShowsHowFarItIsAndHowLongItWillTake) {
  for (int i = 0; i < 100; ++i) Write("clicks", 0, "key" + std::to_string(i), "x");
  Start(Stateful());
  Expect("records_consumed_total{topic=\"clicks\"}", 100);
  ASSERT_TRUE(Eventually([&] { return log_.EndOffset({"observed-counts-changelog", 0}).value() == 100; }));
  ASSERT_TRUE(streams_->Close());

  std::atomic<int64_t> allowed = 0;
  Start(Stateful(), "b", {}, std::make_shared<GatedClient>(log_.NewClient(), &allowed));
  const std::string store = "{task=\"0_0\",store=\"counts\"}";
  Expect("restore_remaining_records" + store, 100);
  EXPECT_FALSE(Metrics().Value("restore_eta_seconds" + store).has_value());
  EXPECT_TRUE(Metrics().families.contains("restore_remaining_records"));
  allowed = 30;
  ASSERT_TRUE(Eventually([&] { return Metrics().Value("records_restored_total") == 30; }));
  ASSERT_TRUE(Eventually([&] { return allowed == 0; }));
  const MetricsText metrics = Metrics();
  EXPECT_EQ(metrics.duplicates, "");
  EXPECT_EQ(metrics.Value("app_state{state=\"REBALANCING\"}"), 1);
  Expect("tasks{state=\"RESTORING\"}", 1);
  const std::map<std::string, MetricFamily> documented = Documented();
  for (const auto& [name, family] : metrics.families) EXPECT_TRUE(documented.contains(name)) << name;
  EXPECT_FALSE(streams_->Readiness().ok);
  EXPECT_TRUE(streams_->Liveness().ok);
  EXPECT_TRUE(Eventually([&] {
    const auto body = nlohmann::json::parse(streams_->Readiness().body);
    const auto& restoring = body["restoring"];
    return std::any_of(restoring.begin(), restoring.end(), [](const auto& store) {
      return store["remaining_records"] == 70 && store.contains("eta_seconds") && store["eta_seconds"] > 0;
    });
  })) << streams_->Readiness().body;
  allowed = 1'000'000;
  Expect("app_state{state=\"RUNNING\"}", 1);
  Expect("restore_remaining_records" + store, 0);
  Expect("restore_eta_seconds" + store, 0);
  EXPECT_TRUE(Eventually([&] { return streams_->Readiness().ok; }));
}

TEST_F(RunningMetricsTest, RebalancesAreCountedByWhatLedToThem) {
  Start(Stateful());
  Expect("tasks{state=\"RUNNING\"}", 2);
  auto first = std::move(streams_);
  Start(Stateful(), "b");
  Expect("tasks{state=\"RUNNING\"}", 1);
  Expect("rebalances_total{reason=\"started\"}", 1);
  EXPECT_EQ(MetricsText(first->MetricsText()).Value("rebalances_total{reason=\"revoked\"}"), 1);
  EXPECT_TRUE(first->Close());
  Expect("tasks{state=\"RUNNING\"}", 2);
  EXPECT_GE(Metrics().Value("rebalances_total{reason=\"assigned\"}"), 1);
  // The embedded group names its members in order; the one that is there is found by trying.
  for (int member = 0; member < 10; ++member) (void)log_.ExpireMember("observed", "observed-member-" + std::to_string(member));
  Expect("rebalances_total{reason=\"lost\"}", 1);
  Expect("tasks{state=\"RUNNING\"}", 2);
}

}  // namespace
}  // namespace millrace
