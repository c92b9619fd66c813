#ifndef MILLRACE_TESTS_CONFORMANCE_TOPOLOGY_FROM_CASE_H_
#define MILLRACE_TESTS_CONFORMANCE_TOPOLOGY_FROM_CASE_H_

#include "absl/status/statusor.h"
#include "case.h"
#include "millrace/topologies/topology.h"

namespace millrace::conformance {

/// Declares the case's nodes through the public DSL. kUnimplemented names an operator, or a form of one, that is not offered.
absl::StatusOr<Topology> TopologyFromCase(const Case& c);

}  // namespace millrace::conformance

#endif  // MILLRACE_TESTS_CONFORMANCE_TOPOLOGY_FROM_CASE_H_
