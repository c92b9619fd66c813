#include "upkeep/compaction_plan.h"

#include <algorithm>
#include <map>
#include <utility>

namespace millrace::warehouse {
namespace {

constexpr int kClasses = 5;
constexpr int64_t kFactor = 8;
constexpr size_t kMostFiles = 100;

// 0 is that of the largest.
int ClassOf(int64_t bytes, int64_t limit) {
  int number = 0;
  while (number + 1 < kClasses && bytes <= limit / kFactor) {
    limit /= kFactor;
    ++number;
  }
  return number;
}

std::vector<SmallFile> Bounded(std::vector<SmallFile> files, int64_t target_bytes) {
  std::stable_sort(files.begin(), files.end(),
                   [](const SmallFile& a, const SmallFile& b) { return a.sequence_number < b.sequence_number; });
  int64_t bytes = 0;
  size_t count = 0;
  while (count < files.size() && count < kMostFiles && (bytes < target_bytes || count < 2)) bytes += files[count++].size_bytes;
  files.resize(count);
  return files;
}

}  // namespace

int64_t SmallFileBytes(int64_t target_bytes) { return target_bytes - target_bytes / 4; }

std::vector<SmallFile> ChooseGroup(const std::vector<SmallFile>& files, const PlanOptions& options) {
  std::map<PartitionTuple, bool> open;
  for (const SmallFile& file : files) open[file.partition] |= options.is_recent(file.sequence_number);
  constexpr int kAll = kClasses;
  std::map<std::pair<PartitionTuple, int>, std::vector<SmallFile>> groups;
  const int64_t limit = SmallFileBytes(options.target_bytes);
  for (const SmallFile& file : files) {
    if (options.is_left_out(file.partition)) continue;
    groups[{file.partition, open[file.partition] ? ClassOf(file.size_bytes, limit) : kAll}].push_back(file);
  }
  // Where the most is to be gained.
  std::vector<SmallFile>* chosen = nullptr;
  for (auto& [key, group] : groups) {
    if (group.size() >= options.min_files && (chosen == nullptr || group.size() > chosen->size())) chosen = &group;
  }
  return chosen == nullptr ? std::vector<SmallFile>() : Bounded(std::move(*chosen), options.target_bytes);
}

}  // namespace millrace::warehouse
