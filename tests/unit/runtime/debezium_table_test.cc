// A table of a database, read by a topology.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "debezium_rows.pb.h"
#include "millrace/operators/debezium_serde.h"
#include "millrace/testing/topology_test_driver.h"
#include "millrace/topologies/millrace_dsl.h"

namespace millrace {
namespace {

using test::Order;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kTopic[] = "shop.public.orders";

class DebeziumTable : public testing::Test {
 protected:
  // Writes the rows to "out", and what a stream of order numbers finds in the table to "found".
  void Start(TopologyTestDriver::Options options = {}, const TopologyConfig& config = {}) {
    DebeziumOptions columns;
    columns.columns["amount"].field = "amount_cents";
    columns.columns["amount"].scale = 2;
    StreamsBuilder builder(config);
    const auto table = builder.Table<int64_t, Order>(
        kTopic, Consumed<int64_t, Order>::With(DebeziumKeySerde<int64_t>("id"), DebeziumSerde<Order>(columns)));
    table.ToStream().To("out");
    builder.Stream<int64_t, std::string>("asked", Consumed<int64_t, std::string>::With(DebeziumKeySerde<int64_t>("id"), {}))
        .LeftJoin(table, [](const std::string&,
                            const Order* order) { return order != nullptr ? order->customer() : std::string("none"); })
        .To("found");
    absl::StatusOr<Topology> topology = builder.Build();
    ASSERT_TRUE(topology.ok()) << topology.status();
    auto driver = TopologyTestDriver::Create(*topology, std::move(options));
    ASSERT_TRUE(driver.ok()) << driver.status();
    driver_ = *std::move(driver);
  }
  absl::Status Change(int64_t id, const std::string& op, const std::string& row) {
    const std::string key = "{\"id\":" + std::to_string(id) + "}";
    const std::string value = R"({"before":null,"after":)" + row + R"(,"source":{"lsn":1},"op":")" + op + "\"}";
    return driver_->PipeRaw(kTopic, key, value, Timestamp::FromMillis(1));
  }
  absl::Status Tombstone(int64_t id) {
    return driver_->PipeRaw(kTopic, "{\"id\":" + std::to_string(id) + "}", std::nullopt, Timestamp::FromMillis(1));
  }
  // "id=customer/cents", "id=null" of what came out since.
  std::vector<std::string> Rows() {
    std::vector<std::string> rows;
    auto records = driver_->CreateOutputTopic<int64_t, Order>("out", DebeziumKeySerde<int64_t>("id"), {}).ReadAll();
    EXPECT_TRUE(records.ok()) << records.status();
    for (const auto& r : *records) {
      rows.push_back(std::to_string(*r.key) + "=" +
                     (r.value ? r.value->customer() + "/" + std::to_string(r.value->amount_cents()) : "null"));
    }
    return rows;
  }
  std::string Found(int64_t id) {
    EXPECT_TRUE(driver_->PipeRaw("asked", "{\"id\":" + std::to_string(id) + "}", "?", Timestamp::FromMillis(1)).ok());
    auto record = driver_->ReadRaw("found");
    return record && record->value ? *record->value : "nothing";
  }
  std::unique_ptr<TopologyTestDriver> driver_;
};

TEST_F(DebeziumTable, FollowsInsertsUpdatesAndDeletes) {
  Start();
  EXPECT_EQ(Change(1, "r", R"({"id":1,"customer":"Ada","amount":"12.30"})"), absl::OkStatus());
  EXPECT_EQ(Found(1), "Ada");
  EXPECT_EQ(Change(2, "c", R"({"id":2,"customer":"Bob","amount":"0.05"})"), absl::OkStatus());
  EXPECT_EQ(Change(1, "u", R"({"id":1,"customer":"Ada L","amount":null})"), absl::OkStatus());
  EXPECT_EQ(Found(1), "Ada L");
  EXPECT_EQ(Change(2, "d", "null"), absl::OkStatus());
  EXPECT_EQ(Found(2), "none");
  EXPECT_EQ(Tombstone(2), absl::OkStatus());
  EXPECT_EQ(Tombstone(3), absl::OkStatus());
  EXPECT_THAT(Rows(), ElementsAre("1=Ada/1230", "2=Bob/5", "1=Ada L/0", "2=null"));
}

TEST_F(DebeziumTable, AChangedPrimaryKeyMovesTheRow) {
  Start();
  EXPECT_EQ(Change(1, "c", R"({"id":1,"customer":"Ada","amount":"1.00"})"), absl::OkStatus());
  EXPECT_EQ(Change(1, "d", "null"), absl::OkStatus());
  EXPECT_EQ(Tombstone(1), absl::OkStatus());
  EXPECT_EQ(Change(7, "c", R"({"id":7,"customer":"Ada","amount":"1.00"})"), absl::OkStatus());
  EXPECT_EQ(Found(1), "none");
  EXPECT_EQ(Found(7), "Ada");
}

TEST_F(DebeziumTable, ARepeatedPieceOfTheLogLeavesTheSameRows) {
  Start();
  for (int times = 0; times < 2; ++times) {
    EXPECT_EQ(Change(1, "c", R"({"id":1,"customer":"Ada","amount":"1.00"})"), absl::OkStatus());
    EXPECT_EQ(Change(2, "c", R"({"id":2,"customer":"Bob","amount":"1.00"})"), absl::OkStatus());
    EXPECT_EQ(Change(1, "u", R"({"id":1,"customer":"Ada L","amount":"1.00"})"), absl::OkStatus());
    EXPECT_EQ(Change(2, "d", "null"), absl::OkStatus());
    EXPECT_EQ(Tombstone(2), absl::OkStatus());
  }
  EXPECT_EQ(Found(1), "Ada L");
  EXPECT_EQ(Found(2), "none");
}

TEST_F(DebeziumTable, HasAChangelogOfItsOwnEvenIfSourceTopicsAreReused) {
  TopologyConfig config;
  config.optimization = "all";
  Start({}, config);
  EXPECT_EQ(Change(1, "c", R"({"id":1,"customer":"Ada","amount":"1.00"})"), absl::OkStatus());
  EXPECT_EQ(Change(1, "d", "null"), absl::OkStatus());
  EXPECT_EQ(Found(1), "none");
  int changes = 0;
  for (const ProducedRecord& record : driver_->TakeProduced()) changes += record.topic.ends_with("-changelog") ? 1 : 0;
  EXPECT_EQ(changes, 2);
}

TEST_F(DebeziumTable, AValueThatDoesNotFitFailsTheTaskWithTopicOffsetAndColumn) {
  Start();
  EXPECT_EQ(Change(1, "c", R"({"id":1})"), absl::OkStatus());
  const absl::Status status = Change(2, "c", R"({"id":"two"})");
  EXPECT_THAT(std::string(status.message()), HasSubstr("column 'id' into field millrace.test.Order.id"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("shop.public.orders-0 at offset 1"));
  EXPECT_THAT(Rows(), ElementsAre("1=/0"));
}

}  // namespace
}  // namespace millrace
