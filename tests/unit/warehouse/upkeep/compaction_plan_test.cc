#include "upkeep/compaction_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

class CompactionPlanTest : public testing::Test {
 protected:
  CompactionPlanTest() {
    options_.is_recent = [this](int64_t sequence_number) { return sequence_number >= first_recent_; };
    options_.is_left_out = [this](const PartitionTuple& partition) { return partition == left_out_; };
  }
  void Add(int32_t day, int count, int64_t bytes) {
    for (int i = 0; i < count; ++i) {
      ++sequence_number_;
      files_.push_back({absl::StrCat("f", sequence_number_), {day}, 10, bytes, sequence_number_});
    }
  }
  std::vector<std::string> Choose() {
    std::vector<std::string> paths;
    for (const SmallFile& file : ChooseGroup(files_, options_)) paths.push_back(file.path);
    return paths;
  }

  PlanOptions options_;
  std::vector<SmallFile> files_;
  int64_t sequence_number_ = 0;
  int64_t first_recent_ = 1'000'000;
  PartitionTuple left_out_ = {std::string("none")};
};

TEST_F(CompactionPlanTest, LeavesAFewSmallFilesAlone) {
  Add(1, 5, kMiB);
  Add(2, 5, kMiB);
  EXPECT_TRUE(Choose().empty());
}

TEST_F(CompactionPlanTest, TakesAllOfAClosedPartitionOldestFirst) {
  Add(1, 3, 50 * kMiB);
  Add(1, 3, 1000);
  std::reverse(files_.begin(), files_.end());
  files_[0].size_bytes = 10;
  EXPECT_THAT(Choose(), testing::ElementsAre("f1", "f2", "f3")) << "150 MiB are more than a target file";
  options_.target_bytes = 1024 * kMiB;
  EXPECT_THAT(Choose(), testing::ElementsAre("f1", "f2", "f3", "f4", "f5", "f6"));
}

TEST_F(CompactionPlanTest, TakesOneSizeClassOfAnOpenPartition) {
  Add(1, 5, 50 * kMiB);
  Add(1, 5, 10000);
  first_recent_ = 10;
  EXPECT_TRUE(Choose().empty());
  Add(1, 1, 9000);
  EXPECT_THAT(Choose(), testing::ElementsAre("f6", "f7", "f8", "f9", "f10", "f11"));
}

TEST_F(CompactionPlanTest, WritesARowOfAnOpenPartitionAgainAFewTimesOnly) {
  first_recent_ = 0;
  int64_t landed = 0;
  int64_t rewritten = 0;
  size_t most = 0;
  std::map<std::string, SmallFile> live;
  for (int commit = 0; commit < 5000; ++commit) {
    landed += 20000;
    Add(1, 1, 20000);
    most = std::max(most, files_.size());
    const std::vector<SmallFile> group = ChooseGroup(files_, options_);
    if (group.empty()) continue;
    int64_t bytes = 0;
    for (const SmallFile& file : group) {
      bytes += file.size_bytes;
      std::erase_if(files_, [&](const SmallFile& other) { return other.path == file.path; });
    }
    rewritten += bytes;
    if (bytes < SmallFileBytes(options_.target_bytes)) Add(1, 1, bytes);
  }
  EXPECT_LE(most, 30u);
  EXPECT_LE(rewritten, 6 * landed);
}

TEST_F(CompactionPlanTest, TakesThePartitionWithTheMostFiles) {
  Add(1, 6, kMiB);
  Add(2, 8, kMiB);
  EXPECT_EQ(Choose().size(), 8u);
  left_out_ = {2};
  EXPECT_EQ(Choose().size(), 6u);
}

TEST_F(CompactionPlanTest, TakesNoMoreThanABoundedPieceOfWork) {
  Add(1, 500, 1000);
  EXPECT_EQ(Choose().size(), 100u);
  files_.clear();
  Add(1, 500, 40 * kMiB);
  EXPECT_EQ(Choose().size(), 4u);
}

}  // namespace
}  // namespace millrace::warehouse
