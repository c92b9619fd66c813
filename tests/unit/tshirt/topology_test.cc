#include "topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "generator.h"
#include "millrace/testing/topology_test_driver.h"
#include "model.h"
#include "rules.h"

namespace millrace::tshirt {
namespace {

constexpr int64_t kHour = 3600000;
constexpr int64_t kDay = 24 * kHour;

class TShirtTopologyTest : public testing::Test {
 protected:
  void SetUp() override { Start({}); }

  void Start(const TShirtOptions& options) {
    const absl::StatusOr<Topology> topology = TShirtTopology(TopologyConfig(), options);
    ASSERT_TRUE(topology.ok()) << topology.status();
    auto driver = TopologyTestDriver::Create(*topology);
    ASSERT_TRUE(driver.ok()) << driver.status();
    driver_ = *std::move(driver);
  }

  void Pipe(const InputRecord& record) {
    const absl::Status status = driver_->PipeRaw(std::string(InputTopic(record.kind)), record.key, record.value, record.time);
    ASSERT_TRUE(status.ok()) << status;
  }
  template <class Message>
  void Pipe(EventKind kind, int64_t key, const Message& message, int64_t time) {
    Pipe({kind, Timestamp::FromMillis(time), std::to_string(key), message.SerializeAsString()});
  }
  void Register(int64_t user, int64_t at) {
    Registration m;
    m.set_user_id(user);
    *m.mutable_registered_at() = ToProto(at);
    model_.Add(m);
    Pipe(EventKind::kRegistration, user, m, at);
  }
  void PlaceOrder(int64_t id, int64_t user, int64_t at) {
    Order m;
    m.set_order_id(id);
    m.set_user_id(user);
    m.set_category("t-shirt");
    *m.mutable_ordered_at() = ToProto(at);
    model_.Add(m);
    Pipe(EventKind::kOrder, id, m, at);
  }
  void Deliver(int64_t id, int64_t at) {
    Delivery m;
    m.set_order_id(id);
    *m.mutable_delivered_at() = ToProto(at);
    model_.Add(m);
    Pipe(EventKind::kDelivery, id, m, at);
  }
  void Pay(int64_t id, int64_t at) {
    Payment m;
    m.set_payment_id(id);
    m.set_order_id(id);
    m.set_amount_cents(100);
    m.set_currency("NOK");
    *m.mutable_paid_at() = ToProto(at);
    model_.Add(m);
    Pipe(EventKind::kPayment, id, m, at);
  }

  /// The last value of each key of the output topics.
  Expected Outputs() {
    for (std::string_view name : kOutputTopics) {
      auto& values = outputs_[std::string(name)];
      while (const std::optional<ProducedRecord> record = driver_->ReadRaw(std::string(name))) {
        EXPECT_TRUE(record->key.has_value());
        if (record->value) {
          values[*record->key] = *record->value;
        } else {
          values.erase(*record->key);
        }
      }
    }
    return outputs_;
  }
  void ExpectAsModel() { ExpectEqual(Outputs(), model_.Finish()); }
  static void ExpectEqual(const Expected& actual, const Expected& expected) {
    for (const auto& [topic, values] : expected) EXPECT_EQ(actual.at(topic), values) << topic;
  }

  std::unique_ptr<TopologyTestDriver> driver_;
  Model model_;
  Expected outputs_;
};

std::vector<InputRecord> Generate(int64_t users) {
  std::vector<InputRecord> records;
  Generator generator({.users = users, .seed = 5});
  generator.Next(generator.total(), [&](const InputRecord& r) { records.push_back(r); });
  return records;
}

class ArrivalTest : public TShirtTopologyTest {
 protected:
  void Run(const std::vector<InputRecord>& records) {
    for (const InputRecord& record : records) {
      ASSERT_TRUE(model_.Add(record.kind, record.value).ok());
      Pipe(record);
    }
    const Expected expected = model_.Finish();
    EXPECT_GT(expected.at(std::string(kFacts)).size(), 50u);
    EXPECT_GT(expected.at(std::string(kUnmatched)).size(), 2u);
    EXPECT_GT(expected.at(std::string(kPending)).size(), 5u);
    ExpectAsModel();
  }
};

TEST_F(ArrivalTest, InOrderOfEventTimeEqualsTheModel) { Run(Generate(300)); }

TEST_F(ArrivalTest, TopicAfterTopicEqualsTheModel) {
  std::vector<InputRecord> records = Generate(300);
  std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.kind < b.kind; });
  Run(records);
}

TEST_F(ArrivalTest, DeliveriesFirstAndRegistrationsLastEqualsTheModel) {
  std::vector<InputRecord> records = Generate(300);
  std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.kind > b.kind; });
  Run(records);
}

TEST_F(ArrivalTest, BackwardsEqualsTheModel) {
  std::vector<InputRecord> records = Generate(300);
  std::reverse(records.begin(), records.end());
  Run(records);
}

TEST_F(TShirtTopologyTest, EdgesOfTheRulesEqualTheModel) {
  Register(1, 0);
  for (int64_t id = 1; id <= 4; ++id) PlaceOrder(id, 1, 3 * kDay);
  PlaceOrder(5, 1, 3 * kDay - 1);
  Deliver(1, 3 * kDay);
  Deliver(2, 10 * kDay);
  Deliver(3, 10 * kDay + 1);
  Deliver(4, 3 * kDay - 1);
  Deliver(5, 4 * kDay);
  ExpectAsModel();
  EXPECT_EQ(outputs_.at(std::string(kFacts)).size(), 2u);
  EXPECT_EQ(outputs_.at(std::string(kUnmatched)).size(), 2u);
  EXPECT_EQ(outputs_.at(std::string(kPending)).size(), 2u);
}

TEST_F(TShirtTopologyTest, SecondDeliverySaysNothingNew) {
  Register(1, 0);
  PlaceOrder(1, 1, 4 * kDay);
  Deliver(1, 5 * kDay);
  ExpectAsModel();
  (void)driver_->TakeProduced();
  Deliver(1, 5 * kDay + kHour);
  EXPECT_TRUE(driver_->TakeProduced().empty());
  ExpectAsModel();
}

TEST_F(TShirtTopologyTest, EarlierDeliverySeenLaterCorrectsFactAndDay) {
  Register(1, 0);
  PlaceOrder(1, 1, 4 * kDay);
  Deliver(1, 6 * kDay);
  ExpectAsModel();
  Deliver(1, 5 * kDay);
  ExpectAsModel();
  EXPECT_EQ(outputs_.at(std::string(kDailyDeliveries)).size(), 1u);
}

TEST_F(TShirtTopologyTest, MissingRegistrationIsReportedAtOnceAndWithdrawnWhenItComes) {
  PlaceOrder(1, 1, 4 * kDay);
  Deliver(1, 5 * kDay);
  ExpectAsModel();
  EXPECT_EQ(outputs_.at(std::string(kUnmatched)).size(), 1u);
  Register(1, kDay);
  ExpectAsModel();
  EXPECT_EQ(outputs_.at(std::string(kUnmatched)).size(), 0u);
  EXPECT_EQ(outputs_.at(std::string(kFacts)).size(), 1u);
}

TEST_F(TShirtTopologyTest, RegistrationAfterTheJoinDoesNotCount) {
  PlaceOrder(1, 1, 4 * kDay);
  Deliver(1, 5 * kDay);
  Register(1, 5 * kDay + 1);
  ExpectAsModel();
  EXPECT_EQ(outputs_.at(std::string(kUnmatched)).size(), 1u);
}

TEST_F(TShirtTopologyTest, DeliveryWithoutOrderIsReportedAfterADayAndWithdrawnWhenTheOrderComes) {
  Deliver(1, 10 * kDay);
  PlaceOrder(2, 1, 11 * kDay + 1);
  ASSERT_TRUE(driver_->AdvanceWallClock(std::chrono::minutes(1)).ok());
  ExpectAsModel();
  EXPECT_EQ(outputs_.at(std::string(kUnmatched)).size(), 1u);
  PlaceOrder(1, 1, 9 * kDay);
  Register(1, 0);
  ExpectAsModel();
  EXPECT_EQ(outputs_.at(std::string(kUnmatched)).size(), 0u);
  EXPECT_EQ(outputs_.at(std::string(kFacts)).size(), 1u);
}

TEST_F(TShirtTopologyTest, DatesAreThoseOfTheTimeZone) {
  const absl::TimeZone zone = absl::FixedTimeZone(2 * 3600);
  Start({.zone = zone});
  model_ = Model(zone);
  Register(1, 22 * kHour - 1);
  Register(2, 22 * kHour);
  ExpectAsModel();
  EXPECT_EQ(outputs_.at(std::string(kDailyRegistrations)).size(), 2u);
}

TEST_F(TShirtTopologyTest, DaysOfAZoneWithDaylightSavingHaveTheirOwnLength) {
  absl::TimeZone oslo;
  ASSERT_TRUE(absl::LoadTimeZone("Europe/Oslo", &oslo));
  Start({.zone = oslo});
  model_ = Model(oslo);
  const int64_t short_day = 1774738800000;  // 2026-03-29 there, of 23 hours
  const int64_t long_day = 1792879200000;   // 2026-10-25, of 25 hours
  int64_t id = 0;
  for (const int64_t at : {short_day - 1, short_day, short_day + 23 * kHour - 1, short_day + 23 * kHour, long_day - 1, long_day,
                           long_day + 24 * kHour, long_day + 25 * kHour - 1, long_day + 25 * kHour}) {
    Register(++id, at);
    PlaceOrder(id, id, at);
    Deliver(id, at);
    Pay(id, at);
  }
  ExpectAsModel();
  const auto count = [&](std::string_view topic, const std::string& date) {
    DailyCount daily;
    EXPECT_TRUE(daily.ParseFromString(outputs_.at(std::string(topic)).at(date))) << topic << " " << date;
    return daily.count();
  };
  for (const std::string_view topic : {kDailyRegistrations, kDailyDeliveries}) {
    EXPECT_EQ(count(topic, "2026-03-28"), 1) << topic;
    EXPECT_EQ(count(topic, "2026-03-29"), 2) << topic;
    EXPECT_EQ(count(topic, "2026-03-30"), 1) << topic;
    EXPECT_EQ(count(topic, "2026-10-24"), 1) << topic;
    EXPECT_EQ(count(topic, "2026-10-25"), 3) << topic;
    EXPECT_EQ(count(topic, "2026-10-26"), 1) << topic;
  }
  DailySales sales;
  EXPECT_TRUE(sales.ParseFromString(outputs_.at(std::string(kDailySales)).at("2026-10-25/NOK")));
  EXPECT_EQ(sales.payments(), 3);
}

}  // namespace
}  // namespace millrace::tshirt
