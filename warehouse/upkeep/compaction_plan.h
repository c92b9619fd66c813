#ifndef MILLRACE_WAREHOUSE_UPKEEP_COMPACTION_PLAN_H_
#define MILLRACE_WAREHOUSE_UPKEEP_COMPACTION_PLAN_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "table/partition.h"

namespace millrace::warehouse {

/// A data file that is far from its target size.
struct SmallFile {
  std::string path;
  PartitionTuple partition;
  int64_t rows = 0;
  int64_t size_bytes = 0;
  int64_t sequence_number = 0;  // of its rows
};

/// What is small: less than three quarters of the target.
[[nodiscard]] int64_t SmallFileBytes(int64_t target_bytes);

struct PlanOptions {
  int64_t target_bytes = int64_t{128} << 20;
  size_t min_files = 6;
  /// Whether rows have come lately with this sequence number.
  std::function<bool(int64_t sequence_number)> is_recent;
  /// Partitions that are left alone.
  std::function<bool(const PartitionTuple& partition)> is_left_out;
};

/// Which files of one partition are to be rewritten as one next, oldest first; none if no partition has enough of them.
///
/// The rule: a partition with at least `min_files` small files is compacted, oldest files first, until those that are read make a
/// target file. While rows still come into it, only files of one size class go together, a class reaching over a factor of 8: a
/// row is written again once for each class that it passes and not each time, and the partition has less than `min_files` files
/// of each of the five classes. Once it is closed all its small files go together. A group has a hundred files at most, so that
/// it is a bounded piece of work.
[[nodiscard]] std::vector<SmallFile> ChooseGroup(const std::vector<SmallFile>& files, const PlanOptions& options);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_UPKEEP_COMPACTION_PLAN_H_
