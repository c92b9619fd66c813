#include "status/fleet_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "status/status_record.h"

namespace millrace {
namespace {

using internal::TaskStatus;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kNow = 1'000'000;

internal::Manifest FourTasks() {
  internal::Manifest manifest;
  manifest.set_topology_hash("abc");
  manifest.add_subtopologies()->set_tasks(4);
  return manifest;
}

internal::Instance Running(const std::string& id, const std::vector<std::string>& tasks, int64_t written = kNow - 2000) {
  internal::Instance instance;
  instance.set_id(id);
  instance.set_host("host-" + id);
  instance.set_pid(7);
  instance.set_state("RUNNING");
  instance.set_written_ms(written);
  instance.set_interval_ms(5000);
  internal::WorkerStatus* worker = instance.add_workers();
  worker->set_records_per_second(1200.6);
  worker->set_state_memory_bytes(12 << 20);
  for (const std::string& name : tasks) {
    TaskStatus* task = worker->add_tasks();
    task->set_id(name);
    task->set_state(TaskStatus::RUNNING);
    task->add_inputs()->set_lag(5);
  }
  return instance;
}

std::string Table(const std::vector<internal::Instance>& instances, std::optional<internal::Manifest> manifest = FourTasks()) {
  StatusTopicContents contents;
  if (manifest) contents.manifest = Encode(*manifest);
  for (const internal::Instance& instance : instances) contents.instances[instance.id()] = Encode(instance);
  return FleetTable("shop", contents, Timestamp::FromMillis(kNow)).value();
}

TEST(FleetTable, ShowsALineForEachInstance) {
  internal::Instance restoring = Running("b", {"0_2"});
  TaskStatus* task = restoring.mutable_workers(0)->add_tasks();
  task->set_id("0_3");
  task->set_state(TaskStatus::RESTORING);
  EXPECT_EQ(Table({Running("a", {"0_0", "0_1"}), restoring}),
            "application shop, topology abc, 4 tasks\n"
            "INSTANCE  HOST      STATE    WORKERS  TASKS  RESTORING  LAG  RECORDS/S  STATE-MEMORY  AGE\n"
            "a         host-a:7  RUNNING        1      2          0   10       1201        12 MiB  2 s\n"
            "b         host-b:7  RUNNING        1      1          1    5       1201        12 MiB  2 s\n");
}

TEST(FleetTable, TasksOfTheDeadAreNobodys) {
  const std::string table = Table({Running("a", {"0_0", "0_1"}), Running("b", {"0_2", "0_3"}, kNow - 600'000)});
  EXPECT_THAT(table, HasSubstr("b         host-b:7  GONE"));
  EXPECT_THAT(table, HasSubstr("10 min\n"));
  EXPECT_THAT(table, HasSubstr("tasks that no living instance has: 0_2 0_3\n"));
}

TEST(FleetTable, ALagThatIsNotKnownIsNotZero) {
  internal::Instance instance = Running("a", {"0_0"});
  instance.mutable_workers(0)->mutable_tasks(0)->add_inputs();
  EXPECT_THAT(Table({instance}), HasSubstr(" >=5 "));
  instance.mutable_workers(0)->mutable_tasks(0)->clear_inputs();
  instance.mutable_workers(0)->mutable_tasks(0)->add_inputs();
  EXPECT_THAT(Table({instance}), HasSubstr(" ? "));
}

TEST(FleetTable, SaysWhyAnInstanceFailed) {
  internal::Instance failed = Running("a", {});
  failed.set_state("ERROR");
  failed.set_error("disk full");
  EXPECT_THAT(Table({failed}), HasSubstr("instance a failed: disk full\n"));
}

TEST(FleetTable, SaysThatARecordIsOfANewerVersion) {
  StatusTopicContents contents;
  contents.manifest = Encode(FourTasks());
  internal::StatusRecord newer;
  newer.set_version(kStatusVersion + 1);
  contents.instances["n"] = newer.SerializeAsString();
  const std::string table = FleetTable("shop", contents, Timestamp::FromMillis(kNow)).value();
  EXPECT_THAT(table, HasSubstr("record of instance n: it was written by a newer version"));
  contents.manifest = newer.SerializeAsString();
  EXPECT_THAT(std::string(FleetTable("shop", contents, Timestamp::FromMillis(kNow)).status().message()),
              HasSubstr("manifest of application shop: it was written by a newer version"));
}

TEST(FleetTable, SaysThatNothingRanYetAndShortensLongLists) {
  EXPECT_THAT(Table({}, std::nullopt), HasSubstr("has not been started yet"));
  internal::Manifest large;
  large.add_subtopologies()->set_tasks(60);
  const std::string table = Table({}, large);
  EXPECT_THAT(table, HasSubstr(" 0_49 and 10 more\n"));
  EXPECT_THAT(table, Not(HasSubstr("0_50")));
}

}  // namespace
}  // namespace millrace
