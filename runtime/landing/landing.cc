#include "landing/landing.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "landing/landing_shares.h"
#include "millrace/runtime/logging.h"

namespace millrace {
namespace {

// New partitions of a topic are found within this time.
constexpr std::chrono::milliseconds kTopicsInterval{10000};

}  // namespace

Landing::Landing(LandingOptions options, warehouse::Warehouse* warehouse, log::LogClient* client, Host* host,
                 LandingListener listener)
    : options_(std::move(options)),
      client_(client),
      host_(host),
      listener_(std::move(listener)),
      stop_signal_(host->NewSignal()) {
  context_.host = host;
  context_.client = client;
  context_.warehouse = warehouse;
  context_.commit_interval = options_.commit_interval;
  context_.commit_bytes = options_.commit_bytes;
  context_.idle_topic = LandingTaskTopic(options_.application_id, options_.sink);
  context_.committed = [this](const std::string& topic, const auto& positions) { CommitToGroup(topic, positions); };
  context_.failed_table_pause = options_.failed_table_pause;
  context_.table_failed = listener_.table_failed;
  context_.table_goes_on = listener_.table_goes_on;
}

Landing::~Landing() { Close(); }

absl::Status Landing::Start() {
  if (absl::Status status =
          EnsureLandingTaskTopic(options_.application_id, options_.replication_factor, &client_->admin(), options_.sink);
      !status.ok()) {
    return status;
  }
  for (const warehouse::LandingDescription& table : options_.tables) {
    if (absl::Status status = LookAtTopic(table, /*first=*/true); !status.ok()) return status;
  }
  const size_t threads =
      std::clamp<size_t>(static_cast<size_t>(options_.threads), 1, std::max<size_t>(1, options_.tables.size()));
  context_.fetch_bytes = options_.fetch_bytes / static_cast<int64_t>(threads);
  {
    const std::lock_guard lock(mutex_);
    int partitions = 0;
    for (const auto& [topic, count] : partitions_) partitions += count;
    context_.max_partitions = std::max(1, partitions);
  }
  std::vector<std::vector<warehouse::LandingDescription>> tables(threads);
  for (size_t i = 0; i < options_.tables.size(); ++i) {
    worker_of_topic_[options_.tables[i].topic] = i % threads;
    tables[i % threads].push_back(options_.tables[i]);
  }
  for (size_t i = 0; i < threads; ++i) {
    workers_.push_back(std::make_unique<LandingWorker>(static_cast<int>(i), &context_, std::move(tables[i])));
    if (absl::Status status = workers_.back()->Start(); !status.ok()) return status;
  }
  TaskHolder* const holder = this;
  member_ = std::make_unique<GroupMember>(host_, holder, [this](const absl::Status& status) { Fail(status); });
  const log::MembershipOptions membership{LandingGroup(options_.application_id, options_.sink),
                                          LandingTaskTopic(options_.application_id, options_.sink), options_.group_instance_id};
  if (absl::Status status = member_->Start(client_, membership); !status.ok()) return status;
  watch_ = host_->StartThread("landing-topics", [this] { Watch(); });
  return absl::OkStatus();
}

void Landing::Close() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stop_, true)) return;
  }
  stop_signal_->Notify();
  if (watch_) watch_->Join();
  if (member_) {
    member_->RequestStop();
    member_->Join();
  }
  for (const auto& worker : workers_) worker->Stop();
  if (member_) member_->Disconnect();
}

std::vector<LandingProgress> Landing::progress() const {
  std::vector<LandingProgress> all;
  for (const auto& worker : workers_) {
    for (LandingProgress& progress : worker->progress()) all.push_back(std::move(progress));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.topic < b.topic; });
  return all;
}

LandingWorker& Landing::WorkerOf(const std::string& topic) { return *workers_[worker_of_topic_.at(topic)]; }

std::vector<log::TopicPartition> Landing::PartitionsOf(const std::vector<int32_t>& shares) const {
  const std::set<int32_t> wanted(shares.begin(), shares.end());
  std::vector<log::TopicPartition> partitions;
  for (const auto& [topic, count] : partitions_) {
    for (int32_t p = 0; p < count; ++p) {
      if (wanted.contains(LandingShare(topic, p))) partitions.push_back({topic, p});
    }
  }
  return partitions;
}

void Landing::Take(const std::vector<int32_t>& shares) {
  const std::lock_guard lock(mutex_);
  shares_.insert(shares.begin(), shares.end());
  std::map<LandingWorker*, std::vector<log::TopicPartition>> by_worker;
  for (log::TopicPartition& partition : PartitionsOf(shares))
    by_worker[&WorkerOf(partition.topic)].push_back(std::move(partition));
  for (auto& [worker, partitions] : by_worker) worker->Take(std::move(partitions));
}

void Landing::Release(const std::vector<int32_t>& shares, bool commit) {
  std::map<LandingWorker*, std::vector<log::TopicPartition>> by_worker;
  bool ending = false;
  {
    const std::lock_guard lock(mutex_);
    ending = stop_;
    for (const int32_t share : shares) shares_.erase(share);
    for (log::TopicPartition& partition : PartitionsOf(shares))
      by_worker[&WorkerOf(partition.topic)].push_back(std::move(partition));
  }
  // The group waits for this answer, and not for longer than it lets a member be silent.
  const std::chrono::milliseconds patience = options_.max_poll_interval / 2;
  for (auto& [worker, partitions] : by_worker) worker->Release(std::move(partitions), commit, patience, ending);
}

void Landing::Watch() {
  SetLogThreadName("landing-topics");
  while (true) {
    stop_signal_->Wait(kTopicsInterval);
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
    }
    for (const warehouse::LandingDescription& table : options_.tables) {
      if (const absl::Status status = LookAtTopic(table, /*first=*/false); !status.ok()) {
        LogWarning(absl::StrCat("looking for new partitions: ", std::string(status.message()), "; this is repeated"),
                   {.event = "landing-topics-unknown", .topic = table.topic});
      }
    }
  }
}

absl::Status Landing::LookAtTopic(const warehouse::LandingDescription& table, bool first) {
  absl::StatusOr<std::optional<int32_t>> count = client_->admin().PartitionCount(table.topic);
  if (!count.ok()) return count.status();
  if (!count->has_value()) {
    return absl::NotFoundError(absl::StrCat("topic ", table.topic, ", which is to be landed in table ", table.name_space, ".",
                                            table.table, ", does not exist: create it, or correct its name in ", options_.sink,
                                            ".table.*"));
  }
  std::vector<log::TopicPartition> added;
  {
    const std::lock_guard lock(mutex_);
    int32_t& known = partitions_[table.topic];
    for (int32_t p = known; p < **count; ++p) {
      if (shares_.contains(LandingShare(table.topic, p))) added.push_back({table.topic, p});
    }
    if (!first && **count > known) {
      LogInfo(absl::StrCat("topic ", table.topic, " has ", **count, " partitions now, ", known, " before"),
              {.event = "landing-partitions-added", .topic = table.topic});
    }
    known = std::max(known, **count);
  }
  if (!added.empty()) WorkerOf(table.topic).Take(std::move(added));
  return absl::OkStatus();
}

void Landing::Fail(const absl::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(failed_once_, true)) return;
  }
  listener_.failed(status);
}

// Lag tools look there. What is landed does not depend on it, so that an error is of no consequence.
void Landing::CommitToGroup(const std::string& topic, const std::map<int32_t, int64_t>& positions) {
  log::Offsets offsets;
  std::vector<int32_t> shares;
  for (const auto& [p, position] : positions) {
    offsets[{topic, p}] = {position, ""};
    shares.push_back(LandingShare(topic, p));
  }
  (void)member_->Commit(shares, offsets);
}

}  // namespace millrace
