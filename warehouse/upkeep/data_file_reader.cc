#include "upkeep/data_file_reader.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "upkeep/arrow_rows.h"

namespace millrace::warehouse {
namespace {

// What is read at once.
constexpr int64_t kBatchBytes = int64_t{4} << 20;
constexpr int64_t kBatchRows = 8192;

absl::Status Damaged(const std::string& path, const std::string& why) {
  return absl::DataLossError(absl::StrCat("cannot read ", path, ": ", why));
}

int64_t RowsAtOnce(const parquet::FileMetaData& footer) {
  int64_t bytes = 0;
  for (int group = 0; group < footer.num_row_groups(); ++group) bytes += footer.RowGroup(group)->total_byte_size();
  const int64_t row_bytes = bytes / std::max<int64_t>(footer.num_rows(), 1) + 1;
  return std::clamp<int64_t>(kBatchBytes / row_bytes, 1, kBatchRows);
}

}  // namespace

class DataFileReader::Impl {
 public:
  Impl(std::string path, const Schema& schema) : path_(std::move(path)) {
    for (const Field& field : schema.fields) ids_.insert(field.id);
  }

  absl::Status Open(std::string content) {
    try {
      auto source = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(content)));
      std::unique_ptr<parquet::ParquetFileReader> file = parquet::ParquetFileReader::Open(std::move(source));
      const std::shared_ptr<parquet::FileMetaData> footer = file->metadata();
      absl::StatusOr<std::vector<int>> columns = Columns(*footer->schema());
      if (!columns.ok()) return columns.status();
      rows_without_columns_ = columns->empty() ? footer->num_rows() : 0;
      parquet::ArrowReaderProperties properties(/*use_threads=*/false);
      properties.set_batch_size(RowsAtOnce(*footer));
      properties.set_pre_buffer(false);
      auto reader = parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(file), properties);
      if (!reader.ok()) return Damaged(path_, reader.status().ToString());
      reader_ = *std::move(reader);
      std::vector<int> groups(footer->num_row_groups());
      for (size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<int>(i);
      auto batches = reader_->GetRecordBatchReader(groups, *columns);
      if (!batches.ok()) return Damaged(path_, batches.status().ToString());
      batches_ = *std::move(batches);
    } catch (const parquet::ParquetException& error) {
      return Damaged(path_, error.what());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Read(RowBatch* batch) {
    std::shared_ptr<arrow::RecordBatch> read;
    try {
      if (arrow::Status status = batches_->ReadNext(&read); !status.ok()) return Damaged(path_, status.ToString());
    } catch (const parquet::ParquetException& error) {
      return Damaged(path_, error.what());
    }
    if (read == nullptr) return false;
    absl::Status status = AppendArrowRows(*read, batch);
    if (!status.ok()) return absl::Status(status.code(), absl::StrCat(path_, ": ", std::string(status.message())));
    return true;
  }

  [[nodiscard]] bool has_no_columns() const { return rows_without_columns_ > 0; }

 private:
  /// The leaves of the columns that are wanted. A file without ids would be read as one without values.
  absl::StatusOr<std::vector<int>> Columns(const parquet::SchemaDescriptor& schema) const {
    std::vector<int> columns;
    for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
      const int id = schema.GetColumnRoot(leaf)->field_id();
      if (id <= 0) {
        return absl::UnimplementedError(
            absl::StrCat(path_, " has no field ids, by which columns are found: rewrite it with the ", "engine that wrote it"));
      }
      if (ids_.contains(id)) columns.push_back(leaf);
    }
    return columns;
  }

  const std::string path_;
  std::set<int> ids_;
  int64_t rows_without_columns_ = 0;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::RecordBatchReader> batches_;
};

DataFileReader::DataFileReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DataFileReader::~DataFileReader() = default;

absl::StatusOr<std::unique_ptr<DataFileReader>> DataFileReader::Open(Storage* storage, const std::string& path,
                                                                     const Schema& schema) {
  absl::StatusOr<std::string> content = storage->Read(path);
  if (!content.ok()) return content.status();
  auto impl = std::make_unique<Impl>(path, schema);
  if (absl::Status status = impl->Open(*std::move(content)); !status.ok()) return status;
  if (impl->has_no_columns()) {
    return absl::UnimplementedError(absl::StrCat(path, " has none of the columns that the table has now"));
  }
  return std::unique_ptr<DataFileReader>(new DataFileReader(std::move(impl)));
}

absl::StatusOr<bool> DataFileReader::Read(RowBatch* batch) { return impl_->Read(batch); }

}  // namespace millrace::warehouse
