#ifndef MILLRACE_WAREHOUSE_PARQUET_PARQUET_BATCHES_H_
#define MILLRACE_WAREHOUSE_PARQUET_PARQUET_BATCHES_H_

#include <arrow/api.h>

#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "storage/storage.h"

namespace millrace::warehouse {

/// Rows of one data file, a few MiB at a time, in their order. In memory is of a local file what is being read, and of another
/// storage one row group as it lies there. Not thread-safe; the storage outlives it.
class ParquetBatches {
 public:
  /// Of the columns with these field ids; those that the file has not are not there. NotFound if there is no such file;
  /// Unimplemented if it has no field ids; DataLoss if it is damaged.
  static absl::StatusOr<std::unique_ptr<ParquetBatches>> Open(Storage* storage, const std::string& path, int64_t size_bytes,
                                                              const std::set<int>& field_ids);
  ~ParquetBatches();

  /// The file has rows, and none of the columns: then batches have nothing but their numbers of rows.
  [[nodiscard]] bool has_rows_only() const;
  /// nullptr: there are no more.
  absl::StatusOr<std::shared_ptr<arrow::RecordBatch>> Next();

 private:
  class Impl;
  explicit ParquetBatches(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PARQUET_PARQUET_BATCHES_H_
