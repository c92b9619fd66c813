#include "millrace/testing/topology_test_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "millrace/topologies/millrace_dsl.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

using Text = std::string;

Timestamp At(int64_t millis) { return Timestamp::FromMillis(millis); }

std::unique_ptr<TopologyTestDriver> Drive(StreamsBuilder* builder, TopologyTestDriver::Options options = {}) {
  absl::StatusOr<Topology> topology = builder->Build();
  EXPECT_TRUE(topology.ok()) << topology.status();
  if (!topology.ok()) return nullptr;
  absl::StatusOr<std::unique_ptr<TopologyTestDriver>> driver = TopologyTestDriver::Create(*topology, std::move(options));
  EXPECT_TRUE(driver.ok()) << driver.status();
  return driver.ok() ? *std::move(driver) : nullptr;
}

// "key=value@time" of what waits in a topic.
std::vector<Text> Rest(TopologyTestDriver* driver, const Text& topic) {
  auto records = driver->CreateOutputTopic<Text, Text>(topic).ReadAll();
  EXPECT_TRUE(records.ok()) << records.status();
  std::vector<Text> texts;
  for (const auto& r : *records) {
    texts.push_back(r.key.value_or("null") + "=" + r.value.value_or("null") + "@" + std::to_string(r.timestamp.millis()));
  }
  return texts;
}

/// Forwards "tick" on the wall clock.
class Ticking final : public Processor<Text, Text> {
 public:
  void Init(ProcessorContext<Text, Text>& context) override {
    Processor::Init(context);
    context.Schedule(milliseconds(10), PunctuationType::kWallClockTime, [this](Timestamp now) {
      const Text key = "tick";
      this->context().Forward({&key, &key, now, &Headers::Empty()});
    });
  }
  void Process(const Record<Text, Text>&) override {}
};

TEST(TopologyTestDriverTest, PassesKeysValuesTimesAndHeaders) {
  StreamsBuilder builder;
  builder.Stream<Text, Text>("in").To("out");
  auto driver = Drive(&builder);
  Headers headers;
  headers.Add("h", "1");
  auto in = driver->CreateInputTopic<Text, Text>("in");
  ASSERT_TRUE(in.PipeInput("k", std::nullopt, At(7), headers).ok());
  auto out = driver->CreateOutputTopic<Text, Text>("out");
  const auto record = out.ReadRecord();
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->key, "k");
  EXPECT_EQ(record->value, std::nullopt);
  EXPECT_EQ(record->timestamp, At(7));
  EXPECT_TRUE(record->headers == headers);
  EXPECT_EQ(out.ReadRecord().status().code(), absl::StatusCode::kOutOfRange);
}

TEST(TopologyTestDriverTest, FeedsRepartitionTopicsBack) {
  StreamsBuilder builder;
  builder.Stream<Text, Text>("in")
      .SelectKey([](const Text*, const Text* value) { return *value; })
      .GroupByKey()
      .Count()
      .ToStream()
      .MapValues([](const int64_t& count) { return std::to_string(count); })
      .To("out");
  auto driver = Drive(&builder);
  auto in = driver->CreateInputTopic<Text, Text>("in");
  ASSERT_TRUE(in.PipeInput("a", "x", At(1)).ok());
  ASSERT_TRUE(in.PipeInput("b", "x", At(2)).ok());
  EXPECT_THAT(Rest(driver.get(), "out"), ElementsAre("x=1@1", "x=2@2"));
}

TEST(TopologyTestDriverTest, ShowsInternalTopicsAndStores) {
  StreamsBuilder builder;
  builder.Stream<Text, Text>("in").GroupByKey().Count(Materialized::As("counts")).ToStream();
  auto driver = Drive(&builder, {.application_id = "mine"});
  ASSERT_TRUE((driver->CreateInputTopic<Text, Text>("in").PipeInput("a", "x", At(1))).ok());
  const std::vector<ProducedRecord> produced = driver->TakeProduced();
  ASSERT_EQ(produced.size(), 1u);
  EXPECT_EQ(produced[0].topic, "mine-counts-changelog");
  auto* counts = driver->GetStateStore<TimestampedKeyValueStore<Text, int64_t>>("counts");
  ASSERT_NE(counts, nullptr);
  EXPECT_EQ((driver->GetStateStore<KeyValueStore<Text, Text>>("counts")), nullptr);
  EXPECT_EQ((driver->GetStateStore<TimestampedKeyValueStore<Text, int64_t>>("none")), nullptr);
}

TEST(TopologyTestDriverTest, MovesTheWallClockOnlyWhenToldAndFiresMissedTicksOnce) {
  StreamsBuilder builder;
  builder.Stream<Text, Text>("in").Process(ProcessorSupplier<Text, Text>([] { return std::make_unique<Ticking>(); })).To("out");
  auto driver = Drive(&builder, {.wall_clock = At(1000)});
  ASSERT_TRUE((driver->CreateInputTopic<Text, Text>("in").PipeInput("a", "x", At(1))).ok());
  ASSERT_TRUE(driver->AdvanceWallClock(milliseconds(9)).ok());
  EXPECT_THAT(Rest(driver.get(), "out"), ElementsAre());
  ASSERT_TRUE(driver->AdvanceWallClock(milliseconds(26)).ok());
  EXPECT_THAT(Rest(driver.get(), "out"), ElementsAre("tick=tick@1035"));
  EXPECT_EQ(driver->wall_clock(), At(1035));
}

TEST(TopologyTestDriverTest, RefusesATopicThatTheTopologyDoesNotRead) {
  StreamsBuilder builder;
  builder.Stream<Text, Text>("in").To("out");
  auto driver = Drive(&builder);
  EXPECT_EQ((driver->CreateInputTopic<Text, Text>("other").PipeInput("a", "x", At(1))).code(), absl::StatusCode::kNotFound);
}

TEST(TopologyTestDriverTest, TellsTopicPartitionAndOffsetOfAUserFunctionThatThrows) {
  StreamsBuilder builder;
  builder.Stream<Text, Text>("in")
      .MapValues([](const Text& value) -> Text {
        if (value == "bad") throw std::runtime_error("no such thing");
        return value;
      })
      .To("out");
  auto driver = Drive(&builder);
  auto in = driver->CreateInputTopic<Text, Text>("in");
  ASSERT_TRUE(in.PipeInput("a", "good", At(1)).ok());
  const Text message = in.PipeInput("a", "bad", At(2)).ToString();
  EXPECT_THAT(message, HasSubstr("in-0 at offset 1"));
  EXPECT_THAT(message, HasSubstr("no such thing"));
  EXPECT_FALSE(in.PipeInput("a", "good", At(3)).ok());
}

TEST(TopologyTestDriverTest, TellsTopicPartitionAndOffsetOfARecordThatDoesNotParse) {
  StreamsBuilder builder;
  builder.Stream<Text, int64_t>("in").To("out");
  auto driver = Drive(&builder);
  const Text message = driver->PipeRaw("in", "k", "three", At(1)).ToString();
  EXPECT_THAT(message, HasSubstr("in-0 at offset 0"));
  EXPECT_THAT(message, HasSubstr("errors.dead.letter.queue.topic.name"));
}

}  // namespace
}  // namespace millrace
