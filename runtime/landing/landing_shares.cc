#include "landing/landing_shares.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "millrace/state/bytes.h"
#include "millrace/state/murmur2.h"

namespace millrace {

int32_t LandingShare(std::string_view topic, int32_t partition) {
  const auto first = static_cast<uint32_t>(Murmur2(BytesView(topic))) % kLandingShares;
  return static_cast<int32_t>((first + static_cast<uint32_t>(partition)) % kLandingShares);
}

std::string LandingGroup(const std::string& application_id, const std::string& sink) {
  return absl::StrCat(application_id, "-", sink);
}

std::string LandingTaskTopic(const std::string& application_id, const std::string& sink) {
  return absl::StrCat(application_id, "-", sink, "-tasks");
}

absl::Status EnsureLandingTaskTopic(const std::string& application_id, int16_t replication_factor, log::Admin* admin,
                                    const std::string& sink) {
  const std::string topic = LandingTaskTopic(application_id, sink);
  absl::StatusOr<std::optional<int32_t>> count = admin->PartitionCount(topic);
  if (!count.ok()) return count.status();
  if (!count->has_value()) {
    const absl::Status created = admin->CreateTopic({topic, kLandingShares, replication_factor, {}});
    if (created.ok()) return created;
    if (!absl::IsAlreadyExists(created)) return created;
    count = admin->PartitionCount(topic);
    if (!count.ok()) return count.status();
  }
  if (count->value_or(kLandingShares) == kLandingShares) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("topic ", topic, " has ", **count, " partitions, not ", kLandingShares,
                                                    ": somebody else made it; delete it, and it is made as it has to be"));
}

}  // namespace millrace
