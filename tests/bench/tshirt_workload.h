#ifndef MILLRACE_TESTS_BENCH_TSHIRT_WORKLOAD_H_
#define MILLRACE_TESTS_BENCH_TSHIRT_WORKLOAD_H_

#include "millrace/topologies/streams_builder.h"
#include "workloads.h"

namespace millrace::bench {

/// W6: orders delivered within 7 days, by user, with the user's registration: each user's first late t-shirt. Operator by
/// operator the peer's topology (the shop of topologies/tshirt has one of its own, which emits more).
void TshirtFacts(StreamsBuilder& builder, const Workload& workload);

}  // namespace millrace::bench

#endif  // MILLRACE_TESTS_BENCH_TSHIRT_WORKLOAD_H_
