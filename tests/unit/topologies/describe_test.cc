#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "millrace/topologies/millrace_dsl.h"

// Topologies of the conformance cases, written by hand, against the text that Kafka Streams printed for them.

namespace millrace {
namespace {

using std::chrono::milliseconds;
using Strings = KStream<std::string, std::string>;

std::string Expected(const std::string& name) {
  std::ifstream file(std::string(MILLRACE_SOURCE_DIR) + "/tests/conformance/cases/" + name + ".json");
  const nlohmann::json json = nlohmann::json::parse(file);
  std::string text;
  for (const auto& line : json["expect"]["description"]) text += line.get<std::string>() + "\n";
  return text;
}

std::string Described(StreamsBuilder& builder) {
  absl::StatusOr<Topology> topology = builder.Build();
  if (!topology.ok()) return topology.status().ToString();
  // Each topology must also give a whole task.
  absl::StatusOr<ProcessorTopology> task = topology->Build("app", std::nullopt);
  return task.ok() ? topology->Describe() : task.status().ToString();
}

Strings In(StreamsBuilder& builder, const std::string& topic) { return builder.Stream<std::string, std::string>(topic); }
std::string Upper(const std::string& value) { return value; }
std::string Both(const std::string& left, const std::string& right) { return left + right; }
std::string LeftOf(const std::string& left, const std::string*) { return left; }

TEST(DescribeTest, LeftJoinNamesStoresAfterTheUser) {
  StreamsBuilder builder;
  Strings left = In(builder, "left");
  left.LeftJoin(In(builder, "right"), LeftOf, JoinWindows::OfTimeDifferenceAndGrace(milliseconds(0), milliseconds(20)),
                StreamJoined::As("join"))
      .To("out");
  EXPECT_EQ(Described(builder), Expected("stream_join_left_00"));
}

TEST(DescribeTest, OptimisedTopologySharesRepartitionTopics) {
  StreamsBuilder builder(TopologyConfig{.optimization = "all"});
  Strings keyed = builder.Stream<std::string, std::string>("in", Consumed<std::string, std::string>::As("source"))
                      .Filter([](const std::string& value) { return !value.empty(); })
                      .MapValues(Upper)
                      .SelectKey(Upper);
  Strings repartitioned = keyed.Repartition(Repartitioned::As("rp"));
  const auto windowed_key = [](const Windowed<std::string>& key, const std::string*) { return key.key; };
  repartitioned.GroupByKey()
      .Reduce(Both, Materialized::As("store"))
      .ToStream([](const std::string& key, const std::string*) { return key; })
      .To("out");
  repartitioned.GroupByKey(Grouped::As("grouped-too"))
      .WindowedBy(TimeWindows::OfSizeWithNoGrace(milliseconds(30)))
      .Count(Materialized().WithKeySerde(AnySerde<std::string>()))
      .MapValues([](const int64_t& count) { return std::to_string(count); })
      .ToStream(windowed_key)
      .To("out2");
  keyed.LeftJoin(builder.Table<std::string, std::string>("table"), LeftOf).To("out3", Produced::As("sink3"));
  EXPECT_EQ(Described(builder), Expected("naming_00"));
}

TEST(DescribeTest, EveryOperatorGivesATask) {
  StreamsBuilder builder;
  Strings in = In(builder, "in");
  auto branches = in.Split(Named::As("b-"))
                      .Branch([](const std::string& v) { return v == "x"; }, Branched::As("0"))
                      .DefaultBranch(Branched::As("default"));
  ASSERT_TRUE(branches.contains("b-0"));
  branches.at("b-0").Merge(branches.at("b-default")).To([](const std::string* key, const std::string*, const RecordContext&) {
    return key != nullptr ? *key : "none";
  });
  in.Map([](const std::string* key, const std::string* value) {
      return std::pair(key ? std::optional(*key) : std::nullopt, value ? std::optional(*value) : std::nullopt);
    })
      .FlatMap([](const std::string& key, const std::string& value) {
        return std::vector<std::pair<std::string, std::string>>{{key, value}};
      })
      .FlatMapValues([](const std::string& value) {
        return std::vector<std::string>{value, value};
      })
      .Peek([](const std::string*, const std::string*) {})
      .ToTable(Materialized::As("table"))
      .Filter([](const std::string&) { return true; }, Materialized::As("filtered"))
      .MapValues([](const std::string& value) { return static_cast<int64_t>(value.size()); })
      .FilterNot([](const int64_t& n) { return n == 0; })
      .ToStream()
      .ForEach([](const int64_t*) {});
  in.OuterJoin(
        In(builder, "other"), [](const std::string* l, const std::string* r) { return (l ? *l : "null") + (r ? *r : "null"); },
        JoinWindows::OfTimeDifferenceWithNoGrace(milliseconds(5)), StreamJoined().WithName("named"))
      .GroupBy([](const std::string& value) { return value; }, Grouped::As("g"))
      .Aggregate([] { return int64_t{0}; }, [](const std::string&, const std::string& value,
                                               int64_t sum) { return sum + static_cast<int64_t>(value.size()); })
      .ToStream()
      .To("sums");
  const std::string text = Described(builder);
  EXPECT_THAT(text, testing::StartsWith("Topologies:\n   Sub-topology: 0")) << text;
  EXPECT_THAT(text, testing::HasSubstr("Sink: KSTREAM-SINK-0000000005 (extractor class: EXTRACTOR)")) << text;
  EXPECT_THAT(text, testing::HasSubstr("(topics: [g-repartition])")) << text;
}

TEST(DescribeTest, FilteredTableIsReadThroughItsSource) {
  StreamsBuilder builder;
  auto table = builder.Table<std::string, std::string>("table").Filter([](const std::string& v) { return v != "x"; });
  In(builder, "in")
      .Join(table.MapValues([](const std::string& v) { return v.size(); }),
            [](const std::string& v, const size_t& n) { return v + std::to_string(n); })
      .To("out");
  EXPECT_THAT(Described(builder), testing::HasSubstr("(stores: [table-STATE-STORE-0000000000])"));
}

}  // namespace
}  // namespace millrace
