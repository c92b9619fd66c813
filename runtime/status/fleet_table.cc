#include "status/fleet_table.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "status/status_record.h"
#include "status/text_table.h"
#include "task/located_status.h"

namespace millrace {
namespace {

using internal::Instance;
using internal::TaskStatus;
using internal::WorkerStatus;
using Row = std::vector<std::string>;

constexpr size_t kShownTasks = 50;

std::string Memory(int64_t bytes) {
  if (bytes < int64_t{10} << 20) return absl::StrCat(bytes >> 10, " KiB");
  if (bytes < int64_t{10} << 30) return absl::StrCat(bytes >> 20, " MiB");
  return absl::StrCat(bytes >> 30, " GiB");
}

std::string Age(std::chrono::milliseconds age) {
  const int64_t seconds = age.count() / 1000;
  if (seconds < 120) return absl::StrCat(seconds, " s");
  if (seconds < 2 * 3600) return absl::StrCat(seconds / 60, " min");
  return absl::StrCat(seconds / 3600, " h");
}

struct Sums {
  int64_t running = 0;
  int64_t restoring = 0;
  int64_t lag = 0;
  int known = 0;
  int unknown = 0;
  double rate = 0;
  int64_t memory = 0;
};

Sums Add(const Instance& instance) {
  Sums sums;
  for (const WorkerStatus& worker : instance.workers()) {
    sums.rate += worker.records_per_second();
    sums.memory += worker.state_memory_bytes();
    for (const TaskStatus& task : worker.tasks()) {
      ++(task.state() == TaskStatus::RUNNING ? sums.running : sums.restoring);
      for (const internal::InputStatus& input : task.inputs()) {
        sums.lag += input.lag();
        ++(input.has_lag() ? sums.known : sums.unknown);
      }
    }
  }
  return sums;
}

std::string Lag(const Sums& sums) {
  if (sums.unknown == 0) return absl::StrCat(sums.lag);
  return sums.known == 0 ? "?" : absl::StrCat(">=", sums.lag);
}

Row Line(const Instance& instance, Timestamp now) {
  const Sums sums = Add(instance);
  return {instance.id(),
          absl::StrCat(instance.host(), ":", instance.pid()),
          IsAlive(instance, now) ? instance.state() : "GONE",
          absl::StrCat(instance.workers_size()),
          absl::StrCat(sums.running),
          absl::StrCat(sums.restoring),
          Lag(sums),
          absl::StrCat(std::llround(sums.rate)),
          Memory(sums.memory),
          Age(AgeOf(instance, now))};
}

std::vector<std::string> AllTasks(const internal::Manifest& manifest) {
  std::vector<std::string> tasks;
  for (const internal::Subtopology& sub : manifest.subtopologies()) {
    for (int32_t p = 0; p < sub.tasks(); ++p) tasks.push_back(TaskId{sub.id(), p}.ToString());
  }
  return tasks;
}

std::string WithoutOwner(std::vector<std::string> tasks) {
  if (tasks.empty()) return "";
  const size_t more = tasks.size() - std::min(tasks.size(), kShownTasks);
  tasks.resize(tasks.size() - more);
  return absl::StrCat("tasks that no living instance has: ", absl::StrJoin(tasks, " "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "", "\n");
}

}  // namespace

absl::StatusOr<std::string> FleetTable(const std::string& application_id, const StatusTopicContents& contents, Timestamp now) {
  if (!contents.manifest) {
    return absl::StrCat("application ", application_id, " has not been started yet: its status topic has no manifest\n");
  }
  const auto manifest = DecodeManifest(*contents.manifest);
  if (!manifest.ok()) return At(manifest.status(), "manifest of application " + application_id);
  std::vector<Row> rows = {
      {"INSTANCE", "HOST", "STATE", "WORKERS", "TASKS", "RESTORING", "LAG", "RECORDS/S", "STATE-MEMORY", "AGE"}};
  std::string remarks;
  std::set<std::string> owned;
  for (const auto& [id, value] : contents.instances) {
    const auto instance = DecodeInstance(value);
    if (!instance.ok()) {
      absl::StrAppend(&remarks, "record of instance ", id, ": ", std::string(instance.status().message()), "\n");
      continue;
    }
    rows.push_back(Line(*instance, now));
    if (!instance->error().empty()) absl::StrAppend(&remarks, "instance ", id, " failed: ", instance->error(), "\n");
    if (!IsAlive(*instance, now)) continue;
    for (const WorkerStatus& worker : instance->workers()) {
      for (const TaskStatus& task : worker.tasks()) owned.insert(task.id());
    }
  }
  std::vector<std::string> tasks = AllTasks(*manifest);
  std::string text = absl::StrCat("application ", application_id, ", topology ", manifest->topology_hash(), ", ", tasks.size(),
                                  tasks.size() == 1 ? " task\n" : " tasks\n");
  std::erase_if(tasks, [&](const std::string& task) { return owned.contains(task); });
  absl::StrAppend(&text, TextTable(rows, {.numbers = {3, 4, 5, 6, 7, 8, 9}}), remarks, WithoutOwner(std::move(tasks)));
  return text;
}

}  // namespace millrace
