#include "landing/latest_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "catalog/table_files.h"
#include "landing/topic_landing.h"
#include "landing_test_support.h"
#include "upkeep/data_file_reader.h"

namespace millrace::warehouse {
namespace {

/// A topic of payments in mode upsert, and what the two tables must be.
class LatestTableTest : public LandingFixture {
 protected:
  LatestTableTest() {
    now_ms_ = WallClockMs();  // as the catalog's
    description_.settings = {{"mode", "upsert"}, {"columns._key", "string"}};
    landing_ = Open();
  }

  std::unique_ptr<TopicLanding> Open() {
    auto landing = TopicLanding::Open(&catalog_, storage_.get(), description_, spool_, clock_);
    EXPECT_TRUE(landing.ok()) << landing.status();
    EXPECT_TRUE((*landing)->Positions().ok());
    return *std::move(landing);
  }
  /// A record of a key; without a value if `id` is none.
  void Append(int32_t partition, const std::string& key, std::optional<int64_t> id) {
    const int64_t offset = next_[partition]++;
    const std::string value = id ? Payment(*id) : "";
    const absl::Status status = landing_->Append(
        {partition, offset, now_ms_, BytesView(key), id ? NullableBytesView(BytesView(value)) : NullableBytesView()});
    EXPECT_TRUE(status.ok()) << status;
    ++records_;
    if (id) model_[{partition, key}] = *id;
    if (!id) model_.erase({partition, key});
  }
  void Commit() {
    std::map<int32_t, PositionRange> ranges;
    for (const auto& [partition, next] : next_) {
      if (next > committed_[partition]) ranges[partition] = {committed_[partition], next, now_ms_};
    }
    const auto done = landing_->Commit(ranges);
    ASSERT_TRUE(done.ok()) << done.status();
    ASSERT_TRUE(*done);
    committed_ = next_;
    now_ms_ += 60'000;
  }
  void CommitAndFollow() {
    Commit();
    landing_->Upkeep();
    EXPECT_EQ(landing_->counts().upkeep_errors, 0) << landing_->counts().last_upkeep_error;
  }
  LoadedTable Table(const std::string& name) {
    auto table = catalog_.Load({"shop", name});
    EXPECT_TRUE(table.ok()) << table.status();
    return *std::move(table);
  }
  /// payment_id by partition and key; a key that comes twice is an error.
  std::map<std::pair<int32_t, std::string>, int64_t> Latest() {
    std::map<std::pair<int32_t, std::string>, int64_t> rows;
    const LoadedTable table = Table("payments");
    if (table.metadata.current_snapshot() == nullptr) return rows;
    const Schema& schema = table.metadata.schema();
    const auto id = [&](const std::string& name) {
      for (const Field& field : schema.fields) {
        if (field.name == name) return field.id;
      }
      return 0;
    };
    const auto files = ReadLiveFiles(*storage_, table.metadata, *table.metadata.current_snapshot());
    EXPECT_TRUE(files.ok()) << files.status();
    for (const LiveFile& file : *files) {
      auto reader = DataFileReader::Open(storage_.get(), file.file.path, file.file.size_bytes, schema);
      EXPECT_TRUE(reader.ok()) << reader.status();
      RowBatch batch(schema);
      while (*(*reader)->Read(&batch)) {
      }
      for (int64_t row = 0; row < batch.rows(); ++row) {
        const int32_t partition = batch.Find<FixedColumn<int32_t>>(id("_topic_partition"))->values()[row];
        const std::string key(batch.Find<BytesColumn>(id("_key"))->Get(row));
        EXPECT_EQ(file.file.partition, PartitionTuple{partition});
        EXPECT_TRUE(
            rows.emplace(std::pair(partition, key), batch.Find<FixedColumn<int64_t>>(id("payment_id"))->values()[row]).second)
            << "key " << key << " comes twice";
      }
    }
    return rows;
  }

  std::unique_ptr<TopicLanding> landing_;
  std::map<int32_t, int64_t> next_;
  std::map<int32_t, int64_t> committed_;
  std::map<std::pair<int32_t, std::string>, int64_t> model_;
  int64_t records_ = 0;
};

TEST_F(LatestTableTest, HasTheLatestRowOfEachKeyAndTheLogHasAll) {
  Append(0, "a", 1);
  Append(0, "b", 2);
  Append(0, "a", 3);
  CommitAndFollow();
  EXPECT_EQ(Latest(), model_);
  Append(0, "b", 4);
  Append(1, "a", 5);
  CommitAndFollow();
  EXPECT_EQ(Latest(), model_);
  EXPECT_EQ(Rows("payments_changes"), 5);
  EXPECT_EQ(Table("payments").metadata.current_snapshot()->summary.at("operation"), "overwrite");
}

TEST_F(LatestTableTest, ARecordWithoutAValueDeletesItsKeyAndIsARowOfTheLog) {
  Append(0, "a", 1);
  Append(0, "b", 2);
  CommitAndFollow();
  Append(0, "a", std::nullopt);
  Append(0, "never", std::nullopt);
  CommitAndFollow();
  EXPECT_EQ(Latest(), model_);
  EXPECT_EQ(Rows("payments"), 1);
  EXPECT_EQ(Rows("payments_changes"), 4);
  Append(0, "b", std::nullopt);
  CommitAndFollow();
  EXPECT_EQ(Rows("payments"), 0);
  Append(0, "a", 6);
  CommitAndFollow();
  EXPECT_EQ(Latest(), model_);
}

TEST_F(LatestTableTest, LeavesFilesAloneInWhichNoKeyHasChanged) {
  Append(0, "a", 1);
  CommitAndFollow();
  Append(0, "m", 2);
  CommitAndFollow();
  const auto before = Table("payments").metadata;
  const auto files = ReadLiveFiles(*storage_, before, *before.current_snapshot());
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ(before.current_snapshot()->summary.at("operation"), "append");
  Append(0, "m", 3);
  CommitAndFollow();
  const auto after = Table("payments").metadata;
  EXPECT_EQ(after.current_snapshot()->summary.at("deleted-data-files"), "1");
  EXPECT_EQ(Latest(), model_);
}

TEST_F(LatestTableTest, HoldsThePositionsOfTheLog) {
  Append(0, "a", 1);
  CommitAndFollow();
  const std::string property = LandedPositions::PropertyName("app", "payments");
  EXPECT_EQ(Table("payments").metadata.properties.at(property), Table("payments_changes").metadata.properties.at(property));
  EXPECT_TRUE(Table("payments").metadata.properties.contains(kValidThrough));
  const size_t snapshots = Table("payments").metadata.snapshots.size();
  landing_->Upkeep();
  EXPECT_EQ(Table("payments").metadata.snapshots.size(), snapshots) << "nothing has come";
}

TEST_F(LatestTableTest, CatchesUpWhereverItWasKilled) {
  Append(0, "a", 1);
  Append(0, "b", 2);
  CommitAndFollow();
  Append(0, "a", 3);
  Commit();  // and is killed
  landing_ = Open();
  Append(0, "b", 4);
  Commit();
  landing_ = Open();
  landing_->Upkeep();
  EXPECT_EQ(Latest(), model_);
}

TEST_F(LatestTableTest, OfTwoWhoFollowOneWins) {
  Append(0, "a", 1);
  Append(0, "b", 2);
  Commit();
  auto other = Open();
  catalog_.before_commit = [&] { other->Upkeep(); };
  landing_->Upkeep();
  EXPECT_EQ(landing_->counts().upkeep_errors, 0) << landing_->counts().last_upkeep_error;
  EXPECT_EQ(Latest(), model_);
  EXPECT_EQ(Table("payments").metadata.snapshots.size(), 1u);
  EXPECT_EQ(DataFiles("payments"), 1) << "what the loser wrote is gone";
}

TEST_F(LatestTableTest, FindsThatItsCommitWithoutAnAnswerHasHappened) {
  Append(0, "a", 1);
  Commit();
  catalog_.lose_answer = true;
  landing_->Upkeep();
  EXPECT_EQ(Latest(), model_);
  Append(0, "a", 2);
  CommitAndFollow();
  EXPECT_EQ(Latest(), model_);
}

TEST_F(LatestTableTest, WaitsForItsInterval) {
  description_.settings["upsert.interval.ms"] = "120000";
  landing_ = Open();
  Append(0, "a", 1);
  CommitAndFollow();
  Append(0, "a", 2);
  CommitAndFollow();
  EXPECT_EQ(Table("payments").metadata.snapshots.size(), 1u);
  Append(0, "a", 3);
  CommitAndFollow();
  EXPECT_EQ(Table("payments").metadata.snapshots.size(), 2u);
  EXPECT_EQ(Latest(), model_);
}

TEST_F(LatestTableTest, BeginsAnewFromTheLogIfItIsGone) {
  for (int i = 0; i < 8; ++i) {
    Append(i % 3, std::to_string(i % 7), i);
    CommitAndFollow();
  }
  landing_.reset();
  std::filesystem::remove_all(folder_ + "/shop/payments");
  landing_ = Open();
  landing_->Upkeep();
  EXPECT_EQ(Latest(), model_);
}

TEST_F(LatestTableTest, ARecordWithoutAKeyIsNoRow) {
  const std::string value = Payment(1);
  const absl::Status status = landing_->Append({0, 0, now_ms_, std::nullopt, BytesView(value)});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("no key"));
}

TEST_F(LatestTableTest, RefusesATableOfAnotherMode) {
  description_.settings.erase("mode");
  EXPECT_EQ(TopicLanding::Open(&catalog_, storage_.get(), description_, spool_, clock_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// Random changes, commits, deaths and contenders, with both tables compacted all the time.
TEST_F(LatestTableTest, IsRightWhateverHappens) {
  description_.settings["compaction.min-input-files"] = "2";
  description_.settings["compaction.idle-ms"] = "0";
  for (uint32_t seed = 1; seed <= 2; ++seed) {
    std::mt19937 random(seed);
    landing_ = Open();
    for (int round = 0; round < 40; ++round) {
      const int changes = static_cast<int>(random() % 12);
      for (int i = 0; i < changes; ++i) {
        const std::string key = "k" + std::to_string(random() % 25);
        const bool deletes = random() % 4 == 0;
        Append(static_cast<int32_t>(random() % 3), key, deletes ? std::nullopt : std::optional<int64_t>(random() % 1'000'000));
      }
      if (changes > 0) Commit();
      const uint32_t event = random() % 8;
      if (event == 0) catalog_.lose_answer = true;
      if (event == 1) catalog_.lose_request = true;
      if (event == 2) {
        catalog_.before_commit = [this] { Open()->Upkeep(); };
      }
      if (event == 3) landing_ = Open();
      if (event != 4) landing_->Upkeep();
      catalog_.lose_answer = catalog_.lose_request = false;
      catalog_.before_commit = nullptr;
    }
    landing_->Upkeep();
    EXPECT_EQ(Latest(), model_) << "seed " << seed;
    EXPECT_EQ(Rows("payments_changes"), records_) << "seed " << seed;
    now_ms_ += 3'600'000;  // what failed is tried again
  }
}

}  // namespace
}  // namespace millrace::warehouse
