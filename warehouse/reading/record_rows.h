#ifndef MILLRACE_WAREHOUSE_READING_RECORD_ROWS_H_
#define MILLRACE_WAREHOUSE_READING_RECORD_ROWS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/warehouse/warehouse.h"

namespace millrace::warehouse {

/// Rows of a topic with the columns that a new table of it would have, by the same settings. InvalidArgument for a descriptor
/// set, a message or settings that cannot be; NotFound for a column that is not there.
absl::StatusOr<std::unique_ptr<RecordRows>> OpenRecordRows(const LandingDescription& description,
                                                           const std::vector<std::string>& columns);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_READING_RECORD_ROWS_H_
