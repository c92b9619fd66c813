#include "task/partition_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "task_test_support.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

class PartitionGroupTest : public testing::Test {
 protected:
  void MakeGroup(int partitions, milliseconds max_task_idle = milliseconds(0)) {
    group_ = std::make_unique<PartitionGroup>(max_task_idle);
    for (int i = 0; i < partitions; ++i) {
      group_->AddQueue(std::make_unique<RecordQueue>(log::TopicPartition{std::string(1, static_cast<char>('a' + i)), 0}, &source_,
                                                     &dropped_,
                                                     [](const RawRecord&, const absl::Status& reason) { return reason; }));
    }
  }
  RecordQueue* Queue(int i) { return group_->queues()[static_cast<size_t>(i)].get(); }
  void Add(int i, const std::vector<int64_t>& timestamps) {
    for (const int64_t t : timestamps) Queue(i)->Add(RecordAt(offset_++, t, std::to_string(t)));
    ASSERT_TRUE(group_->Admit(Queue(i)).ok());
  }
  void ProcessNext() {
    RecordQueue* const queue = group_->next();
    EXPECT_TRUE(group_->ProcessNext().ok());
    EXPECT_TRUE(group_->Admit(queue).ok());
  }
  // Topics and timestamps in the order of processing.
  std::vector<std::string> Drain() {
    while (group_->HasRecord()) ProcessNext();
    std::vector<std::string> order;
    for (const std::string& text : pushed_) order.push_back(text.substr(0, 1) + text.substr(text.rfind('/') + 1));
    return order;
  }

  int64_t offset_ = 0;
  std::vector<std::string> pushed_;
  FakeSource source_{&pushed_};
  DroppedRecords dropped_;
  std::unique_ptr<PartitionGroup> group_;
};

TEST_F(PartitionGroupTest, TakesTheSmallestHeadTimestamp) {
  MakeGroup(3);
  Add(0, {5, 1});
  Add(1, {3, 4, 9});
  Add(2, {4});
  EXPECT_THAT(Drain(), ElementsAre("b3", "c4", "b4", "a5", "a1", "b9"));
}

TEST_F(PartitionGroupTest, BreaksTiesOfTwoQueuesInTurnAsJavasPriorityQueueDoes) {
  MakeGroup(2);
  Add(0, {1, 1, 1});
  Add(1, {1, 1, 1});
  EXPECT_THAT(Drain(), ElementsAre("a1", "b1", "a1", "b1", "a1", "b1"));
}

// The order is what java.util.PriorityQueue gives: after a poll the last element is sifted down from the root, and of two equal
// children the left one goes up.
TEST_F(PartitionGroupTest, BreaksTiesOfFourQueuesAsJavasPriorityQueueDoes) {
  MakeGroup(4);
  for (int i = 0; i < 4; ++i) Add(i, {7, 7});
  EXPECT_THAT(Drain(), ElementsAre("a7", "d7", "a7", "d7", "c7", "b7", "c7", "b7"));
}

TEST_F(PartitionGroupTest, StreamTimeIsTheLargestTimestampTakenAndNeverGoesBack) {
  MakeGroup(2);
  Add(0, {5, 2});
  Add(1, {9});
  ProcessNext();
  EXPECT_EQ(group_->stream_time(), Ms(5));
  ProcessNext();
  EXPECT_EQ(group_->stream_time(), Ms(5));
  ProcessNext();
  EXPECT_EQ(group_->stream_time(), Ms(9));
}

TEST_F(PartitionGroupTest, StreamTimeStartsAtTheLargestPartitionTime) {
  MakeGroup(2);
  Queue(0)->set_partition_time(Ms(3));
  Queue(1)->set_partition_time(Ms(8));
  group_->InitStreamTime();
  EXPECT_EQ(group_->stream_time(), Ms(8));
}

TEST_F(PartitionGroupTest, WaitsForAnEmptyPartitionUntilItsEndIsSeen) {
  MakeGroup(2);
  Add(0, {5});
  EXPECT_FALSE(group_->Ready(Ms(0)));
  Queue(1)->SetInput(0, true);
  EXPECT_TRUE(group_->Ready(Ms(0)));
}

TEST_F(PartitionGroupTest, NeverWaitsWithANegativeIdleTime) {
  MakeGroup(2, milliseconds(-1));
  Add(0, {5});
  EXPECT_TRUE(group_->Ready(Ms(0)));
}

TEST_F(PartitionGroupTest, WaitsTheIdleTimeAtTheEndOfAPartition) {
  MakeGroup(2, milliseconds(100));
  Add(0, {5});
  Queue(1)->SetInput(0, true);
  EXPECT_FALSE(group_->Ready(Ms(1000)));
  EXPECT_FALSE(group_->Ready(Ms(1099)));
  EXPECT_TRUE(group_->Ready(Ms(1100)));
}

TEST_F(PartitionGroupTest, CountsTheIdleTimeAnewAfterTheWaitingPartitionHadARecord) {
  MakeGroup(2, milliseconds(100));
  Add(0, {5, 6});
  Queue(1)->SetInput(0, true);
  EXPECT_FALSE(group_->Ready(Ms(1000)));
  Add(1, {4});
  EXPECT_TRUE(group_->Ready(Ms(1050)));
  ProcessNext();
  EXPECT_FALSE(group_->Ready(Ms(1110)));
  EXPECT_TRUE(group_->Ready(Ms(1210)));
}

}  // namespace
}  // namespace millrace
