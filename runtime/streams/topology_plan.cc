#include "streams/topology_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "status/status_topic.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kCreationLimit{30000};
constexpr std::chrono::milliseconds kCreationPoll{50};

using Counts = std::map<std::string, int32_t>;

// Works on names without the application id; 0 = not known yet.
class Planner {
 public:
  Planner(const Topology& topology, const StreamsOptions& options, log::Admin* admin)
      : topology_(topology), options_(options), admin_(admin) {}

  absl::StatusOr<TopologyPlan> Run() {
    if (topology_.subtopologies().empty()) return absl::InvalidArgumentError("the topology is empty: it reads no topic");
    if (auto status = ReadSourceTopics(); !status.ok()) return status;
    if (auto status = DeriveRepartitionCounts(); !status.ok()) return status;
    if (auto status = CheckCopartitioning(); !status.ok()) return status;
    TopologyPlan plan;
    AddTasks(&plan);
    AddInternalTopics(&plan);
    return plan;
  }

 private:
  [[nodiscard]] std::string Full(const std::string& internal) const { return options_.application_id + "-" + internal; }

  absl::Status ReadSourceTopics() {
    std::set<std::string> missing;
    for (const Subtopology& sub : topology_.subtopologies()) {
      for (const std::string& topic : sub.source_topics) {
        auto count = admin_->PartitionCount(topic);
        if (!count.ok()) {
          return absl::Status(count.status().code(),
                              absl::StrCat("source topic ", topic, ": ", std::string(count.status().message())));
        }
        if (!count->has_value()) {
          missing.insert(topic);
        } else {
          external_[topic] = **count;
        }
      }
    }
    if (missing.empty()) return absl::OkStatus();
    return absl::NotFoundError(
        absl::StrCat("missing source topics: ", absl::StrJoin(missing, ", "), "; create them before the application is started"));
  }

  [[nodiscard]] int32_t Count(const std::string& topic) const {
    if (auto it = internal_.find(topic); it != internal_.end()) return it->second;
    auto it = external_.find(topic);
    return it == external_.end() ? 0 : it->second;
  }

  [[nodiscard]] int32_t Width(const Subtopology& sub) const {
    int32_t width = 0;
    for (const std::string& topic : sub.source_topics) width = std::max(width, Count(topic));
    for (const std::string& topic : sub.repartition_source_topics) {
      const int32_t count = Count(topic);
      if (count == 0) return 0;
      width = std::max(width, count);
    }
    return width;
  }

  // The largest upstream sub-topology, known only when all of them are.
  [[nodiscard]] int32_t UpstreamWidth(const std::string& topic) const {
    int32_t width = 0;
    for (const Subtopology& sub : topology_.subtopologies()) {
      const auto& sinks = sub.repartition_sink_topics;
      if (std::find(sinks.begin(), sinks.end(), topic) == sinks.end()) continue;
      const int32_t w = Width(sub);
      if (w == 0) return 0;
      width = std::max(width, w);
    }
    return width;
  }

  absl::Status DeriveRepartitionCounts() {
    for (const Subtopology& sub : topology_.subtopologies()) {
      for (const InternalTopic& topic : sub.repartition_topics) {
        fixed_[topic.name] = topic.partitions.has_value();
        internal_[topic.name] = topic.partitions.value_or(0);
      }
    }
    for (bool progress = true; progress;) {
      progress = false;
      for (auto& [topic, count] : internal_) {
        if (count != 0) continue;
        count = UpstreamWidth(topic);
        progress = progress || count != 0;
      }
      if (!progress) break;
      AlignGroups();
    }
    for (const auto& [topic, count] : internal_) {
      if (count == 0) return absl::InvalidArgumentError(absl::StrCat("repartition topic ", topic, ": nothing writes to it"));
    }
    AlignGroups();
    return absl::OkStatus();
  }

  // Derived repartition topics take the number of the external or fixed topics of their group, else the largest of the group.
  void AlignGroups() {
    for (const Subtopology& sub : topology_.subtopologies()) {
      for (const std::set<std::string>& group : sub.copartition_groups) {
        int32_t leading = 0;
        int32_t largest = 0;
        bool complete = true;
        for (const std::string& topic : group) {
          const int32_t count = Count(topic);
          complete = complete && count != 0;
          largest = std::max(largest, count);
          if (!IsDerived(topic)) leading = std::max(leading, count);
        }
        if (!complete) continue;
        for (const std::string& topic : group) {
          if (IsDerived(topic)) internal_[topic] = leading != 0 ? leading : largest;
        }
      }
    }
  }

  [[nodiscard]] bool IsDerived(const std::string& topic) const {
    auto it = fixed_.find(topic);
    return it != fixed_.end() && !it->second;
  }

  [[nodiscard]] absl::Status CheckCopartitioning() const {
    std::vector<std::string> problems;
    for (const Subtopology& sub : topology_.subtopologies()) {
      for (const std::set<std::string>& group : sub.copartition_groups) {
        std::set<int32_t> counts;
        std::vector<std::string> parts;
        for (const std::string& topic : group) {
          counts.insert(Count(topic));
          parts.push_back(absl::StrCat(topic, " has ", Count(topic)));
        }
        if (counts.size() > 1) problems.push_back(absl::StrJoin(parts, ", "));
      }
    }
    if (problems.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "topics that are joined or merged into one table must have equal partition counts: ", absl::StrJoin(problems, "; "),
        "; repartition one of them (Repartition) or recreate it"));
  }

  void AddTasks(TopologyPlan* plan) const {
    for (const Subtopology& sub : topology_.subtopologies()) {
      const int32_t width = Width(sub);
      plan->tasks_of_subtopology[sub.id] = width;
      for (int32_t partition = 0; partition < width; ++partition) {
        TaskSpec task;
        task.number = static_cast<int32_t>(plan->tasks.size());
        task.id = {sub.id, partition};
        for (const std::string& topic : sub.source_topics) {
          plan->partitions[topic] = Count(topic);
          if (partition < Count(topic)) task.sources.push_back({topic, partition});
        }
        for (const std::string& topic : sub.repartition_source_topics) {
          plan->partitions[Full(topic)] = Count(topic);
          if (partition < Count(topic)) task.sources.push_back({Full(topic), partition});
        }
        plan->tasks.push_back(std::move(task));
      }
    }
  }

  [[nodiscard]] log::TopicSpec Spec(const std::string& name, int32_t partitions,
                                    std::map<std::string, std::string> config) const {
    config.emplace("message.timestamp.type", "CreateTime");
    return {Full(name), partitions, options_.replication_factor, std::move(config)};
  }

  void AddInternalTopics(TopologyPlan* plan) const {
    for (const Subtopology& sub : topology_.subtopologies()) {
      for (const InternalTopic& topic : sub.repartition_topics) {
        std::map<std::string, std::string> config = {
            {"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"segment.bytes", "52428800"}};
        Override(options_.topic_config, &config);
        Override(topic.config, &config);
        plan->internal_topics.push_back(Spec(topic.name, Count(topic.name), std::move(config)));
        plan->repartition_topics.insert(Full(topic.name));
      }
      for (const InternalTopic& topic : sub.changelog_topics) {
        plan->internal_topics.push_back(Spec(topic.name, topic.partitions.value_or(Width(sub)), ChangelogSettings(sub, topic)));
        plan->partitions[Full(topic.name)] = topic.partitions.value_or(Width(sub));
      }
    }
    plan->task_topic = Full("tasks");
    plan->status_topic = StatusTopicName(options_.application_id);
    plan->internal_topics.push_back(Spec("tasks", static_cast<int32_t>(plan->tasks.size()), {{"cleanup.policy", "delete"}}));
    plan->internal_topics.push_back(StatusTopicSpec(options_.application_id, options_.replication_factor));
  }

  // Defaults, then the application's topic.* settings, then the store's own.
  [[nodiscard]] std::map<std::string, std::string> ChangelogSettings(const Subtopology& sub, const InternalTopic& topic) const {
    std::map<std::string, std::string> config = {{"cleanup.policy", "compact"}};
    for (const SubtopologyStore& store : sub.stores) {
      if (store.changelog_topic != topic.name) continue;
      const ChangelogConfig& changelog = store.builder->changelog();
      if (changelog.windowed) {
        config["cleanup.policy"] = "compact,delete";
        config["retention.ms"] = absl::StrCat((changelog.retention + options_.windowstore_additional_retention).count());
      }
      Override(options_.topic_config, &config);
      Override(changelog.overrides, &config);
    }
    for (const auto& [key, value] : topic.config) config.emplace(key, value);
    return config;
  }

  static void Override(const std::map<std::string, std::string>& from, std::map<std::string, std::string>* to) {
    for (const auto& [key, value] : from) (*to)[key] = value;
  }

  const Topology& topology_;
  const StreamsOptions& options_;
  log::Admin* admin_;
  Counts external_;
  Counts internal_;
  std::map<std::string, bool> fixed_;
};

absl::Status WrongWidth(const log::TopicSpec& topic, int32_t count) {
  return absl::FailedPreconditionError(absl::StrCat(
      "internal topic ", topic.name, " has ", count, " partitions, this topology needs ", topic.partitions,
      "; the topology or its source topics changed: reset the application (`reset`) or give it a new application.id"));
}

}  // namespace

absl::StatusOr<TopologyPlan> MakeTopologyPlan(const Topology& topology, const StreamsOptions& options, log::Admin* admin) {
  return Planner(topology, options, admin).Run();
}

absl::Status CreateInternalTopics(const TopologyPlan& plan, log::Admin* admin, Host* host, bool ran_before) {
  const auto annotate = [](const absl::Status& status, const std::string& topic) {
    return absl::Status(status.code(), absl::StrCat("internal topic ", topic, ": ", std::string(status.message())));
  };
  std::vector<const log::TopicSpec*> missing;
  for (const log::TopicSpec& topic : plan.internal_topics) {
    auto count = admin->PartitionCount(topic.name);
    if (!count.ok()) return annotate(count.status(), topic.name);
    if (!count->has_value()) {
      if (ran_before && topic.name.ends_with("-changelog")) {
        return annotate(
            absl::FailedPreconditionError(
                "it is missing, though the application has run: without it the store would start empty, behind input that is "
                "already counted as processed; bring the topic back, or start over with `reset`"),
            topic.name);
      }
      missing.push_back(&topic);
    } else if (**count != topic.partitions) {
      return WrongWidth(topic, **count);
    }
  }
  for (const log::TopicSpec* spec : missing) {
    const log::TopicSpec& topic = *spec;
    const absl::Status created = admin->CreateTopic(topic);
    if (!created.ok() && !absl::IsAlreadyExists(created)) return annotate(created, topic.name);
  }
  // What was created now, here or by another worker, needs a moment until every broker knows it.
  const std::chrono::nanoseconds deadline = host->Monotonic() + kCreationLimit;
  for (const log::TopicSpec* topic : missing) {
    while (true) {
      auto count = admin->PartitionCount(topic->name);
      if (!count.ok()) return annotate(count.status(), topic->name);
      if (count->has_value() && **count == topic->partitions) break;
      if (count->has_value()) return WrongWidth(*topic, **count);
      if (host->Monotonic() > deadline) {
        return absl::DeadlineExceededError(absl::StrCat("internal topic ", topic->name, " was created but does not appear"));
      }
      host->Sleep(kCreationPoll);
    }
  }
  return absl::OkStatus();
}

}  // namespace millrace
