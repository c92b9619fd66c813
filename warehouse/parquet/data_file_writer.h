#ifndef MILLRACE_WAREHOUSE_PARQUET_DATA_FILE_WRITER_H_
#define MILLRACE_WAREHOUSE_PARQUET_DATA_FILE_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "parquet/dictionary_memory.h"
#include "parquet/row_batch.h"
#include "table/data_file.h"
#include "table/types.h"

namespace millrace::warehouse {

struct DataFileOptions {
  /// Rows are kept until they take so much memory, and are a row group then.
  int64_t row_group_bytes = int64_t{32} << 20;
  int zstd_level = 3;
  /// Stands in the footer: application, topic-partition, range.
  std::map<std::string, std::string> metadata;
  /// What earlier files of the table have taught, and learns from this one; nullptr: nothing. Outlives the writer.
  DictionaryMemory* dictionaries = nullptr;
};

/// Writes one Parquet file with rows of a table to the local disk: zstd, dictionaries, statistics, data pages of version 1, field
/// ids. Follows "Parquet" of appendix A of the table specification. Columns are found again by their ids, so that names may
/// change later. A file that was not closed is none; whoever gives up removes it. Not thread-safe. Errors: ResourceExhausted if
/// the disk is full, Unavailable if it fails otherwise; nothing more can be written then.
class DataFileWriter {
 public:
  static absl::StatusOr<std::unique_ptr<DataFileWriter>> Open(const std::string& local_file, const Schema& schema,
                                                              const DataFileOptions& options);
  ~DataFileWriter();

  /// Appends the rows [begin, end) of a batch with the writer's schema.
  absl::Status Append(const RowBatch& batch, int64_t begin, int64_t end);
  [[nodiscard]] int64_t rows() const;
  /// How large the file would be if it were closed now: exact for row groups that are written, for the others from how well those
  /// shrank.
  [[nodiscard]] int64_t size_bytes() const;
  [[nodiscard]] const std::string& local_file() const;

  /// Ends the file and says what is in it; path and partition are left to the caller. InvalidArgument without rows.
  absl::StatusOr<DataFile> Close();

 private:
  class Impl;
  explicit DataFileWriter(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PARQUET_DATA_FILE_WRITER_H_
