#ifndef MILLRACE_WAREHOUSE_LANDING_ROW_WRITER_H_
#define MILLRACE_WAREHOUSE_LANDING_ROW_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "parquet/partition_router.h"
#include "parquet/row_batch.h"
#include "storage/storage.h"
#include "table/data_file.h"
#include "table/table_metadata.h"

namespace millrace::warehouse {

/// Rows on their way into data files of one table: in memory, then on the local disk, then in the table's storage under names
/// that nobody else uses. Nothing of it is visible before a commit refers to it. Not thread-safe.
class RowWriter {
 public:
  struct Options {
    std::string spool_folder;  // must be there
    std::string file_prefix;   // of names in the storage
    PartitionRouter::Options router;
  };

  /// For the schema and the default spec that the table has now. The storage outlives it.
  RowWriter(Storage* storage, const TableMetadata& table, Options options);
  /// Drops what was not uploaded.
  ~RowWriter();
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  /// Takes the rows of a batch with the table's schema; the batch is empty then.
  absl::Status Take(RowBatch* batch);
  [[nodiscard]] int64_t pending_bytes() const { return router_ ? router_->size_bytes() : 0; }
  /// Uploads all files. After an error nothing of it is left behind, as far as the storage lets.
  absl::StatusOr<std::vector<DataFile>> Upload();
  void Drop();

 private:
  absl::StatusOr<DataFile> UploadOne(const PartitionRouter::ClosedFile& closed);
  PartitionRouter* router();

  Storage* const storage_;
  const Schema schema_;
  const PartitionSpec spec_;
  const std::string data_folder_;
  DictionaryMemory dictionaries_;
  Options options_;
  std::unique_ptr<PartitionRouter> router_;  // null while there are no rows
  int64_t files_ = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_ROW_WRITER_H_
