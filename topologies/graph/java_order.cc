#include "graph/java_order.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

namespace millrace::internal {
namespace {

uint32_t SpreadHash(const std::string& s) {
  uint32_t h = 0;
  for (const char c : s) h = 31 * h + static_cast<unsigned char>(c);
  return h ^ (h >> 16);
}

std::vector<std::string> InTable(std::vector<std::string> names, size_t capacity) {
  while (names.size() * 4 > capacity * 3) capacity *= 2;
  const auto mask = static_cast<uint32_t>(capacity - 1);
  std::stable_sort(names.begin(), names.end(), [mask](const std::string& a, const std::string& b) {
    return (SpreadHash(a) & mask) < (SpreadHash(b) & mask);
  });
  return names;
}

}  // namespace

std::vector<std::string> JavaHashOrder(std::vector<std::string> inserted) { return InTable(std::move(inserted), 16); }

std::vector<std::string> JavaHashCopyOrder(std::vector<std::string> collection) {
  const auto wanted = static_cast<size_t>(static_cast<float>(collection.size()) / 0.75F) + 1;
  return InTable(std::move(collection), std::bit_ceil(std::max<size_t>(wanted, 16)));
}

}  // namespace millrace::internal
