#ifndef MILLRACE_WAREHOUSE_TABLE_PARTITION_H_
#define MILLRACE_WAREHOUSE_TABLE_PARTITION_H_

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace millrace::warehouse {

/// How a value of a partition comes from a column. Follows "Partition Transforms" of the table specification.
enum class Transform { kIdentity, kHour, kDay };

struct PartitionField {
  int source_id = 0;  // of the column
  int field_id = 0;   // 1000 and up
  std::string name;   // as directories and readers show it: "ts_day"
  Transform transform = Transform::kIdentity;

  friend bool operator==(const PartitionField&, const PartitionField&) = default;
};

struct PartitionSpec {
  int id = 0;
  std::vector<PartitionField> fields;  // none: the table is not partitioned

  friend bool operator==(const PartitionSpec&, const PartitionSpec&) = default;
};

/// One value of a partition: null, boolean, int (also a date, a day, or an hour since 1970), long or string.
using PartitionValue = std::variant<std::monostate, bool, int32_t, int64_t, std::string>;
/// One value for each field of the spec, in its order. Ordered, so that it can be a key.
using PartitionTuple = std::vector<PartitionValue>;

/// "ts_day=2026-11-30/country=de": what stands in the path of a data file. Names and values are percent-encoded.
std::string PartitionPath(const PartitionSpec& spec, const PartitionTuple& tuple);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_PARTITION_H_
