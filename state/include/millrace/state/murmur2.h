#ifndef MILLRACE_STATE_MURMUR2_H_
#define MILLRACE_STATE_MURMUR2_H_

#include <cstdint>

#include "millrace/state/bytes.h"

namespace millrace {

/// The 32-bit Murmur2 hash that Kafka's clients partition by. Follows `Utils.murmur2`. Pure; any thread.
[[nodiscard]] int32_t Murmur2(BytesView bytes);

/// The partition of a serialised key among `partitions` (> 0), as Kafka's default partitioner chooses it.
[[nodiscard]] int32_t PartitionForKey(BytesView key, int32_t partitions);

}  // namespace millrace

#endif  // MILLRACE_STATE_MURMUR2_H_
