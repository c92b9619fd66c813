#ifndef MILLRACE_WAREHOUSE_UPKEEP_DATA_FILE_READER_H_
#define MILLRACE_WAREHOUSE_UPKEEP_DATA_FILE_READER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "parquet/row_batch.h"
#include "storage/storage.h"
#include "table/types.h"

namespace millrace::warehouse {

class ParquetBatches;

/// Reads the rows of one data file, in their order, as rows of a schema that its table has now or had: columns are found by field
/// id, whatever they were called; one that the file lacks is null; one that the schema lacks is left out; int, float and decimals
/// become what they were promoted to. Follows "Column Projection" of the table specification.
///
/// In memory are some MiB of rows, and of a file that is not local a row group as it lies in the storage. Not thread-safe; the
/// storage outlives it.
class DataFileReader {
 public:
  /// NotFound if there is no such file. Unimplemented if it is not laid out as we write (without field ids, a type that the
  /// column cannot have): another engine's. DataLoss if it is damaged.
  static absl::StatusOr<std::unique_ptr<DataFileReader>> Open(Storage* storage, const std::string& path, int64_t size_bytes,
                                                              const Schema& schema);
  ~DataFileReader();

  /// Puts the next rows, some MiB at most, behind those of a batch with the reader's schema. False: there are no more.
  absl::StatusOr<bool> Read(RowBatch* batch);

 private:
  DataFileReader(std::string path, std::unique_ptr<ParquetBatches> batches);

  const std::string path_;
  const std::unique_ptr<ParquetBatches> batches_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_UPKEEP_DATA_FILE_READER_H_
