#include "task/stream_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "log/embedded/embedded_log.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"
#include "task/offset_metadata.h"
#include "task_test_support.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const log::TopicPartition kIn{"in", 0};

Topology CopyTopology() {
  StreamsBuilder builder;
  builder.Stream<int64_t, int64_t>("in").To("out");
  return builder.Build().value();
}

std::string Number(int64_t number) {
  Bytes bytes;
  Serde<int64_t>{}.Serialize(number, &bytes);
  return bytes;
}

/// A task of the embedded log: `in` partition 0 to `out`.
class StreamTaskTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* topic : {"in", "out", "bad"}) ASSERT_TRUE(log_.CreateTopic(topic, 1).ok());
    client_ = log_.NewClient();
    producer_ = client_->NewProducer().value();
    LogOptions logging;
    logging.sink = [this](const LogEntry&, std::string_view line) { lines_.emplace_back(line); };
    ConfigureLogging(logging);
  }
  void TearDown() override { ConfigureLogging({}); }

  void Make(const Topology& topology, ErrorPolicy policy = ErrorPolicy::kFail) {
    StreamTaskOptions options;
    options.id = {2, 0};
    options.application_id = "app";
    options.sources = {kIn};
    errors_.deserialization = policy;
    errors_.dead_letter_topic = "bad";
    options.errors = errors_;
    options.partition_count = [](const std::string&) { return 1; };
    options.system_time = [] { return Ms(1000); };
    task_ = std::make_unique<StreamTask>(std::move(options), topology.Build("app", 0).value(), MakeMemoryEngineFactory(),
                                         producer_.get());
    ASSERT_TRUE(task_->OpenStores().ok());
  }
  void MakeAndStart(const Topology& topology, ErrorPolicy policy = ErrorPolicy::kFail) {
    Make(topology, policy);
    ASSERT_TRUE(task_->Start({}).ok()) << task_->error();
    task_->SetPosition(kIn, 0);
  }

  void Add(NullableBytesView key, NullableBytesView value, const Headers& headers = Headers::Empty()) {
    RawRecord record = RecordAt(next_, 100 + next_, value, key);
    record.headers = &headers;
    ++next_;
    task_->AddRecord(kIn, record);
  }
  // A good record, an unparsable value, an unparsable key, a good record.
  void AddGoodAndBad() {
    Headers headers;
    headers.Add("own", "1");
    headers.Add("own", std::nullopt);
    Add(Number(1), Number(10));
    Add(Number(2), "no number", headers);
    Add("k", Number(30));
    Add(Number(4), Number(40));
    task_->SetInput(kIn, next_, true);
  }
  int Process() {
    const int processed = task_->Process(100, Ms(1000));
    EXPECT_TRUE(producer_->Flush(milliseconds(1000)).ok());
    return processed;
  }
  int64_t Committed() {
    absl::StatusOr<log::Offsets> offsets = task_->PrepareCommit();
    EXPECT_TRUE(offsets.ok()) << offsets.status();
    return offsets.ok() ? offsets->at(kIn).offset : -1;
  }

  log::embedded::EmbeddedLog log_;
  std::unique_ptr<log::LogClient> client_;
  std::unique_ptr<log::Producer> producer_;
  std::unique_ptr<StreamTask> task_;
  std::vector<std::string> lines_;
  ErrorOptions errors_;
  int64_t next_ = 0;
};

TEST_F(StreamTaskTest, SamplesTheFirstRecordOfABatchAndEvery64thWithItsLateness) {
  MakeAndStart(CopyTopology());
  for (int i = 0; i < 130; ++i) Add(Number(i), Number(i));
  task_->AddRecord(kIn, RecordAt(next_++, 90, Number(0), Number(0)));  // late by 139 ms
  task_->SetInput(kIn, next_, true);
  ASSERT_EQ(task_->Process(130, Ms(1000)), 130);
  ASSERT_EQ(task_->samples().size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(task_->samples()[i].queue, task_->queue(kIn));
    EXPECT_EQ(task_->samples()[i].timestamp, Ms(100 + 64 * static_cast<int64_t>(i)));
    EXPECT_EQ(task_->samples()[i].lateness, milliseconds(0));
  }
  ASSERT_EQ(task_->Process(130, Ms(1000)), 1);
  ASSERT_EQ(task_->samples().size(), 1u);
  EXPECT_EQ(task_->samples()[0].lateness, milliseconds(139));
  ASSERT_EQ(task_->Process(130, Ms(1000)), 0);
  EXPECT_TRUE(task_->samples().empty());
}

TEST_F(StreamTaskTest, FailsAtAnUnreadableRecordAndNamesItNotTheOneBefore) {
  MakeAndStart(CopyTopology());
  AddGoodAndBad();
  EXPECT_EQ(Process(), 1);
  EXPECT_EQ(task_->error().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(task_->error().message()),
              AllOf(testing::StartsWith("in-0 at offset 1: the value does not parse: "),
                    HasSubstr("to continue, or to dead-letter"), testing::Not(HasSubstr("offset 0"))));
  EXPECT_FALSE(task_->PrepareCommit().ok());
  EXPECT_EQ(log_.Read("out", 0, 0)->size(), 1u);
}

TEST_F(StreamTaskTest, FailsAtAnUnreadableRecordAtTheHeadOfAPartition) {
  MakeAndStart(CopyTopology());
  Add("k", Number(30));
  task_->SetInput(kIn, 1, true);
  EXPECT_THAT(std::string(task_->error().message()), testing::StartsWith("in-0 at offset 0: the key does not parse: "));
}

TEST_F(StreamTaskTest, LeavesUnreadableRecordsOutLogsAndCountsThem) {
  MakeAndStart(CopyTopology(), ErrorPolicy::kContinue);
  AddGoodAndBad();
  EXPECT_EQ(Process(), 2);
  EXPECT_TRUE(task_->error().ok()) << task_->error();
  EXPECT_EQ(log_.Read("out", 0, 0)->size(), 2u);
  EXPECT_TRUE(log_.Read("bad", 0, 0)->empty());
  EXPECT_EQ(task_->dropped().deserialization, 2);
  EXPECT_EQ(task_->dead_letters().deserialization, 0);
  EXPECT_EQ(Committed(), 4);
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("left out: the value does not parse"), HasSubstr("2_0"), HasSubstr("offset=1")),
                                  AllOf(HasSubstr("left out: the key does not parse"), HasSubstr("in"), HasSubstr("offset=2"))));
}

TEST_F(StreamTaskTest, CommitsPastAnUnreadableRecordThatIsTheLast) {
  MakeAndStart(CopyTopology(), ErrorPolicy::kContinue);
  Add("k", Number(30));
  task_->SetInput(kIn, 1, true);
  EXPECT_TRUE(task_->commit_needed());
  EXPECT_EQ(Committed(), 1);
}

TEST_F(StreamTaskTest, DeadLettersAreTheRecordAsItCameAndKafkaStreamsHeaders) {
  MakeAndStart(CopyTopology(), ErrorPolicy::kDeadLetter);
  AddGoodAndBad();
  EXPECT_EQ(Process(), 2);
  EXPECT_TRUE(task_->error().ok()) << task_->error();
  EXPECT_EQ(task_->dead_letters().deserialization, 2);
  EXPECT_EQ(Committed(), 4);
  const auto bad = log_.Read("bad", 0, 0).value();
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_EQ(bad[0].key, Number(2));
  EXPECT_EQ(bad[0].value, "no number");
  EXPECT_EQ(bad[0].timestamp, Ms(101));
  const std::string message = "the value does not parse: expected 8 bytes for a number, found 9; is the right serde configured?";
  const std::string node = task_->topology().sources.at("in")->name();
  Headers expected;
  expected.Add("own", "1");
  expected.Add("own", std::nullopt);
  expected.Add("__streams.errors.exception", "org.apache.kafka.common.errors.SerializationException");
  expected.Add("__streams.errors.message", message);
  expected.Add("__streams.errors.stacktrace",
               "INVALID_ARGUMENT: task 2_0, node " + node + ", topic in, partition 0, offset 1: " + message);
  expected.Add("__streams.errors.topic", "in");
  expected.Add("__streams.errors.partition", "0");
  expected.Add("__streams.errors.offset", "1");
  EXPECT_TRUE(bad[0].headers == expected) << testing::PrintToString([&] {
    std::vector<std::string> texts;
    for (const Header& header : bad[0].headers) texts.push_back(header.name + "=" + header.value.value_or("null"));
    return texts;
  }());
  EXPECT_EQ(bad[1].key, "k");
  EXPECT_EQ(bad[1].value, Number(30));
  EXPECT_EQ(bad[1].headers.Last("__streams.errors.offset")->value, "2");
}

TEST_F(StreamTaskTest, ADeadLetterThatCannotBeSentFailsTheTaskAtItsRecord) {
  MakeAndStart(CopyTopology(), ErrorPolicy::kDeadLetter);
  ASSERT_TRUE(client_->admin().DeleteTopic("bad").ok());
  AddGoodAndBad();
  Process();
  EXPECT_THAT(std::string(task_->error().message()), testing::StartsWith("in-0 at offset 1: dead letter to bad: "));
}

Topology FussyTopology(const std::function<void()>& extract) {
  StreamsBuilder builder;
  builder
      .Stream<int64_t, int64_t>(
          "in", Consumed<int64_t, int64_t>().WithTimestampExtractor([extract](const Record<int64_t, int64_t>& record, Timestamp) {
            extract();
            return record.timestamp;
          }))
      .To("out");
  return builder.Build().value();
}

TEST_F(StreamTaskTest, ATimestampExtractorThatThrowsFailsTheTaskAtItsRecord) {
  int calls = 0;
  MakeAndStart(FussyTopology([&] {
                 if (++calls == 2) throw std::runtime_error("no time");
               }),
               ErrorPolicy::kContinue);
  Add(Number(1), Number(10));
  Add(Number(2), Number(20));
  task_->SetInput(kIn, 2, true);
  EXPECT_EQ(Process(), 1);
  EXPECT_THAT(std::string(task_->error().message()), testing::StartsWith("in-0 at offset 1: a user function threw: no time"));
}

TEST_F(StreamTaskTest, ATimestampExtractorThatThrowsAtTheFirstRecordFailsTheTask) {
  MakeAndStart(FussyTopology([] { throw std::runtime_error("no time"); }));
  Add(Number(1), Number(10));
  task_->SetInput(kIn, 1, true);
  EXPECT_THAT(std::string(task_->error().message()), testing::StartsWith("in-0 at offset 0: a user function threw: no time"));
}

TEST_F(StreamTaskTest, TakesPartitionTimesFromTheMetadataOfCommittedOffsets) {
  std::vector<Timestamp> seen;
  StreamsBuilder builder;
  builder
      .Stream<int64_t, int64_t>(
          "in", Consumed<int64_t, int64_t>::With([&](const Record<int64_t, int64_t>& record, Timestamp partition_time) {
            seen.push_back(partition_time);
            return record.timestamp;
          }))
      .To("out");
  Make(builder.Build().value());
  ASSERT_TRUE(task_->Start({{kIn, {7, OffsetMetadata{Ms(5000), {}}.Encode()}}}).ok()) << task_->error();
  EXPECT_EQ(task_->stream_time(), Ms(5000));
  task_->SetPosition(kIn, 7);
  Add(Number(1), Number(10));
  task_->SetInput(kIn, 8, true);
  EXPECT_EQ(Process(), 1);
  EXPECT_THAT(seen, ElementsAre(Ms(5000)));
  // An earlier record moves neither time back, and the next commit carries the time on.
  EXPECT_EQ(task_->stream_time(), Ms(5000));
  EXPECT_EQ(OffsetMetadata::Decode(task_->PrepareCommit()->at(kIn).metadata).partition_time, Ms(5000));
}

TEST_F(StreamTaskTest, StartsWithoutATimeWhereNoneWasCommittedOrReadable) {
  for (const char* metadata : {"", "not ours"}) {
    Make(CopyTopology());
    ASSERT_TRUE(task_->Start({{kIn, {7, metadata}}}).ok()) << task_->error();
    EXPECT_EQ(task_->stream_time(), Timestamp::Unknown()) << metadata;
  }
}

/// Schedules with an interval, and does nothing else.
class Scheduling final : public Processor<int64_t, int64_t> {
 public:
  explicit Scheduling(milliseconds interval) : interval_(interval) {}
  void Init(ProcessorContext<int64_t, int64_t>& context) override {
    Processor::Init(context);
    context.Schedule(interval_, PunctuationType::kStreamTime, [](Timestamp) {});
  }
  void Process(const Record<int64_t, int64_t>&) override {}

 private:
  const milliseconds interval_;
};

Topology SchedulingTopology(milliseconds interval) {
  StreamsBuilder builder;
  builder.Stream<int64_t, int64_t>("in")
      .Process(ProcessorSupplier<int64_t, int64_t>([interval] { return std::make_unique<Scheduling>(interval); }),
               Named::As("ticker"))
      .To("out");
  return builder.Build().value();
}

TEST_F(StreamTaskTest, RefusesAPunctuationIntervalBelowAMillisecondAndNamesTheNode) {
  for (const milliseconds interval : {milliseconds(0), milliseconds(-5)}) {
    Make(SchedulingTopology(interval));
    const absl::Status status = task_->Start({});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "initialising node ticker: a punctuation needs an interval of at least 1 ms, not " +
                                    std::to_string(interval.count()) + " ms");
    EXPECT_EQ(task_->error(), status);
  }
}

TEST_F(StreamTaskTest, TakesAPunctuationIntervalOfAMillisecond) {
  Make(SchedulingTopology(milliseconds(1)));
  EXPECT_TRUE(task_->Start({}).ok()) << task_->error();
}

}  // namespace
}  // namespace millrace
