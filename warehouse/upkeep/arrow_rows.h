#ifndef MILLRACE_WAREHOUSE_UPKEEP_ARROW_ROWS_H_
#define MILLRACE_WAREHOUSE_UPKEEP_ARROW_ROWS_H_

#include <arrow/api.h>

#include "absl/status/status.h"
#include "parquet/row_batch.h"

namespace millrace::warehouse {

/// Appends all rows of an Arrow batch, whose fields carry "PARQUET:field_id", to a batch: columns, and fields inside them, by
/// their ids. What is not there is null. Unimplemented if a column has a type that `batch`'s cannot be read from, or a value is
/// missing where one is required; then the batch is of no use any more.
absl::Status AppendArrowRows(const arrow::RecordBatch& from, RowBatch* batch);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_UPKEEP_ARROW_ROWS_H_
