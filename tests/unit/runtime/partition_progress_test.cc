#include "streams/partition_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/embedded/embedded_log.h"
#include "task_test_support.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kWall = Timestamp::FromMillis(1'700'000'000'000);
constexpr std::chrono::nanoseconds kNow = 100s;

PartitionProgress AtEnd() {
  PartitionProgress progress;
  progress.position = progress.read_position = 50;
  progress.at_end = true;
  progress.moved_at = kNow - 1s;
  progress.at_end_at = kNow - 1s;
  progress.processed = kWall - 3600s;
  return progress;
}

PartitionEnd End(int64_t offset) {
  PartitionEnd end;
  end.high_watermark = end.last_stable = offset;
  return end;
}

TEST(Describe, AtTheEndThereIsNoLagHoweverOldTheLastRecord) {
  const PartitionSnapshot shown = Describe(AtEnd(), nullptr, false, kNow, kWall);
  EXPECT_EQ(shown.lag_records, 0);
  EXPECT_EQ(shown.lag_seconds, 0);
  EXPECT_EQ(shown.stalled_seconds, 0);
  EXPECT_FALSE(shown.lso_gap_records.has_value());
}

TEST(Describe, TheLagIsTheAgeOfTheOldestRecordThatWaits) {
  PartitionProgress progress = AtEnd();
  progress.read_position = 60;
  progress.buffered = 10;
  progress.oldest = kWall - 30s;
  const PartitionSnapshot shown = Describe(progress, nullptr, false, kNow, kWall);
  EXPECT_EQ(shown.lag_records, 10);
  EXPECT_EQ(shown.lag_seconds, 30);
}

TEST(Describe, ARecordThatHasJustComeIsNotAsOldAsTheOneBeforeIt) {
  const PartitionEnd end = End(51);
  const PartitionSnapshot shown = Describe(AtEnd(), &end, false, kNow, kWall);
  EXPECT_EQ(shown.lag_records, 1);
  EXPECT_EQ(shown.lag_seconds, 1);  // it came after processing was at the end
}

TEST(Describe, RecordsThatHaveNotBeenReadAreAtMostAsOldAsTheLastOneProcessed) {
  PartitionProgress progress = AtEnd();
  progress.at_end = false;
  progress.at_end_at.reset();
  const PartitionEnd end = End(1050);
  const PartitionSnapshot shown = Describe(progress, &end, false, kNow, kWall);
  EXPECT_EQ(shown.lag_records, 1000);
  EXPECT_EQ(shown.lag_seconds, 3600);
}

TEST(Describe, WhatIsNotKnownIsNotShown) {
  PartitionProgress progress;
  progress.position = progress.read_position = 5;
  const PartitionSnapshot shown = Describe(progress, nullptr, false, kNow, kWall);
  EXPECT_FALSE(shown.lag_records.has_value());
  EXPECT_FALSE(shown.lag_seconds.has_value());
  EXPECT_FALSE(shown.stalled_seconds.has_value());
  const PartitionEnd end = End(6);
  EXPECT_EQ(Describe(progress, &end, false, kNow, kWall).lag_records, 1);
  EXPECT_FALSE(Describe(progress, &end, false, kNow, kWall).lag_seconds.has_value());
}

TEST(Describe, APartitionIsStalledWhileItStandsBelowTheEnd) {
  PartitionProgress progress = AtEnd();
  progress.moved_at = kNow - 90s;
  EXPECT_EQ(Describe(progress, nullptr, false, kNow, kWall).stalled_seconds, 0);
  const PartitionEnd end = End(51);
  EXPECT_EQ(Describe(progress, &end, false, kNow, kWall).stalled_seconds, 90);
}

TEST(Describe, TheBrokersAnswerMayBeOlderThanWhatWasRead) {
  PartitionProgress progress = AtEnd();
  progress.at_end = false;
  const PartitionEnd end = End(40);
  EXPECT_EQ(Describe(progress, &end, false, kNow, kWall).lag_records, 0);
}

TEST(Describe, ReadCommittedReadersEndAtTheLastStableOffset) {
  PartitionEnd end;
  end.Observe(70, 55, kNow - 20s);
  const PartitionSnapshot committed = Describe(AtEnd(), &end, true, kNow, kWall);
  EXPECT_EQ(committed.lag_records, 5);
  EXPECT_EQ(committed.lso_gap_records, 15);
  EXPECT_EQ(committed.lso_gap_age_seconds, 20);
  EXPECT_EQ(Describe(AtEnd(), &end, false, kNow, kWall).lag_records, 20);
}

TEST(Describe, WorkThatWasUndoneCountsFromTheLastCommit) {
  PartitionProgress progress = AtEnd();
  progress.committed = 40;
  progress.undone = 2;
  progress.moved_at = kNow - 90s;
  const PartitionSnapshot shown = Describe(progress, nullptr, false, kNow, kWall);
  EXPECT_EQ(shown.lag_records, 10);
  EXPECT_EQ(shown.stalled_seconds, 90);
}

TEST(PartitionEnd, TheGapsAgeBeginsAnewWhenTheLastStableOffsetMoves) {
  PartitionEnd end;
  end.Observe(10, 10, 1s);
  EXPECT_FALSE(end.gap_since.has_value());
  end.Observe(20, 10, 2s);
  EXPECT_EQ(end.gap_since, std::chrono::nanoseconds(2s));
  end.Observe(30, 10, 3s);
  EXPECT_EQ(end.gap_since, std::chrono::nanoseconds(2s));
  end.Observe(40, 15, 4s);
  EXPECT_EQ(end.gap_since, std::chrono::nanoseconds(4s));
  end.Observe(40, 40, 5s);
  EXPECT_FALSE(end.gap_since.has_value());
}

TEST(PartitionProgress, MovesWithProcessingAndKnowsWhenItWasAtTheEnd) {
  log::embedded::EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("t", 1).ok());
  const auto client = log.NewClient();
  const auto consumer = client->NewConsumer({}).value();
  log::PartitionReader* reader = consumer->Assign({"t", 0}, 0).value();
  std::vector<std::string> pushed;
  FakeSource source(&pushed);
  DroppedRecords dropped;
  RecordQueue queue({"t", 0}, &source, &dropped, [](const RawRecord&, const absl::Status& status) { return status; });
  const auto drain = [&] {
    ASSERT_TRUE(reader->Drain(100, [&](const RawRecord& record) { queue.Add(record); }).ok());
    queue.SetInput(reader->position(), reader->at_end());
    ASSERT_TRUE(queue.UpdateHead().ok());
  };
  PartitionProgress progress;
  drain();
  progress.Observe(queue, *reader, 1s);
  EXPECT_EQ(progress.at_end_at, std::chrono::nanoseconds(1s));

  for (int64_t time : {7, 9}) ASSERT_TRUE(log.Append("t", 0, "k", "v", Timestamp::FromMillis(time)).ok());
  drain();
  progress.Observe(queue, *reader, 2s);
  EXPECT_EQ(progress.position, 0);
  EXPECT_EQ(progress.read_position, 2);
  EXPECT_EQ(progress.buffered, 2);
  EXPECT_EQ(progress.oldest, Timestamp::FromMillis(7));
  EXPECT_EQ(progress.moved_at, 1s);
  EXPECT_EQ(progress.at_end_at, std::chrono::nanoseconds(1s));

  ASSERT_TRUE(queue.PushHead().ok());
  progress.Observe(queue, *reader, 3s);
  EXPECT_EQ(progress.position, 1);
  EXPECT_EQ(progress.processed, Timestamp::FromMillis(7));
  EXPECT_EQ(progress.moved_at, 3s);
}

TEST(AskForEnds, KeepsWhatIsNotAnsweredAndForgetsWhatIsNotAskedFor) {
  log::embedded::EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("t", 2).ok());
  ASSERT_TRUE(log.Append("t", 1, "k", "v", Timestamp::FromMillis(1)).ok());
  const auto client = log.NewClient();
  const PartitionEnds before = {{{"gone", 0}, End(3)}, {{"other", 0}, End(4)}};
  const PartitionEnds ends = AskForEnds(&client->admin(), {{"t", 0}, {"t", 1}, {"gone", 0}}, before, 1s);
  ASSERT_EQ(ends.size(), 3u);
  EXPECT_EQ(ends.at({"t", 0}).high_watermark, 0);
  EXPECT_EQ(ends.at({"t", 1}).high_watermark, 1);
  EXPECT_EQ(ends.at({"gone", 0}).high_watermark, 3);
}

}  // namespace
}  // namespace millrace
