#include "partitions.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "generator.h"

namespace millrace::tshirt {

absl::Status CheckPartitions(TopicClient* client) {
  std::set<int32_t> counts;
  std::vector<std::string> texts;
  for (const EventKind kind : {EventKind::kOrder, EventKind::kDelivery, EventKind::kRegistration}) {
    const std::string topic(InputTopic(kind));
    const absl::StatusOr<std::optional<int32_t>> count = client->PartitionCount(topic);
    if (!count.ok()) {
      return absl::Status(count.status().code(), absl::StrCat("topic ", topic, ": ", std::string(count.status().message())));
    }
    if (!count->has_value()) continue;
    counts.insert(**count);
    texts.push_back(absl::StrCat(topic, " has ", **count));
  }
  if (counts.size() <= 1) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the shop's orders, deliveries and registrations must have equal partition counts: ", absl::StrJoin(texts, ", "),
      "; make them anew with one number (`generate --partitions N` makes those that are missing)"));
}

}  // namespace millrace::tshirt
