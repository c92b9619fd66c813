#ifndef MILLRACE_WAREHOUSE_READING_TABLE_ROWS_H_
#define MILLRACE_WAREHOUSE_READING_TABLE_ROWS_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/warehouse/reading.h"
#include "parquet/parquet_batches.h"
#include "reading/arrow_text.h"
#include "reading/day_column.h"
#include "storage/storage.h"
#include "table/table_metadata.h"
#include "table/table_scan.h"

namespace millrace::warehouse {

/// The data files of a snapshot. Unimplemented if another engine has marked rows as deleted in files of their own.
absl::StatusOr<std::vector<LiveFile>> FilesToRead(Storage* storage, const TableMetadata& metadata, const Snapshot& snapshot);

/// The rows of a table's snapshot, file by file. In memory are some MiB, and where files are not on a local disk the row group
/// that is read.
class TableRows final : public RowReader {
 public:
  /// Errors as Warehouse::ReadTable. The storage outlives it. A snapshot that is asked for has the columns that the table had
  /// when it was made, the newest those that the table has now.
  static absl::StatusOr<std::unique_ptr<TableRows>> Open(Storage* storage, const TableMetadata& metadata,
                                                         const ReadDescription& description);

  [[nodiscard]] const std::vector<ColumnInfo>& columns() const override { return columns_; }
  absl::StatusOr<int64_t> Read(TakeRow take) override;

 private:
  struct FileToRead {
    std::string path;
    int64_t size_bytes = 0;
  };

  TableRows(Storage* storage, std::vector<Field> fields, std::vector<FileToRead> files);

  Storage* const storage_;
  std::vector<ColumnInfo> columns_;
  std::set<int> ids_;  // of columns that are read
  const std::vector<FileToRead> files_;
  size_t next_ = 0;  // of files_
  std::unique_ptr<ParquetBatches> file_;
  ArrowText text_;
  std::unique_ptr<DayColumn> day_column_;  // null: rows of all days
  int64_t day_ = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_READING_TABLE_ROWS_H_
