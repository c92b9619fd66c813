#include "upkeep/data_file_reader.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "parquet/parquet_batches.h"
#include "upkeep/arrow_rows.h"

namespace millrace::warehouse {

DataFileReader::DataFileReader(std::string path, std::unique_ptr<ParquetBatches> batches)
    : path_(std::move(path)), batches_(std::move(batches)) {}
DataFileReader::~DataFileReader() = default;

absl::StatusOr<std::unique_ptr<DataFileReader>> DataFileReader::Open(Storage* storage, const std::string& path,
                                                                     int64_t size_bytes, const Schema& schema) {
  std::set<int> ids;
  for (const Field& field : schema.fields) ids.insert(field.id);
  absl::StatusOr<std::unique_ptr<ParquetBatches>> batches = ParquetBatches::Open(storage, path, size_bytes, ids);
  if (!batches.ok()) return batches.status();
  if ((*batches)->has_rows_only()) {
    return absl::UnimplementedError(absl::StrCat(path, " has none of the columns that the table has now"));
  }
  return std::unique_ptr<DataFileReader>(new DataFileReader(path, *std::move(batches)));
}

absl::StatusOr<bool> DataFileReader::Read(RowBatch* batch) {
  const absl::StatusOr<std::shared_ptr<arrow::RecordBatch>> read = batches_->Next();
  if (!read.ok()) return read.status();
  if (*read == nullptr) return false;
  absl::Status status = AppendArrowRows(**read, batch);
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat(path_, ": ", std::string(status.message())));
  return true;
}

}  // namespace millrace::warehouse
