#include "streams/worker_watch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace millrace {
namespace {

constexpr std::chrono::seconds kLongestLook{1};

const char* Words(WorkerActivity::Doing doing) {
  switch (doing) {
    case WorkerActivity::kBetweenTasks:
      return "looking for work";
    case WorkerActivity::kStarting:
      return "initialising a task";
    case WorkerActivity::kProcessing:
      return "processing a record";
    case WorkerActivity::kPunctuating:
      return "a punctuation";
    case WorkerActivity::kForwarding:
      return "forwarding cached results";
    case WorkerActivity::kCommitting:
      return "committing";
    case WorkerActivity::kDelivering:
      return "waiting for a broker to take records";
    case WorkerActivity::kClosing:
      return "closing a task";
    case WorkerActivity::kDiskFull:
      return "waiting for space on the disk";
  }
  return "something unknown";
}

}  // namespace

std::string ActivityPlace::ToString() const {
  std::string where;
  if (!task.empty()) absl::StrAppend(&where, "task ", task);
  if (!topic.empty()) absl::StrAppend(&where, ", topic ", topic);
  if (partition) absl::StrAppend(&where, ", partition ", *partition);
  if (offset) absl::StrAppend(&where, ", offset ", *offset);
  return where.empty() ? what : absl::StrCat(what, " (", where, ")");
}

LogFields ActivityPlace::Fields(std::string_view event) const {
  return {.event = event, .task = task, .store = {}, .topic = topic, .partition = partition, .offset = offset};
}

ActivityPlace PlaceOf(const WorkerActivity::View& view, const TopologyPlan& plan) {
  ActivityPlace place;
  place.what = Words(view.doing);
  if (view.task < 0 || static_cast<size_t>(view.task) >= plan.tasks.size()) return place;
  const TaskSpec& task = plan.tasks[static_cast<size_t>(view.task)];
  place.task = task.id.ToString();
  if (view.source < 0 || static_cast<size_t>(view.source) >= task.sources.size()) return place;
  const log::TopicPartition& source = task.sources[static_cast<size_t>(view.source)];
  place.topic = source.topic;
  place.partition = source.partition;
  if (view.offset >= 0) place.offset = view.offset;
  return place;
}

std::chrono::nanoseconds WorkerWatch::Look(const WorkerActivity::View& view, std::chrono::nanoseconds now) {
  if (steps_ != view.steps) {
    steps_ = view.steps;
    silence_ = std::chrono::nanoseconds(0);
  } else {
    silence_ += std::min<std::chrono::nanoseconds>(now - looked_, kLongestLook);
  }
  looked_ = now;
  return silence_;
}

}  // namespace millrace
