#include "upkeep/table_upkeep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "landing/table_warehouse.h"
#include "upkeep_test_support.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;

class TableUpkeepTest : public UpkeepFixture {
 protected:
  TableUpkeepTest() { options_.writer = writer_options_; }

  TableUpkeep& upkeep() {
    if (!upkeep_) upkeep_ = std::make_unique<TableUpkeep>(&catalog_, storage_.get(), name_, options_, clock_);
    return *upkeep_;
  }
  bool Run() { return upkeep().Run(Table()); }
  LandingCounts counts() {
    LandingCounts counts;
    counts.Add(upkeep().counts());
    return counts;
  }
  /// As a landing does, every minute.
  void CommitAndRun(int times, int part = 1) {
    for (int i = 0; i < times; ++i) {
      CommitTen(part);
      Run();
      now_ms_ += kMinuteMs;
    }
  }
  size_t Manifests() {
    const LoadedTable table = Table();
    return ReadManifestList(*storage_, *table.metadata.current_snapshot())->size();
  }

  TableUpkeep::Options options_;
  std::unique_ptr<TableUpkeep> upkeep_;
};

TEST_F(TableUpkeepTest, LeavesAFewFilesAlone) {
  CommitAndRun(5);
  EXPECT_EQ(Files().size(), 5u);
  EXPECT_EQ(Table().metadata.snapshots.size(), 5u);
}

TEST_F(TableUpkeepTest, RewritesSmallFilesOfAPartitionAsOneWithTheRowsInOrder) {
  CommitAndRun(6);
  ASSERT_EQ(Files().size(), 1u);
  EXPECT_EQ(RowsOf(Files()[0].file.path), Expected(60));
  const LoadedTable table = Table();
  EXPECT_EQ(table.metadata.current_snapshot()->summary.at("operation"), "replace");
  EXPECT_EQ(table.metadata.current_snapshot()->summary.at("total-records"), "60");
  EXPECT_EQ(table.metadata.properties.at("app.offsets.numbers").find("{\"0\":{\"next\":60"), 0u);
  EXPECT_EQ(counts().compactions, 1);
  EXPECT_EQ(counts().files_compacted, 6);
  EXPECT_EQ(counts().upkeep_errors, 0);
  EXPECT_FALSE(Files()[0].file.lower_bounds.empty());
}

TEST_F(TableUpkeepTest, KeepsAnOpenPartitionBounded) {
  CommitAndRun(60);
  EXPECT_EQ(AllRows(), Expected(600));
  EXPECT_LE(Files().size(), 20u);
}

TEST_F(TableUpkeepTest, LeavesLittleOfAClosedPartition) {
  // In each of these partitions there are too few files of one size while rows come.
  for (int round = 0; round < 4; ++round) CommitAndRun(1, 1);
  const DataFile large = WriteFile(1, 40, 9000);
  ASSERT_TRUE(committer_.Refresh().ok());
  ASSERT_TRUE(*committer_.Commit({large}, {{0, {40, 9000, {}}}}));
  next_ = 9000;
  CommitAndRun(1, 1);
  EXPECT_EQ(Files().size(), 6u);
  now_ms_ += 2 * kHourMs;
  CommitAndRun(1, 2);
  EXPECT_EQ(Files().size(), 2u);
  EXPECT_EQ(AllRows(), Expected(9020));
}

TEST_F(TableUpkeepTest, DoesNotReadTheTableWhenFewFilesHaveCome) {
  CommitAndRun(6);
  now_ms_ += kMinuteMs;
  CommitTen(1);
  // Whoever would read it would fail.
  const LoadedTable table = Table();
  ASSERT_TRUE(storage_->Delete(table.metadata.current_snapshot()->manifest_list).ok());
  Run();  // the one that looks whether there is more, after a compaction
  const int64_t errors = counts().upkeep_errors;
  EXPECT_EQ(errors, 1);
}

TEST_F(TableUpkeepTest, ProjectsFilesOfFormerSchemas) {
  CommitAndRun(3);
  Schema schema = Table().metadata.schema();
  schema.fields[0].type.kind = Type::Kind::kLong;
  schema.fields[0].name = "y";
  TableUpdate update;
  update.schema = schema;
  ASSERT_TRUE(catalog_.Commit(name_, Table(), update)->has_value());
  CommitAndRun(3);
  EXPECT_EQ(Files().size(), 1u);
  EXPECT_EQ(AllRows(), Expected(60));
}

TEST_F(TableUpkeepTest, HoldsAgainstALandingAtTheSameTime) {
  CommitAndRun(5);
  CommitTen(1);
  catalog_.before_commit = [&] { CommitTen(2); };
  EXPECT_TRUE(Run());
  EXPECT_EQ(Files().size(), 2u);
  EXPECT_EQ(AllRows(), Expected(70));
}

TEST_F(TableUpkeepTest, DoesNothingIfItIsOff) {
  options_.policy.on = false;
  CommitAndRun(20);
  EXPECT_EQ(Files().size(), 20u);
}

TEST_F(TableUpkeepTest, LeavesAPartitionAloneThatCannotBeRewritten) {
  CommitAndRun(5, 1);
  DataFile damaged = WriteFile(1, 50, 60);
  next_ = 60;
  damaged.record_count = 11;
  ASSERT_TRUE(committer_.Refresh().ok());
  ASSERT_TRUE(*committer_.Commit({damaged}, {{0, {50, 60, {}}}}));
  Run();
  EXPECT_EQ(counts().upkeep_errors, 1);
  EXPECT_THAT(counts().last_upkeep_error, testing::HasSubstr("its manifest says 11"));
  EXPECT_THAT(counts().last_upkeep_error, testing::HasSubstr("shop.numbers"));
  EXPECT_EQ(Listed("data/part=1").size(), 6u) << "nothing of the attempt is left";
  now_ms_ += kHourMs;
  CommitAndRun(7, 2);
  EXPECT_EQ(Files().size(), 7u);
  EXPECT_EQ(counts().upkeep_errors, 1);
}

TEST_F(TableUpkeepTest, TriesAgainAfterAPauseWhatFailed) {
  CommitAndRun(5);
  CommitTen(1);
  const LoadedTable table = Table();
  const std::string list = table.metadata.current_snapshot()->manifest_list;
  const std::string content = *storage_->Read(list);
  ASSERT_TRUE(storage_->Delete(list).ok());
  EXPECT_FALSE(Run());
  EXPECT_EQ(counts().upkeep_errors, 1);
  ASSERT_TRUE(storage_->Write(list, content).ok());
  EXPECT_FALSE(Run()) << "not yet";
  now_ms_ += kMinuteMs;
  EXPECT_TRUE(Run());
  EXPECT_EQ(Files().size(), 1u);
}

TEST_F(TableUpkeepTest, MergesManifests) {
  options_.policy.manifest_min_count = 10;
  for (int part = 0; part < 12; ++part) CommitAndRun(1, part);
  EXPECT_EQ(Manifests(), 1u);
  EXPECT_EQ(Files().size(), 12u);
  EXPECT_EQ(AllRows(), Expected(120));
}

TEST_F(TableUpkeepTest, ForgetsOldSnapshotsAndDeletesWhatOnlyTheyHad) {
  options_.policy.min_snapshots = 3;
  CommitAndRun(6);
  const auto first_files = Listed("data/part=1");
  EXPECT_EQ(first_files.size(), 7u) << "the small ones are there for snapshots of the past";
  now_ms_ += 25 * kHourMs;
  CommitAndRun(1, 2);
  now_ms_ += 2 * kHourMs;
  CommitAndRun(1, 2);
  EXPECT_EQ(Table().metadata.snapshots.size(), 3u) << "the newest three are kept";
  EXPECT_EQ(counts().snapshots_expired, 6);
  EXPECT_EQ(Listed("data/part=1").size(), 1u);
  EXPECT_GT(counts().files_deleted, 6);
  EXPECT_EQ(AllRows(), Expected(80));
}

TEST_F(TableUpkeepTest, KeepsSnapshotsThatAreYoungOrFew) {
  options_.policy.min_snapshots = 3;
  CommitAndRun(5);
  now_ms_ += 23 * kHourMs;
  CommitAndRun(1, 2);
  EXPECT_EQ(counts().snapshots_expired, 0);
  EXPECT_EQ(Table().metadata.snapshots.size(), 6u);
}

TEST_F(TableUpkeepTest, LooksForOldSnapshotsOnceAnIntervalOnly) {
  options_.policy.min_snapshots = 1;
  options_.policy.max_snapshot_age_ms = 0;
  CommitAndRun(5);
  EXPECT_EQ(counts().snapshots_expired, 0) << "not right after the start";
  CommitAndRun(30, 2);
  EXPECT_GT(counts().snapshots_expired, 0);
  const int64_t expired = counts().snapshots_expired;
  CommitAndRun(20, 3);
  EXPECT_EQ(counts().snapshots_expired, expired);
}

TEST_F(TableUpkeepTest, SweepsOrphansLaterAndOnlyOldOnes) {
  const std::string young = location_ + "/data/part=1/young.parquet";
  const std::string old = location_ + "/data/part=1/old.parquet";
  for (const std::string& path : {young, old}) ASSERT_TRUE(storage_->Write(path, "left").ok());
  // The clock of the test is not that of the storage.
  const auto at = [&](int64_t ms) {
    return std::filesystem::file_time_type::clock::now() + std::chrono::milliseconds(ms - SystemClock());
  };
  std::filesystem::last_write_time(old.substr(7), at(now_ms_ - 25 * kHourMs));
  std::filesystem::last_write_time(young.substr(7), at(now_ms_ - 20 * kHourMs));
  CommitAndRun(5);
  EXPECT_TRUE(storage_->Read(old).ok()) << "not at the first commits";
  now_ms_ += kHourMs;
  CommitAndRun(4, 2);
  EXPECT_FALSE(storage_->Read(old).ok());
  EXPECT_TRUE(storage_->Read(young).ok());
  EXPECT_EQ(AllRows(), Expected(90));
}

TEST_F(TableUpkeepTest, LeavesATableAloneWhoseRowsAnotherEngineHasDeleted) {
  CommitAndRun(5);
  CommitTen(1);
  const LoadedTable table = Table();
  const Snapshot& snapshot = *table.metadata.current_snapshot();
  std::vector<ManifestFile> manifests = *ReadManifestList(*storage_, snapshot);
  manifests.push_back(manifests[0]);
  manifests.back().content = FileContent::kPositionDeletes;
  ASSERT_TRUE(storage_
                  ->Write(snapshot.manifest_list,
                          EncodeManifestList(manifests, snapshot.id, snapshot.parent_id, snapshot.sequence_number))
                  .ok());
  EXPECT_FALSE(Run());
  EXPECT_EQ(counts().upkeep_errors, 0);
  EXPECT_EQ(Table().metadata.snapshots.size(), 6u);
}

}  // namespace
}  // namespace millrace::warehouse
