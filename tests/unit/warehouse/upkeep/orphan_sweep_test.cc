#include "upkeep/orphan_sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "catalog/table_files.h"
#include "upkeep/table_swap.h"
#include "upkeep_test_support.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kFuture = int64_t{1} << 50;

class OrphanSweepTest : public UpkeepFixture {
 protected:
  OrphanSweepTest() {
    CommitTen(1);
    CommitTen(2);
  }
  int64_t SweepAll(int64_t older_than_ms) {
    OrphanSweep sweep(storage_.get());
    const absl::Status began = sweep.Begin(Table(), older_than_ms);
    EXPECT_TRUE(began.ok()) << began;
    int64_t deleted = 0;
    while (sweep.is_running()) deleted += sweep.Step().value_or(-1000);
    return deleted;
  }
  std::string Leave(const std::string& name) {
    const std::string path = location_ + "/" + name;
    EXPECT_TRUE(storage_->Write(path, "left").ok());
    return path;
  }
};

TEST_F(OrphanSweepTest, DeletesWhatNothingRefersTo) {
  const std::vector<std::string> orphans = {Leave("data/part=1/x.parquet"), Leave("data/part=2/.tmp-y"),
                                            Leave("metadata/z-m0.avro"), Leave("data/part=3/x.parquet")};
  EXPECT_EQ(SweepAll(kFuture), 4);
  for (const std::string& path : orphans) EXPECT_FALSE(storage_->Read(path).ok()) << path;
  EXPECT_EQ(AllRows(), Expected(20));
  EXPECT_EQ(SweepAll(kFuture), 0);
}

TEST_F(OrphanSweepTest, LeavesWhatIsYoung) {
  const std::string old = Leave("data/part=1/old.parquet");
  const std::string young = Leave("data/part=1/young.parquet");
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(old.substr(7), now - std::chrono::hours(25));
  EXPECT_EQ(SweepAll(WallClockMs() - 24 * 3'600'000), 1);
  EXPECT_FALSE(storage_->Read(old).ok());
  EXPECT_TRUE(storage_->Read(young).ok());
}

TEST_F(OrphanSweepTest, LeavesWhatSnapshotsOfThePastHave) {
  const auto files = Files();
  SnapshotProducer producer(storage_.get());
  producer.Remove({files[0].file.path}, SnapshotProducer::Removal::kDelete);
  TableSwap::Change change;
  change.producer = &producer;
  LoadedTable table = Table();
  ASSERT_TRUE(*(TableSwap{&catalog_, storage_.get(), name_, clock_}).Run(&table, change));
  EXPECT_EQ(SweepAll(kFuture), 0);
  EXPECT_TRUE(storage_->Read(files[0].file.path).ok());
}

TEST_F(OrphanSweepTest, GoesFolderByFolder) {
  Leave("data/part=1/x.parquet");
  OrphanSweep sweep(storage_.get());
  ASSERT_TRUE(sweep.Begin(Table(), kFuture).ok());
  int steps = 0;
  while (sweep.is_running()) {
    ASSERT_TRUE(sweep.Step().ok());
    ++steps;
  }
  EXPECT_EQ(steps, 3) << "metadata and two partitions";
}

TEST_F(OrphanSweepTest, KnowsFilesByOtherFormsOfTheirPaths) {
  // As Spark writes them.
  DataFile file = WriteFile(1, 20, 30);
  file.path = "file:" + file.path.substr(7);
  ASSERT_TRUE(committer_.Refresh().ok());
  ASSERT_TRUE(*committer_.Commit({file}, {{0, {20, 30, {}}}}));
  EXPECT_EQ(SweepAll(kFuture), 0);
  EXPECT_EQ(AllRows(), Expected(30));
}

TEST_F(OrphanSweepTest, DeletesNothingInAFolderThatAnotherTableHasToo) {
  Leave("data/part=1/x.parquet");
  LoadedTable other = Table();
  other.metadata.uuid = "00000000-0000-0000-0000-000000000001";
  ASSERT_TRUE(storage_->Write(location_ + "/metadata/00007-abc.metadata.json", other.metadata.Serialize()).ok());
  OrphanSweep sweep(storage_.get());
  EXPECT_EQ(sweep.Begin(Table(), kFuture).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(sweep.is_running());
}

}  // namespace
}  // namespace millrace::warehouse
