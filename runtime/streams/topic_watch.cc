#include "streams/topic_watch.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace {
absl::Status TopicWatch::Look(log::Admin* admin) {
  std::map<std::string, Suspect> before = std::exchange(suspects_, {});
  for (const auto& [topic, planned] : plan_->partitions) {
    const auto count = admin->PartitionCount(topic);
    // The next would wait as long.
    if (!count.ok()) return absl::OkStatus();
    if (*count == planned) continue;
    Suspect suspect = before[topic];
    if (suspect.looks == 0 || suspect.count != *count) suspect = {*count, 0};
    if (++suspect.looks >= (count->value_or(0) > planned ? kLooksForMore : kLooksForLess)) return Changed(topic, *count);
    suspects_[topic] = suspect;
  }
  return absl::OkStatus();
}

absl::Status TopicWatch::Changed(const std::string& topic, std::optional<int32_t> now) const {
  const int32_t planned = plan_->partitions.at(topic);
  const char* kind = "source topic ";
  if (plan_->repartition_topics.contains(topic)) kind = "repartition topic ";
  if (topic.ends_with("-changelog")) kind = "changelog topic ";
  if (!now) {
    return absl::FailedPreconditionError(
        absl::StrCat(kind, topic, " was deleted; it had ", planned,
                     " partitions when this instance started. Bring it back as it was, or start over with `reset`"));
  }
  return absl::FailedPreconditionError(
      absl::StrCat(kind, topic, " has ", *now, " partitions now, and had ", planned,
                   " when this instance started: keys are in other partitions than their state",
                   *now > planned ? ", and nobody reads the new ones" : "",
                   ". Stop all instances, then start over with `reset`, or under a new application.id"));
}

}  // namespace millrace
