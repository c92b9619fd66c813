#include "upkeep/partition_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "upkeep_test_support.h"

namespace millrace::warehouse {
namespace {

class PartitionWriterTest : public UpkeepFixture {
 protected:
  std::unique_ptr<RowBatch> Rows(int count) {
    auto batch = std::make_unique<RowBatch>(Table().metadata.schema());
    for (int x = 0; x < count; ++x) {
      batch->Find<FixedColumn<int32_t>>(kX)->Set(x, x * 7919);
      EXPECT_TRUE(batch->Find<BytesColumn>(kWord)->Set(x, RandomName()));
      batch->Find<FixedColumn<int32_t>>(kPart)->Set(x, 4);
      batch->FinishRow();
    }
    return batch;
  }
  bool SpoolIsEmpty() { return std::filesystem::is_empty(spool_); }
};

TEST_F(PartitionWriterTest, NamesFilesByTheirPartition) {
  PartitionWriter writer(storage_.get(), Table().metadata, {4}, writer_options_);
  const auto rows = Rows(10);
  ASSERT_TRUE(writer.Append(*rows, 2, 9).ok());
  const auto files = writer.Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  ASSERT_EQ(files->size(), 1u);
  EXPECT_THAT(files->at(0).path, testing::StartsWith(location_ + "/data/part=4/app-numbers-"));
  EXPECT_EQ(files->at(0).record_count, 7);
  EXPECT_EQ(files->at(0).partition, PartitionTuple{4});
  EXPECT_TRUE(SpoolIsEmpty());
}

TEST_F(PartitionWriterTest, BeginsAnotherFileAtTheTargetSize) {
  writer_options_.target_bytes = 20000;
  writer_options_.file.row_group_bytes = 20000;
  PartitionWriter writer(storage_.get(), Table().metadata, {4}, writer_options_);
  const auto rows = Rows(4000);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(writer.Append(*rows, 100 * i, 100 * (i + 1)).ok());
  const auto files = writer.Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_GT(files->size(), 2u);
  int64_t count = 0;
  for (const DataFile& file : *files) count += file.record_count;
  EXPECT_EQ(count, 4000);
}

TEST_F(PartitionWriterTest, HasNoFilesWithoutRows) {
  PartitionWriter writer(storage_.get(), Table().metadata, {4}, writer_options_);
  const auto files = writer.Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_TRUE(files->empty());
}

TEST_F(PartitionWriterTest, LeavesNothingIfItIsGivenUp) {
  writer_options_.target_bytes = 1;
  const auto rows = Rows(10);
  {
    PartitionWriter writer(storage_.get(), Table().metadata, {4}, writer_options_);
    ASSERT_TRUE(writer.Append(*rows, 0, 5).ok());
    EXPECT_EQ(Listed("data").size(), 1u);
    writer_options_.target_bytes = int64_t{1} << 30;
    PartitionWriter open(storage_.get(), Table().metadata, {4}, writer_options_);
    ASSERT_TRUE(open.Append(*rows, 5, 10).ok());
    EXPECT_FALSE(SpoolIsEmpty());
  }
  EXPECT_TRUE(Listed("data").empty());
  EXPECT_TRUE(SpoolIsEmpty());
}

}  // namespace
}  // namespace millrace::warehouse
