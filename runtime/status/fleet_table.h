#ifndef MILLRACE_RUNTIME_STATUS_FLEET_TABLE_H_
#define MILLRACE_RUNTIME_STATUS_FLEET_TABLE_H_

#include <string>

#include "absl/status/statusor.h"
#include "millrace/state/timestamp.h"
#include "status/status_topic.h"

namespace millrace {

/// An application's instances as text for people: one line each (those that died have state GONE), then why instances failed, and
/// the tasks that no living instance has. A lag that is known in part is shown as ">=n", one that is not known at all as "?".
/// `now` is the reader's clock, for ages. An error says why the manifest cannot be read.
[[nodiscard]] absl::StatusOr<std::string> FleetTable(const std::string& application_id, const StatusTopicContents& contents,
                                                     Timestamp now);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STATUS_FLEET_TABLE_H_
