#include "streams/task_manager.h"

#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/internal/mutants.h"
#include "streams/task_job.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kLook{100};

}  // namespace

size_t TaskManager::LeastLoaded(int32_t subtopology) const {
  // Few tasks first; among equals the one with fewest of this sub-topology, whose tasks cost about the same.
  std::vector<std::tuple<int, int>> loads(workers_->size(), {0, 0});
  for (const auto& [task, place] : places_) {
    ++std::get<0>(loads[place.worker]);
    if (context_->plan->tasks[static_cast<size_t>(task)].id.subtopology == subtopology) ++std::get<1>(loads[place.worker]);
  }
  size_t best = 0;
  for (size_t i = 1; i < loads.size(); ++i) {
    if (loads[i] < loads[best]) best = i;
  }
  return best;
}

void TaskManager::Take(const std::vector<int32_t>& tasks) {
  std::vector<std::pair<int32_t, Worker*>> placed;
  {
    const std::lock_guard lock(mutex_);
    joined_ = true;
    rebalancing_ = false;
    for (const int32_t task : tasks) {
      if (places_.contains(task)) continue;
      const size_t worker = LeastLoaded(context_->plan->tasks[static_cast<size_t>(task)].id.subtopology);
      places_[task] = {worker, false};
      placed.emplace_back(task, (*workers_)[worker].get());
    }
  }
  for (const auto& [task, worker] : placed) restorer_->Add(NewJob(task, worker));
  changed_();
}

std::unique_ptr<RestoreJob> TaskManager::NewJob(int32_t task, Worker* worker, const DamagedStores& damaged) {
  auto job = std::make_unique<TaskJob>(context_, context_->plan->tasks[static_cast<size_t>(task)], worker,
                                       [this](int32_t number) { Running(number); });
  if (const auto store = damaged.find(task); store != damaged.end()) job->SetAsideFirst(store->second);
  return job;
}

void TaskManager::Reopen(const std::vector<int32_t>& tasks, const DamagedStores& damaged) {
  {
    // The restorer gets them under the lock, so that a release that comes now finds and cancels them.
    const std::lock_guard lock(mutex_);
    for (const int32_t task : tasks) {
      const auto place = places_.find(task);
      if (place == places_.end() || releasing_.contains(task)) continue;
      place->second.running = false;
      restorer_->Add(NewJob(task, (*workers_)[place->second.worker].get(), damaged));
    }
  }
  changed_();
}

void TaskManager::Running(int32_t task) {
  {
    const std::lock_guard lock(mutex_);
    if (auto it = places_.find(task); it != places_.end()) it->second.running = true;
  }
  changed_();
}

void TaskManager::Release(const std::vector<int32_t>& tasks, bool commit) {
  std::map<size_t, std::vector<int32_t>> by_worker;
  {
    const std::lock_guard lock(mutex_);
    rebalancing_ = true;
    releasing_.insert(tasks.begin(), tasks.end());
    for (const int32_t task : tasks) {
      if (auto it = places_.find(task); it != places_.end()) by_worker[it->second.worker].push_back(task);
    }
  }
  changed_();
  restorer_->Cancel(tasks);
  std::vector<std::pair<size_t, std::shared_ptr<Worker::Answer>>> answers;
  for (const auto& [worker, numbers] : by_worker) {
    answers.emplace_back(worker, (*workers_)[worker]->RequestRelease(numbers, commit));
  }
  const bool wait = commit || !internal::Mutated(internal::Mutant::kCommitOfLostTask);
  for (const auto& [worker, answer] : answers) {
    if (wait) Await(worker, answer);
  }
  {
    const std::lock_guard lock(mutex_);
    for (const int32_t task : tasks) {
      places_.erase(task);
      releasing_.erase(task);
    }
  }
  changed_();
}

void TaskManager::Await(size_t worker, const std::shared_ptr<Worker::Answer>& answer) {
  while (!answer->given()) {
    answer->WaitFor(kLook);
    (void)LookAtWorkers();
    if (answer->given() || !watched_[worker].told) continue;
    answer->Abandon();
    (*workers_)[worker]->activity()->Interrupt();
    abandoned_.push_back(answer);
    return;
  }
}

bool TaskManager::LookAtWorkers() {
  watched_.resize(workers_->size());
  const std::chrono::nanoseconds now = context_->host->Monotonic();
  bool any = false;
  for (size_t i = 0; i < watched_.size(); ++i) {
    Watched& watched = watched_[i];
    Worker& worker = *(*workers_)[i];
    const WorkerActivity::View view = worker.activity()->Look();
    const std::chrono::nanoseconds before = watched.watch.silence();
    const bool silent = watched.watch.Look(view, now) >= context_->options->max_poll_interval;
    any = any || silent;
    if (silent == std::exchange(watched.told, silent)) continue;
    const ActivityPlace place = PlaceOf(view, *context_->plan);
    std::string what;
    if (silent) {
      what = absl::StrCat(worker.name(), " has hung for ", context_->options->max_poll_interval.count(),
                          " ms (max.poll.interval.ms) in ", place.ToString());
      LogError(absl::StrCat(what, ": its tasks are given up, and what it has done since its last commit will be thrown away"),
               place.Fields("worker-hung"));
    } else {
      LogWarning(absl::StrCat(worker.name(), " goes on after ", std::chrono::duration_cast<std::chrono::seconds>(before).count(),
                              " s; its tasks were given up meanwhile"),
                 {.event = "worker-goes-on"});
    }
    const std::lock_guard lock(mutex_);
    if (silent) {
      hung_[i] = what;
    } else {
      hung_.erase(i);
    }
  }
  return any;
}

bool TaskManager::stuck() {
  std::erase_if(abandoned_, [](const auto& answer) { return answer->given(); });
  return LookAtWorkers() || !abandoned_.empty();
}

std::vector<std::string> TaskManager::hung() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> hung;
  for (const auto& [worker, what] : hung_) hung.push_back(what);
  return hung;
}

bool TaskManager::settled() const {
  const std::lock_guard lock(mutex_);
  if (!joined_ || rebalancing_) return false;
  for (const auto& [task, place] : places_) {
    if (!place.running) return false;
  }
  return true;
}

TaskManager::Counts TaskManager::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts;
  for (const auto& [task, place] : places_) ++(place.running ? counts.running : counts.restoring);
  return counts;
}

std::vector<std::pair<TaskId, std::string>> TaskManager::restoring() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<TaskId, std::string>> restoring;
  for (const auto& [task, place] : places_) {
    if (!place.running) {
      restoring.emplace_back(context_->plan->tasks[static_cast<size_t>(task)].id, (*workers_)[place.worker]->name());
    }
  }
  return restoring;
}

}  // namespace millrace
