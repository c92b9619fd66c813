#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/host.h"
#include "kafka_broker.h"
#include "log/kafka/kafka_log.h"
#include "metrics/runtime_snapshot.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"

// What goes wrong in operation, on a real Kafka: records that cannot be read, topics and brokers that are away.

namespace millrace {
namespace {

using namespace std::chrono_literals;
using State = KafkaStreams::State;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string Number(int64_t number) {
  Bytes bytes;
  Serde<int64_t>{}.Serialize(number, &bytes);
  return bytes;
}

/// A record that owns its bytes.
struct Read {
  NullableBytes key;
  NullableBytes value;
  Timestamp timestamp;
  Headers headers;
};

class ErrorPathsTest : public tests::KafkaBrokerTest {
 protected:
  void SetUp() override {
    log::kafka::KafkaLogOptions options;
    options.common["bootstrap.servers"] = broker_->bootstrap_servers();
    auto client = log::kafka::MakeKafkaLogClient(options);
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    for (const std::string& topic : {input_, output_, bad_}) {
      const absl::Status created = client_->admin().CreateTopic({topic, 1, 1, {{"retention.ms", "-1"}}});
      ASSERT_TRUE(created.ok()) << created;
    }
    producer_ = client_->NewProducer().value();
  }
  void TearDown() override { EXPECT_TRUE(host_.files().RemoveAll(root_).ok()); }

  /// Copies input to output, with numbers as keys and values.
  [[nodiscard]] std::unique_ptr<KafkaStreams> MakeCopy(Properties more = {}) const {
    StreamsBuilder builder;
    builder.Stream<int64_t, int64_t>(input_).To(output_);
    return Make(&builder, std::move(more));
  }
  [[nodiscard]] std::unique_ptr<KafkaStreams> Make(StreamsBuilder* builder, Properties more) const {
    more.insert({{"application.id", application_},
                 {"bootstrap.servers", broker_->bootstrap_servers()},
                 {"state.dir", root_},
                 {"session.timeout.ms", "6000"},
                 {"heartbeat.interval.ms", "500"},
                 {"commit.interval.ms", "100"}});
    auto config = StreamsConfig::From(more);
    EXPECT_TRUE(config.ok()) << config.status();
    return std::make_unique<KafkaStreams>(builder->Build().value(), *config);
  }

  void Write(BytesView key, BytesView value, const Headers& headers = Headers::Empty()) {
    ASSERT_TRUE(producer_->Send(input_, 0, key, value, Timestamp::FromMillis(1000 + written_), headers, nullptr).ok());
    ++written_;
  }
  void WriteGood(int records) {
    for (int i = 0; i < records; ++i) Write(Number(written_), Number(written_));
  }
  void Flush() {
    const absl::Status flushed = producer_->Flush(30s);
    ASSERT_TRUE(flushed.ok()) << flushed;
  }

  /// All records of partition 0 of a topic.
  std::vector<Read> ReadAll(const std::string& topic) {
    std::vector<Read> records;
    auto consumer = client_->NewConsumer({log::Isolation::kReadCommitted, 1, false, ""}).value();
    log::PartitionReader* reader = consumer->Assign({topic, 0}, 0).value();
    while (!reader->at_end()) {
      const auto drained = reader->Drain(100000, [&](const RawRecord& record) {
        Read& read = records.emplace_back();
        if (record.key) read.key.emplace(*record.key);
        if (record.value) read.value.emplace(*record.value);
        read.timestamp = record.timestamp;
        read.headers = *record.headers;
      });
      EXPECT_TRUE(drained.ok()) << drained.status();
      if (!drained.ok()) break;
      consumer->Wait(20ms);
    }
    return records;
  }
  /// The numbers of the output, in its order.
  std::vector<int64_t> Output() {
    std::vector<int64_t> numbers;
    for (const Read& read : ReadAll(output_)) {
      int64_t number = -1;
      EXPECT_TRUE(Serde<int64_t>{}.Deserialize(*read.key, &number).ok());
      numbers.push_back(number);
    }
    return numbers;
  }
  /// -1 if there is none.
  int64_t Committed() {
    auto committed = client_->admin().CommittedOffsets(application_, {{input_, 0}});
    EXPECT_TRUE(committed.ok()) << committed.status();
    return committed.ok() && !committed->empty() ? committed->begin()->second.offset : -1;
  }

  template <class Condition>
  bool Eventually(Condition condition, std::chrono::milliseconds limit = 60s) {
    const auto start = host_.Monotonic();
    while (host_.Monotonic() - start < limit) {
      if (condition()) return true;
      host_.Sleep(20ms);
    }
    return false;
  }

  Host& host_ = Host::Real();
  const std::string application_ = "errors-" + std::to_string(host_.Random() % 1000000);
  const std::string input_ = application_ + "-in";
  const std::string output_ = application_ + "-out";
  const std::string bad_ = application_ + "-bad";
  const std::string root_ = testing::TempDir() + "/" + application_;
  std::unique_ptr<log::LogClient> client_;
  std::unique_ptr<log::Producer> producer_;
  int64_t written_ = 0;
};

TEST_F(ErrorPathsTest, StopsAtAnUnreadableRecordAndGoesOnFromItWithTheContinueSetting) {
  WriteGood(4);
  Flush();
  auto streams = MakeCopy();
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ASSERT_TRUE(Eventually([&] { return Committed() == 4; })) << Committed();
  Write(Number(4), "no number");
  WriteGood(2);
  Write("no number either", Number(7));
  WriteGood(2);
  Flush();
  ASSERT_TRUE(Eventually([&] { return streams->state() == State::kError; }));
  EXPECT_THAT(std::string(streams->error().message()),
              AllOf(HasSubstr("task 0_0: " + input_ + "-0 at offset 4: the value does not parse"),
                    HasSubstr("deserialization.exception.handler")));
  streams.reset();
  EXPECT_EQ(Committed(), 4);
  EXPECT_THAT(Output(), ElementsAre(0, 1, 2, 3));

  streams = MakeCopy({{"deserialization.exception.handler", "continue"}});
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ASSERT_TRUE(Eventually([&] { return Committed() == written_; })) << Committed();
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  EXPECT_THAT(Output(), ElementsAre(0, 1, 2, 3, 5, 6, 8, 9));
  EXPECT_TRUE(ReadAll(bad_).empty());
}

TEST_F(ErrorPathsTest, WritesUnreadableRecordsToTheDeadLetterTopicAsTheyCame) {
  Headers headers;
  headers.Add("trace", "abc");
  WriteGood(2);
  Write(Number(2), "no number", headers);
  Write("no number either", Number(3));
  WriteGood(2);
  Flush();
  auto streams = MakeCopy({{"deserialization.exception.handler", "dead-letter"}, {"errors.dead.letter.queue.topic.name", bad_}});
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ASSERT_TRUE(Eventually([&] { return Committed() == written_; })) << Committed();
  EXPECT_EQ(streams->state(), State::kRunning);
  EXPECT_TRUE(streams->Close());
  EXPECT_THAT(Output(), ElementsAre(0, 1, 4, 5));

  const std::vector<Read> bad = ReadAll(bad_);
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_EQ(bad[0].key, Number(2));
  EXPECT_EQ(bad[0].value, "no number");
  EXPECT_EQ(bad[0].timestamp, Timestamp::FromMillis(1002));
  std::vector<std::string> names;
  for (const Header& header : bad[0].headers) names.push_back(header.name);
  EXPECT_THAT(names, ElementsAre("trace", "__streams.errors.exception", "__streams.errors.message", "__streams.errors.stacktrace",
                                 "__streams.errors.topic", "__streams.errors.partition", "__streams.errors.offset"));
  EXPECT_EQ(bad[0].headers.Last("trace")->value, "abc");
  EXPECT_EQ(bad[0].headers.Last("__streams.errors.topic")->value, input_);
  EXPECT_EQ(bad[0].headers.Last("__streams.errors.partition")->value, "0");
  EXPECT_EQ(bad[0].headers.Last("__streams.errors.offset")->value, "2");
  EXPECT_THAT(*bad[0].headers.Last("__streams.errors.stacktrace")->value,
              AllOf(HasSubstr("task 0_0"), HasSubstr("topic " + input_ + ", partition 0, offset 2: the value does not parse")));
  EXPECT_EQ(bad[1].key, "no number either");
  EXPECT_EQ(bad[1].value, Number(3));
  EXPECT_THAT(*bad[1].headers.Last("__streams.errors.message")->value, HasSubstr("the key does not parse"));
}

TEST_F(ErrorPathsTest, AMissingOutputTopicIsNamedWithTheRecordThatGoesThere) {
  ASSERT_TRUE(client_->admin().DeleteTopic(output_).ok());
  auto streams = MakeCopy();
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  WriteGood(1);
  Flush();
  ASSERT_TRUE(Eventually([&] { return streams->state() == State::kError; }, 20s));
  EXPECT_EQ(streams->error().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(
      std::string(streams->error().message()),
      AllOf(HasSubstr("task 0_0: " + input_ + "-0 at offset 0: send to " + output_), HasSubstr("create it, or check the name")));
  EXPECT_EQ(Committed(), -1);
}

// Of each record as many bytes as its number says.
Topology SizedTopology(const std::string& input, const std::string& output) {
  StreamsBuilder builder;
  builder.Stream<int64_t, int64_t>(input)
      .MapValues([](const int64_t& size) { return std::string(static_cast<size_t>(size), 'x'); })
      .To(output);
  return builder.Build().value();
}

class UnwritableTest : public ErrorPathsTest, public testing::WithParamInterface<const char*> {
 protected:
  std::unique_ptr<KafkaStreams> Start(const Topology& topology, Properties more) {
    more.insert({{"application.id", application_},
                 {"bootstrap.servers", broker_->bootstrap_servers()},
                 {"state.dir", root_},
                 {"session.timeout.ms", "6000"},
                 {"heartbeat.interval.ms", "500"},
                 {"processing.guarantee", GetParam()},
                 {"commit.interval.ms", "100"}});
    auto streams = std::make_unique<KafkaStreams>(topology, StreamsConfig::From(more).value());
    const absl::Status started = streams->Start();
    EXPECT_TRUE(started.ok()) << started;
    return streams;
  }
  // What was committed may end with the transaction's marker.
  bool AllCommitted() {
    return Eventually([&] { return Committed() >= written_; });
  }
  std::vector<size_t> Sizes() {
    std::vector<size_t> sizes;
    for (const Read& read : ReadAll(output_)) sizes.push_back(read.value.value_or("").size());
    return sizes;
  }
};

TEST_P(UnwritableTest, ARecordThatIsTooLargeIsContinuedPastAndDoesNotTouchTheTransaction) {
  for (const int64_t size : {5, 200000, 7}) Write(Number(1), Number(size));
  Flush();
  auto streams =
      Start(SizedTopology(input_, output_), {{"production.exception.handler", "continue"}, {"max.request.size", "100000"}});
  ASSERT_TRUE(AllCommitted()) << streams->error();
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  EXPECT_THAT(Sizes(), ElementsAre(5u, 7u));
  const RuntimeSnapshot snapshot = streams->Snapshot();
  EXPECT_EQ(snapshot.records_dropped.at("production"), 1);
  EXPECT_EQ(snapshot.transactions_aborted, 0);
}

TEST_P(UnwritableTest, ARecordThatIsTooLargeEndsTheInstanceAndIsNamed) {
  for (const int64_t size : {5, 200000, 7}) Write(Number(1), Number(size));
  Flush();
  auto streams = Start(SizedTopology(input_, output_), {{"max.request.size", "100000"}});
  ASSERT_TRUE(Eventually([&] { return streams->state() == State::kError; }));
  EXPECT_THAT(std::string(streams->error().message()),
              AllOf(HasSubstr(input_ + "-0 at offset 1: send to " + output_), HasSubstr("set production.exception.handler to")));
  EXPECT_LE(Committed(), 1);
}

TEST_P(UnwritableTest, ARecordThatTheBrokerRefusesIsContinuedPast) {
  // A compacted topic takes no record without a key.
  const std::string compacted = output_ + "-compacted";
  ASSERT_TRUE(client_->admin().CreateTopic({compacted, 1, 1, {{"cleanup.policy", "compact"}}}).ok());
  StreamsBuilder builder;
  builder.Stream<int64_t, int64_t>(input_)
      .SelectKey([](const int64_t&, const int64_t& value) { return value == 13 ? std::optional<int64_t>() : value; })
      .To(compacted);
  // The broker refuses the batch of all three.
  for (const int64_t value : {1, 13, 2}) Write(Number(0), Number(value));
  Flush();
  auto streams = Start(builder.Build().value(), {{"production.exception.handler", "continue"}});
  ASSERT_TRUE(AllCommitted()) << streams->error();
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  std::set<std::string> values;
  for (const Read& read : ReadAll(compacted)) values.insert(read.value.value_or(""));
  EXPECT_THAT(values, ElementsAre(Number(1), Number(2)));
  EXPECT_GE(streams->Snapshot().records_dropped.at("production"), 1);
}

TEST_P(UnwritableTest, ARecordThatIsTooLargeForItsTopicOnlyIsContinuedPastAndTheOthersOfItsBatchAreNot) {
  const std::string narrow = output_ + "-narrow";
  ASSERT_TRUE(client_->admin().CreateTopic({narrow, 1, 1, {{"max.message.bytes", "50000"}}}).ok());
  for (const int64_t size : {5, 90000, 7}) Write(Number(1), Number(size));
  Flush();
  auto streams = Start(SizedTopology(input_, narrow), {{"production.exception.handler", "continue"}});
  ASSERT_TRUE(AllCommitted()) << streams->error();
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  std::set<size_t> sizes;
  for (const Read& read : ReadAll(narrow)) sizes.insert(read.value.value_or("").size());
  EXPECT_THAT(sizes, ElementsAre(5u, 7u));
  EXPECT_GE(streams->Snapshot().records_dropped.at("production"), 1);
}

INSTANTIATE_TEST_SUITE_P(Guarantees, UnwritableTest, testing::Values("at_least_once", "exactly_once_v2"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(ErrorPathsTest, AnInputTopicThatIsDeletedUnderTheApplicationEndsIt) {
  auto streams = MakeCopy();
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  WriteGood(5);
  Flush();
  ASSERT_TRUE(Eventually([&] { return Committed() == written_; })) << Committed();
  producer_.reset();
  ASSERT_TRUE(client_->admin().DeleteTopic(input_).ok());
  EXPECT_TRUE(Eventually([&] { return streams->state() == State::kError; }, 90s));
  EXPECT_EQ(streams->error().code(), absl::StatusCode::kNotFound) << streams->error();
  EXPECT_THAT(std::string(streams->error().message()), HasSubstr("read " + input_ + "-0"));
}

TEST_F(ErrorPathsTest, AnOutputTopicThatIsDeletedUnderTheApplicationEndsItWithoutLoss) {
  auto streams = MakeCopy();
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  WriteGood(5);
  Flush();
  ASSERT_TRUE(Eventually([&] { return Committed() == written_; })) << Committed();
  ASSERT_TRUE(client_->admin().DeleteTopic(output_).ok());
  WriteGood(3);
  Flush();
  ASSERT_TRUE(Eventually([&] { return streams->state() == State::kError; }, 90s));
  EXPECT_THAT(std::string(streams->error().message()), HasSubstr(output_));
  EXPECT_EQ(Committed(), 5);

  ASSERT_TRUE(client_->admin().CreateTopic({output_, 1, 1, {{"retention.ms", "-1"}}}).ok());
  streams = MakeCopy();
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ASSERT_TRUE(Eventually([&] { return Committed() == written_; })) << Committed();
  EXPECT_TRUE(streams->Close());
  EXPECT_THAT(Output(), ElementsAre(5, 6, 7));
}

TEST_F(ErrorPathsTest, ABrokerThatCannotBeReachedIsToldWithinSecondsAndIsAnErrorInTheEnd) {
  std::mutex mutex;
  std::vector<std::pair<std::chrono::nanoseconds, std::string>> lines;
  LogOptions logging;
  logging.sink = [&](const LogEntry&, std::string_view line) {
    const std::lock_guard lock(mutex);
    lines.emplace_back(host_.Monotonic(), line);
  };
  ConfigureLogging(logging);
  auto streams = MakeCopy({{"bootstrap.servers", "127.0.0.1:1"}});
  const auto start = host_.Monotonic();
  const absl::Status status = streams->Start();
  const auto took = host_.Monotonic() - start;
  ConfigureLogging({});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("no answer from Kafka at bootstrap.servers=127.0.0.1:1"),
                                                   HasSubstr("source topic " + input_), HasSubstr("Connection refused")));
  EXPECT_LT(took, 40s);
  const auto told = std::find_if(lines.begin(), lines.end(), [](const auto& line) {
    return line.second.find("no broker of bootstrap.servers has answered") != std::string::npos;
  });
  ASSERT_NE(told, lines.end());
  EXPECT_LT(told->first - start, 5s);
  EXPECT_THAT(told->second, HasSubstr("Connection refused"));
}

TEST_F(ErrorPathsTest, CommitsSoonAfterTheBrokerWasRestarted) {
  auto streams = MakeCopy({{"session.timeout.ms", "60000"}});
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  WriteGood(10);
  Flush();
  ASSERT_TRUE(Eventually([&] { return Committed() == written_; })) << Committed();
  std::vector<State> states;
  streams->SetStateListener([&](State now, State) { states.push_back(now); });
  broker_->Stop();
  broker_->Start();
  const auto restarted = host_.Monotonic();
  // The coordinator is loading, which no call may take for an answer.
  EXPECT_EQ(Committed(), written_);
  WriteGood(10);
  Flush();
  ASSERT_TRUE(Eventually([&] { return Committed() == written_; })) << Committed();
  EXPECT_LT(host_.Monotonic() - restarted, 10s);
  EXPECT_THAT(states, testing::IsEmpty());
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  EXPECT_EQ(Output().size(), 20u);
}

TEST_F(ErrorPathsTest, TakesItsTasksUpAgainWhenTheBrokerWasAwayForLongerThanTheSession) {
  auto streams = MakeCopy({{"session.timeout.ms", "2000"}, {"heartbeat.interval.ms", "200"}});
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  WriteGood(10);
  Flush();
  ASSERT_TRUE(Eventually([&] { return Committed() == written_; })) << Committed();
  broker_->Stop();
  ASSERT_TRUE(Eventually([&] { return streams->state() == State::kRebalancing; }, 20s));
  broker_->Start();
  const auto restarted = host_.Monotonic();
  WriteGood(10);
  Flush();
  ASSERT_TRUE(Eventually([&] { return Committed() == written_; })) << Committed();
  EXPECT_LT(host_.Monotonic() - restarted, 15s);
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

/// Exactly once, with a broker that stands still for longer than any request or transaction may take.
class SilentBrokerTest : public ErrorPathsTest {
 protected:
  void SetUp() override {
    ErrorPathsTest::SetUp();
    LogOptions logging;
    logging.sink = [this](const LogEntry& entry, std::string_view) {
      const std::lock_guard lock(mutex_);
      ++events_[std::string(entry.fields.event)];
      if (entry.fields.event == pause_at_) {
        pause_at_.clear();
        broker_->Pause();
      }
    };
    ConfigureLogging(logging);
  }
  void TearDown() override {
    ConfigureLogging({});
    broker_->Resume();
    ErrorPathsTest::TearDown();
  }
  [[nodiscard]] std::unique_ptr<KafkaStreams> MakePatient() {
    StreamsBuilder builder;
    builder.Stream<int64_t, int64_t>(input_)
        .MapValues([this](const int64_t& value) {
          if (value == pause_in_.load() && pause_in_.exchange(-1) >= 0) broker_->Pause();
          return value;
        })
        .To(output_);
    return Make(&builder, {{"processing.guarantee", "exactly_once_v2"},
                           {"request.timeout.ms", "2000"},
                           {"producer.transaction.timeout.ms", "3000"},
                           {"session.timeout.ms", "60000"}});
  }
  int Events(const std::string& event) {
    const std::lock_guard lock(mutex_);
    return events_[event];
  }
  void PauseAt(const std::string& event) {
    const std::lock_guard lock(mutex_);
    pause_at_ = event;
  }
  void ExpectEachNumberOnce() {
    ASSERT_TRUE(Eventually([&] { return Committed() >= written_; })) << Committed();
    std::vector<int64_t> expected;
    for (int64_t i = 0; i < written_; ++i) expected.push_back(i);
    std::vector<int64_t> numbers;
    for (const Read& read : ReadAll(output_)) {
      ASSERT_TRUE(Serde<int64_t>{}.Deserialize(*read.key, &numbers.emplace_back()).ok());
    }
    EXPECT_EQ(numbers, expected);
  }

  std::atomic<int64_t> pause_in_ = -1;

 private:
  std::mutex mutex_;
  std::map<std::string, int> events_;
  std::string pause_at_;
};

TEST_F(SilentBrokerTest, TasksThatComeMeanwhileStartWhenItAnswersAgain) {
  WriteGood(10);
  Flush();
  PauseAt("tasks-assigned");
  auto streams = MakePatient();
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  EXPECT_TRUE(Eventually([&] { return Events("task-waits") > 0; }));
  host_.Sleep(5s);
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  broker_->Resume();
  ExpectEachNumberOnce();
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

TEST_F(SilentBrokerTest, WhatWasUndoneMeanwhileIsDoneWhenItAnswersAgain) {
  auto streams = MakePatient();
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  WriteGood(10);
  Flush();
  ASSERT_TRUE(Eventually([&] { return Committed() >= written_; })) << Committed();
  // In the middle of a transaction.
  pause_in_ = 12;
  WriteGood(10);
  EXPECT_TRUE(Eventually([&] { return Events("transaction-aborted") > 0; }));
  host_.Sleep(5s);
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  broker_->Resume();
  ExpectEachNumberOnce();
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(streams->error().ok()) << streams->error();
}

/// Forwards a number every 20 ms of wall-clock time.
class Ticking final : public Processor<int64_t, int64_t> {
 public:
  void Init(ProcessorContext<int64_t, int64_t>& context) override {
    Processor::Init(context);
    context.Schedule(20ms, PunctuationType::kWallClockTime, [this](Timestamp now) {
      ++number_;
      this->context().Forward({&number_, &number_, now, &Headers::Empty()});
    });
  }
  void Process(const Record<int64_t, int64_t>&) override {}

 private:
  int64_t number_ = 0;
};

TEST_F(ErrorPathsTest, ClosesWithinSecondsWhileTheBrokerIsAwayAndRecordsWait) {
  StreamsBuilder builder;
  builder.Stream<int64_t, int64_t>(input_)
      .Process(ProcessorSupplier<int64_t, int64_t>([] { return std::make_unique<Ticking>(); }))
      .To(output_);
  auto streams = Make(&builder, {});
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  ASSERT_TRUE(Eventually([&] { return Committed() == 0; })) << Committed();
  broker_->Stop();
  host_.Sleep(1s);
  const auto before = host_.Monotonic();
  EXPECT_TRUE(streams->Close());
  EXPECT_LT(host_.Monotonic() - before, 25s);
  EXPECT_TRUE(streams->error().ok()) << streams->error();
  broker_->Start();
}

}  // namespace
}  // namespace millrace
