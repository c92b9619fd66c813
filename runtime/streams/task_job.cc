#include "streams/task_job.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
#include "millrace/state/engine.h"
#include "millrace/state/internal/mutants.h"

namespace millrace {

absl::StatusOr<std::vector<StoreToRestore>> TaskJob::Open() {
  if (damaged_) {
    if (absl::Status status = SetAside(damaged_->store, damaged_->error); !status.ok()) return status;
    damaged_.reset();
  }
  if (absl::Status status = FindOffsets(); !status.ok()) return status;
  return Make();
}

absl::Status TaskJob::FindOffsets() {
  if (context_->predecessors != nullptr) {
    if (absl::Status status = context_->predecessors->EndThoseOf(spec_.sources); !status.ok()) return status;
  }
  if (cancelled_) return absl::CancelledError("the task is given back");
  auto committed = context_->member->Committed(spec_.sources);
  if (!committed.ok()) {
    return absl::Status(committed.status().code(), absl::StrCat("committed offsets of task ", spec_.id.ToString(), ": ",
                                                                std::string(committed.status().message())));
  }
  committed_ = *std::move(committed);
  for (const log::TopicPartition& partition : spec_.sources) {
    if (cancelled_) return absl::CancelledError("the task is given back");
    auto offset = StartOffset(*context_, partition, committed_);
    if (!offset.ok()) return offset.status();
    start_[partition] = *offset;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StoreToRestore>> TaskJob::Make() {
  // Each store can be set aside once: one that is empty and still does not open will not open the next time either.
  std::set<std::string> aside;
  while (true) {
    std::string failed;
    const absl::Status opened = OpenTask(&failed);
    if (opened.ok()) return StoresToRestore();
    // Closes the stores that are open: their files are to be free for what comes.
    task_.reset();
    if (!absl::IsDataLoss(opened) || failed.empty() || !aside.insert(failed).second) return opened;
    if (absl::Status status = SetAside(failed, opened); !status.ok()) return status;
  }
}

absl::Status TaskJob::OpenTask(std::string* failed_store) {
  if (absl::Status status = context_->directory->PrepareTask(spec_.id); !status.ok()) return status;
  auto nodes = context_->topology->Build(context_->options->application_id, spec_.id.subtopology);
  if (!nodes.ok()) return nodes.status();
  task_ = std::make_unique<StreamTask>(TaskOptions(), *std::move(nodes),
                                       context_->host->Engines(context_->directory->TaskPath(spec_.id), context_->rocksdb),
                                       worker_->producer());
  return task_->OpenStores(failed_store);
}

std::vector<StoreToRestore> TaskJob::StoresToRestore() const {
  std::vector<StoreToRestore> stores;
  const ProcessorTopology& topology = task_->topology();
  for (size_t i = 0; i < topology.stores.size(); ++i) {
    const SubtopologyStore& spec = topology.store_specs[i];
    if (spec.changelog_topic.empty()) continue;
    StoreToRestore store;
    store.name = topology.stores[i]->name();
    store.store = topology.stores[i].get();
    if (internal::Mutated(internal::Mutant::kStaleAfterFence) && store.store->PersistedOffset().value_or(std::nullopt)) continue;
    if (spec.source_topic_is_changelog) {
      store.changelog = {spec.changelog_topic, spec_.id.partition};
      auto it = committed_.find(store.changelog);
      store.limit = it == committed_.end() ? 0 : std::max<int64_t>(0, it->second.offset);
    } else {
      store.changelog = {absl::StrCat(context_->options->application_id, "-", spec.changelog_topic), spec_.id.partition};
    }
    stores.push_back(std::move(store));
  }
  return stores;
}

StreamTaskOptions TaskJob::TaskOptions() const {
  const StreamsOptions& from = *context_->options;
  StreamTaskOptions options;
  options.id = spec_.id;
  options.application_id = from.application_id;
  options.transactional_id = worker_->transactional_id();
  options.sources = spec_.sources;
  options.max_task_idle = from.max_task_idle;
  options.store_memory = context_->store_memory;
  options.caching = from.cache_max_bytes > 0;
  options.errors = from.errors;
  options.activity = worker_->activity();
  options.system_time = [host = context_->host] { return host->Now(); };
  // Only custom partitioners ask; each task keeps the answers.
  options.partition_count = [admin = &context_->client->admin(),
                             known = std::map<std::string, int32_t>()](const std::string& topic) mutable {
    if (auto it = known.find(topic); it != known.end()) return it->second;
    auto count = admin->PartitionCount(topic);
    if (!count.ok() || !count->has_value()) return -1;
    return known[topic] = **count;
  };
  return options;
}

absl::StatusOr<std::vector<StoreToRestore>> TaskJob::StartAfresh(const std::string& store, const absl::Status& reason) {
  task_.reset();
  if (absl::Status status = SetAside(store, reason); !status.ok()) return status;
  return Make();
}

absl::Status TaskJob::SetAside(const std::string& store, const absl::Status& reason) {
  auto aside = context_->directory->SetAside(spec_.id, store);
  if (!aside.ok()) {
    return absl::Status(aside.status().code(),
                        absl::StrCat("local state of store ", store, " cannot be used (", std::string(reason.message()),
                                     ") and cannot be moved aside: ", std::string(aside.status().message())));
  }
  bool logged = false;
  for (const Subtopology& sub : context_->topology->subtopologies()) {
    if (sub.id != spec_.id.subtopology) continue;
    for (const SubtopologyStore& spec : sub.stores) {
      logged = logged || (spec.builder->name() == store && !spec.changelog_topic.empty());
    }
  }
  // The reason ends with what to do.
  LogWarning(absl::StrCat("local state cannot be used: ", std::string(reason.message()), " - this is done: it is kept in ",
                          *aside, ", and the store ", logged ? "is rebuilt" : "starts empty, for it has no changelog"),
             {.event = "state-set-aside", .task = spec_.id.ToString(), .store = store});
  return absl::OkStatus();
}

absl::StatusOr<int64_t> StartOffset(const WorkerContext& context, const log::TopicPartition& partition,
                                    const log::Offsets& committed) {
  auto begin = context.client->admin().BeginningOffset(partition);
  if (!begin.ok()) return begin.status();
  const auto it = committed.find(partition);
  const bool internal = context.plan->repartition_topics.contains(partition.topic);
  const AutoOffsetReset reset = internal ? AutoOffsetReset::kEarliest : context.options->offset_reset;
  if (it != committed.end() && it->second.offset >= 0) {
    auto end = context.client->admin().EndOffset(partition, log::Isolation::kReadUncommitted);
    if (!end.ok()) return end.status();
    if (it->second.offset >= *begin && it->second.offset <= *end) return it->second.offset;
    LogWarning(absl::StrCat("the committed offset ", it->second.offset, " is outside the topic's ", *begin, " to ", *end,
                            "; reading from where auto.offset.reset says"),
               {.event = "offset-out-of-range", .topic = partition.topic, .partition = partition.partition});
  }
  if (reset == AutoOffsetReset::kEarliest) return *begin;
  return context.client->admin().EndOffset(partition, log::Isolation::kReadUncommitted);
}

void TaskJob::Finish(std::unique_ptr<RestoreJob> self) {
  worker_->Add({spec_, std::move(task_), std::move(committed_), std::move(start_)});
  running_(spec_.number);
  self.reset();
}

void TaskJob::Fail(const absl::Status& error) {
  if (absl::IsCancelled(error)) return;  // the instance is ending
  context_->failed(absl::Status(error.code(), absl::StrCat("task ", spec_.id.ToString(), ": ", std::string(error.message()))));
}

}  // namespace millrace
