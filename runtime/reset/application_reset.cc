#include "reset/application_reset.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "status/status_record.h"
#include "status/status_topic.h"
#include "streams/state_directory.h"
#include "task/located_status.h"

namespace millrace {
namespace {

constexpr int64_t kSecondMs = 1000;
constexpr int64_t kMinuteMs = 60 * kSecondMs;
constexpr int64_t kHourMs = 60 * kMinuteMs;
constexpr int64_t kDayMs = 24 * kHourMs;
// So many partitions are listed one by one.
constexpr size_t kListed = 50;

// One part of an ISO 8601 duration: a number and its unit. 0 = no such unit there.
int64_t UnitMs(char unit, bool time) {
  switch (unit) {
    case 'D':
      return time ? 0 : kDayMs;
    case 'H':
      return time ? kHourMs : 0;
    case 'M':
      return time ? kMinuteMs : 0;
    case 'S':
      return time ? kSecondMs : 0;
    default:
      return 0;
  }
}

std::optional<int64_t> ParseDurationMs(std::string_view text) {
  if (text.size() < 3 || text.front() != 'P') return std::nullopt;
  bool time = false;
  int64_t sum = 0;
  size_t at = 1;
  while (at < text.size()) {
    if (text[at] == 'T' && !time) {
      time = true;
      ++at;
      continue;
    }
    const size_t unit = text.find_first_not_of("0123456789", at);
    int64_t number = 0;
    if (unit == std::string_view::npos || !absl::SimpleAtoi(absl::string_view(text.data() + at, unit - at), &number)) {
      return std::nullopt;
    }
    const int64_t unit_ms = UnitMs(text[unit], time);
    if (unit_ms == 0) return std::nullopt;
    if (number > (int64_t{1} << 40)) return std::nullopt;
    sum += number * unit_ms;
    at = unit + 1;
  }
  return text.back() == 'T' ? std::nullopt : std::optional<int64_t>(sum);
}

class Planner {
 public:
  Planner(const Topology& topology, const StreamsOptions& options, const ResetTarget& target, log::LogClient* client, Host* host)
      : topology_(topology), options_(options), target_(target), client_(client), host_(host) {}

  absl::StatusOr<ResetPlan> Run() {
    plan_.application_id = options_.application_id;
    for (const auto step : {&Planner::CheckMembers, &Planner::PlanTopics, &Planner::PlanPositions}) {
      if (absl::Status status = (this->*step)(); !status.ok()) return status;
    }
    const std::string path = absl::StrCat(options_.state_dir, "/", options_.application_id);
    if (host_->files().Exists(path)) plan_.state_path = path;
    return std::move(plan_);
  }

  absl::Status CheckMembers() {
    auto members = client_->admin().GroupClientIds(options_.application_id);
    if (!members.ok()) return members.status();
    if (members->empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "application ", options_.application_id, " has ", members->size(), " members (", absl::StrJoin(*members, ", "),
        "); stop them first. One that crashed is forgotten after session.timeout.ms"));
  }

 private:
  [[nodiscard]] std::string Full(const std::string& internal) const {
    return absl::StrCat(options_.application_id, "-", internal);
  }

  void AddTopicsOfProgram(std::set<std::string>* names) {
    for (const Subtopology& sub : topology_.subtopologies()) {
      for (const std::string& topic : sub.source_topics) sources_.insert(topic);
      for (const InternalTopic& topic : sub.repartition_topics) names->insert(Full(topic.name));
      for (const InternalTopic& topic : sub.changelog_topics) names->insert(Full(topic.name));
    }
    names->insert(Full("tasks"));
  }

  // The application that ran may have been another version of this program.
  absl::Status AddTopicsOfManifest(std::set<std::string>* names) {
    auto contents = ReadStatusTopic(plan_.status_topic, client_, host_);
    if (!contents.ok()) return contents.status();
    plan_.interrupted = contents->reset_under_way;
    if (!contents->manifest) return absl::OkStatus();
    const auto manifest = DecodeManifest(*contents->manifest);
    if (!manifest.ok()) return At(manifest.status(), absl::StrCat("manifest in topic ", plan_.status_topic));
    for (const internal::Subtopology& sub : manifest->subtopologies()) {
      for (const internal::SourceTopic& source : sub.sources()) {
        if (source.topic().ends_with("-repartition")) names->insert(source.topic());
      }
      for (const internal::Store& store : sub.stores()) {
        if (store.changelog_topic().ends_with("-changelog")) names->insert(Full(store.changelog_topic()));
      }
    }
    return absl::OkStatus();
  }

  absl::Status PlanTopics() {
    auto there = client_->admin().ListTopics();
    if (!there.ok()) return there.status();
    const std::set<std::string> existing(there->begin(), there->end());
    std::set<std::string> names;
    AddTopicsOfProgram(&names);
    if (const std::string status = StatusTopicName(options_.application_id); existing.contains(status)) {
      plan_.status_topic = status;
      if (absl::Status read = AddTopicsOfManifest(&names); !read.ok()) return read;
    }
    for (const std::string& name : names) {
      const bool ours = name.starts_with(options_.application_id + "-") && !sources_.contains(name);
      if (ours && existing.contains(name)) plan_.topics.push_back(name);
    }
    for (const std::string& source : sources_) {
      if (!existing.contains(source)) plan_.missing_sources.push_back(source);
    }
    return absl::OkStatus();
  }

  absl::Status PlanPositions() {
    std::vector<log::TopicPartition> partitions;
    for (const std::string& source : sources_) {
      auto count = client_->admin().PartitionCount(source);
      if (!count.ok()) return count.status();
      for (int32_t i = 0; i < count->value_or(0); ++i) partitions.push_back({source, i});
    }
    auto committed = client_->admin().CommittedOffsets(options_.application_id, partitions);
    if (!committed.ok()) return committed.status();
    std::map<log::TopicPartition, int64_t> at_time;
    if (target_.kind == ResetTarget::Kind::kTime) {
      auto found = client_->admin().OffsetsForTime(partitions, target_.time);
      if (!found.ok()) return found.status();
      at_time = *std::move(found);
    }
    for (const log::TopicPartition& partition : partitions) {
      ResetPlan::Position position;
      position.partition = partition;
      if (const auto it = committed->find(partition); it != committed->end() && it->second.offset >= 0) {
        position.committed = it->second.offset;
      }
      absl::StatusOr<int64_t> to;
      switch (target_.kind) {
        case ResetTarget::Kind::kEarliest:
          to = client_->admin().BeginningOffset(partition);
          break;
        case ResetTarget::Kind::kLatest:
          to = client_->admin().EndOffset(partition, log::Isolation::kReadUncommitted);
          break;
        case ResetTarget::Kind::kTime:
          to = at_time.at(partition);
          break;
      }
      if (!to.ok()) return to.status();
      position.to = *to;
      plan_.positions.push_back(std::move(position));
    }
    return absl::OkStatus();
  }

  const Topology& topology_;
  const StreamsOptions& options_;
  const ResetTarget& target_;
  log::LogClient* const client_;
  Host* const host_;
  std::set<std::string> sources_;
  ResetPlan plan_;
};

absl::Status DeleteIfThere(const std::string& topic, log::Admin* admin) {
  const absl::Status status = admin->DeleteTopic(topic);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

// The group first: a broker refuses to delete one that has members, so nothing of theirs is touched before it is known that there
// are none. One that passes the check of the mark before it is written can still join; then the positions are refused.
class Execution {
 public:
  Execution(const ResetPlan& plan, const StreamsOptions& options, log::LogClient* client, Host* host)
      : plan_(plan), options_(options), client_(client), admin_(client->admin()), host_(host) {}

  absl::Status Run() {
    if (absl::Status status = Mark(); !status.ok()) return status;
    // Held to the end, so that no process here uses the state meanwhile.
    absl::StatusOr<std::unique_ptr<StateDirectory>> directory = std::unique_ptr<StateDirectory>();
    if (!plan_.state_path.empty()) directory = StateDirectory::Open(host_, options_.state_dir, options_.application_id);
    if (!directory.ok()) return Withdraw(directory.status());
    const absl::Status deleted = admin_.DeleteGroup(plan_.application_id);
    if (absl::IsFailedPrecondition(deleted)) return Withdraw(deleted);
    if (!deleted.ok() && !absl::IsNotFound(deleted)) return deleted;
    log::Offsets offsets;
    for (const ResetPlan::Position& position : plan_.positions) offsets[position.partition].offset = position.to;
    if (absl::Status status = admin_.AlterOffsets(plan_.application_id, offsets); !status.ok()) return status;
    if (!plan_.state_path.empty()) {
      if (absl::Status status = host_->files().RemoveAll(plan_.state_path); !status.ok()) return status;
    }
    for (const std::string& topic : plan_.topics) {
      if (absl::Status status = DeleteIfThere(topic, &admin_); !status.ok()) return status;
    }
    return marked_ ? DeleteIfThere(status_topic_, &admin_) : absl::OkStatus();
  }

 private:
  // From here on the application does not start. Without internal topics there is nothing that could be left half done.
  absl::Status Mark() {
    marked_ = !plan_.status_topic.empty() || !plan_.topics.empty();
    if (!marked_) return absl::OkStatus();
    if (plan_.status_topic.empty()) {
      const absl::Status made = admin_.CreateTopic(StatusTopicSpec(plan_.application_id, options_.replication_factor));
      if (!made.ok() && !absl::IsAlreadyExists(made)) return made;
      made_ = made.ok();
    }
    return WriteStatusTopic(status_topic_, client_, host_->Now(), {{std::string(kResetKey), Bytes(host_->ProcessName())}});
  }

  // Nothing has changed: what runs may be restarted, unless an earlier reset was interrupted.
  absl::Status Withdraw(const absl::Status& reason) {
    if (!marked_ || plan_.interrupted) return reason;
    const absl::Status written =
        made_ ? DeleteIfThere(status_topic_, &admin_)
              : WriteStatusTopic(status_topic_, client_, host_->Now(), {{std::string(kResetKey), std::nullopt}});
    if (written.ok()) return reason;
    return absl::Status(
        reason.code(),
        absl::StrCat(std::string(reason.message()), "; and the mark of the reset could not be taken back, so that ",
                     "the application does not start until one has ended: ", std::string(written.message())));
  }

  const ResetPlan& plan_;
  const StreamsOptions& options_;
  log::LogClient* const client_;
  log::Admin& admin_;
  Host* const host_;
  const std::string status_topic_ = StatusTopicName(plan_.application_id);
  bool marked_ = false;
  bool made_ = false;  // the status topic, to be marked
};

}  // namespace

absl::StatusOr<ResetTarget> ResetTarget::AtTime(std::string_view text) {
  ResetTarget target;
  target.kind = Kind::kTime;
  int64_t millis = 0;
  absl::Time time;
  std::string error;
  const absl::string_view view(text.data(), text.size());
  if (absl::SimpleAtoi(view, &millis)) {
    target.time = Timestamp::FromMillis(millis);
  } else if (absl::ParseTime(absl::RFC3339_full, view, &time, &error)) {
    target.time = Timestamp::FromMillis(absl::ToUnixMillis(time));
  } else {
    return absl::InvalidArgumentError(absl::StrCat("\"", view, "\" is no point in time (", error,
                                                   "); write 2026-11-25T10:00:00Z, 2026-11-25T11:00:00+01:00 or "
                                                   "milliseconds since the epoch"));
  }
  if (target.time.millis() < 0) return absl::InvalidArgumentError(absl::StrCat("\"", view, "\" is before 1970"));
  return target;
}

absl::StatusOr<ResetTarget> ResetTarget::Before(Timestamp now, std::string_view duration) {
  const std::optional<int64_t> millis = ParseDurationMs(duration);
  if (!millis) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", std::string(duration), "\" is no duration; write P7D for seven days, PT36H, PT90M or P1DT12H30M"));
  }
  ResetTarget target;
  target.kind = Kind::kTime;
  target.time = Timestamp::FromMillis(std::max<int64_t>(0, now.millis() - *millis));
  return target;
}

std::string ResetPlan::ToString() const {
  std::string text = absl::StrCat("reset of application ", application_id, "\n");
  absl::StrAppend(&text, "positions of source topics:\n");
  for (size_t i = 0; i < positions.size() && i < kListed; ++i) {
    const Position& position = positions[i];
    absl::StrAppend(&text, "  ", position.partition.ToString(), ": ",
                    position.committed ? absl::StrCat(*position.committed) : "none", " -> ", position.to, "\n");
  }
  if (positions.size() > kListed) absl::StrAppend(&text, "  and ", positions.size() - kListed, " more\n");
  for (const std::string& source : missing_sources) absl::StrAppend(&text, "  ", source, ": does not exist\n");
  absl::StrAppend(&text, "topics to delete:", topics.empty() && status_topic.empty() ? " none" : "", "\n");
  for (const std::string& topic : topics) absl::StrAppend(&text, "  ", topic, "\n");
  if (!status_topic.empty()) absl::StrAppend(&text, "  ", status_topic, "\n");
  absl::StrAppend(&text, "local state to delete: ", state_path.empty() ? "none here" : state_path, "\n");
  return text;
}

absl::StatusOr<ResetPlan> PlanReset(const Topology& topology, const StreamsOptions& options, const ResetTarget& target,
                                    log::LogClient* client, Host* host) {
  return Planner(topology, options, target, client, host).Run();
}

absl::Status ExecuteReset(const ResetPlan& plan, const StreamsOptions& options, log::LogClient* client, Host* host) {
  return Execution(plan, options, client, host).Run();
}

}  // namespace millrace
