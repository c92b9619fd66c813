#include "task/record_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "task_test_support.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RecordQueueTest : public testing::Test {
 protected:
  absl::Status PushAndUpdate() {
    if (absl::Status status = queue_.PushHead(); !status.ok()) return status;
    return queue_.UpdateHead();
  }

  std::vector<std::string> pushed_;
  FakeSource source_{&pushed_};
  DroppedRecords dropped_;
  std::vector<int64_t> corrupt_;
  absl::Status on_corrupt_;
  RecordQueue queue_{log::TopicPartition{"t", 0}, &source_, &dropped_, [this](const RawRecord& record, const absl::Status&) {
                       corrupt_.push_back(record.offset);
                       return on_corrupt_;
                     }};
};

TEST_F(RecordQueueTest, ParsesOnlyTheHead) {
  for (int i = 0; i < 5; ++i) queue_.Add(RecordAt(i, i));
  ASSERT_TRUE(queue_.UpdateHead().ok());
  EXPECT_EQ(source_.parsed, 1);
  EXPECT_EQ(queue_.size(), 5);
  ASSERT_TRUE(PushAndUpdate().ok());
  EXPECT_EQ(source_.parsed, 2);
}

TEST_F(RecordQueueTest, KnowsTheLogsTimestampOfTheFirstThatWaits) {
  EXPECT_EQ(queue_.first_timestamp(), Timestamp::Unknown());
  queue_.Add(RecordAt(0, 30));
  queue_.Add(RecordAt(1, 20));
  EXPECT_EQ(queue_.first_timestamp(), Timestamp::FromMillis(30));
  ASSERT_TRUE(queue_.UpdateHead().ok());
  ASSERT_TRUE(PushAndUpdate().ok());
  EXPECT_EQ(queue_.first_timestamp(), Timestamp::FromMillis(20));
}

TEST_F(RecordQueueTest, KeepsTheBytesOfWaitingRecords) {
  {
    std::string value = "one";
    queue_.Add(RecordAt(7, 1, value));
    value = "two";
    queue_.Add(RecordAt(8, 2, value));
    queue_.Add(RecordAt(9, 3, std::nullopt, std::nullopt));
  }
  ASSERT_TRUE(queue_.UpdateHead().ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(PushAndUpdate().ok());
  EXPECT_THAT(pushed_, ElementsAre("t/7/one", "t/8/two", "t/9/null"));
  EXPECT_FALSE(queue_.has_head());
}

TEST_F(RecordQueueTest, RoomIsBoundedByRecordsAndByBytesOfTheSizeThatCameBefore) {
  EXPECT_EQ(queue_.Room(10, 1000), 10);
  queue_.Add(RecordAt(0, 0, std::string(400, 'v'), std::nullopt));
  EXPECT_EQ(queue_.Room(10, 1000), 1);
  EXPECT_EQ(queue_.Room(10, 100'000), 9);
  queue_.Add(RecordAt(1, 1, std::string(400, 'v'), std::nullopt));
  EXPECT_EQ(queue_.Room(10, 1000), 0);
  EXPECT_EQ(queue_.Room(2, 100'000), 0);
  ASSERT_TRUE(queue_.UpdateHead().ok());
  ASSERT_TRUE(PushAndUpdate().ok());
  ASSERT_TRUE(PushAndUpdate().ok());
  EXPECT_EQ(queue_.Room(10, 10), 1) << "an empty queue takes one of any size";
}

TEST_F(RecordQueueTest, KeepsBytesRightWhenConsumedOnesAreGivenBack) {
  const std::string big(400'000, 'x');
  int64_t next = 0;
  for (int round = 0; round < 12; ++round) {
    queue_.Add(RecordAt(next, next, big + std::to_string(next)));
    ++next;
    queue_.Add(RecordAt(next, next, big + std::to_string(next)));
    ++next;
    if (!queue_.has_head()) {
      ASSERT_TRUE(queue_.UpdateHead().ok());
    }
    ASSERT_TRUE(PushAndUpdate().ok());
  }
  while (queue_.has_head()) ASSERT_TRUE(PushAndUpdate().ok());
  ASSERT_EQ(pushed_.size(), static_cast<size_t>(next));
  for (int64_t i = 0; i < next; ++i) {
    EXPECT_EQ(pushed_[static_cast<size_t>(i)], "t/" + std::to_string(i) + "/" + big + std::to_string(i)) << "record " << i;
  }
}

TEST_F(RecordQueueTest, LeavesOutAndCountsRecordsWithoutATimestamp) {
  queue_.Add(RecordAt(0, -1));
  queue_.Add(RecordAt(1, -5));
  queue_.Add(RecordAt(2, 4));
  ASSERT_TRUE(queue_.UpdateHead().ok());
  EXPECT_EQ(queue_.head_offset(), 2);
  EXPECT_EQ(dropped_.invalid_timestamp, 2);
}

TEST_F(RecordQueueTest, GoesPastCorruptRecordsWhenTheHandlerSaysSo) {
  queue_.Add(RecordAt(0, 1, "corrupt"));
  queue_.Add(RecordAt(1, 2));
  ASSERT_TRUE(queue_.UpdateHead().ok());
  EXPECT_EQ(queue_.head_offset(), 1);
  EXPECT_THAT(corrupt_, ElementsAre(0));
  EXPECT_EQ(dropped_.deserialization, 1);
}

TEST_F(RecordQueueTest, StaysAtACorruptRecordWhenTheHandlerFails) {
  on_corrupt_ = absl::InvalidArgumentError("stop");
  queue_.Add(RecordAt(3, 1, "corrupt"));
  EXPECT_THAT(queue_.UpdateHead().ToString(), HasSubstr("stop"));
  EXPECT_EQ(queue_.next_offset(), 3);
}

TEST_F(RecordQueueTest, PartitionTimeIsTheLargestTimestampTaken) {
  queue_.Add(RecordAt(0, 9));
  queue_.Add(RecordAt(1, 4));
  queue_.Add(RecordAt(2, 100, "partition time"));
  ASSERT_TRUE(queue_.UpdateHead().ok());
  EXPECT_LT(queue_.partition_time(), Ms(0));
  ASSERT_TRUE(PushAndUpdate().ok());
  ASSERT_TRUE(PushAndUpdate().ok());
  EXPECT_EQ(queue_.partition_time(), Ms(9));
  EXPECT_EQ(queue_.head_timestamp(), Ms(9));
}

TEST_F(RecordQueueTest, NextOffsetIsTheHeadOrTheReadersPosition) {
  queue_.SetInput(5, false);
  EXPECT_EQ(queue_.next_offset(), 5);
  queue_.Add(RecordAt(6, 1));
  queue_.SetInput(9, true);
  EXPECT_EQ(queue_.next_offset(), 6);
  ASSERT_TRUE(queue_.UpdateHead().ok());
  ASSERT_TRUE(PushAndUpdate().ok());
  EXPECT_EQ(queue_.next_offset(), 9);
}

}  // namespace
}  // namespace millrace
