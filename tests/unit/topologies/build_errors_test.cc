#include <chrono>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "millrace/topologies/millrace_dsl.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

std::string ErrorOf(StreamsBuilder& builder) {
  const absl::StatusOr<Topology> topology = builder.Build();
  return topology.ok() ? "built" : std::string(topology.status().message());
}

KStream<std::string, std::string> In(StreamsBuilder& builder, const std::string& topic) {
  return builder.Stream<std::string, std::string>(topic);
}

TEST(BuildErrorsTest, EmptyTopologySaysToCallStream) {
  StreamsBuilder builder;
  EXPECT_THAT(ErrorOf(builder), HasSubstr("call StreamsBuilder::Stream or Table"));
}

TEST(BuildErrorsTest, SameNameTwiceIsNamed) {
  StreamsBuilder builder;
  const auto all = [](const std::string&) { return true; };
  In(builder, "in").Filter(all, Named::As("same")).Filter(all, Named::As("same"));
  EXPECT_THAT(ErrorOf(builder), HasSubstr("two steps are named 'same'"));
}

TEST(BuildErrorsTest, OverlappingSourcesAreRefused) {
  StreamsBuilder builder;
  In(builder, "a");
  builder.Stream<std::string, std::string>(std::vector<std::string>{"a", "b"});
  EXPECT_THAT(ErrorOf(builder), HasSubstr("read each topic in one Stream call"));
}

TEST(BuildErrorsTest, TopicReadAsStreamAndTableIsRefused) {
  StreamsBuilder builder;
  In(builder, "a");
  builder.Table<std::string, std::string>("a");
  EXPECT_THAT(ErrorOf(builder), HasSubstr("topic 'a' is read by source"));
}

TEST(BuildErrorsTest, BadNameIsQuoted) {
  StreamsBuilder builder;
  In(builder, "in").GroupByKey().Count(Materialized::As("not a name"));
  EXPECT_THAT(ErrorOf(builder), HasSubstr("'not a name'"));
}

TEST(BuildErrorsTest, TypeWithoutSerdeIsToldWithTheStep) {
  struct Opaque {};
  StreamsBuilder builder;
  In(builder, "in").MapValues([](const std::string&) { return Opaque(); }).To("out", Produced::As("end"));
  EXPECT_THAT(ErrorOf(builder), HasSubstr("step 'end' has no serde for its value"));
}

TEST(BuildErrorsTest, SerdeOfAnotherTypeIsRefused) {
  StreamsBuilder builder;
  In(builder, "in").To("out", Produced().WithValueSerde(AnySerde<int64_t>()));
  EXPECT_THAT(ErrorOf(builder), HasSubstr("a serde in Produced is for another type"));
}

TEST(BuildErrorsTest, JoinOfDifferentPartitionCountsIsRefused) {
  StreamsBuilder builder;
  auto left = In(builder, "l").Repartition(Repartitioned::As("l2").WithNumberOfPartitions(2));
  auto right = In(builder, "r").Repartition(Repartitioned::As("r3").WithNumberOfPartitions(3));
  left.Join(
      right, [](const std::string& l, const std::string& r) { return l + r; },
      JoinWindows::OfTimeDifferenceWithNoGrace(milliseconds(1)));
  EXPECT_THAT(ErrorOf(builder), HasSubstr("l2-repartition=2, r3-repartition=3"));
}

TEST(BuildErrorsTest, UnknownStoreIsNamedWithItsUser) {
  struct Nothing : FixedKeyProcessor<std::string, std::string> {
    void Process(const Record<std::string, std::string>&) override {}
  };
  StreamsBuilder builder;
  In(builder, "in").ProcessValues([] { return std::make_unique<Nothing>(); }, Named::As("p"), {"missing"});
  EXPECT_THAT(ErrorOf(builder), HasSubstr("step 'p' uses the store 'missing'"));
}

TEST(BuildErrorsTest, TooShortRetentionIsRefused) {
  StreamsBuilder builder;
  In(builder, "in")
      .GroupByKey()
      .WindowedBy(TimeWindows::OfSizeAndGrace(milliseconds(10), milliseconds(5)))
      .Count(Materialized::As("s").WithRetention(milliseconds(14)));
  EXPECT_THAT(ErrorOf(builder), HasSubstr("raise Materialized::WithRetention"));
}

TEST(BuildErrorsTest, GeneratedNamesAreRefusedWhereNamesMustBeGiven) {
  StreamsBuilder builder(TopologyConfig{.ensure_explicit_internal_resource_naming = true});
  In(builder, "in").GroupByKey().Count();
  EXPECT_THAT(ErrorOf(builder), HasSubstr("KSTREAM-AGGREGATE-STATE-STORE-0000000001"));
}

TEST(TopologyTest, TopicsAndStoresOfSubtopologiesAreTold) {
  StreamsBuilder builder(TopologyConfig{.optimization = "reuse.ktable.source.topics"});
  builder.Table<std::string, std::string>("table", Materialized::As("rows"));
  In(builder, "in")
      .GroupBy([](const std::string& value) { return value; }, Grouped::As("g"))
      .WindowedBy(TimeWindows::OfSizeAndGrace(milliseconds(10), milliseconds(5)))
      .Count(Materialized::As("counts"));
  const absl::StatusOr<Topology> topology = builder.Build();
  ASSERT_TRUE(topology.ok()) << topology.status();
  ASSERT_EQ(topology->subtopologies().size(), 3U);
  const Subtopology& table = topology->subtopologies()[0];
  EXPECT_TRUE(table.stores.at(0).source_topic_is_changelog);
  EXPECT_EQ(table.stores.at(0).changelog_topic, "table");
  EXPECT_TRUE(table.changelog_topics.empty());
  const Subtopology& counts = topology->subtopologies()[2];
  EXPECT_EQ(counts.repartition_topics.at(0).name, "g-repartition");
  EXPECT_EQ(counts.repartition_topics.at(0).config.at("retention.ms"), "-1");
  EXPECT_EQ(counts.changelog_topics.at(0).config.at("cleanup.policy"), "compact,delete");
  EXPECT_EQ(counts.changelog_topics.at(0).config.at("retention.ms"), "15");
  EXPECT_EQ(topology->SourceTopics(), (std::set<std::string>{"in", "table"}));
  const auto task = topology->Build("app", 2);
  ASSERT_TRUE(task.ok()) << task.status();
  EXPECT_TRUE(task->sources.contains("app-g-repartition"));
  EXPECT_FALSE(topology->Build("app", 3).ok());
}

TEST(CallablesTest, ReferenceIsNeverCalledWithNull) {
  const std::string a = "a";
  auto by_reference = internal::MakePredicate<std::string, std::string>([](const std::string&) { return true; }, false);
  EXPECT_TRUE(by_reference(nullptr, &a));
  EXPECT_FALSE(by_reference(&a, nullptr));
  auto by_pointer = internal::MakePredicate<std::string, std::string>([](const std::string* v) { return v == nullptr; }, false);
  EXPECT_TRUE(by_pointer(&a, nullptr));
  auto map = internal::MakeMapper<std::string, std::string, std::string>([](const std::string& v) { return v + "!"; });
  EXPECT_EQ(map(&a, &a), "a!");
  EXPECT_EQ(map(&a, nullptr), std::nullopt);
  auto with_key = internal::MakeMapper<std::string, std::string, std::string>(
      [](const std::string* k, const std::string* v) { return (k ? *k : "null") + (v ? *v : "null"); });
  EXPECT_EQ(with_key(nullptr, nullptr), "nullnull");
}

}  // namespace
}  // namespace millrace
