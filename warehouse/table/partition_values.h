#ifndef MILLRACE_WAREHOUSE_TABLE_PARTITION_VALUES_H_
#define MILLRACE_WAREHOUSE_TABLE_PARTITION_VALUES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "table/partition.h"
#include "table/types.h"

namespace millrace::warehouse {

/// The type of the values of each field of `spec` (days are dates, hours are ints). InvalidArgument if a column is not there or
/// cannot be a partition's source by this transform: nested, floating-point, decimal and binary ones cannot, and only
/// timestamps have hours, only timestamps and dates have days.
absl::StatusOr<std::vector<Type>> PartitionTypes(const PartitionSpec& spec, const Schema& schema);

/// The tuple with values as these types have them: an int becomes a long where the column was promoted since. InvalidArgument if
/// a value is of another type altogether, or the count differs.
absl::StatusOr<PartitionTuple> AsTypes(const PartitionTuple& tuple, const std::vector<Type>& types);

/// "Appendix D: Single-value serialization" of the table specification; nullopt of null.
std::optional<std::string> SingleValueBytes(const PartitionValue& value);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_PARTITION_VALUES_H_
