#ifndef MILLRACE_TOPOLOGIES_TSHIRT_PARTITIONS_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_PARTITIONS_H_

#include "absl/status/status.h"
#include "millrace/runtime/topic_io.h"

namespace millrace::tshirt {

/// Orders and deliveries meet in a store of a task, that is, partition by partition, and so do purchases and registrations: with
/// unequal numbers of partitions they would silently miss each other. kFailedPrecondition names topics and numbers. Topics that
/// do not exist are left to the runtime, which refuses to start without them. Asks the broker; waits at most request.timeout.ms.
[[nodiscard]] absl::Status CheckPartitions(TopicClient* client);

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_PARTITIONS_H_
