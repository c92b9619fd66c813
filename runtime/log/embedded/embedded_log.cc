#include "log/embedded/embedded_log.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "log/embedded/clients.h"
#include "log/embedded/state.h"
#include "log/partitioner.h"

namespace millrace::log::embedded {

absl::Status EmbeddedLog::State::CreateTopic(const std::string& name, int32_t partitions) {
  if (name.empty() || partitions < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot create topic '", name, "' with ", partitions, " partitions: at least one is needed"));
  }
  const std::lock_guard lock(mutex_);
  auto [it, created] = topics_.try_emplace(name);
  if (!created) return absl::AlreadyExistsError(absl::StrCat("topic ", name, " exists already"));
  it->second = std::make_shared<Topic>(name, partitions);
  return absl::OkStatus();
}

absl::Status EmbeddedLog::State::DeleteTopic(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (topics_.erase(name) == 0) return NoSuchTopic(name);
  return absl::OkStatus();
}

std::shared_ptr<Topic> EmbeddedLog::State::Find(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  auto it = topics_.find(name);
  return it == topics_.end() ? nullptr : it->second;
}

absl::StatusOr<std::shared_ptr<Topic>> EmbeddedLog::State::Find(const TopicPartition& partition) const {
  std::shared_ptr<Topic> topic = Find(partition.topic);
  if (!topic) return NoSuchTopic(partition.topic);
  if (partition.partition < 0 || partition.partition >= topic->partition_count()) {
    return absl::InvalidArgumentError(absl::StrCat("topic ", partition.topic, " has ", topic->partition_count(),
                                                   " partitions, not partition ", partition.partition));
  }
  return topic;
}

std::vector<std::string> EmbeddedLog::State::ListTopics() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, topic] : topics_) names.push_back(name);
  return names;
}

int64_t EmbeddedLog::State::stored_bytes() const {
  const std::shared_lock lock(mutex_);
  int64_t sum = 0;
  for (const auto& [name, topic] : topics_) {
    for (int32_t i = 0; i < topic->partition_count(); ++i) sum += topic->partition(i)->stored_bytes();
  }
  return sum;
}

std::shared_ptr<Group> EmbeddedLog::State::FindGroup(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  auto it = groups_.find(name);
  return it == groups_.end() ? nullptr : it->second;
}

std::shared_ptr<Group> EmbeddedLog::State::MakeGroup(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Group>& group = groups_[name];
  if (!group) group = std::make_shared<Group>(host_, name, options_.session_timeout);
  return group;
}

absl::Status EmbeddedLog::State::DeleteGroup(const std::string& name) {
  std::shared_ptr<Group> group = FindGroup(name);
  if (!group) return absl::NotFoundError(absl::StrCat("group ", name, " does not exist"));
  // Not under the lock: a group asks for its task count under its own.
  if (group->HasMembers()) {
    return absl::FailedPreconditionError(absl::StrCat("group ", name, " has members; stop the application first"));
  }
  const std::lock_guard lock(mutex_);
  groups_.erase(name);
  return absl::OkStatus();
}

absl::StatusOr<int32_t> EmbeddedLog::State::ChoosePartition(Topic* topic, std::optional<int32_t> partition,
                                                            NullableBytesView key) {
  const int32_t count = topic->partition_count();
  const int32_t chosen = partition ? *partition : key ? PartitionOf(*key, count) : topic->NextInTurn();
  if (chosen < 0 || chosen >= count) {
    return absl::InvalidArgumentError(
        absl::StrCat("topic ", topic->name(), " has ", count, " partitions, not partition ", chosen));
  }
  return chosen;
}

absl::StatusOr<Appended> EmbeddedLog::State::Append(Topic* topic, std::optional<int32_t> partition, NullableBytesView key,
                                                    NullableBytesView value, Timestamp timestamp, const Headers& headers) {
  absl::StatusOr<int32_t> chosen = ChoosePartition(topic, partition, key);
  if (!chosen.ok()) return chosen.status();
  if (timestamp.millis() < 0) timestamp = host_->Now();
  return Appended{*chosen, topic->partition(*chosen)->Append(key, value, timestamp, headers)};
}

absl::StatusOr<Offsets> EmbeddedLog::State::StableCommitted(Group* group, const std::vector<TopicPartition>& partitions) {
  constexpr std::chrono::milliseconds kLook{5};
  while (group->Unstable(partitions)) {
    transactions_.ExpireOld();
    host_->Sleep(kLook);
  }
  return group->Committed(partitions);
}

EmbeddedLog::EmbeddedLog(Host& host, const EmbeddedLogOptions& options) : state_(std::make_shared<State>(&host, options)) {}
EmbeddedLog::~EmbeddedLog() = default;

std::unique_ptr<LogClient> EmbeddedLog::NewClient() { return MakeClient(state_); }

absl::Status EmbeddedLog::CreateTopic(const std::string& topic, int32_t partitions) {
  return state_->CreateTopic(topic, partitions);
}

std::optional<int32_t> EmbeddedLog::PartitionCount(const std::string& topic) const {
  std::shared_ptr<Topic> found = state_->Find(topic);
  return found ? std::optional(found->partition_count()) : std::nullopt;
}

std::vector<std::string> EmbeddedLog::ListTopics() const { return state_->ListTopics(); }

absl::StatusOr<int64_t> EmbeddedLog::Append(const std::string& topic, std::optional<int32_t> partition, NullableBytesView key,
                                            NullableBytesView value, Timestamp timestamp, const Headers& headers) {
  std::shared_ptr<Topic> found = state_->Find(topic);
  if (!found) return NoSuchTopic(topic);
  absl::StatusOr<Appended> appended = state_->Append(found.get(), partition, key, value, timestamp, headers);
  if (!appended.ok()) return appended.status();
  return appended->offset;
}

absl::StatusOr<int64_t> EmbeddedLog::Scan(const TopicPartition& partition, int64_t from, int64_t max_records,
                                          absl::FunctionRef<void(const RawRecord&)> take, Isolation isolation) const {
  absl::StatusOr<std::shared_ptr<Topic>> topic = state_->Find(partition);
  if (!topic.ok()) return topic.status();
  PartitionLog::Cursor cursor{from, nullptr, 0};
  Headers scratch;
  bool reached_end = false;
  const auto limit = static_cast<int>(std::min<int64_t>(max_records, std::numeric_limits<int>::max()));
  absl::StatusOr<int> taken =
      (*topic)->partition(partition.partition)->Read(&cursor, isolation, limit, take, &scratch, &reached_end);
  if (!taken.ok()) return taken.status();
  return cursor.next;
}

absl::StatusOr<std::vector<StoredRecord>> EmbeddedLog::Read(const std::string& topic, int32_t partition, int64_t from,
                                                            Isolation isolation) const {
  std::vector<StoredRecord> records;
  absl::StatusOr<int64_t> next = Scan(
      {topic, partition}, from, std::numeric_limits<int64_t>::max(),
      [&records](const RawRecord& record) {
        StoredRecord& copy = records.emplace_back();
        if (record.key) copy.key.emplace(*record.key);
        if (record.value) copy.value.emplace(*record.value);
        copy.timestamp = record.timestamp;
        copy.headers = *record.headers;
        copy.partition = record.partition;
        copy.offset = record.offset;
      },
      isolation);
  if (!next.ok()) return next.status();
  return records;
}

absl::StatusOr<int64_t> EmbeddedLog::BeginningOffset(const TopicPartition& partition) const {
  absl::StatusOr<std::shared_ptr<Topic>> topic = state_->Find(partition);
  if (!topic.ok()) return topic.status();
  return (*topic)->partition(partition.partition)->begin();
}

absl::StatusOr<int64_t> EmbeddedLog::EndOffset(const TopicPartition& partition) const {
  absl::StatusOr<std::shared_ptr<Topic>> topic = state_->Find(partition);
  if (!topic.ok()) return topic.status();
  return (*topic)->partition(partition.partition)->end();
}

void EmbeddedLog::CommitOffsets(const std::string& group, const Offsets& offsets) {
  state_->MakeGroup(group)->CommitUnchecked(offsets);
}

Offsets EmbeddedLog::CommittedOffsets(const std::string& group, const std::vector<TopicPartition>& partitions) const {
  std::shared_ptr<Group> found = state_->FindGroup(group);
  return found ? found->Committed(partitions) : Offsets{};
}

absl::Status EmbeddedLog::ExpireMember(const std::string& group, const std::string& member_id) {
  std::shared_ptr<Group> found = state_->FindGroup(group);
  if (!found) return absl::NotFoundError(absl::StrCat("group ", group, " does not exist"));
  return found->Expire(member_id);
}

int64_t EmbeddedLog::stored_bytes() const { return state_->stored_bytes(); }

}  // namespace millrace::log::embedded
