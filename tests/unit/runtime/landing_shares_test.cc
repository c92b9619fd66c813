#include "landing/landing_shares.h"

#include <gtest/gtest.h>

#include <set>

#include "log/embedded/embedded_log.h"

namespace millrace {
namespace {

TEST(LandingShares, PartitionsOfOneTopicHaveSharesOfTheirOwn) {
  std::set<int32_t> shares;
  for (int32_t p = 0; p < kLandingShares; ++p) {
    const int32_t share = LandingShare("orders", p);
    EXPECT_GE(share, 0);
    EXPECT_LT(share, kLandingShares);
    shares.insert(share);
  }
  EXPECT_EQ(shares.size(), static_cast<size_t>(kLandingShares));
}

TEST(LandingShares, TopicsBeginAtDifferentShares) {
  std::set<int32_t> first;
  for (const char* topic : {"orders", "payments", "deliveries", "registrations", "daily-sales"})
    first.insert(LandingShare(topic, 0));
  EXPECT_GT(first.size(), 3u);
}

TEST(LandingShares, TheTaskTopicIsMadeOnce) {
  log::embedded::EmbeddedLog log;
  const auto client = log.NewClient();
  EXPECT_TRUE(EnsureLandingTaskTopic("shop", -1, &client->admin()).ok());
  EXPECT_TRUE(EnsureLandingTaskTopic("shop", -1, &client->admin()).ok());
  EXPECT_EQ(client->admin().PartitionCount("shop-warehouse-tasks")->value_or(0), kLandingShares);
}

TEST(LandingShares, EachPlaceHasAGroupOfItsOwn) {
  EXPECT_EQ(LandingGroup("shop"), "shop-warehouse");
  EXPECT_EQ(LandingGroup("shop", "serving"), "shop-serving");
  log::embedded::EmbeddedLog log;
  const auto client = log.NewClient();
  EXPECT_TRUE(EnsureLandingTaskTopic("shop", -1, &client->admin(), "serving").ok());
  EXPECT_EQ(client->admin().PartitionCount("shop-serving-tasks")->value_or(0), kLandingShares);
}

TEST(LandingShares, ATaskTopicOfAnotherWidthIsRefused) {
  log::embedded::EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("shop-warehouse-tasks", 3).ok());
  const auto client = log.NewClient();
  EXPECT_EQ(EnsureLandingTaskTopic("shop", -1, &client->admin()).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace millrace
