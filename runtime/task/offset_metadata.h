#ifndef MILLRACE_RUNTIME_TASK_OFFSET_METADATA_H_
#define MILLRACE_RUNTIME_TASK_OFFSET_METADATA_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "millrace/state/timestamp.h"

namespace millrace {

/// What a committed offset carries beside the offset, in Kafka Streams' own format:
///   Base64( 0x02, partition time int64, [int32 n, n x (int32 length, UTF-8 name, int64 time)] )
/// Follows `TopicPartitionMetadata`. Bytes behind the map are ignored, as Java does.
struct OffsetMetadata {
  /// The largest timestamp taken from the partition.
  Timestamp partition_time;
  /// Times that processors keep over a restart, by node name.
  std::map<std::string, int64_t> processor_times;
  /// Exactly-once: who committed, so that a new owner can end what a dead one has left open. Behind the map, as
  /// "MR1", int32 length, text; Kafka Streams does not look there.
  std::string transactional_id = {};

  [[nodiscard]] std::string Encode() const;
  /// Text that cannot be decoded gives an unknown time, as in Java.
  [[nodiscard]] static OffsetMetadata Decode(std::string_view text);
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_TASK_OFFSET_METADATA_H_
