#ifndef MILLRACE_WAREHOUSE_PARQUET_FOOTER_METRICS_H_
#define MILLRACE_WAREHOUSE_PARQUET_FOOTER_METRICS_H_

#include "table/data_file.h"
#include "table/types.h"

namespace parquet {
class FileMetaData;
}  // namespace parquet

namespace millrace::warehouse {

/// Fills in what the footer of a Parquet file says of it: rows, sizes, counts, bounds and where row groups start. A column has no
/// bounds if one of its row groups has none (texts of more than 4 kB, nothing but nulls in all of them).
void AddFooterMetrics(const parquet::FileMetaData& footer, const Schema& schema, DataFile* file);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PARQUET_FOOTER_METRICS_H_
