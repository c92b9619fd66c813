#include "millrace/runtime/exception_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "millrace/state/serdes.h"
#include "millrace/testing/topology_test_driver.h"
#include "millrace/topologies/streams_builder.h"

// What handlers of the application see and decide, over the whole of a topology.

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Timestamp At(int64_t ms) { return Timestamp::FromMillis(ms); }

/// A value that its serde refuses to write when it is "heavy", and to read when it is "broken".
struct Word {
  std::string text;
  friend bool operator==(const Word&, const Word&) = default;
};
struct WordSerde {
  void Serialize(const Word& word, Bytes* out) const {
    if (word.text == "heavy") throw std::length_error("too heavy");
    out->append(word.text);
  }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, Word* word) const {
    if (bytes == "broken") return absl::InvalidArgumentError("it is broken");
    word->text = std::string(bytes);
    return absl::OkStatus();
  }
  [[nodiscard]] size_t MemoryBytes(const Word& word) const { return sizeof(Word) + word.text.size(); }
};

/// What a handler was told, kept.
struct Told {
  std::string node;
  std::string topic;
  int64_t offset;
  Timestamp timestamp;
  NullableBytes key;
  NullableBytes value;
  std::string error;
  std::string exception;
};

class ExceptionHandlersTest : public testing::Test {
 protected:
  std::function<ErrorHandlerResponse(const ErrorHandlerContext&)> Keep(ErrorHandlerResponse response) {
    return [this, response = std::move(response)](const ErrorHandlerContext& context) {
      Told& told = told_.emplace_back();
      told.node = context.node;
      told.topic = context.topic;
      told.offset = context.offset;
      told.timestamp = context.timestamp;
      if (context.source_key) told.key = Bytes(*context.source_key);
      if (context.source_value) told.value = Bytes(*context.source_value);
      told.error = std::string(context.error.message());
      told.exception = context.exception;
      return response;
    };
  }
  void Start(StreamsBuilder* builder, ExceptionHandlers handlers, bool caching = true) {
    TopologyTestDriver::Options options;
    options.exception_handlers = std::move(handlers);
    options.caching = caching;
    driver_ = TopologyTestDriver::Create(builder->Build().value(), std::move(options)).value();
  }
  absl::Status Pipe(const std::string& value, const std::string& key = "k") {
    return driver_->CreateInputTopic<std::string, std::string>("in").PipeInput(key, value, At(++time_));
  }
  std::vector<std::string> Out(const std::string& topic = "out") {
    std::vector<std::string> values;
    const auto records = driver_->CreateOutputTopic<std::string, std::string>(topic).ReadAll().value();
    for (const auto& record : records) values.push_back(record.value.value_or("null"));
    return values;
  }

  std::vector<Told> told_;
  std::unique_ptr<TopologyTestDriver> driver_;
  int64_t time_ = 100;
};

std::string ThrowAtBad(const std::string& value) {
  if (value == "bad") throw std::invalid_argument("not this one");
  return value + "!";
}

TEST_F(ExceptionHandlersTest, ContinueLeavesTheRecordOutAtTheNodeThatThrewAndTellsAllAboutIt) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in").MapValues(ThrowAtBad, Named::As("shout")).To("out");
  Start(&builder, {.deserialization = nullptr, .processing = Keep(ErrorHandlerResponse::Continue()), .production = nullptr});
  for (const char* value : {"a", "bad", "b"}) ASSERT_TRUE(Pipe(value).ok());
  EXPECT_THAT(Out(), ElementsAre("a!", "b!"));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].node, "shout");
  EXPECT_EQ(told_[0].topic, "in");
  EXPECT_EQ(told_[0].offset, 1);
  EXPECT_EQ(told_[0].timestamp, At(102));
  EXPECT_EQ(told_[0].key, "k");
  EXPECT_EQ(told_[0].value, "bad");
  EXPECT_EQ(told_[0].error, "a user function threw: not this one");
  EXPECT_EQ(told_[0].exception, "std::invalid_argument");
}

TEST_F(ExceptionHandlersTest, WhatWentToOtherNodesBeforeAndAfterStays) {
  StreamsBuilder builder;
  auto in = builder.Stream<std::string, std::string>("in");
  in.To("before");
  in.MapValues(ThrowAtBad).To("out");
  in.To("after");
  Start(&builder, {.deserialization = nullptr, .processing = Keep(ErrorHandlerResponse::Continue()), .production = nullptr});
  ASSERT_TRUE(Pipe("bad").ok());
  EXPECT_THAT(Out("before"), ElementsAre("bad"));
  EXPECT_THAT(Out(), IsEmpty());
  EXPECT_THAT(Out("after"), ElementsAre("bad"));
}

TEST_F(ExceptionHandlersTest, OneOfTheRecordsThatAFunctionMadeIsLeftOutAlone) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in")
      .FlatMapValues([](const std::string& value) {
        return std::vector<std::string>{"x", value, "y"};
      })
      .MapValues(ThrowAtBad)
      .To("out");
  Start(&builder, {.deserialization = nullptr, .processing = Keep(ErrorHandlerResponse::Continue()), .production = nullptr});
  ASSERT_TRUE(Pipe("bad").ok());
  EXPECT_THAT(Out(), ElementsAre("x!", "y!"));
}

TEST_F(ExceptionHandlersTest, DeadLettersOfAHandlerAreWrittenAsItMadeThem) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in").MapValues(ThrowAtBad, Named::As("shout")).To("out");
  ExceptionHandlers handlers;
  handlers.processing = [](const ErrorHandlerContext& context) {
    DeadLetter own;
    own.topic = "own";
    own.value = "about " + std::to_string(context.offset);
    own.timestamp = At(7);
    return ErrorHandlerResponse::Continue({MakeDeadLetter("bad", context), own});
  };
  Start(&builder, std::move(handlers));
  ASSERT_TRUE(Pipe("bad").ok());
  auto bad = driver_->CreateOutputTopic<std::string, std::string>("bad");
  const auto letter = bad.ReadRecord().value();
  EXPECT_EQ(letter.value, "bad");
  EXPECT_EQ(letter.headers.Last("__streams.errors.exception")->value, "std::invalid_argument");
  EXPECT_EQ(letter.headers.Last("__streams.errors.message")->value, "a user function threw: not this one");
  EXPECT_EQ(letter.headers.Last("__streams.errors.stacktrace")->value,
            "ABORTED: task 0_0, node shout, topic in, partition 0, offset 0: a user function threw: not this one");
  EXPECT_THAT(Out("own"), ElementsAre("about 0"));
}

TEST_F(ExceptionHandlersTest, FailEndsWithTheErrorOfTheRecord) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in").MapValues(ThrowAtBad, Named::As("shout")).To("out");
  Start(&builder, {.deserialization = nullptr, .processing = Keep(ErrorHandlerResponse::Fail()), .production = nullptr});
  ASSERT_TRUE(Pipe("a").ok());
  EXPECT_EQ(Pipe("bad").message(),
            "in-0 at offset 1: node shout: the application's handler says FAIL: a user function threw: not this one");
  EXPECT_EQ(told_.size(), 1u) << "outer nodes are not asked again";
}

TEST_F(ExceptionHandlersTest, AHandlerThatThrowsFailsTheTask) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in").MapValues(ThrowAtBad).To("out");
  ExceptionHandlers handlers;
  handlers.processing = [](const ErrorHandlerContext&) -> ErrorHandlerResponse { throw std::runtime_error("me too"); };
  Start(&builder, std::move(handlers));
  EXPECT_THAT(std::string(Pipe("bad").message()), HasSubstr("handler for it threw (me too): a user function threw: not this"));
}

TEST_F(ExceptionHandlersTest, WithoutMemoryNothingGoesOn) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in")
      .MapValues([](const std::string&) -> std::string { throw std::bad_alloc(); })
      .To("out");
  Start(&builder, {.deserialization = nullptr, .processing = Keep(ErrorHandlerResponse::Continue()), .production = nullptr});
  EXPECT_EQ(Pipe("a").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(told_, IsEmpty());
}

/// Fails, or throws, when told to.
class Failing final : public Processor<std::string, std::string> {
 public:
  void Process(const Record<std::string, std::string>& record) override {
    if (*record.value == "fail") context().Fail(absl::DataLossError("the state is wrong"));
    if (*record.value == "fail") throw std::runtime_error("and so am I");
    context().Forward(record);
  }
};

TEST_F(ExceptionHandlersTest, ATaskThatHasFailedIsNotContinued) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in")
      .Process(ProcessorSupplier<std::string, std::string>([] { return std::make_unique<Failing>(); }))
      .To("out");
  Start(&builder, {.deserialization = nullptr, .processing = Keep(ErrorHandlerResponse::Continue()), .production = nullptr});
  EXPECT_EQ(Pipe("fail").code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(ExceptionHandlersTest, ASerdeThatThrowsInsideAStoreIsNotContinuedForItsChangelogWouldBeWrong) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in")
      .MapValues([](const std::string& value) { return Word{value}; })
      .GroupByKey(Grouped::With(AnySerde<std::string>(), AnySerde<Word>(WordSerde())))
      .Reduce([](const Word&, const Word& word) { return word; },
              Materialized::As("words").WithValueSerde(AnySerde<Word>(WordSerde())).WithCachingDisabled())
      .ToStream()
      .MapValues([](const Word& word) { return word.text; })
      .To("out");
  Start(&builder, {.deserialization = nullptr, .processing = Keep(ErrorHandlerResponse::Continue()), .production = nullptr},
        /*caching=*/false);
  ASSERT_TRUE(Pipe("light").ok());
  const absl::Status status = Pipe("heavy");
  EXPECT_THAT(std::string(status.message()), HasSubstr("too heavy"));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(ExceptionHandlersTest, ResultsThatACacheHeldBackHaveNoSourceBytes) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in")
      .GroupByKey()
      .Reduce([](const std::string&, const std::string& value) { return value; }, Materialized::As("last"))
      .ToStream()
      .MapValues(ThrowAtBad, Named::As("shout"))
      .To("out");
  Start(&builder, {.deserialization = nullptr, .processing = Keep(ErrorHandlerResponse::Continue()), .production = nullptr});
  ASSERT_TRUE(Pipe("bad").ok());
  ASSERT_TRUE(Pipe("good").ok());
  EXPECT_THAT(Out(), ElementsAre("good!"));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].offset, 0);
  EXPECT_EQ(told_[0].value, std::nullopt);
}

/// Throws at every second of wall clock.
class Ticking final : public Processor<std::string, std::string> {
 public:
  void Init(ProcessorContext<std::string, std::string>& context) override {
    Processor::Init(context);
    context.Schedule(1s, PunctuationType::kWallClockTime, [](Timestamp) { throw std::runtime_error("tick"); });
  }
  void Process(const Record<std::string, std::string>& record) override { context().Forward(record); }
};

TEST_F(ExceptionHandlersTest, APunctuationIsContinuedWithoutARecord) {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("in")
      .Process(ProcessorSupplier<std::string, std::string>([] { return std::make_unique<Ticking>(); }), Named::As("ticking"))
      .To("out");
  Start(&builder, {.deserialization = nullptr, .processing = Keep(ErrorHandlerResponse::Continue()), .production = nullptr});
  ASSERT_TRUE(driver_->AdvanceWallClock(1500ms).ok());
  ASSERT_TRUE(Pipe("a").ok());
  EXPECT_THAT(Out(), ElementsAre("a"));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].node, "ticking");
  EXPECT_EQ(told_[0].topic, "");
  EXPECT_EQ(told_[0].offset, -1);
  EXPECT_EQ(told_[0].key, std::nullopt);
}

TEST_F(ExceptionHandlersTest, TheDeserializationHandlerDecidesAboutRecordsThatDoNotParse) {
  StreamsBuilder builder;
  builder.Stream<std::string, Word>("in", Consumed<std::string, Word>::With(AnySerde<std::string>(), AnySerde<Word>(WordSerde())))
      .MapValues([](const Word& word) { return word.text; })
      .To("out");
  Start(&builder, {.deserialization = Keep(ErrorHandlerResponse::Continue()), .processing = nullptr, .production = nullptr});
  for (const char* value : {"a", "broken", "b"}) ASSERT_TRUE(Pipe(value).ok());
  EXPECT_THAT(Out(), ElementsAre("a", "b"));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].value, "broken");
  EXPECT_EQ(told_[0].exception, "org.apache.kafka.common.errors.SerializationException");
}

class UnwritableTest : public ExceptionHandlersTest {
 protected:
  void Start(ErrorHandlerResponse response) {
    StreamsBuilder builder;
    builder.Stream<std::string, std::string>("in")
        .MapValues([](const std::string& value) { return Word{value}; })
        .To("out", Produced::With(AnySerde<std::string>(), AnySerde<Word>(WordSerde())));
    ExceptionHandlers handlers;
    handlers.production = [this, keep = Keep(std::move(response))](const ErrorHandlerContext& context,
                                                                   const UnwritableRecord& record) {
      topic_ = record.topic;
      serialization_ = record.serialization;
      return keep(context);
    };
    handlers.processing = Keep(ErrorHandlerResponse::Continue());
    ExceptionHandlersTest::Start(&builder, std::move(handlers));
  }
  std::string topic_;
  bool serialization_ = false;
};

TEST_F(UnwritableTest, ARecordWhoseSerdeThrowsIsLeftOutIfTheProductionHandlerSaysSo) {
  Start(ErrorHandlerResponse::Continue());
  for (const char* value : {"a", "heavy", "b"}) ASSERT_TRUE(Pipe(value).ok());
  EXPECT_THAT(Out(), ElementsAre("a", "b"));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(topic_, "out");
  EXPECT_TRUE(serialization_);
  EXPECT_EQ(told_[0].offset, 1);
  EXPECT_EQ(told_[0].value, "heavy");
  EXPECT_THAT(told_[0].error, HasSubstr("the serde of the value for topic out threw: too heavy"));
}

TEST_F(UnwritableTest, ARecordWhoseSerdeThrowsFailsTheTaskAndTheProcessingHandlerIsNotAsked) {
  for (const auto& response : {ErrorHandlerResponse::Fail(), ErrorHandlerResponse::Retry()}) {
    told_.clear();
    Start(response);
    const absl::Status status = Pipe("heavy");
    EXPECT_THAT(std::string(status.message()),
                testing::StartsWith("in-0 at offset 0: the application's handler says FAIL: sink "));
    EXPECT_EQ(told_.size(), 1u);
  }
}

}  // namespace
}  // namespace millrace
