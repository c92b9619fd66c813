#include "rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace millrace::tshirt {
namespace {

constexpr int64_t kHour = 3600000;

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

// In Oslo clocks go from 2:00 to 3:00 on 2026-03-29, and from 3:00 back to 2:00 on 2026-10-25.
TEST(RulesTest, TheDayOnWhichClocksGoForwardHasTwentyThreeHours) {
  const absl::TimeZone oslo = Zone("Europe/Oslo");
  const int64_t begin = 1774738800000;  // 2026-03-28T23:00Z
  EXPECT_EQ(DateOf(begin - 1, oslo), "2026-03-28");
  EXPECT_EQ(DateOf(begin, oslo), "2026-03-29");
  EXPECT_EQ(DateOf(begin + 23 * kHour - 1, oslo), "2026-03-29");
  EXPECT_EQ(DateOf(begin + 23 * kHour, oslo), "2026-03-30");
}

TEST(RulesTest, TheDayOnWhichClocksGoBackHasTwentyFiveHours) {
  const absl::TimeZone oslo = Zone("Europe/Oslo");
  const int64_t begin = 1792879200000;  // 2026-10-24T22:00Z
  EXPECT_EQ(DateOf(begin - 1, oslo), "2026-10-24");
  EXPECT_EQ(DateOf(begin, oslo), "2026-10-25");
  EXPECT_EQ(DateOf(begin + 25 * kHour - 1, oslo), "2026-10-25");
  EXPECT_EQ(DateOf(begin + 25 * kHour, oslo), "2026-10-26");
}

TEST(RulesTest, ADayThatBeginsAtOneBecauseMidnightIsSkippedIsADay) {
  // In Santiago 2026-09-06 begins at 1:00, which is 04:00Z.
  const absl::TimeZone santiago = Zone("America/Santiago");
  const int64_t begin = 1788667200000;
  EXPECT_EQ(DateOf(begin - 1, santiago), "2026-09-05");
  EXPECT_EQ(DateOf(begin, santiago), "2026-09-06");
}

TEST(RulesTest, TheShopOpensWhenTheDayBeginsInItsTimeZone) {
  EXPECT_EQ(OpeningMillis(absl::UTCTimeZone()), 1704067200000);
  EXPECT_EQ(OpeningMillis(Zone("Europe/Oslo")), 1704067200000 - kHour);
  EXPECT_EQ(OpeningMillis(Zone("America/New_York")), 1704067200000 + 5 * kHour);
  EXPECT_EQ(DateOf(OpeningMillis(Zone("Pacific/Auckland")), Zone("Pacific/Auckland")), "2024-01-01");
}

TEST(RulesTest, KeysOfSalesAreTakenApartAgain) {
  const DailySales sales = MakeDailySales(SalesKey("2026-10-25", "NOK"), 3, 450);
  EXPECT_EQ(sales.date(), "2026-10-25");
  EXPECT_EQ(sales.currency(), "NOK");
  EXPECT_EQ(sales.payments(), 3);
  EXPECT_EQ(sales.amount_cents(), 450);
}

}  // namespace
}  // namespace millrace::tshirt
