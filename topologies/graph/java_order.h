#ifndef MILLRACE_TOPOLOGIES_GRAPH_JAVA_ORDER_H_
#define MILLRACE_TOPOLOGIES_GRAPH_JAVA_ORDER_H_

#include <cstddef>
#include <string>
#include <vector>

namespace millrace::internal {

/// The order in which java.util.HashSet (or HashMap) iterates over strings that were inserted one by one. Kafka Streams prints
/// and registers stores and topics in that order, so it is part of the contract.
[[nodiscard]] std::vector<std::string> JavaHashOrder(std::vector<std::string> inserted);
/// The same for `new HashSet<>(collection)`, which starts with a larger table.
[[nodiscard]] std::vector<std::string> JavaHashCopyOrder(std::vector<std::string> collection);

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_GRAPH_JAVA_ORDER_H_
