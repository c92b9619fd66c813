#include "landing/landing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "landing/landing_metrics.h"
#include "landing/landing_shares.h"
#include "landing_test_support.h"

namespace millrace {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class LandingTest : public LandingFixture {
 protected:
  std::unique_ptr<Landing> Make() {
    LandingOptions options;
    options.application_id = "shop";
    options.commit_interval = 20ms;
    options.threads = 2;
    options.max_poll_interval = 20s;
    options.failed_table_pause = 50ms;
    for (const char* topic : {"orders", "payments"}) {
      warehouse::LandingDescription& table = options.tables.emplace_back();
      table.topic = topic;
      table.name_space = "default";
      table.table = topic;
    }
    clients_.push_back(log_.NewClient());
    LandingListener listener;
    listener.failed = listener.table_failed = [this](const absl::Status& status) {
      const std::lock_guard lock(mutex_);
      failure_ = status;
      ++failures_;
    };
    listener.table_goes_on = [this] {
      const std::lock_guard lock(mutex_);
      ++goings_on_;
    };
    return std::make_unique<Landing>(std::move(options), &warehouse_, clients_.back().get(), &host_, std::move(listener));
  }
  absl::Status failure() {
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  // All records up to here are rows, once.
  void ExpectRows(const std::string& table, size_t rows) {
    EXPECT_TRUE(Eventually([&] { return warehouse_.Get(table).rows.size() >= rows; })) << warehouse_.Get(table).rows.size();
    const auto landed = warehouse_.Get(table).rows;
    EXPECT_EQ(landed.size(), rows);
    EXPECT_EQ(std::set(landed.begin(), landed.end()).size(), rows);
  }

  std::vector<std::unique_ptr<log::LogClient>> clients_;
  std::mutex mutex_;
  absl::Status failure_;
  int failures_ = 0;
  int goings_on_ = 0;
};

TEST_F(LandingTest, LandsAllPartitionsOfAllTopics) {
  for (int32_t p = 0; p < 4; ++p) Write("orders", p, 10);
  Write("payments", 1, 7);
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  ExpectRows("orders", 40);
  ExpectRows("payments", 7);
  Write("orders", 2, 3);
  ExpectRows("orders", 43);
  landing->Close();
  EXPECT_TRUE(failure().ok()) << failure();
}

TEST_F(LandingTest, CommitsWhatItReadWhenItIsClosed) {
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  Write("orders", 0, 5);
  ExpectRows("orders", 5);
  Write("orders", 0, 5);
  landing->Close();
  landing.reset();
  auto next = Make();
  ASSERT_TRUE(next->Start().ok());
  ExpectRows("orders", 10);
}

TEST_F(LandingTest, SeveralShareTheWorkAndOneTakesOverWhatAnotherLeaves) {
  auto first = Make();
  auto second = Make();
  ASSERT_TRUE(first->Start().ok());
  ASSERT_TRUE(second->Start().ok());
  for (int32_t p = 0; p < 4; ++p) Write("orders", p, 10);
  ExpectRows("orders", 40);
  first->Close();
  for (int32_t p = 0; p < 4; ++p) Write("orders", p, 10);
  ExpectRows("orders", 80);
}

TEST_F(LandingTest, GoesOnFromWhereTheTableIsWhenSomebodyElseHasLanded) {
  Write("payments", 0, 10);
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  ExpectRows("payments", 10);
  warehouse_.Move("payments", 0, 15);
  Write("payments", 0, 10);
  EXPECT_TRUE(Eventually([&] { return warehouse_.Get("payments").positions[0] == 20; }));
  EXPECT_EQ(warehouse_.Get("payments").rows.size(), 15u);
  EXPECT_TRUE(Eventually([&] { return landing->progress().at(1).lost_commits == 1; }));
}

TEST_F(LandingTest, WaitsForATableThatIsAwaySaysSoAndGoesOn) {
  warehouse_.SetFault(absl::UnavailableError("the catalog is away"));
  Write("payments", 0, 10);
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  EXPECT_TRUE(Eventually([&] { return landing->progress().at(1).retries > 0; }));
  EXPECT_THAT(landing->progress().at(1).waits, HasSubstr("the catalog is away"));
  EXPECT_FALSE(LandingReadiness(landing->progress(), absl::OkStatus()).ok);
  warehouse_.SetFault(absl::OkStatus());
  ExpectRows("payments", 10);
  EXPECT_TRUE(Eventually([&] { return LandingReadiness(landing->progress(), absl::OkStatus()).ok; }));
  EXPECT_TRUE(failure().ok());
}

TEST_F(LandingTest, FailsAtARecordThatTheTableRefuses) {
  Write("payments", 0, 1, "poison");
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  EXPECT_TRUE(Eventually([&] { return !failure().ok(); }));
  EXPECT_THAT(std::string(failure().message()), HasSubstr("landing topic payments in table default.payments: this is no row"));
}

TEST_F(LandingTest, ATableThatFailsHoldsUpNoOtherAndGoesOnWhenItIsMended) {
  warehouse_.SetRefusal("payments", "the schema is refused");
  Write("payments", 0, 3);
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  EXPECT_TRUE(Eventually([&] { return landing->progress().at(1).retries > 2; }));
  Write("orders", 0, 5);
  ExpectRows("orders", 5);
  EXPECT_TRUE(landing->progress().at(1).failed);
  EXPECT_THAT(LandingReadiness(landing->progress(), absl::OkStatus()).body, HasSubstr("the schema is refused"));
  EXPECT_THAT(LandingMetrics("shop", landing->progress()),
              HasSubstr("warehouse_failed{application=\"shop\",table=\"default.payments\",topic=\"payments\"} 1"));
  warehouse_.SetRefusal("payments", "");
  ExpectRows("payments", 3);
  EXPECT_TRUE(Eventually([&] { return !landing->progress().at(1).failed; }));
  landing->Close();
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(failures_, 1);
  EXPECT_EQ(goings_on_, 1);
}

TEST_F(LandingTest, SaysAfterItsEndWhatHadFailed) {
  warehouse_.SetRefusal("payments", "the schema is refused");
  Write("payments", 0, 3);
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  EXPECT_TRUE(Eventually([&] { return landing->progress().at(1).failed; }));
  landing->Close();
  EXPECT_TRUE(landing->progress().at(1).failed);
  EXPECT_THAT(landing->progress().at(1).waits, HasSubstr("the schema is refused"));
}

TEST_F(LandingTest, ATableThatRefusesARecordHasFailedUntilItTakesIt) {
  Write("payments", 0, 1, "poison");
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  EXPECT_TRUE(Eventually([&] { return landing->progress().at(1).retries > 3; }));
  landing->Close();
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(failures_, 1);
  EXPECT_EQ(goings_on_, 0) << "to find the place again is not to go on";
}

TEST_F(LandingTest, FailsWhenRecordsWereDeletedBeforeTheyWereLanded) {
  Write("payments", 0, 10);
  warehouse_.Move("payments", 0, 2);
  const auto client = log_.NewClient();
  ASSERT_TRUE(client->admin().DeleteRecords({"payments", 0}, 5).ok());
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  EXPECT_TRUE(Eventually([&] { return !failure().ok(); }));
  EXPECT_EQ(failure().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(failure().message()), HasSubstr("payments-0 begins at offset 5"));
}

TEST_F(LandingTest, FailsWhenTheTopicWasMadeAgain) {
  warehouse_.Move("payments", 0, 100);
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  EXPECT_TRUE(Eventually([&] { return !failure().ok(); }));
  EXPECT_THAT(std::string(failure().message()), HasSubstr("deleted and made again"));
}

TEST_F(LandingTest, NamesATopicThatDoesNotExist) {
  const auto client = log_.NewClient();
  ASSERT_TRUE(client->admin().DeleteTopic("payments").ok());
  const absl::Status status = Make()->Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("topic payments"));
}

TEST_F(LandingTest, TellsLagToolsWhereItIs) {
  Write("payments", 1, 6);
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  EXPECT_TRUE(Eventually([&] {
    const auto offsets = log_.CommittedOffsets(LandingGroup("shop"), {{"payments", 1}});
    return offsets.contains({"payments", 1}) && offsets.at({"payments", 1}).offset == 6;
  }));
}

TEST_F(LandingTest, MetricsShowEachTable) {
  Write("payments", 1, 6);
  auto landing = Make();
  ASSERT_TRUE(landing->Start().ok());
  ExpectRows("payments", 6);
  EXPECT_TRUE(Eventually([&] { return landing->progress().at(1).counts.rows == 6; }));
  const std::string text = LandingMetrics("shop", landing->progress());
  EXPECT_THAT(text, HasSubstr("warehouse_rows_total{application=\"shop\",table=\"default.payments\",topic=\"payments\"} 6"));
  EXPECT_THAT(
      text,
      HasSubstr("warehouse_position{application=\"shop\",table=\"default.payments\",topic=\"payments\",partition=\"1\"} 6"));
}

}  // namespace
}  // namespace millrace
