#include "landing/topic_landing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "landing_test_support.h"

namespace millrace::warehouse {
namespace {

using testing::HasSubstr;

class TopicLandingTest : public LandingFixture {
 protected:
  std::unique_ptr<TopicLanding> Open() {
    auto landing = TopicLanding::Open(&catalog_, storage_.get(), description_, spool_, clock_);
    EXPECT_TRUE(landing.ok()) << landing.status();
    EXPECT_TRUE((*landing)->Positions().ok());
    return *std::move(landing);
  }
  absl::Status Append(TopicLanding* landing, int32_t partition, int64_t offset, NullableBytesView value,
                      std::optional<int64_t> time_ms = std::nullopt) {
    return landing->Append({partition, offset, time_ms.value_or(now_ms_), BytesView("key"), value});
  }
  void AppendPayments(TopicLanding* landing, int32_t partition, int64_t from, int64_t to) {
    for (int64_t offset = from; offset < to; ++offset) {
      const std::string value = Payment(offset);
      ASSERT_TRUE(Append(landing, partition, offset, BytesView(value)).ok());
    }
  }
  static std::map<int32_t, PositionRange> Range(int32_t partition, int64_t from, int64_t to) {
    return {{partition, {from, to, {}}}};
  }
  int64_t SpoolFiles() {
    return std::distance(std::filesystem::directory_iterator(spool_), std::filesystem::directory_iterator());
  }
};

TEST_F(TopicLandingTest, MakesATableOfTheMessage) {
  Open();
  const auto table = catalog_.Load({"shop", "payments"});
  ASSERT_TRUE(table.ok()) << table.status();
  std::vector<std::string> names;
  for (const Field& field : table->metadata.schema().fields) names.push_back(field.name);
  EXPECT_THAT(names, testing::ElementsAre("payment_id", "order_id", "amount_cents", "currency", "paid_at", "_topic",
                                          "_topic_partition", "_offset", "_timestamp"));
  EXPECT_EQ(table->metadata.spec().fields.at(0).name, "_timestamp_day");
}

TEST_F(TopicLandingTest, CommitsRowsTogetherWithPositions) {
  auto landing = Open();
  AppendPayments(landing.get(), 0, 0, 10);
  AppendPayments(landing.get(), 1, 5, 8);
  EXPECT_GT(landing->pending_bytes(), 0);
  EXPECT_EQ(Rows("payments"), 0);
  const auto done = landing->Commit({{0, {0, 12, 500}}, {1, {5, 8, 400}}});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  EXPECT_EQ(Rows("payments"), 13);
  EXPECT_EQ(landing->counts().rows, 13);
  EXPECT_EQ(landing->counts().valid_through_ms, 400);
  EXPECT_EQ(SpoolFiles(), 0);
  EXPECT_EQ(*Open()->Positions(), (std::map<int32_t, int64_t>{{0, 12}, {1, 8}}));
  EXPECT_EQ(catalog_.Load({"shop", "payments"})->metadata.properties.at(kValidThrough), "400");
}

TEST_F(TopicLandingTest, MovesPositionsWithoutRows) {
  auto landing = Open();
  EXPECT_TRUE(*landing->Commit(Range(0, 0, 7)));
  EXPECT_EQ(Rows("payments"), 0);
  EXPECT_EQ(landing->Positions()->at(0), 7);
}

TEST_F(TopicLandingTest, AZombieLosesAndLeavesNothing) {
  auto zombie = Open();
  AppendPayments(zombie.get(), 0, 0, 10);
  auto other = Open();
  AppendPayments(other.get(), 0, 0, 6);
  ASSERT_TRUE(*other->Commit(Range(0, 0, 6)));
  const auto late = zombie->Commit(Range(0, 0, 10));
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_FALSE(*late);
  EXPECT_EQ(Rows("payments"), 6);
  EXPECT_EQ(DataFiles("payments"), 1);
  EXPECT_EQ(zombie->Positions()->at(0), 6);
  AppendPayments(zombie.get(), 0, 6, 10);
  EXPECT_TRUE(*zombie->Commit(Range(0, 6, 10)));
  EXPECT_EQ(Rows("payments"), 10);
}

TEST_F(TopicLandingTest, TwoWhoLandDifferentPartitionsBothWin) {
  auto first = Open();
  auto second = Open();
  AppendPayments(first.get(), 0, 0, 4);
  AppendPayments(second.get(), 1, 0, 5);
  EXPECT_TRUE(*first->Commit(Range(0, 0, 4)));
  EXPECT_TRUE(*second->Commit(Range(1, 0, 5)));
  EXPECT_EQ(Rows("payments"), 9);
}

TEST_F(TopicLandingTest, DropForgetsWhatWasAppended) {
  auto landing = Open();
  AppendPayments(landing.get(), 0, 0, 10);
  landing->Drop();
  AppendPayments(landing.get(), 0, 0, 3);
  EXPECT_TRUE(*landing->Commit(Range(0, 0, 3)));
  EXPECT_EQ(Rows("payments"), 3);
}

TEST_F(TopicLandingTest, FailsAtARecordThatIsNoRowAndSaysWhichAndWhatToDo) {
  auto landing = Open();
  const absl::Status status = Append(landing.get(), 2, 41, BytesView("\xff\xff\xff"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("payments-2 offset 41"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("errors=dead-letter"));
}

TEST_F(TopicLandingTest, SkipsWhatIsNoRowIfToldTo) {
  description_.settings["errors"] = "skip";
  auto landing = Open();
  EXPECT_TRUE(Append(landing.get(), 0, 0, BytesView("\xff\xff\xff")).ok());
  landing->Drop();
  EXPECT_TRUE(Append(landing.get(), 0, 0, BytesView("\xff\xff\xff")).ok());
  EXPECT_TRUE(Append(landing.get(), 0, 1, std::nullopt).ok());
  AppendPayments(landing.get(), 0, 2, 4);
  EXPECT_EQ(landing->counts().skipped, 0) << "what is read again is counted once";
  EXPECT_TRUE(*landing->Commit(Range(0, 0, 4)));
  EXPECT_EQ(Rows("payments"), 2);
  EXPECT_EQ(landing->counts().skipped, 2);
}

TEST_F(TopicLandingTest, DeadLettersComeOnceWhoeverReadsThemAgain) {
  description_.settings["errors"] = "dead-letter";
  auto landing = Open();
  EXPECT_TRUE(Append(landing.get(), 0, 0, BytesView("\xff\xff\xff")).ok());
  AppendPayments(landing.get(), 0, 1, 3);
  // The table is committed by another in between, so that the letter is there and the rows are not.
  auto other = Open();
  AppendPayments(other.get(), 0, 1, 2);
  catalog_.before_commit = [&] { EXPECT_TRUE(*other->Commit(Range(0, 0, 2))); };
  EXPECT_FALSE(*landing->Commit(Range(0, 0, 3)));
  EXPECT_EQ(Rows("payments_dead_letters"), 1);

  auto again = Open();
  EXPECT_TRUE(Append(again.get(), 0, 0, BytesView("\xff\xff\xff")).ok());
  EXPECT_TRUE(Append(again.get(), 0, 2, BytesView("\xff")).ok());
  AppendPayments(again.get(), 0, 3, 5);
  EXPECT_TRUE(*again->Commit(Range(0, 2, 5)));
  EXPECT_EQ(Rows("payments"), 3);
  EXPECT_EQ(Rows("payments_dead_letters"), 1) << "offset 2 was in the range that the first had written its letter for";
}

TEST_F(TopicLandingTest, ARecordWithAWrongClockIsADeadLetter) {
  auto landing = Open();
  const std::string value = Payment(1);
  EXPECT_TRUE(Append(landing.get(), 0, 0, BytesView(value), now_ms_ + int64_t{30} * 86'400'000).ok());
  AppendPayments(landing.get(), 0, 1, 4);
  EXPECT_TRUE(*landing->Commit(Range(0, 0, 4)));
  EXPECT_EQ(Rows("payments"), 3);
  EXPECT_EQ(Rows("payments_dead_letters"), 1);
  EXPECT_EQ(landing->counts().dead_letters, 1);
}

TEST_F(TopicLandingTest, LateRowsGoToTheirOwnDay) {
  auto landing = Open();
  const std::string value = Payment(1);
  ASSERT_TRUE(Append(landing.get(), 0, 0, BytesView(value), now_ms_ - int64_t{10} * 86'400'000).ok());
  AppendPayments(landing.get(), 0, 1, 4);
  EXPECT_TRUE(*landing->Commit(Range(0, 0, 4)));
  EXPECT_EQ(DataFiles("payments"), 2);
}

TEST_F(TopicLandingTest, RefusesATableThatIsNotItsOwn) {
  Schema schema;
  schema.fields.push_back({1, "x", false, {}, ""});
  ASSERT_TRUE(catalog_.Create({"shop", "payments"}, schema, {}, {}).ok());
  const auto landing = TopicLanding::Open(&catalog_, storage_.get(), description_, spool_, clock_);
  EXPECT_EQ(landing.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(TopicLandingTest, NamesAMessageThatIsNotThere) {
  description_.message = "millrace.tshirt.v1.Pament";
  const auto landing = TopicLanding::Open(&catalog_, storage_.get(), description_, spool_, clock_);
  EXPECT_THAT(std::string(landing.status().message()), HasSubstr("Pament"));
}

}  // namespace
}  // namespace millrace::warehouse
