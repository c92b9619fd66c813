#include "log/partitioner.h"

#include <cstddef>

namespace millrace::log {

uint32_t Murmur2(BytesView bytes) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  constexpr uint32_t kSeed = 0x9747b28c;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t left = bytes.size();
  uint32_t hash = kSeed ^ static_cast<uint32_t>(left);
  for (; left >= 4; left -= 4, data += 4) {
    uint32_t word = data[0] | uint32_t{data[1]} << 8 | uint32_t{data[2]} << 16 | uint32_t{data[3]} << 24;
    word *= kMultiplier;
    word ^= word >> 24;
    word *= kMultiplier;
    hash = hash * kMultiplier ^ word;
  }
  if (left > 0) {
    for (size_t i = 0; i < left; ++i) hash ^= uint32_t{data[i]} << (8 * i);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  return hash ^ hash >> 15;
}

int32_t PartitionOf(BytesView key, int32_t partitions) { return static_cast<int32_t>(Murmur2(key) & 0x7fffffff) % partitions; }

}  // namespace millrace::log
