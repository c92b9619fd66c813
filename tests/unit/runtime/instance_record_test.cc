#include "status/instance_record.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using internal::TaskStatus;

TopologyPlan TwoTasks() {
  TopologyPlan plan;
  plan.tasks = {{0, {0, 0}, {{"words", 0}}}, {1, {0, 1}, {{"words", 1}}}};
  return plan;
}

PartitionProgress Input(int64_t position, int buffered, bool at_end) {
  PartitionProgress input;
  input.position = position;
  input.read_position = position + buffered;
  input.buffered = buffered;
  input.at_end = at_end;
  return input;
}

TEST(InstanceRecord, DescribesRunningTasksWithInputsAndMemory) {
  const TopologyPlan plan = TwoTasks();
  WorkerSnapshot snapshot;
  snapshot.records_consumed = {{"words", 7}, {"other", 1}};
  snapshot.tasks = {{0, 1}, {0, 0}};
  snapshot.inputs[{"words", 0}] = Input(10, 2, true);
  snapshot.inputs[{"words", 1}] = Input(20, 0, false);
  for (const char* task : {"0_0", "0_0", "0_1"}) {
    StoreSnapshot& store = snapshot.stores.emplace_back().store;
    store.task = task;
    store.memory_bytes = 100;
  }
  snapshot.state_memory_bytes = 300;
  InstanceView view;
  view.plan = &plan;
  view.workers = {{"worker-1", snapshot}};
  view.ends[{"words", 1}] = {25, 25, std::nullopt};
  const auto workers = DescribeWorkers(view);
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(workers[0].name(), "worker-1");
  EXPECT_EQ(workers[0].records_consumed(), 8);
  EXPECT_EQ(workers[0].state_memory_bytes(), 300);
  ASSERT_EQ(workers[0].tasks_size(), 2);
  const TaskStatus& first = workers[0].tasks(0);
  EXPECT_EQ(first.id(), "0_0");
  EXPECT_EQ(first.state(), TaskStatus::RUNNING);
  EXPECT_EQ(first.state_memory_bytes(), 200);
  ASSERT_EQ(first.inputs_size(), 1);
  EXPECT_EQ(first.inputs(0).topic(), "words");
  EXPECT_EQ(first.inputs(0).position(), 10);
  EXPECT_EQ(first.inputs(0).buffered(), 2);
  EXPECT_EQ(first.inputs(0).lag(), 2);
  EXPECT_EQ(first.inputs(0).end(), 12);
  const TaskStatus& second = workers[0].tasks(1);
  EXPECT_EQ(second.inputs(0).lag(), 5);
  EXPECT_EQ(second.inputs(0).end(), 25);
}

TEST(InstanceRecord, WhatIsNotKnownStaysUnset) {
  const TopologyPlan plan = TwoTasks();
  WorkerSnapshot snapshot;
  snapshot.tasks = {{0, 1}};
  snapshot.inputs[{"words", 1}] = Input(20, 0, false);
  InstanceView view;
  view.plan = &plan;
  view.workers = {{"worker-1", snapshot}};
  const auto workers = DescribeWorkers(view);
  EXPECT_FALSE(workers[0].tasks(0).inputs(0).has_lag());
  EXPECT_FALSE(workers[0].tasks(0).inputs(0).has_end());
}

TEST(InstanceRecord, DescribesRestoringTasksWithTheirStoresAtTheirWorker) {
  const TopologyPlan plan = TwoTasks();
  WorkerSnapshot second;
  second.tasks = {{0, 1}};
  InstanceView view;
  view.plan = &plan;
  view.workers = {{"worker-1", {}}, {"worker-2", second}};
  view.restoring = {{TaskId{0, 0}, "worker-1"}, {TaskId{0, 1}, "worker-2"}};
  view.restore_progress = {{TaskId{0, 0}, "counts", 42, std::nullopt}};
  const auto workers = DescribeWorkers(view);
  ASSERT_EQ(workers[0].tasks_size(), 1);
  EXPECT_EQ(workers[0].tasks(0).state(), TaskStatus::RESTORING);
  ASSERT_EQ(workers[0].tasks(0).restoring_stores_size(), 1);
  EXPECT_EQ(workers[0].tasks(0).restoring_stores(0).name(), "counts");
  EXPECT_EQ(workers[0].tasks(0).restoring_stores(0).remaining_records(), 42);
  ASSERT_EQ(workers[1].tasks_size(), 1) << "it arrived between the two looks";
  EXPECT_EQ(workers[1].tasks(0).state(), TaskStatus::RUNNING);
}

}  // namespace
}  // namespace millrace
