#include "landing/landing_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;

Properties Lines(Properties more) {
  more.insert({{"application.id", "shop"},
               {"bootstrap.servers", "nowhere:1"},
               {"state.dir", "/somewhere"},
               {"warehouse.uri", "file:///data/warehouse"}});
  return more;
}

absl::StatusOr<LandingSettings> Read(Properties lines) {
  const auto config = StreamsConfig::From(lines);
  EXPECT_TRUE(config.ok()) << config.status();
  return LandingSettingsFrom(*config);
}

// A message that is compiled into every program that uses protobuf's well-known types.
constexpr char kMessage[] = "google.protobuf.Timestamp";

TEST(LandingSettings, OneLineMakesATableOfATopic) {
  const auto settings = Read(Lines({{"warehouse.table.days", std::string("daily ") + kMessage}}));
  ASSERT_TRUE(settings.ok()) << settings.status();
  ASSERT_EQ(settings->landing.tables.size(), 1u);
  const warehouse::LandingDescription& table = settings->landing.tables[0];
  EXPECT_EQ(table.topic, "daily");
  EXPECT_EQ(table.table, "days");
  EXPECT_EQ(table.name_space, "default");
  EXPECT_EQ(table.message, kMessage);
  EXPECT_FALSE(table.descriptor_set.empty());
  EXPECT_EQ(settings->warehouse,
            (std::map<std::string, std::string>{
                {"uri", "file:///data/warehouse"}, {"catalog", "fs"}, {"spool.dir", "/somewhere/shop-warehouse"}}));
}

TEST(LandingSettings, MoreLinesSayMoreOfTheTableAndTheWarehouse) {
  const auto settings = Read(Lines({{"warehouse.table.days", std::string("daily ") + kMessage},
                                    {"warehouse.table.days.errors", "skip"},
                                    {"warehouse.table.days.columns.nanos.decimal", "9,0"},
                                    {"warehouse.namespace", "facts"},
                                    {"warehouse.threads", "3"},
                                    {"warehouse.commit.interval.ms", "500"},
                                    {"warehouse.s3.region", "eu-west-1"}}));
  ASSERT_TRUE(settings.ok()) << settings.status();
  const warehouse::LandingDescription& table = settings->landing.tables.at(0);
  EXPECT_EQ(table.settings, (std::map<std::string, std::string>{{"errors", "skip"}, {"columns.nanos.decimal", "9,0"}}));
  EXPECT_EQ(table.name_space, "facts");
  EXPECT_EQ(settings->landing.threads, 3);
  EXPECT_EQ(settings->landing.commit_interval, std::chrono::milliseconds(500));
  EXPECT_EQ(settings->warehouse.at("s3.region"), "eu-west-1");
}

TEST(LandingSettings, LinesAreStrongerThanTheTopology) {
  const auto config = StreamsConfig::From(
      Lines({{"warehouse.table.days.errors", "skip"}, {"warehouse.table.more", std::string("others ") + kMessage}}));
  ASSERT_TRUE(config.ok()) << config.status();
  const std::vector<LandedTopic> topics = {{"daily", "days", kMessage, {{"errors", "fail"}, {"partition.by", "none"}}}};
  EXPECT_TRUE(NamesTables(*config));
  const auto settings = LandingSettingsFrom(*config, topics);
  ASSERT_TRUE(settings.ok()) << settings.status();
  ASSERT_EQ(settings->landing.tables.size(), 2u);
  EXPECT_EQ(settings->landing.tables[0].topic, "daily");
  EXPECT_EQ(settings->landing.tables[0].settings,
            (std::map<std::string, std::string>{{"errors", "skip"}, {"partition.by", "none"}}));
  EXPECT_EQ(settings->landing.tables[1].topic, "others");
}

TEST(LandingSettings, ALineMayGiveATopicOfTheTopologyAnotherTable) {
  const auto config = StreamsConfig::From(Lines({{"warehouse.table.calendar", std::string("daily ") + kMessage}}));
  ASSERT_TRUE(config.ok()) << config.status();
  const std::vector<LandedTopic> topics = {{"daily", "days", kMessage, {{"errors", "skip"}}}, {"other", "others", kMessage, {}}};
  const auto settings = LandingSettingsFrom(*config, topics);
  ASSERT_TRUE(settings.ok()) << settings.status();
  ASSERT_EQ(settings->landing.tables.size(), 2u);
  EXPECT_EQ(settings->landing.tables[0].table, "calendar");
  EXPECT_EQ(settings->landing.tables[0].topic, "daily");
  EXPECT_TRUE(settings->landing.tables[0].settings.empty());
  EXPECT_EQ(settings->landing.tables[1].table, "others");
}

TEST(LandingSettings, ASchemaRegistryMayKnowTheMessage) {
  const auto settings = Read(Lines({{"warehouse.table.a", "one registry"},
                                    {"warehouse.table.b", "two registry:shop.Payment"},
                                    {"warehouse.schema.registry.url", "http://nowhere:1"}}));
  ASSERT_TRUE(settings.ok()) << settings.status();
  ASSERT_EQ(settings->landing.tables.size(), 2u);
  EXPECT_EQ(settings->landing.tables[0].message, "");
  EXPECT_EQ(settings->landing.tables[0].descriptor_set, "");
  EXPECT_EQ(settings->landing.tables[1].message, "shop.Payment");
  EXPECT_EQ(settings->warehouse.at("schema.registry.url"), "http://nowhere:1");
  EXPECT_THAT(std::string(Read(Lines({{"warehouse.table.a", "one registry"}})).status().message()),
              HasSubstr("warehouse.schema.registry.url"));
}

TEST(LandingSettings, SayWhatIsWrong) {
  const std::string good = std::string("daily ") + kMessage;
  EXPECT_THAT(std::string(Read(Lines({{"warehouse.table.days", "daily"}})).status().message()),
              HasSubstr("expected <topic> <protobuf message>"));
  EXPECT_THAT(std::string(Read(Lines({{"warehouse.table.days", "daily no.such.Message"}})).status().message()),
              HasSubstr("no.such.Message"));
  EXPECT_THAT(std::string(Read(Lines({{"warehouse.table.days.errors", "skip"}})).status().message()),
              HasSubstr("warehouse.table.days=<topic>"));
  EXPECT_THAT(std::string(Read(Lines({{"warehouse.table.a", good}, {"warehouse.table.b", good}})).status().message()),
              HasSubstr("landed in another table"));
  EXPECT_THAT(
      std::string(Read(Lines({{"warehouse.table.a", good}, {"warehouse.descriptors", "/no/such/file"}})).status().message()),
      HasSubstr("warehouse.descriptors"));
  Properties nowhere = Lines({});
  nowhere.erase("warehouse.uri");
  EXPECT_THAT(std::string(Read(nowhere).status().message()), HasSubstr("warehouse.uri is not set"));
}

TEST(LandingSettings, TopicsAreLandedInPostgresqlBesideFiles) {
  const std::string good = std::string("daily ") + kMessage;
  const auto config = StreamsConfig::From(Lines({{"warehouse.table.days", good},
                                                 {"serving.uri", "postgresql://landing@db/shop"},
                                                 {"serving.table.today", good},
                                                 {"serving.table.today.key.columns", "seconds"},
                                                 {"serving.threads", "2"}}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(HasUri(*config, LandingSink::kServing));
  EXPECT_TRUE(NamesTables(*config, LandingSink::kServing));
  const auto serving = LandingSettingsFrom(*config, {}, LandingSink::kServing);
  ASSERT_TRUE(serving.ok()) << serving.status();
  EXPECT_EQ(serving->warehouse, (std::map<std::string, std::string>{{"uri", "postgresql://landing@db/shop"}}));
  EXPECT_EQ(serving->landing.sink, "serving");
  EXPECT_EQ(serving->landing.threads, 2);
  EXPECT_EQ(serving->landing.commit_interval, std::chrono::milliseconds(1000));
  const warehouse::LandingDescription& table = serving->landing.tables.at(0);
  EXPECT_EQ(table.table, "today");
  EXPECT_EQ(table.name_space, "public");
  EXPECT_EQ(table.settings, (std::map<std::string, std::string>{{"key.columns", "seconds"}}));
  const auto files = LandingSettingsFrom(*config);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->landing.tables.at(0).table, "days");
  EXPECT_EQ(files->landing.sink, "warehouse");
}

TEST(LandingSettings, SayWhatIsWrongWithPostgresql) {
  const auto error = [](Properties lines) {
    const auto config = StreamsConfig::From(Lines(std::move(lines)));
    EXPECT_TRUE(config.ok()) << config.status();
    return std::string(LandingSettingsFrom(*config, {}, LandingSink::kServing).status().message());
  };
  EXPECT_THAT(error({{"serving.table.a", "daily x"}}), HasSubstr("serving.uri is not set"));
  EXPECT_THAT(error({{"serving.uri", "file:///x"}}), HasSubstr("no address of PostgreSQL"));
  EXPECT_THAT(error({{"serving.uri", "postgresql://x"}, {"serving.table.a", "daily"}}),
              HasSubstr("serving.table.a=daily: expected <topic> <protobuf message>"));
}

}  // namespace
}  // namespace millrace
