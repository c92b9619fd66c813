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
  snapshot.rebalances = 3;
  snapshot.source_lag_records[{"orders", 2}] = 17;
  snapshot.records_consumed["orders"] = 100;
  snapshot.records_produced["facts"] = 7;
  snapshot.records_dropped["null-key"] = 4;
  snapshot.dlq_records["deserialization"] = 5;
  snapshot.last_commit_age_seconds = 1.5;
  snapshot.stores = {{"0_0", "sales", 12, true, 4096}};
  snapshot.process_rss_bytes = 1000;
  snapshot.memory_limit_bytes = 2000;
  const std::string text = PrometheusText(snapshot);
  for (const char* series :
       {"worker_failures_total{application=\"shop\"} 1\n", "rebalances_total{application=\"shop\"} 3\n",
        "source_lag_records{application=\"shop\",topic=\"orders\",partition=\"2\"} 17\n",
        "records_consumed_total{application=\"shop\",topic=\"orders\"} 100\n",
        "records_produced_total{application=\"shop\",topic=\"facts\"} 7\n",
        "records_dropped_total{application=\"shop\",reason=\"null-key\"} 4\n",
        "dlq_records_total{application=\"shop\",error=\"deserialization\"} 5\n",
        "last_commit_age_seconds{application=\"shop\"} 1.5\n",
        "restore_remaining_records{application=\"shop\",task=\"0_0\",store=\"sales\"} 12\n",
        "state_memory_bytes{application=\"shop\",task=\"0_0\",store=\"sales\"} 4096\n",
        "process_rss_bytes{application=\"shop\"} 1000\n", "memory_limit_bytes{application=\"shop\"} 2000\n"}) {
    EXPECT_THAT(text, HasSubstr(series));
  }
}

TEST(PrometheusText, WhatIsUnknownIsNotShown) {
  const std::string text = PrometheusText(Running());
  for (const char* name : {"last_commit_age_seconds", "state_memory_bytes", "memory_limit_bytes", "source_lag_records"}) {
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
  snapshot.stores = {{"0_0", "a", 1, true, 1}, {"0_1", "a", 1, true, 1}};
  const std::string text = PrometheusText(snapshot);
  for (const char* name : {"restore_remaining_records", "state_memory_bytes", "app_state"}) {
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
  snapshot.stores = {{"0_1", "sales", 500, true, {}}, {"0_0", "sales", 0, false, {}}};
  EXPECT_TRUE(Liveness(snapshot).ok);
  const Health ready = Readiness(snapshot);
  EXPECT_FALSE(ready.ok);
  const auto body = nlohmann::json::parse(ready.body);
  EXPECT_EQ(body["ready"], false);
  ASSERT_EQ(body["restoring"].size(), 1u);
  EXPECT_EQ(body["restoring"][0]["store"], "sales");
  EXPECT_EQ(body["restoring"][0]["task"], "0_1");
  EXPECT_EQ(body["restoring"][0]["remaining_records"], 500);
}

TEST(Health, AFailedApplicationIsNeitherAliveNorReadyAndSaysWhy) {
  RuntimeSnapshot snapshot = Running();
  snapshot.state = "ERROR";
  snapshot.error = "topic orders is gone";
  EXPECT_FALSE(Liveness(snapshot).ok);
  EXPECT_FALSE(Readiness(snapshot).ok);
  EXPECT_EQ(nlohmann::json::parse(Liveness(snapshot).body)["error"], "topic orders is gone");
}

TEST(Health, ARebalanceIsAliveButNotReady) {
  RuntimeSnapshot snapshot = Running();
  snapshot.state = "REBALANCING";
  EXPECT_TRUE(Liveness(snapshot).ok);
  EXPECT_FALSE(Readiness(snapshot).ok);
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
