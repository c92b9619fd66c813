#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "metrics/health.h"
#include "metrics/process_memory.h"
#include "metrics/prometheus_text.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RuntimeSnapshot Running() {
  RuntimeSnapshot snapshot;
  snapshot.application_id = "shop";
  snapshot.version = "0.1.0";
  snapshot.topology_hash = "abc";
  snapshot.state = "RUNNING";
  snapshot.tasks = {{"0_0", "RUNNING", "worker-1"}, {"0_1", "RUNNING", "worker-1"}};
  return snapshot;
}

StoreSnapshot Store(const std::string& task, const std::string& name, int64_t remaining) {
  StoreSnapshot store;
  store.task = task;
  store.store = name;
  store.restore_remaining_records = remaining;
  store.restoring = remaining > 0;
  return store;
}

TEST(PrometheusText, ShowsTheStateAsOneOfMany) {
  const std::string text = PrometheusText(Running());
  EXPECT_THAT(text, HasSubstr("# TYPE app_state gauge\n"));
  EXPECT_THAT(text, HasSubstr("app_state{application=\"shop\",state=\"RUNNING\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("app_state{application=\"shop\",state=\"ERROR\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("build_info{application=\"shop\",version=\"0.1.0\",topology_hash=\"abc\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("tasks{application=\"shop\",state=\"RUNNING\"} 2\n"));
}

TEST(PrometheusText, HasTheSeriesThatOperatorsAlertOn) {
  RuntimeSnapshot snapshot = Running();
  snapshot.worker_failures = 1;
  snapshot.rebalances["started"] = 3;
  PartitionSnapshot& partition = snapshot.partitions[{"orders", 2}];
  partition.lag_records = 17;
  partition.lag_seconds = 2.5;
  partition.stalled_seconds = 61;
  partition.lso_gap_records = 9;
  partition.lso_gap_age_seconds = 30;
  snapshot.record_e2e_latency["orders"].Observe(0.02);
  snapshot.record_lateness["orders"].Observe(0);
  snapshot.thread_time_seconds["process"] = 1.25;
  snapshot.records_consumed["orders"] = 100;
  snapshot.records_produced["facts"] = 7;
  snapshot.records_dropped["null-key"] = 4;
  snapshot.dlq_records["deserialization"] = 5;
  snapshot.last_commit_age_seconds = 1.5;
  snapshot.stores = {Store("0_0", "sales", 12)};
  snapshot.stores[0].memory_bytes = 4096;
  snapshot.stores[0].restore_eta_seconds = 0.5;
  snapshot.stores[0].open_iterators = 2;
  snapshot.stores[0].oldest_iterator_age_seconds = 70;
  snapshot.process_rss_bytes = 1000;
  snapshot.memory_limit_bytes = 2000;
  const std::string text = PrometheusText(snapshot);
  for (const char* series : {"worker_failures_total{application=\"shop\"} 1\n",
                             "rebalances_total{application=\"shop\",reason=\"started\"} 3\n",
                             "source_lag_seconds{application=\"shop\",topic=\"orders\",partition=\"2\"} 2.5\n",
                             "partition_stalled_seconds{application=\"shop\",topic=\"orders\",partition=\"2\"} 61\n",
                             "lso_gap_records{application=\"shop\",topic=\"orders\",partition=\"2\"} 9\n",
                             "lso_gap_age_seconds{application=\"shop\",topic=\"orders\",partition=\"2\"} 30\n",
                             "record_e2e_latency_seconds_bucket{application=\"shop\",topic=\"orders\",le=\"0.025\"} 1\n",
                             "record_lateness_seconds_bucket{application=\"shop\",topic=\"orders\",le=\"0\"} 1\n",
                             "thread_time_seconds_total{application=\"shop\",state=\"process\"} 1.25\n",
                             "restore_eta_seconds{application=\"shop\",task=\"0_0\",store=\"sales\"} 0.5\n",
                             "open_iterators{application=\"shop\",task=\"0_0\",store=\"sales\"} 2\n",
                             "oldest_iterator_age_seconds{application=\"shop\",task=\"0_0\",store=\"sales\"} 70\n",
                             "source_lag_records{application=\"shop\",topic=\"orders\",partition=\"2\"} 17\n",
                             "records_consumed_total{application=\"shop\",topic=\"orders\"} 100\n",
                             "records_produced_total{application=\"shop\",topic=\"facts\"} 7\n",
                             "records_dropped_total{application=\"shop\",reason=\"null-key\"} 4\n",
                             "dlq_records_total{application=\"shop\",error=\"deserialization\"} 5\n",
                             "last_commit_age_seconds{application=\"shop\"} 1.5\n",
                             "restore_remaining_records{application=\"shop\",task=\"0_0\",store=\"sales\"} 12\n",
                             "state_memory_bytes{application=\"shop\",task=\"0_0\",store=\"sales\"} 4096\n",
                             "process_rss_bytes{application=\"shop\"} 1000\n",
                             "memory_limit_bytes{application=\"shop\"} 2000\n"}) {
    EXPECT_THAT(text, HasSubstr(series));
  }
}

TEST(PrometheusText, WhatIsUnknownIsNotShown) {
  const std::string text = PrometheusText(Running());
  for (const char* name :
       {"last_commit_age_seconds", "state_memory_bytes", "memory_limit_bytes", "source_lag_records", "restore_eta_seconds"}) {
    EXPECT_THAT(text, Not(HasSubstr(name)));
  }
}

TEST(PrometheusText, DurationsAreCumulativeBuckets) {
  RuntimeSnapshot snapshot = Running();
  for (const double seconds : {0.0005, 0.003, 0.003, 99.0}) snapshot.commit_duration.Observe(seconds);
  const std::string text = PrometheusText(snapshot);
  EXPECT_THAT(text, HasSubstr("# TYPE commit_duration_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("commit_duration_seconds_bucket{application=\"shop\",le=\"0.001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("commit_duration_seconds_bucket{application=\"shop\",le=\"0.005\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("commit_duration_seconds_bucket{application=\"shop\",le=\"10\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("commit_duration_seconds_bucket{application=\"shop\",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("commit_duration_seconds_count{application=\"shop\"} 4\n"));
}

TEST(PrometheusText, EveryFamilyIsDescribedOnce) {
  RuntimeSnapshot snapshot = Running();
  snapshot.stores = {Store("0_0", "a", 1), Store("0_1", "a", 1)};
  for (StoreSnapshot& store : snapshot.stores) store.memory_bytes = 1;
  for (int32_t partition : {0, 1}) snapshot.partitions[{"orders", partition}].lag_records = 1;
  const std::string text = PrometheusText(snapshot);
  for (const char* name :
       {"restore_remaining_records", "open_iterators", "state_memory_bytes", "source_lag_records", "app_state"}) {
    const std::string help = std::string("# HELP ") + name + " ";
    const size_t first = text.find(help);
    ASSERT_NE(first, std::string::npos) << name;
    EXPECT_EQ(text.find(help, first + 1), std::string::npos) << name;
  }
}

TEST(DurationHistogram, MergesByAddition) {
  DurationHistogram a;
  DurationHistogram b;
  a.Observe(0.002);
  b.Observe(0.002);
  b.Observe(1000);
  a.Merge(b);
  EXPECT_EQ(a.counts[1], 2u);
  EXPECT_EQ(a.counts[DurationHistogram::kBuckets], 1u);
  EXPECT_DOUBLE_EQ(a.sum, 1000.004);
}

TEST(Health, RestoringIsAliveButNotReady) {
  RuntimeSnapshot snapshot = Running();
  EXPECT_TRUE(Liveness(snapshot).ok);
  EXPECT_TRUE(Readiness(snapshot).ok);
  snapshot.stores = {Store("0_1", "sales", 500), Store("0_0", "sales", 0)};
  snapshot.stores[0].restore_eta_seconds = 12.5;
  EXPECT_TRUE(Liveness(snapshot).ok);
  const Health ready = Readiness(snapshot);
  EXPECT_FALSE(ready.ok);
  const auto body = nlohmann::json::parse(ready.body);
  EXPECT_EQ(body["ready"], false);
  ASSERT_EQ(body["restoring"].size(), 1u);
  EXPECT_EQ(body["restoring"][0]["store"], "sales");
  EXPECT_EQ(body["restoring"][0]["task"], "0_1");
  EXPECT_EQ(body["restoring"][0]["remaining_records"], 500);
  EXPECT_EQ(body["restoring"][0]["eta_seconds"], 12.5);
}

// One that no broker answers, or whose turn has not come: it has no store open.
TEST(Health, ATaskThatIsNotOpenedYetIsNamed) {
  RuntimeSnapshot snapshot = Running();
  snapshot.state = "REBALANCING";
  snapshot.tasks = {
      {"0_0", "RUNNING", "worker-1"}, {"0_1", "RESTORING", "worker-1"}, {"0_2", "RESTORING", "worker-2", "no broker"}};
  snapshot.stores = {Store("0_1", "sales", 500), Store("0_0", "sales", 0)};
  const Health ready = Readiness(snapshot);
  EXPECT_FALSE(ready.ok);
  const auto body = nlohmann::json::parse(ready.body);
  ASSERT_EQ(body["restoring"].size(), 2u);
  EXPECT_EQ(body["restoring"][0]["store"], "sales");
  EXPECT_EQ(body["restoring"][1]["task"], "0_2");
  EXPECT_EQ(body["restoring"][1]["waits"], "no broker");
  EXPECT_FALSE(body["restoring"][1].contains("store"));
}

TEST(Health, AFullDiskIsAliveButNotReadyAndSaysWhere) {
  RuntimeSnapshot snapshot = Running();
  snapshot.disk_full = {"store 'sales' in 'state/shop/0_1/sales': no space"};
  EXPECT_TRUE(Liveness(snapshot).ok);
  const Health ready = Readiness(snapshot);
  EXPECT_FALSE(ready.ok);
  EXPECT_EQ(nlohmann::json::parse(ready.body)["disk_full"][0], snapshot.disk_full[0]);
  EXPECT_THAT(PrometheusText(snapshot), testing::HasSubstr("disk_full_workers{application=\"shop\"} 1"));
}

TEST(Health, AFailedApplicationIsNeitherAliveNorReadyAndSaysWhy) {
  RuntimeSnapshot snapshot = Running();
  snapshot.state = "ERROR";
  snapshot.error = "topic orders is gone";
  EXPECT_FALSE(Liveness(snapshot).ok);
  EXPECT_FALSE(Readiness(snapshot).ok);
  EXPECT_EQ(nlohmann::json::parse(Liveness(snapshot).body)["error"], "topic orders is gone");
}

TEST(Health, WhatStandsStillInThisProcessIsNotAliveAndNamed) {
  RuntimeSnapshot snapshot = Running();
  snapshot.stuck = {"worker-1 has hung"};
  const Health alive = Liveness(snapshot);
  EXPECT_FALSE(alive.ok);
  const auto body = nlohmann::json::parse(alive.body);
  EXPECT_EQ(body["alive"], false);
  EXPECT_EQ(body["stuck"][0], "worker-1 has hung");
  EXPECT_TRUE(Readiness(snapshot).ok);
}

TEST(Health, ARebalanceIsAliveButNotReady) {
  RuntimeSnapshot snapshot = Running();
  snapshot.state = "REBALANCING";
  EXPECT_TRUE(Liveness(snapshot).ok);
  EXPECT_FALSE(Readiness(snapshot).ok);
}

TEST(ProcessMemory, FillsOnlyWhatTheSnapshotLeavesOpen) {
  RuntimeSnapshot snapshot = Running();
  snapshot.memory_limit_bytes = 5;
  AddProcessMemory(&snapshot);
  EXPECT_GT(snapshot.process_rss_bytes, 1 << 20);
  EXPECT_EQ(snapshot.memory_limit_bytes, 5);
}

TEST(ProcessMemory, KnowsResidentMemoryAndALimitAboveIt) {
  const ProcessMemory memory = ReadProcessMemory();
  ASSERT_TRUE(memory.rss_bytes.has_value());
  ASSERT_TRUE(memory.limit_bytes.has_value());
  EXPECT_GT(*memory.rss_bytes, 1 << 20);
  EXPECT_GT(*memory.limit_bytes, *memory.rss_bytes);
}

}  // namespace
}  // namespace millrace
