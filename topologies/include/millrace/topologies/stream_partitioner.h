#ifndef MILLRACE_TOPOLOGIES_STREAM_PARTITIONER_H_
#define MILLRACE_TOPOLOGIES_STREAM_PARTITIONER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace millrace {

/// Chooses the partition of an output record out of `partitions`; nullopt leaves it to the default (murmur2 of the key). Called
/// on the worker's thread. Follows Kafka's `StreamPartitioner`.
template <class K, class V>
using StreamPartitioner =
    std::function<std::optional<int32_t>(const std::string& topic, const K* key, const V* value, int32_t partitions)>;

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_STREAM_PARTITIONER_H_
