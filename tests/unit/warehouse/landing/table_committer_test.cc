#include "landing/table_committer.h"

#include <gtest/gtest.h>

#include "landing_test_support.h"

namespace millrace::warehouse {
namespace {

class TableCommitterTest : public LandingFixture {
 protected:
  TableCommitterTest() {
    Schema schema;
    schema.fields.push_back({1, "x", false, {}, ""});
    EXPECT_TRUE(catalog_.Create({"shop", "payments"}, schema, {}, {}).ok());
    EXPECT_TRUE(committer_.Refresh().ok());
    EXPECT_TRUE(other_.Refresh().ok());
  }
  DataFile NewFile() {
    DataFile file;
    file.path = "file://" + folder_ + "/shop/payments/data/" + RandomName() + ".parquet";
    file.record_count = 1;
    file.size_bytes = 4;
    EXPECT_TRUE(storage_->Write(file.path, "file").ok());
    return file;
  }
  int64_t MetadataFiles() {
    int64_t files = 0;
    EXPECT_TRUE(storage_
                    ->List("file://" + folder_ + "/shop/payments/metadata",
                           [&](const Storage::FileInfo& file) { files += file.path.ends_with(".avro") ? 1 : 0; })
                    .ok());
    return files;
  }
  static std::map<int32_t, PositionRange> Range(int64_t from, int64_t to) { return {{0, {from, to, {}}}}; }

  TableCommitter committer_{&catalog_, storage_.get(), {"shop", "payments"}, "app", "payments", clock_};
  TableCommitter other_{&catalog_, storage_.get(), {"shop", "payments"}, "app", "payments", clock_};
  TableCommitter stranger_{&catalog_, storage_.get(), {"shop", "payments"}, "another", "payments", clock_};
};

TEST_F(TableCommitterTest, CommitsFilesAndPositions) {
  EXPECT_TRUE(*committer_.Commit({NewFile()}, Range(0, 5)));
  EXPECT_EQ(committer_.positions().partitions.at(0).next, 5);
  EXPECT_EQ(Rows("payments"), 1);
  EXPECT_EQ(committer_.table().metadata.current_snapshot()->summary.at("app.offsets.payments"), R"({"0":{"next":5}})");
}

TEST_F(TableCommitterTest, TriesAgainWhenOnlySomethingElseHasChanged) {
  ASSERT_TRUE(stranger_.Refresh().ok());
  catalog_.before_commit = [&] { EXPECT_TRUE(*stranger_.Commit({NewFile()}, Range(0, 100))); };
  EXPECT_TRUE(*committer_.Commit({NewFile()}, Range(0, 5)));
  EXPECT_EQ(Rows("payments"), 2);
}

TEST_F(TableCommitterTest, LosesToWhoHasLandedTheSame) {
  catalog_.before_commit = [&] { EXPECT_TRUE(*other_.Commit({NewFile()}, Range(0, 3))); };
  const DataFile mine = NewFile();
  EXPECT_FALSE(*committer_.Commit({mine}, Range(0, 5)));
  EXPECT_EQ(Rows("payments"), 1);
  EXPECT_EQ(committer_.positions().partitions.at(0).next, 3);
  EXPECT_FALSE(storage_->Read(mine.path).ok()) << "what nobody will refer to is deleted";
  EXPECT_EQ(MetadataFiles(), 2) << "and so are the manifests of the attempt";
}

TEST_F(TableCommitterTest, FindsThatACommitWithoutAnAnswerHasHappened) {
  catalog_.lose_answer = true;
  const DataFile mine = NewFile();
  const auto done = committer_.Commit({mine}, Range(0, 5));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  EXPECT_EQ(Rows("payments"), 1);
  EXPECT_TRUE(storage_->Read(mine.path).ok());
}

TEST_F(TableCommitterTest, RepeatsACommitThatDidNotHappen) {
  catalog_.lose_request = true;
  EXPECT_TRUE(*committer_.Commit({NewFile()}, Range(0, 5)));
  EXPECT_EQ(Rows("payments"), 1);
  EXPECT_EQ(committer_.table().metadata.snapshots.size(), 1u);
}

TEST_F(TableCommitterTest, DeletesNothingThatMayStillBecomePartOfTheTable) {
  const DataFile mine = NewFile();
  // Nobody knows of the first attempt; then somebody else lands the same records.
  catalog_.lose_request = true;
  bool first = true;
  std::function<void()> act = [&] {
    if (!std::exchange(first, false)) return;
    EXPECT_TRUE(*other_.Commit({NewFile()}, Range(0, 3)));
    catalog_.lose_request = true;
  };
  catalog_.lose_request = false;
  catalog_.before_commit = act;
  EXPECT_FALSE(*committer_.Commit({mine}, Range(0, 5)));
  EXPECT_TRUE(storage_->Read(mine.path).ok());
}

TEST_F(TableCommitterTest, GivesOtherErrorsOn) {
  TableCommitter nowhere(&catalog_, storage_.get(), {"shop", "nothing"}, "app", "payments", clock_);
  EXPECT_EQ(nowhere.Refresh().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace millrace::warehouse
