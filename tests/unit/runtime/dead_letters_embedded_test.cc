#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "host/host.h"
#include "log/embedded/embedded_log.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"
#include "task/offset_metadata.h"

// Records that fail in a running instance: what goes on, what is written instead, and that it is part of the transaction.

namespace millrace {
namespace {

using log::Isolation;
using log::embedded::EmbeddedLog;
using namespace std::chrono_literals;
using testing::HasSubstr;

Topology Shouting(const std::string& output) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in")
      .MapValues([](const std::string& value) {
        if (value.starts_with("bad")) throw std::invalid_argument("not " + value);
        return value + "!";
      })
      .To(output);
  return builder.Build().value();
}

class DeadLettersEmbeddedTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* topic : {"in", "out", "bad"}) ASSERT_TRUE(log_.CreateTopic(topic, 1).ok());
  }
  void TearDown() override { EXPECT_TRUE(host_.files().RemoveAll(root_).ok()); }

  std::unique_ptr<KafkaStreams> Start(Properties properties, ExceptionHandlers handlers = {}, const std::string& output = "out") {
    properties.insert({{"application.id", "shouting"},
                       {"bootstrap.servers", "embedded:0"},
                       {"state.dir", root_},
                       {"commit.interval.ms", "20"}});
    auto config = StreamsConfig::From(properties);
    EXPECT_TRUE(config.ok()) << config.status();
    auto streams = std::make_unique<KafkaStreams>(Shouting(output), *config, std::shared_ptr<log::LogClient>(log_.NewClient()));
    streams->SetExceptionHandlers(std::move(handlers));
    const absl::Status started = streams->Start();
    EXPECT_TRUE(started.ok()) << started;
    return streams;
  }
  void Write(const std::string& value) {
    ASSERT_TRUE(log_.Append("in", 0, "k", BytesView(value), Timestamp::FromMillis(1000)).ok());
    ++written_;
  }
  std::vector<std::string> Values(const std::string& topic, Isolation isolation = Isolation::kReadCommitted) {
    std::vector<std::string> values;
    const auto records = log_.Read(topic, 0, 0, isolation).value();
    for (const auto& record : records) values.push_back(record.value.value_or("null"));
    return values;
  }
  int64_t Committed() {
    const log::Offsets offsets = log_.CommittedOffsets("shouting", {{"in", 0}});
    return offsets.empty() ? 0 : offsets.begin()->second.offset;
  }
  void AwaitCommit() {
    for (int i = 0; i < 4000 && Committed() < written_; ++i) host_.Sleep(5ms);
    EXPECT_EQ(Committed(), written_);
  }
  absl::Status AwaitError(const KafkaStreams& streams) {
    for (int i = 0; i < 2000 && streams.state() != KafkaStreams::State::kError; ++i) host_.Sleep(5ms);
    return streams.error();
  }

  Host& host_ = Host::Real();
  EmbeddedLog log_;
  int64_t written_ = 0;
  const std::string root_ = testing::TempDir() + "/dead-letters-" + std::to_string(host_.Random());
};

const Properties kDeadLetters = {{"processing.exception.handler", "dead-letter"}, {"errors.dead.letter.queue.topic.name", "bad"}};
const Properties kExactlyOnce = {{"processing.guarantee", "exactly_once_v2"}};

Properties Both(Properties a, const Properties& b) {
  a.insert(b.begin(), b.end());
  return a;
}

TEST_F(DeadLettersEmbeddedTest, RecordsThatFailAreWrittenAndCountedAndTheOthersGoOn) {
  auto streams = Start(kDeadLetters);
  for (const char* value : {"a", "bad 1", "b", "bad 2"}) Write(value);
  AwaitCommit();
  EXPECT_EQ(Values("out"), (std::vector<std::string>{"a!", "b!"}));
  EXPECT_EQ(Values("bad"), (std::vector<std::string>{"bad 1", "bad 2"}));
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  const RuntimeSnapshot snapshot = streams->Snapshot();
  EXPECT_EQ(snapshot.records_dropped.at("processing"), 2);
  EXPECT_EQ(snapshot.dlq_records.at("processing"), 2);
  EXPECT_EQ(snapshot.dlq_records.at("deserialization"), 0);
}

TEST_F(DeadLettersEmbeddedTest, WithoutAHandlerTheInstanceEndsAndNamesTheRecord) {
  auto streams = Start({});
  Write("a");
  Write("bad 1");
  const std::string message(AwaitError(*streams).message());
  EXPECT_THAT(message, HasSubstr("in-0 at offset 1: node KSTREAM-MAPVALUES-0000000001: a user function threw: not bad 1"));
  EXPECT_THAT(message, HasSubstr("set processing.exception.handler to continue"));
  EXPECT_LE(Committed(), 1);
}

TEST_F(DeadLettersEmbeddedTest, AnAbortedTransactionTakesItsDeadLettersWithIt) {
  auto streams = Start(Both(kDeadLetters, kExactlyOnce));
  Write("bad 0");
  AwaitCommit();
  auto client = log_.NewClient();
  int bad = 1;
  for (int i = 0; i < 20; ++i) {
    for (int j = 0; j < 20; ++j) Write("bad " + std::to_string(bad++));
    const log::Offsets committed = log_.CommittedOffsets("shouting", {{"in", 0}});
    const std::string id = OffsetMetadata::Decode(committed.begin()->second.metadata).transactional_id;
    ASSERT_TRUE(client->NewTransactionalProducer(id).ok());
    host_.Sleep(30ms);
  }
  AwaitCommit();
  std::vector<std::string> expected;
  for (int i = 0; i < bad; ++i) expected.push_back("bad " + std::to_string(i));
  EXPECT_EQ(Values("bad"), expected);
  EXPECT_GE(Values("bad", Isolation::kReadUncommitted).size(), expected.size());
  EXPECT_GT(streams->Snapshot().transactions_aborted, 0);
  std::set<std::string> offsets;
  const auto letters = log_.Read("bad", 0, 0, Isolation::kReadCommitted).value();
  for (const auto& record : letters) {
    offsets.insert(record.headers.Last("__streams.errors.offset")->value.value());
  }
  EXPECT_EQ(offsets.size(), expected.size());
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

TEST_F(DeadLettersEmbeddedTest, AnOutputTopicThatIsGoneIsContinuedPastAtBothGuarantees) {
  for (const Properties& guarantee : {Properties(), kExactlyOnce}) {
    auto streams = Start(Both({{"production.exception.handler", "continue"}}, guarantee), {}, "missing");
    Write("a");
    AwaitCommit();
    EXPECT_TRUE(streams->Close());
    EXPECT_TRUE(streams->error().ok()) << streams->error();
    const RuntimeSnapshot snapshot = streams->Snapshot();
    EXPECT_EQ(snapshot.records_dropped.at("production"), 1);
    EXPECT_EQ(snapshot.transactions_aborted, 0) << "the transaction is not touched";
  }
}

TEST_F(DeadLettersEmbeddedTest, AnOutputTopicThatIsGoneEndsTheInstanceAtBothGuarantees) {
  for (const Properties& guarantee : {Properties(), kExactlyOnce}) {
    auto streams = Start(guarantee, {}, "missing");
    Write("a");
    const std::string message(AwaitError(*streams).message());
    EXPECT_THAT(message, HasSubstr("send to missing"));
    EXPECT_THAT(message, HasSubstr("set production.exception.handler to continue"));
  }
}

TEST_F(DeadLettersEmbeddedTest, TheApplicationsProductionHandlerSeesTheRecordAndWritesItsOwn) {
  ExceptionHandlers handlers;
  handlers.production = [](const ErrorHandlerContext& context, const UnwritableRecord& record) {
    DeadLetter letter = MakeDeadLetter("bad", context);
    letter.value = std::string(record.value.value_or("")) + " for " + record.topic;
    return ErrorHandlerResponse::Continue({letter});
  };
  auto streams = Start(kExactlyOnce, handlers, "missing");
  Write("a");
  AwaitCommit();
  EXPECT_EQ(Values("bad"), (std::vector<std::string>{"a! for missing"}));
  EXPECT_TRUE(streams->Close());
  EXPECT_EQ(streams->Snapshot().dlq_records.at("production"), 1);
}

/// Of all producers that share `times`, the one that is first to write to "out" is never heard: its records are not taken in
/// time.
class SlowProducer final : public log::Producer {
 public:
  SlowProducer(std::unique_ptr<log::Producer> inner, std::shared_ptr<int> times)
      : inner_(std::move(inner)), times_(std::move(times)) {}
  absl::Status Send(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers& headers, int64_t* delivered_offset_max) override {
    if (topic == "out" && !slow_) slow_ = (*times_)++ == 0;
    if (!slow_) return inner_->Send(topic, partition, key, value, timestamp, headers, delivered_offset_max);
    ++waiting_;
    return absl::OkStatus();
  }
  void SetRefusalHandler(log::RefusalHandler handler) override { handler_ = std::move(handler); }
  absl::Status Poll() override {
    if (!slow_) return inner_->Poll();
    for (; waiting_ > 0; --waiting_) {
      log::RefusedRecord record;
      record.topic = "out";
      record.error = absl::DeadlineExceededError("no broker took it");
      record.retriable = true;
      if (absl::Status status = handler_(record); error_.ok()) error_ = status;
    }
    return error_;
  }
  absl::Status Flush(std::chrono::milliseconds) override { return Poll(); }
  [[nodiscard]] int64_t outstanding() const override { return slow_ ? waiting_ : inner_->outstanding(); }

 private:
  std::unique_ptr<log::Producer> inner_;
  const std::shared_ptr<int> times_;
  bool slow_ = false;
  int64_t waiting_ = 0;
  log::RefusalHandler handler_;
  absl::Status error_;
};

class SlowClient final : public log::LogClient {
 public:
  explicit SlowClient(std::unique_ptr<log::LogClient> inner) : inner_(std::move(inner)) {}
  absl::StatusOr<std::unique_ptr<log::Consumer>> NewConsumer(const log::ConsumerOptions& options) override {
    return inner_->NewConsumer(options);
  }
  absl::StatusOr<std::unique_ptr<log::Producer>> NewProducer() override {
    auto producer = inner_->NewProducer();
    if (!producer.ok()) return producer;
    return std::make_unique<SlowProducer>(*std::move(producer), times_);
  }
  absl::StatusOr<std::unique_ptr<log::TransactionalProducer>> NewTransactionalProducer(const std::string& id) override {
    return inner_->NewTransactionalProducer(id);
  }
  absl::StatusOr<std::unique_ptr<log::Membership>> NewMembership(const log::MembershipOptions& options,
                                                                 log::MembershipListener* listener) override {
    return inner_->NewMembership(options, listener);
  }
  log::Admin& admin() override { return inner_->admin(); }

 private:
  std::unique_ptr<log::LogClient> inner_;
  const std::shared_ptr<int> times_ = std::make_shared<int>(0);
};

class LateDeliveryTest : public DeadLettersEmbeddedTest {
 protected:
  std::unique_ptr<KafkaStreams> StartSlow(ExceptionHandlers handlers) {
    const StreamsConfig config = StreamsConfig::From({{"application.id", "shouting"},
                                                      {"bootstrap.servers", "embedded:0"},
                                                      {"state.dir", root_},
                                                      {"commit.interval.ms", "20"}})
                                     .value();
    auto streams = std::make_unique<KafkaStreams>(Shouting("out"), config, std::make_shared<SlowClient>(log_.NewClient()));
    streams->SetExceptionHandlers(std::move(handlers));
    EXPECT_TRUE(streams->Start().ok());
    return streams;
  }
  ExceptionHandlers Answering(ErrorHandlerResponse response) {
    ExceptionHandlers handlers;
    handlers.production = [this, response = std::move(response)](const ErrorHandlerContext&, const UnwritableRecord& record) {
      retriable_ = record.retriable;
      return response;
    };
    return handlers;
  }
  std::atomic<bool> retriable_ = false;
};

TEST_F(LateDeliveryTest, RecordsThatNoBrokerTookInTimeAreMadeAgainFromTheLastCommit) {
  auto streams = StartSlow({});
  for (const char* value : {"a", "b"}) Write(value);
  AwaitCommit();
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  EXPECT_EQ(Values("out"), (std::vector<std::string>{"a!", "b!"}));
}

TEST_F(LateDeliveryTest, TheApplicationsHandlerMayRetryThem) {
  auto streams = StartSlow(Answering(ErrorHandlerResponse::Retry()));
  Write("a");
  AwaitCommit();
  EXPECT_TRUE(retriable_);
  EXPECT_TRUE(streams->Close());
  EXPECT_EQ(Values("out"), (std::vector<std::string>{"a!"}));
}

TEST_F(LateDeliveryTest, TheApplicationsHandlerMayLeaveThemOut) {
  auto streams = StartSlow(Answering(ErrorHandlerResponse::Continue()));
  Write("a");
  AwaitCommit();
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(Values("out").empty());
  EXPECT_EQ(streams->Snapshot().records_dropped.at("production"), 1);
}

TEST_F(LateDeliveryTest, TheApplicationsHandlerMayEndTheInstance) {
  auto streams = StartSlow(Answering(ErrorHandlerResponse::Fail()));
  Write("a");
  EXPECT_THAT(std::string(AwaitError(*streams).message()), HasSubstr("no broker took it"));
}

}  // namespace
}  // namespace millrace
