#ifndef MILLRACE_WAREHOUSE_UPKEEP_PARTITION_WRITER_H_
#define MILLRACE_WAREHOUSE_UPKEEP_PARTITION_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "parquet/data_file_writer.h"
#include "parquet/row_batch.h"
#include "storage/storage.h"
#include "table/data_file.h"
#include "table/table_metadata.h"

namespace millrace::warehouse {

/// Writes rows that are known to be of one partition into data files of a target size: on the local disk first, and each in the
/// storage as soon as it is whole. Nothing of it is visible before a commit refers to it. Not thread-safe.
class PartitionWriter {
 public:
  struct Options {
    std::string spool_folder;  // must be there
    std::string file_prefix;   // of names
    int64_t target_bytes = int64_t{128} << 20;
    DataFileOptions file;
  };

  /// For the schema and the default spec that the table has now. The storage outlives it.
  PartitionWriter(Storage* storage, const TableMetadata& table, PartitionTuple partition, Options options);
  /// Drops what was not finished, in the storage too.
  ~PartitionWriter();

  /// Appends the rows [begin, end) of a batch with the table's schema.
  absl::Status Append(const RowBatch& batch, int64_t begin, int64_t end);
  /// The files, whole and in the storage; the caller's from now on. None without rows.
  absl::StatusOr<std::vector<DataFile>> Finish();

 private:
  absl::Status Close();

  Storage* const storage_;
  const Schema schema_;
  const PartitionTuple partition_;
  const std::string folder_;
  const Options options_;
  std::unique_ptr<DataFileWriter> writer_;  // null while no file is open
  std::vector<DataFile> files_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_UPKEEP_PARTITION_WRITER_H_
