#include "millrace/topologies/warehouse_table.h"

#include <google/protobuf/wrappers.pb.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "millrace/operators/protobuf_serde.h"
#include "millrace/topologies/millrace_dsl.h"

namespace millrace {
namespace {

using Count = google::protobuf::Int64Value;
using testing::HasSubstr;

KStream<std::string, Count> Counts(StreamsBuilder* builder) { return builder->Stream<std::string, Count>("counts"); }

TEST(WarehouseTableTest, ToWarehouseWritesTheTopicAndNamesItsTable) {
  StreamsBuilder builder;
  Counts(&builder).ToWarehouse("shop.daily-counts");
  const absl::StatusOr<Topology> topology = builder.Build();
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_THAT(topology->Describe(), HasSubstr("(topic: shop.daily-counts)"));
  ASSERT_EQ(topology->landed_topics().size(), 1u);
  const LandedTopic& landed = topology->landed_topics()[0];
  EXPECT_EQ(landed.topic, "shop.daily-counts");
  EXPECT_EQ(landed.table, "shop_daily_counts");
  EXPECT_EQ(landed.message, "google.protobuf.Int64Value");
  EXPECT_TRUE(landed.settings.empty());
}

TEST(WarehouseTableTest, ATopicOfOthersIsLandedWithoutBeingRead) {
  StreamsBuilder builder;
  Counts(&builder).To("out");
  builder.LandTopic<Count>("others", WarehouseTable::As("of_others").With("errors", "skip"));
  const absl::StatusOr<Topology> topology = builder.Build();
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_FALSE(topology->SourceTopics().contains("others"));
  ASSERT_EQ(topology->landed_topics().size(), 1u);
  EXPECT_EQ(topology->landed_topics()[0].table, "of_others");
  EXPECT_EQ(topology->landed_topics()[0].settings, (std::map<std::string, std::string>{{"errors", "skip"}}));
}

TEST(WarehouseTableTest, WhatIsLandedIsNoPartOfTheStructure) {
  StreamsBuilder plain;
  Counts(&plain).To("out");
  StreamsBuilder landing;
  Counts(&landing).ToWarehouse("out");
  EXPECT_EQ(plain.Build()->Hash(), landing.Build()->Hash());
}

TEST(WarehouseTableTest, TwoTablesOfATopicOrTwoTopicsInATableAreRefused) {
  StreamsBuilder topic;
  Counts(&topic).ToWarehouse("out", WarehouseTable::As("a"));
  topic.LandTopic<Count>("out", WarehouseTable::As("b"));
  EXPECT_THAT(std::string(topic.Build().status().message()), HasSubstr("landed in table 'a' already"));
  StreamsBuilder table;
  Counts(&table).ToWarehouse("out", WarehouseTable::As("a"));
  table.LandTopic<Count>("other", WarehouseTable::As("a"));
  EXPECT_THAT(std::string(table.Build().status().message()), HasSubstr("topic 'out' is landed in table 'a' already"));
}

}  // namespace
}  // namespace millrace
