#ifndef MILLRACE_WAREHOUSE_TABLE_DATA_FILE_H_
#define MILLRACE_WAREHOUSE_TABLE_DATA_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "table/partition.h"

namespace millrace::warehouse {

/// A Parquet file with rows of a table, as a manifest describes it.
struct DataFile {
  std::string path;  // absolute, with its scheme
  PartitionTuple partition;
  int64_t record_count = 0;
  int64_t size_bytes = 0;
  /// By field id, of columns that are no structs, lists or maps themselves.
  std::map<int, int64_t> column_size_bytes;
  std::map<int, int64_t> value_counts;
  std::map<int, int64_t> null_value_counts;
  /// The least and the greatest value in the single-value binary form of the specification; may be cut for text and bytes.
  /// Columns inside lists and maps have none.
  std::map<int, std::string> lower_bounds;
  std::map<int, std::string> upper_bounds;
  /// Where row groups start, ascending.
  std::vector<int64_t> split_offsets;

  friend bool operator==(const DataFile&, const DataFile&) = default;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_DATA_FILE_H_
