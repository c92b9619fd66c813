#include "serving/postgres_landing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "cutting_proxy.h"
#include "serving_test_support.h"

namespace millrace::warehouse_test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kRows[] = "SELECT _key, amount_cents, _offset FROM shop.payments ORDER BY _key";

class PostgresLandingTest : public ServingFixture {};

TEST_F(PostgresLandingTest, KeepsTheNewestRowOfEachKey) {
  auto landing = Open();
  Put(landing.get(), 0, "a", Payment(1, 100));
  Put(landing.get(), 1, "b", Payment(2, 200));
  Put(landing.get(), 2, "a", Payment(1, 150));
  EXPECT_GT(landing->pending_bytes(), 0);
  EXPECT_EQ(Sql("SELECT count(*) FROM shop.payments"), "0");
  ASSERT_TRUE(Committed(landing.get(), Range(0, 3)));
  EXPECT_EQ(Sql(kRows), "a|150|2\nb|200|1");
  Put(landing.get(), 3, "b", Payment(2, 250));
  Put(landing.get(), 4, "c", Payment(3, 300));
  ASSERT_TRUE(Committed(landing.get(), Range(3, 5)));
  EXPECT_EQ(Sql(kRows), "a|150|2\nb|250|3\nc|300|4");
  EXPECT_EQ(landing->counts().rows, 5);
  EXPECT_EQ(landing->pending_bytes(), 0);
  EXPECT_EQ(landing->Positions()->at(0), 5);
}

TEST_F(PostgresLandingTest, ATombstoneDeletesItsRow) {
  auto landing = Open();
  Put(landing.get(), 0, "a", Payment(1, 100));
  Put(landing.get(), 1, "b", Payment(2, 200));
  Put(landing.get(), 2, "c", Payment(3, 300));
  Remove(landing.get(), 3, "c");
  ASSERT_TRUE(Committed(landing.get(), Range(0, 4)));
  EXPECT_EQ(Sql(kRows), "a|100|0\nb|200|1") << "one that came and went in one commit";
  Remove(landing.get(), 4, "a");
  Remove(landing.get(), 5, "b");
  Put(landing.get(), 6, "b", Payment(2, 222));
  Remove(landing.get(), 7, "nobody");
  ASSERT_TRUE(Committed(landing.get(), Range(4, 8)));
  EXPECT_EQ(Sql(kRows), "b|222|6");
}

TEST_F(PostgresLandingTest, KeysMayBeColumnsOfTheMessageAndTombstonesFindTheirRowsByTheKeyOfTheRecord) {
  description_.settings["key.columns"] = "payment_id, currency";
  auto landing = Open();
  Put(landing.get(), 0, "a", Payment(1, 100, "EUR"));
  Put(landing.get(), 1, "a", Payment(1, 110, "NOK"));
  Put(landing.get(), 2, "b", Payment(2, 200, "EUR"));
  Put(landing.get(), 3, "a", Payment(1, 120, "EUR"));
  ASSERT_TRUE(Committed(landing.get(), Range(0, 4)));
  const std::string rows = "SELECT payment_id, currency, amount_cents FROM shop.payments ORDER BY 1, 2";
  EXPECT_EQ(Sql(rows), "1|EUR|120\n1|NOK|110\n2|EUR|200");
  // The row changes its record key in the same commit in which that is deleted.
  Put(landing.get(), 4, "x", Payment(2, 210, "EUR"));
  Remove(landing.get(), 5, "x");
  Remove(landing.get(), 6, "a");
  Put(landing.get(), 7, "a", Payment(1, 130, "NOK"));
  ASSERT_TRUE(Committed(landing.get(), Range(4, 8)));
  EXPECT_EQ(Sql(rows), "1|NOK|130");
}

TEST_F(PostgresLandingTest, AppendModeKeepsARowForEachRecord) {
  description_.settings["mode"] = "append";
  auto landing = Open();
  Put(landing.get(), 0, "a", Payment(1, 100));
  Put(landing.get(), 1, "a", Payment(1, 100));
  ASSERT_TRUE(Committed(landing.get(), Range(0, 2)));
  EXPECT_EQ(Sql("SELECT payment_id, _topic_partition, _offset FROM shop.payments ORDER BY _offset"), "1|0|0\n1|0|1");
  const absl::Status tombstone = Append(landing.get(), 2, BytesView("a"), std::nullopt);
  EXPECT_THAT(tombstone.ToString(), HasSubstr("tombstone"));
}

TEST_F(PostgresLandingTest, MovesPositionsWithoutRows) {
  auto landing = Open();
  EXPECT_TRUE(Committed(landing.get(), Range(0, 7)));
  EXPECT_TRUE(Committed(landing.get(), Range(7, 9)));
  EXPECT_EQ(Open()->Positions()->at(0), 9);
}

TEST_F(PostgresLandingTest, AZombieIsRefusedAndLeavesNothing) {
  auto zombie = Open();
  ASSERT_TRUE(Committed(zombie.get(), Range(0, 1)));
  Put(zombie.get(), 1, "a", Payment(1, 1));
  Put(zombie.get(), 2, "z", Payment(2, 2));
  auto other = Open();
  Put(other.get(), 1, "a", Payment(1, 100));
  ASSERT_TRUE(Committed(other.get(), Range(1, 2)));
  EXPECT_FALSE(Committed(zombie.get(), Range(1, 3)));
  EXPECT_EQ(Sql(kRows), "a|100|1");
  EXPECT_EQ(zombie->Positions()->at(0), 2);
  Put(zombie.get(), 2, "z", Payment(2, 2));
  EXPECT_TRUE(Committed(zombie.get(), Range(2, 3)));
  EXPECT_EQ(Sql(kRows), "a|100|1\nz|2|2");
}

TEST_F(PostgresLandingTest, OfFourRacingWritersExactlyOneWins) {
  description_.settings["mode"] = "append";
  Open();
  for (int64_t round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<TableLanding>> landings;
    for (int writer = 0; writer < 4; ++writer) {
      landings.push_back(Open());
      Put(landings.back().get(), round, "a", Payment(writer, round));
    }
    std::atomic<int> won = 0;
    std::vector<std::thread> threads;
    for (const auto& landing : landings) {
      // A round of a partition that is new, and those of one that is known.
      threads.emplace_back([&, writer = landing.get()] { won += Committed(writer, Range(round, round + 1)) ? 1 : 0; });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(won, 1) << "round " << round;
  }
  EXPECT_EQ(Sql("SELECT count(*), count(DISTINCT _offset) FROM shop.payments"), "20|20");
}

TEST_F(PostgresLandingTest, WhoLandsAnotherPartitionWinsToo) {
  auto first = Open();
  auto second = Open();
  Put(first.get(), 0, "a", Payment(1, 1));
  ASSERT_TRUE(Append(second.get(), 0, BytesView("b"), BytesView(""), /*partition=*/1).ok());
  EXPECT_TRUE(Committed(first.get(), Range(0, 1)));
  EXPECT_TRUE(Committed(second.get(), Range(0, 1, 1)));
  EXPECT_EQ(Sql("SELECT _key FROM shop.payments ORDER BY 1"), "a\nb");
}

TEST_F(PostgresLandingTest, ACommitWhoseAnswerIsLostIsKnownToBeDone) {
  CuttingProxy proxy(server_.port());
  description_.settings["mode"] = "append";
  const auto warehouse = Connect(proxy.port());
  auto landing = Open(warehouse.get());
  int64_t offset = 0;
  for (int round = 0; round < 3; ++round) {
    Put(landing.get(), offset, "a", Payment(1, 1));
    proxy.CutAnswers(std::string("COMMIT\0", 7), 1);
    EXPECT_TRUE(Committed(landing.get(), Range(offset, offset + 1)));
    ++offset;
  }
  EXPECT_EQ(proxy.cuts(), 3);
  EXPECT_EQ(Sql("SELECT count(*), count(DISTINCT _offset) FROM shop.payments"), "3|3");
}

TEST_F(PostgresLandingTest, ACommitThatIsLostOnItsWayIsKnownNotToBeDone) {
  CuttingProxy proxy(server_.port());
  const auto warehouse = Connect(proxy.port());
  auto landing = Open(warehouse.get());
  for (const char* mark : {"COMMIT\0", "INSERT INTO", "PGCOPY"}) {
    Put(landing.get(), 0, "a", Payment(1, 1));
    proxy.CutRequests(std::string(mark, *mark == 'C' ? 7 : std::string(mark).size()), 1);
    const auto done = landing->Commit(Range(0, 1));
    EXPECT_EQ(done.status().code(), absl::StatusCode::kUnavailable) << mark << ": " << done.status();
    EXPECT_EQ(Sql("SELECT count(*) FROM shop.payments"), "0");
    EXPECT_TRUE(landing->Positions()->empty());
  }
  Put(landing.get(), 0, "a", Payment(1, 1));
  EXPECT_TRUE(Committed(landing.get(), Range(0, 1)));
  EXPECT_EQ(Sql(kRows), "a|1|0");
}

TEST_F(PostgresLandingTest, GoesOnAfterTheServerWasAway) {
  auto landing = Open();
  Put(landing.get(), 0, "a", Payment(1, 1));
  ASSERT_TRUE(Committed(landing.get(), Range(0, 1)));
  server_.Stop("--immediate");
  Put(landing.get(), 1, "b", Payment(2, 2));
  EXPECT_EQ(landing->Commit(Range(1, 2)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(landing->Positions().status().code(), absl::StatusCode::kUnavailable);
  server_.Start();
  EXPECT_EQ(landing->Positions()->at(0), 1);
  Put(landing.get(), 1, "b", Payment(2, 2));
  EXPECT_TRUE(Committed(landing.get(), Range(1, 2)));
  EXPECT_EQ(Sql(kRows), "a|1|0\nb|2|1");
}

TEST_F(PostgresLandingTest, FailsAtARecordThatIsNoRowAndSaysWhichAndWhatToDo) {
  auto landing = Open();
  const std::string nul = Payment(1, 1, std::string("E\0R", 3));
  for (const std::string& value : {std::string("\xff\xff\xff"), nul}) {
    const absl::Status status = Append(landing.get(), 41, BytesView("k"), BytesView(value), 2);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(status.ToString(), HasSubstr("payments-2 offset 41"));
    EXPECT_THAT(status.ToString(), HasSubstr("errors=dead-letter"));
  }
  EXPECT_THAT(Append(landing.get(), 1, BytesView("k"), BytesView(nul)).ToString(), HasSubstr("currency holds a NUL"));
  EXPECT_THAT(Append(landing.get(), 1, std::nullopt, BytesView(Payment(1, 1))).ToString(), HasSubstr("_key"));
  EXPECT_THAT(Append(landing.get(), 1, BytesView(std::string(3000, 'k')), BytesView(Payment(1, 1))).ToString(),
              HasSubstr("no more than 2600"));
  EXPECT_THAT(Append(landing.get(), 1, std::nullopt, std::nullopt).ToString(), HasSubstr("neither a key nor a value"));
}

TEST_F(PostgresLandingTest, DeadLettersComeInTheSameTransaction) {
  description_.settings["errors"] = "dead-letter";
  auto landing = Open();
  const std::string nul = Payment(1, 1, std::string("\0", 1));
  ASSERT_TRUE(Append(landing.get(), 0, BytesView("k"), BytesView("\xff\xff")).ok());
  ASSERT_TRUE(Append(landing.get(), 1, std::nullopt, BytesView(nul)).ok());
  ASSERT_TRUE(landing->Append({0, 2, INT64_MIN, BytesView("k"), BytesView("\xff")}).ok());
  Put(landing.get(), 3, "a", Payment(1, 1));
  const std::string letters =
      "SELECT _topic, _topic_partition, _offset, key IS NULL, _timestamp IS NULL FROM shop.payments_dead_letters ORDER BY 3";
  auto other = Open();
  ASSERT_TRUE(Committed(other.get(), Range(0, 1)));
  EXPECT_FALSE(Committed(landing.get(), Range(0, 4)));
  EXPECT_EQ(Sql(letters), "");
  landing->Positions().IgnoreError();
  ASSERT_TRUE(Append(landing.get(), 1, std::nullopt, BytesView(nul)).ok());
  ASSERT_TRUE(landing->Append({0, 2, INT64_MIN, BytesView("k"), BytesView("\xff")}).ok());
  Put(landing.get(), 3, "a", Payment(1, 1));
  ASSERT_TRUE(Committed(landing.get(), Range(1, 4)));
  EXPECT_EQ(Sql(letters), "payments|0|1|t|f\npayments|0|2|f|t");
  EXPECT_EQ(landing->counts().dead_letters, 2);
  EXPECT_THAT(Sql("SELECT error FROM shop.payments_dead_letters ORDER BY _offset"),
              HasSubstr("column _key is part of the key and not set"));
  EXPECT_EQ(Sql("SELECT encode(value, 'hex') FROM shop.payments_dead_letters WHERE _offset = 2"), "ff");
}

TEST_F(PostgresLandingTest, SkipsWhatIsNoRowIfToldTo) {
  description_.settings["errors"] = "skip";
  auto landing = Open();
  ASSERT_TRUE(Append(landing.get(), 0, BytesView("k"), BytesView("\xff\xff")).ok());
  Put(landing.get(), 1, "a", Payment(1, 1));
  ASSERT_TRUE(Committed(landing.get(), Range(0, 2)));
  EXPECT_EQ(landing->counts().skipped, 1);
  EXPECT_EQ(Sql(kRows), "a|1|1");
}

TEST_F(PostgresLandingTest, DropForgetsWhatWasAppended) {
  auto landing = Open();
  Put(landing.get(), 0, "a", Payment(1, 1));
  landing->Drop();
  Put(landing.get(), 0, "b", Payment(1, 1));
  ASSERT_TRUE(Committed(landing.get(), Range(0, 1)));
  EXPECT_EQ(Sql(kRows), "b|1|0");
}

TEST_F(PostgresLandingTest, MessagesHoldNoPassword) {
  for (const std::string& address :
       {"postgresql://millrace:top-hidden@127.0.0.1:" + std::to_string(server_.port()) + "/" + database_,
        std::string("postgresql://millrace:top-hidden@127.0.0.1:1/x"), std::string("postgresql://millrace:top-hidden@[x/x")}) {
    auto opened = PostgresWarehouse::Open({{"uri", address}});
    const absl::Status status = opened.ok() ? (*opened)->OpenLanding(description_).status() : opened.status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status.ToString(), Not(HasSubstr("top-hidden")));
  }
}

}  // namespace
}  // namespace millrace::warehouse_test
