#include "upkeep/table_swap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "upkeep_test_support.h"

namespace millrace::warehouse {
namespace {

class TableSwapTest : public UpkeepFixture {
 protected:
  TableSwapTest() {
    CommitTen(1);
    CommitTen(1);
    for (const LiveFile& file : Files()) paths_.push_back(file.file.path);
    replacement_ = WriteFile(1, 0, 20);
    producer_.Remove(paths_, SnapshotProducer::Removal::kReplace);
    EXPECT_TRUE(producer_.Add(Table().metadata, {replacement_}).ok());
    change_.producer = &producer_;
    change_.files = {replacement_};
    table_ = Table();
  }
  /// As another process that rewrites the same files.
  void ReplaceByAnother() {
    SnapshotProducer producer(storage_.get());
    const DataFile file = WriteFile(1, 0, 20);
    producer.Remove(paths_, SnapshotProducer::Removal::kReplace);
    EXPECT_TRUE(producer.Add(Table().metadata, {file}).ok());
    TableSwap::Change change;
    change.producer = &producer;
    LoadedTable table = Table();
    EXPECT_TRUE(*swap_.Run(&table, change));
  }
  size_t AvroFiles() {
    size_t count = 0;
    for (const std::string& path : Listed("metadata")) count += path.ends_with(".avro") ? 1 : 0;
    return count;
  }

  const TableSwap swap_{&catalog_, storage_.get(), name_, clock_};
  SnapshotProducer producer_{storage_.get()};
  std::vector<std::string> paths_;
  DataFile replacement_;
  TableSwap::Change change_;
  LoadedTable table_;
};

TEST_F(TableSwapTest, ReplacesFiles) {
  const auto done = swap_.Run(&table_, change_);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  EXPECT_EQ(table_.metadata_file, Table().metadata_file);
  EXPECT_EQ(table_.metadata.current_snapshot()->summary.at("operation"), "replace");
  EXPECT_EQ(Files().size(), 1u);
  EXPECT_EQ(AllRows(), Expected(20));
}

TEST_F(TableSwapTest, HoldsAgainstALandingThatWasFirstAndKeepsItsPositions) {
  catalog_.before_commit = [&] { CommitTen(2); };
  const size_t before = AvroFiles();
  const auto done = swap_.Run(&table_, change_);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  EXPECT_EQ(AllRows(), Expected(30));
  EXPECT_EQ(LandedPositions::From(Table().metadata.properties, "app.offsets.numbers")->partitions.at(0).next, 30);
  // The landing's manifest and list; of the swap, its list and what is left of two manifests. Not the list of its first attempt.
  EXPECT_EQ(AvroFiles() - before, 5u);
}

TEST_F(TableSwapTest, GivesUpWhatAnotherHasReplaced) {
  catalog_.before_commit = [&] { ReplaceByAnother(); };
  const auto done = swap_.Run(&table_, change_);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(*done);
  EXPECT_EQ(AllRows(), Expected(20));
  EXPECT_FALSE(storage_->Read(replacement_.path).ok()) << "nobody will refer to it";
}

TEST_F(TableSwapTest, FindsThatASwapWithoutAnAnswerHasHappened) {
  catalog_.lose_answer = true;
  const auto done = swap_.Run(&table_, change_);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  EXPECT_EQ(AllRows(), Expected(20));
}

TEST_F(TableSwapTest, DeletesNothingAsLongAsTheOutcomeIsOpen) {
  catalog_.lose_request = true;
  catalog_.before_commit = [&] {
    catalog_.lose_request = false;
    ReplaceByAnother();
    catalog_.lose_request = true;
  };
  const auto done = swap_.Run(&table_, change_);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(*done);
  EXPECT_TRUE(storage_->Read(replacement_.path).ok());
}

TEST_F(TableSwapTest, EndsWhenTheChangeMakesNoSenseAnyMore) {
  change_.prepare = [](const TableMetadata&, TableUpdate*) { return absl::AbortedError("enough"); };
  const auto done = swap_.Run(&table_, change_);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(*done);
  EXPECT_EQ(Files().size(), 2u);
}

TEST_F(TableSwapTest, GoesOnFromTheNewestStateIfTheOldOneIsForgotten) {
  CommitTen(1);
  ASSERT_TRUE(storage_->Delete(table_.metadata.current_snapshot()->manifest_list).ok());
  const auto done = swap_.Run(&table_, change_);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  EXPECT_EQ(AllRows(), Expected(30));
}

TEST_F(TableSwapTest, SaysThatFilesOfTheNewestStateAreMissing) {
  ASSERT_TRUE(storage_->Delete(table_.metadata.current_snapshot()->manifest_list).ok());
  EXPECT_EQ(swap_.Run(&table_, change_).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace millrace::warehouse
