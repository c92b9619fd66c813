#ifndef MILLRACE_RUNTIME_LOG_PARTITIONER_H_
#define MILLRACE_RUNTIME_LOG_PARTITIONER_H_

#include <cstdint>

#include "millrace/state/bytes.h"

namespace millrace::log {

/// Kafka's hash of keys.
[[nodiscard]] uint32_t Murmur2(BytesView bytes);

/// The partition that Kafka's default partitioner gives a key.
[[nodiscard]] int32_t PartitionOf(BytesView key, int32_t partitions);

}  // namespace millrace::log

#endif  // MILLRACE_RUNTIME_LOG_PARTITIONER_H_
