#ifndef MILLRACE_WAREHOUSE_PARQUET_ARROW_COLUMNS_H_
#define MILLRACE_WAREHOUSE_PARQUET_ARROW_COLUMNS_H_

#include <arrow/api.h>

#include <memory>

#include "parquet/row_batch.h"
#include "table/types.h"

namespace millrace::warehouse {

/// The schema by which Arrow writes Parquet as the table specification wants it ("Parquet" of its appendix A): field ids on
/// columns, elements, keys and values.
std::shared_ptr<arrow::Schema> ArrowSchema(const Schema& schema);

/// The field id that a column of Arrow has, as the schema above says it and as Arrow reads it from Parquet; 0 if it has none.
int FieldIdOf(const arrow::Field& field);
/// The column of a batch that has this field id; nullptr if there is none.
std::shared_ptr<arrow::Array> FindArrowColumn(const arrow::RecordBatch& batch, int field_id);

/// The rows of a batch, not copied but for booleans and nulls: the batch must stay as it is while the result lives.
std::shared_ptr<arrow::Table> ArrowTable(const RowBatch& batch, const std::shared_ptr<arrow::Schema>& schema);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PARQUET_ARROW_COLUMNS_H_
