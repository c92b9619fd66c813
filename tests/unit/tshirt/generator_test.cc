#include "generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <vector>

namespace millrace::tshirt {
namespace {

constexpr int64_t kHourMs = 3600000;
constexpr int64_t kDayMs = 24 * kHourMs;

struct Data {
  std::vector<InputRecord> records;
  std::map<int64_t, Registration> registrations;
  std::map<int64_t, Order> orders;
  std::map<int64_t, std::vector<int64_t>> deliveries;
  std::map<int64_t, Payment> payments;
};

Data Generate(const GeneratorOptions& options) {
  Data data;
  Generator generator(options);
  const auto take = [&](const InputRecord& record) {
    data.records.push_back(record);
    switch (record.kind) {
      case EventKind::kRegistration: {
        Registration m;
        EXPECT_TRUE(m.ParseFromString(record.value));
        EXPECT_EQ(Millis(m.registered_at()), record.time.millis());
        EXPECT_EQ(std::to_string(m.user_id()), record.key);
        data.registrations[m.user_id()] = m;
        break;
      }
      case EventKind::kOrder: {
        Order m;
        EXPECT_TRUE(m.ParseFromString(record.value));
        EXPECT_EQ(Millis(m.ordered_at()), record.time.millis());
        EXPECT_EQ(std::to_string(m.order_id()), record.key);
        data.orders[m.order_id()] = m;
        break;
      }
      case EventKind::kDelivery: {
        Delivery m;
        EXPECT_TRUE(m.ParseFromString(record.value));
        EXPECT_EQ(Millis(m.delivered_at()), record.time.millis());
        EXPECT_EQ(std::to_string(m.order_id()), record.key);
        data.deliveries[m.order_id()].push_back(record.time.millis());
        break;
      }
      case EventKind::kPayment: {
        Payment m;
        EXPECT_TRUE(m.ParseFromString(record.value));
        EXPECT_EQ(Millis(m.paid_at()), record.time.millis());
        EXPECT_EQ(std::to_string(m.order_id()), record.key);
        EXPECT_TRUE(data.payments.emplace(m.order_id(), m).second);
        break;
      }
    }
  };
  while (generator.Next(100, take)) {
  }
  EXPECT_EQ(static_cast<int64_t>(data.records.size()), generator.total());
  return data;
}

TEST(GeneratorTest, SameOptionsGiveSameBytesAndAnotherSeedGivesOthers) {
  const auto bytes = [](uint64_t seed) {
    std::string all;
    for (const InputRecord& r : Generate({.users = 200, .seed = seed}).records) all += r.key + r.value;
    return all;
  };
  EXPECT_EQ(bytes(7), bytes(7));
  EXPECT_NE(bytes(7), bytes(8));
}

TEST(GeneratorTest, RecordsComeInOrderOfEventTime) {
  const Data data = Generate({.users = 1000});
  for (size_t i = 1; i < data.records.size(); ++i) ASSERT_LE(data.records[i - 1].time, data.records[i].time);
}

TEST(GeneratorTest, ProportionsAreThoseOfTheWorkload) {
  const Data data = Generate({.users = 20000});
  ASSERT_EQ(data.registrations.size(), 20000u);
  const auto orders = static_cast<double>(data.orders.size());
  EXPECT_NEAR(orders / 20000, 6, 0.2);
  int shirts = 0;
  int never = 0;
  int before = 0;
  int twice = 0;
  for (const auto& [id, order] : data.orders) {
    if (order.category() == "t-shirt") ++shirts;
    const auto found = data.deliveries.find(id);
    if (found == data.deliveries.end()) {
      ++never;
      continue;
    }
    const int64_t after = found->second.front() - Millis(order.ordered_at());
    if (found->second.size() == 2) {
      ++twice;
      EXPECT_LE(found->second[1] - found->second[0], kHourMs);
    }
    if (after < 0) {
      ++before;
      EXPECT_GE(after, -kHourMs);
    } else {
      EXPECT_GE(after, kDayMs / 2);
      EXPECT_LE(after, 5 * kDayMs);
    }
  }
  EXPECT_NEAR(shirts / orders, 0.2, 0.01);
  EXPECT_NEAR(never / orders, 0.02, 0.002);
  EXPECT_NEAR(before / orders, 0.01, 0.002);
  EXPECT_NEAR(twice / orders, 0.005, 0.001);
}

TEST(GeneratorTest, RegistrationsSpanThirtyDaysAndGapsAreTwoDaysOnAverage) {
  const Data data = Generate({.users = 20000});
  int64_t first = INT64_MAX;
  int64_t last = 0;
  for (const auto& [id, r] : data.registrations) {
    first = std::min(first, Millis(r.registered_at()));
    last = std::max(last, Millis(r.registered_at()));
  }
  EXPECT_GE(first, 1704067200000);
  EXPECT_LT(last, 1704067200000 + 30 * kDayMs);
  EXPECT_GT(last - first, 29 * kDayMs);
  std::map<int64_t, int64_t> previous;
  double gaps = 0;
  for (const auto& [id, order] : data.orders) {  // numbered in order of time
    const auto [at, added] = previous.emplace(order.user_id(), Millis(data.registrations.at(order.user_id()).registered_at()));
    gaps += static_cast<double>(Millis(order.ordered_at()) - at->second);
    at->second = Millis(order.ordered_at());
  }
  EXPECT_NEAR(gaps / static_cast<double>(data.orders.size()) / kDayMs, 2, 0.05);
}

TEST(GeneratorTest, EveryOrderIsPaidOnceWithinAnHour) {
  const Data data = Generate({.users = 2000});
  ASSERT_EQ(data.payments.size(), data.orders.size());
  for (const auto& [id, payment] : data.payments) {
    const Order& order = data.orders.at(id);
    EXPECT_EQ(payment.amount_cents(), order.price_cents() * order.quantity());
    EXPECT_EQ(payment.currency().size(), 3u);
    EXPECT_GE(Millis(payment.paid_at()), Millis(order.ordered_at()));
    EXPECT_LE(Millis(payment.paid_at()), Millis(order.ordered_at()) + kHourMs);
  }
}

TEST(GeneratorTest, ThirtyDaysEndAtTheGivenTime) {
  const auto end = Timestamp::FromMillis(1785000000000);
  const Data data = Generate({.users = 5000, .end = end});
  EXPECT_EQ(data.registrations.size(), 5000u);
  EXPECT_GE(data.records.front().time, end - std::chrono::hours(30 * 24));
  EXPECT_LT(data.records.back().time, end);
  EXPECT_GT(data.records.back().time, end - std::chrono::hours(1));
}

}  // namespace
}  // namespace millrace::tshirt
