#include "model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "rules.h"

namespace millrace::tshirt {
namespace {

constexpr int64_t kHour = 3600000;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kStart = 1767225600000;  // 2026-01-01T00:00Z

Registration Registered(int64_t user, int64_t at) {
  Registration m;
  m.set_user_id(user);
  *m.mutable_registered_at() = ToProto(kStart + at);
  m.set_country("NO");
  return m;
}
Order Ordered(int64_t id, int64_t user, int64_t at, const std::string& category = "t-shirt") {
  Order m;
  m.set_order_id(id);
  m.set_user_id(user);
  m.set_category(category);
  m.set_sku("sku");
  m.set_price_cents(1500);
  *m.mutable_ordered_at() = ToProto(kStart + at);
  return m;
}
Delivery Delivered(int64_t id, int64_t at) {
  Delivery m;
  m.set_order_id(id);
  *m.mutable_delivered_at() = ToProto(kStart + at);
  return m;
}
Payment Paid(int64_t id, int64_t cents, const std::string& currency, int64_t at) {
  Payment m;
  m.set_payment_id(id);
  m.set_order_id(id);
  m.set_amount_cents(cents);
  m.set_currency(currency);
  *m.mutable_paid_at() = ToProto(kStart + at);
  return m;
}

template <class Message>
std::optional<Message> Find(const Expected& expected, std::string_view topic, const std::string& key) {
  const auto& entries = expected.find(topic)->second;
  const auto found = entries.find(key);
  if (found == entries.end()) return std::nullopt;
  Message message;
  EXPECT_TRUE(message.ParseFromString(found->second));
  return message;
}
size_t Size(const Expected& expected, std::string_view topic) { return expected.find(topic)->second.size(); }

TEST(ModelTest, ExactlySeventyTwoHoursAfterRegistrationCounts) {
  Model model;
  model.Add(Registered(1, 0));
  model.Add(Ordered(10, 1, 72 * kHour));
  model.Add(Ordered(11, 1, 72 * kHour - 1));
  model.Add(Delivered(10, 90 * kHour));
  model.Add(Delivered(11, 90 * kHour));
  const Expected expected = model.Finish();
  const auto fact = Find<TShirtFact>(expected, kFacts, "10");
  ASSERT_TRUE(fact.has_value());
  EXPECT_EQ(fact->days_after_signup(), 3);
  EXPECT_EQ(fact->country(), "NO");
  EXPECT_EQ(fact->price_cents(), 1500);
  EXPECT_EQ(Size(expected, kFacts), 1u);
  EXPECT_EQ(Size(expected, kUnmatched), 0u);
}

TEST(ModelTest, DeliveryMatchesFromTheOrderToSevenDaysLater) {
  Model model;
  model.Add(Registered(1, 0));
  const int64_t at = 5 * kDay;
  for (int64_t id : {1, 2, 3, 4}) model.Add(Ordered(id, 1, at));
  model.Add(Delivered(1, at));
  model.Add(Delivered(2, at + 7 * kDay));
  model.Add(Delivered(3, at + 7 * kDay + 1));
  model.Add(Delivered(4, at - 1));
  const Expected expected = model.Finish();
  EXPECT_EQ(Size(expected, kFacts), 2u);
  EXPECT_TRUE(Find<TShirtFact>(expected, kFacts, "1"));
  EXPECT_TRUE(Find<TShirtFact>(expected, kFacts, "2"));
  EXPECT_EQ(Find<Unmatched>(expected, kUnmatched, absl::StrCat("3/", kStart + at + 7 * kDay + 1))->reason(),
            UNMATCHED_REASON_LATE);
  EXPECT_EQ(Find<Unmatched>(expected, kUnmatched, absl::StrCat("4/", kStart + at - 1))->reason(), UNMATCHED_REASON_EARLY);
  EXPECT_EQ(Size(expected, kPending), 2u);
  EXPECT_EQ(Find<PendingDelivery>(expected, kPending, "4")->user_id(), 1);
}

TEST(ModelTest, OrderDeliveredTwiceCountsOnceAtTheFirstDelivery) {
  Model model;
  model.Add(Registered(1, 0));
  model.Add(Delivered(1, 6 * kDay));
  model.Add(Delivered(1, 5 * kDay));
  model.Add(Ordered(1, 1, 4 * kDay));
  const Expected expected = model.Finish();
  EXPECT_EQ(Millis(Find<TShirtFact>(expected, kFacts, "1")->delivered_at()), kStart + 5 * kDay);
  EXPECT_EQ(Size(expected, kDailyDeliveries), 1u);
  EXPECT_EQ(Find<DailyCount>(expected, kDailyDeliveries, "2026-01-06")->count(), 1);
  EXPECT_EQ(Size(expected, kUnmatched), 0u);
}

TEST(ModelTest, EarlyDeliveryDoesNotHideAMatchingOne) {
  Model model;
  model.Add(Registered(1, 0));
  model.Add(Ordered(1, 1, 4 * kDay));
  model.Add(Delivered(1, 4 * kDay - 1));
  model.Add(Delivered(1, 4 * kDay + 1));
  const Expected expected = model.Finish();
  EXPECT_EQ(Size(expected, kFacts), 1u);
  EXPECT_EQ(Size(expected, kUnmatched), 1u);
  EXPECT_EQ(Size(expected, kPending), 0u);
}

TEST(ModelTest, BuyerIsTheFirstFactByDelivery) {
  Model model;
  model.Add(Registered(1, 0));
  model.Add(Ordered(1, 1, 4 * kDay));
  model.Add(Ordered(2, 1, 5 * kDay));
  model.Add(Ordered(3, 1, 4 * kDay, "mug"));
  model.Add(Delivered(1, 9 * kDay));
  model.Add(Delivered(2, 6 * kDay));
  model.Add(Delivered(3, 5 * kDay));
  const Expected expected = model.Finish();
  EXPECT_EQ(Size(expected, kFacts), 2u);
  EXPECT_EQ(Find<TShirtFact>(expected, kBuyers, "1")->order_id(), 2);
}

TEST(ModelTest, RegistrationMustExistWhenOrderAndDeliveryMeet) {
  Model model;
  model.Add(Ordered(1, 1, 4 * kDay));
  model.Add(Delivered(1, 5 * kDay));
  model.Add(Registered(2, 5 * kDay + 1));
  model.Add(Ordered(2, 2, 4 * kDay));
  model.Add(Delivered(2, 5 * kDay));
  model.Add(Registered(3, 5 * kDay));
  model.Add(Ordered(3, 3, 4 * kDay));
  model.Add(Delivered(3, 5 * kDay));
  const Expected expected = model.Finish();
  EXPECT_EQ(Size(expected, kFacts), 0u);
  EXPECT_EQ(Size(expected, kUnmatched), 2u);
  for (int64_t id : {1, 2}) {
    EXPECT_EQ(Find<Unmatched>(expected, kUnmatched, absl::StrCat(id, "/", kStart + 5 * kDay))->reason(),
              UNMATCHED_REASON_REGISTRATION_MISSING);
  }
}

TEST(ModelTest, DeliveryWithoutOrderIsReportedAfterADay) {
  Model model;
  model.Add(Delivered(1, 0));
  model.Add(Delivered(2, 1));
  model.Add(Ordered(3, 1, kDay + 1));
  const Expected expected = model.Finish();
  EXPECT_EQ(Size(expected, kUnmatched), 1u);
  EXPECT_EQ(Find<Unmatched>(expected, kUnmatched, absl::StrCat("1/", kStart))->reason(), UNMATCHED_REASON_ORDER_MISSING);
}

TEST(ModelTest, SalesAreSummedByDateAndCurrency) {
  Model model;
  model.Add(Paid(1, 100, "EUR", 0));
  model.Add(Paid(2, 250, "EUR", kDay - 1));
  model.Add(Paid(3, 7, "USD", kDay - 1));
  model.Add(Paid(4, 1, "EUR", kDay));
  const Expected expected = model.Finish();
  EXPECT_EQ(Size(expected, kDailySales), 3u);
  const auto sales = Find<DailySales>(expected, kDailySales, "2026-01-01/EUR");
  EXPECT_EQ(sales->payments(), 2);
  EXPECT_EQ(sales->amount_cents(), 350);
}

TEST(ModelTest, DatesAreThoseOfTheTimeZone) {
  Model model(absl::FixedTimeZone(2 * 3600));
  model.Add(Registered(1, 22 * kHour - 1));
  model.Add(Registered(2, 22 * kHour));
  const Expected expected = model.Finish();
  EXPECT_EQ(Find<DailyCount>(expected, kDailyRegistrations, "2026-01-01")->count(), 1);
  EXPECT_EQ(Find<DailyCount>(expected, kDailyRegistrations, "2026-01-02")->count(), 1);
}

}  // namespace
}  // namespace millrace::tshirt
