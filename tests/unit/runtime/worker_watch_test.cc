#include "streams/worker_watch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace millrace {
namespace {

using namespace std::chrono_literals;

TopologyPlan Plan() {
  TopologyPlan plan;
  plan.tasks.push_back({0, {0, 0}, {{"orders", 0}}});
  plan.tasks.push_back({1, {1, 3}, {{"orders", 3}, {"users", 3}}});
  return plan;
}

TEST(WorkerWatch, SilenceIsTheTimeWithoutAStep) {
  WorkerActivity activity;
  WorkerWatch watch;
  EXPECT_EQ(watch.Look(activity.Look(), 100s), 0s);
  EXPECT_EQ(watch.Look(activity.Look(), 100s + 300ms), 300ms);
  activity.Step();
  EXPECT_EQ(watch.Look(activity.Look(), 101s), 0s);
  EXPECT_EQ(watch.Look(activity.Look(), 101s + 500ms), 500ms);
  activity.Record(0, 17);
  EXPECT_EQ(watch.Look(activity.Look(), 102s), 0s);
  EXPECT_EQ(watch.silence(), 0s);
}

TEST(WorkerWatch, AProcessThatStoodStillItselfBlamesNoWorker) {
  WorkerActivity activity;
  WorkerWatch watch;
  (void)watch.Look(activity.Look(), 0s);
  EXPECT_EQ(watch.Look(activity.Look(), 3600s), 1s) << "nobody looked for an hour";
  EXPECT_EQ(watch.Look(activity.Look(), 3601s), 2s);
}

TEST(WorkerWatch, ARecordInFlightIsNamedByTaskTopicPartitionAndOffset) {
  WorkerActivity activity;
  activity.Begin(WorkerActivity::kProcessing, 1);
  activity.Record(1, 17);
  const ActivityPlace place = PlaceOf(activity.Look(), Plan());
  EXPECT_EQ(place.ToString(), "processing a record (task 1_3, topic users, partition 3, offset 17)");
  const LogFields fields = place.Fields("worker-hung");
  EXPECT_EQ(fields.task, "1_3");
  EXPECT_EQ(fields.topic, "users");
  EXPECT_EQ(fields.partition, 3);
  EXPECT_EQ(fields.offset, 17);
}

TEST(WorkerWatch, OtherWorkIsNamedAsFarAsItIsKnown) {
  WorkerActivity activity;
  EXPECT_EQ(PlaceOf(activity.Look(), Plan()).ToString(), "looking for work");
  activity.Record(0, 5);
  activity.Begin(WorkerActivity::kPunctuating, 0);
  EXPECT_EQ(PlaceOf(activity.Look(), Plan()).ToString(), "a punctuation (task 0_0)");
  activity.Begin(WorkerActivity::kDelivering, -1);
  EXPECT_EQ(PlaceOf(activity.Look(), Plan()).ToString(), "waiting for a broker to take records");
  activity.Begin(WorkerActivity::kCommitting, 7);
  EXPECT_EQ(PlaceOf(activity.Look(), Plan()).ToString(), "committing") << "no such task";
}

TEST(WorkerActivity, AnInterruptStandsUntilTheWorkerClearsIt) {
  WorkerActivity activity;
  EXPECT_FALSE(activity.interrupted());
  activity.Interrupt();
  activity.Begin(WorkerActivity::kProcessing, 0);
  EXPECT_TRUE(activity.interrupted());
  activity.ClearInterrupt();
  EXPECT_FALSE(activity.interrupted());
}

}  // namespace
}  // namespace millrace
