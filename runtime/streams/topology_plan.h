#ifndef MILLRACE_RUNTIME_STREAMS_TOPOLOGY_PLAN_H_
#define MILLRACE_RUNTIME_STREAMS_TOPOLOGY_PLAN_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "host/host.h"
#include "log/log.h"
#include "millrace/operators/task_context.h"
#include "millrace/topologies/topology.h"
#include "streams/streams_options.h"

namespace millrace {

/// One task: its number is the partition of the task topic that stands for it.
struct TaskSpec {
  int32_t number = 0;
  TaskId id;
  std::vector<log::TopicPartition> sources;
};

/// A topology laid over the topics that there are: tasks, partition counts, internal topics. The same on every worker.
struct TopologyPlan {
  std::vector<TaskSpec> tasks;  // by number: sub-topologies in order, partitions in order
  std::map<int32_t, int32_t> tasks_of_subtopology;
  std::map<std::string, int32_t> partitions;    // source, repartition and changelog topics, names as in Kafka
  std::vector<log::TopicSpec> internal_topics;  // all that must exist before the start, task and status topic too
  std::set<std::string> repartition_topics;
  std::string task_topic;
  std::string status_topic;
};

/// Checks source topics and copartitioning, derives the partition counts of internal topics. Errors: kNotFound for missing source
/// topics, kFailedPrecondition for partition counts that do not fit; both name every topic at fault.
absl::StatusOr<TopologyPlan> MakeTopologyPlan(const Topology& topology, const StreamsOptions& options, log::Admin* admin);

/// Creates what is missing and waits until it can be seen; an existing internal topic with another partition count is an error.
/// So is a missing changelog of an application that `ran_before`: its stores would start empty at positions in the middle of
/// their input.
absl::Status CreateInternalTopics(const TopologyPlan& plan, log::Admin* admin, Host* host, bool ran_before = false);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_TOPOLOGY_PLAN_H_
