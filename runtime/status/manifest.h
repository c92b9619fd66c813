#ifndef MILLRACE_RUNTIME_STATUS_MANIFEST_H_
#define MILLRACE_RUNTIME_STATUS_MANIFEST_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "log/log.h"
#include "millrace/state/serde_fingerprint.h"
#include "millrace/topologies/topology.h"
#include "status/millrace_status.pb.h"
#include "status/status_topic.h"
#include "streams/topology_plan.h"

namespace millrace {

/// What all copies of an application must agree on, as this program has it.
[[nodiscard]] internal::Manifest MakeManifest(const Topology& topology, const TopologyPlan& plan);

/// Where programs with these manifests number tasks or write stores differently (first: the application's, second: this
/// program's); empty if they can share the work. Not compared: the topology's hash, and retention (both may change).
[[nodiscard]] std::vector<FormatDifference> CompareManifests(const internal::Manifest& application,
                                                             const internal::Manifest& program);

/// The program's manifest with the fields of values that only the application's has: a field number that was ever used keeps its
/// type for ever. For manifests without differences.
[[nodiscard]] internal::Manifest JoinManifests(const internal::Manifest& application, const internal::Manifest& program);

/// Before internal topics are made: kFailedPrecondition with every difference and what to do if the application has a manifest
/// that this program does not fit, or one of a newer version. Otherwise what the topic holds; nothing if there is none.
[[nodiscard]] absl::StatusOr<StatusTopicContents> CheckManifest(const internal::Manifest& manifest, const TopologyPlan& plan,
                                                                log::LogClient* client, Host* host);

/// After internal topics are made: writes the joined manifest if the topic has another or none, and removes the records of
/// instances that are long dead. `contents` is what CheckManifest gave; refuses as it does if another program was faster.
[[nodiscard]] absl::Status AgreeOnManifest(const internal::Manifest& manifest, const TopologyPlan& plan,
                                           StatusTopicContents contents, log::LogClient* client, Host* host);

/// The name of the state of this application, drawn by the first of its copies that starts on a new status topic. Local state
/// under another name belongs to changelogs that are gone.
[[nodiscard]] absl::StatusOr<std::string> AgreeOnStateId(const std::string& status_topic, log::LogClient* client, Host* host);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STATUS_MANIFEST_H_
