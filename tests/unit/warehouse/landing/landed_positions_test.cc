#include "landing/landed_positions.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

constexpr char kProperty[] = "app.offsets.orders";

LandedPositions Two() {
  LandedPositions positions;
  positions.Advance({{0, {0, 17, 2000}}, {3, {5, 9, std::nullopt}}});
  return positions;
}

TEST(LandedPositions, AreNamedByApplicationAndTopic) { EXPECT_EQ(LandedPositions::PropertyName("app", "orders"), kProperty); }

TEST(LandedPositions, SurviveAsAProperty) {
  const auto read = LandedPositions::From({{kProperty, Two().ToString()}}, kProperty);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->partitions.size(), 2u);
  EXPECT_EQ(read->partitions.at(0).next, 17);
  EXPECT_EQ(read->partitions.at(0).stream_time_ms, 2000);
  EXPECT_EQ(read->partitions.at(3).next, 9);
  EXPECT_EQ(read->partitions.at(3).stream_time_ms, std::nullopt);
}

TEST(LandedPositions, AreEmptyWithoutAProperty) {
  const auto read = LandedPositions::From({{"app.offsets.other", "{}"}}, kProperty);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->partitions.empty());
}

TEST(LandedPositions, RefuseAPropertyThatIsDamaged) {
  for (const char* text : {"", "[]", "17", "{\"x\":{\"next\":1}}", "{\"0\":1}", "{\"0\":{}}", "{\"-1\":{\"next\":1}}",
                           "{\"0\":{\"next\":\"1\"}}", "{\"0\":{\"next\":1,\"time\":true}}", "{\"0\":{\"next\":1}"}) {
    const auto read = LandedPositions::From({{kProperty, text}}, kProperty);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

TEST(LandedPositions, ContinueOnlyWhereThePartitionIs) {
  const LandedPositions positions = Two();
  EXPECT_TRUE(positions.Continue({{0, {17, 20, {}}}, {3, {9, 10, {}}}}));
  EXPECT_FALSE(positions.Continue({{0, {17, 20, {}}}, {3, {8, 10, {}}}}));
  EXPECT_FALSE(positions.Continue({{0, {18, 20, {}}}}));
}

TEST(LandedPositions, APartitionThatWasNeverLandedStartsAnywhere) { EXPECT_TRUE(Two().Continue({{7, {100, 101, {}}}})); }

TEST(LandedPositions, AreValidThroughTheLeastStreamTime) {
  LandedPositions positions;
  EXPECT_EQ(positions.valid_through_ms(), std::nullopt);
  positions.Advance({{0, {0, 1, 3000}}, {1, {0, 1, 1000}}, {2, {0, 1, std::nullopt}}});
  EXPECT_EQ(positions.valid_through_ms(), 1000);
  positions.Advance({{1, {1, 2, 500}}});
  EXPECT_EQ(positions.valid_through_ms(), 1000);
}

}  // namespace
}  // namespace millrace::warehouse
