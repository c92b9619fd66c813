#include "parquet/parquet_batches.h"

#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/uri.h"

namespace millrace::warehouse {
namespace {

// What is read at once.
constexpr int64_t kBatchBytes = int64_t{4} << 20;
constexpr int64_t kBatchRows = 8192;
// Of each column, for the pages of a local file.
constexpr int64_t kBufferBytes = int64_t{256} << 10;

absl::Status Damaged(const std::string& path, const std::string& why) {
  return absl::DataLossError(absl::StrCat("cannot read ", path, ": ", why));
}

int64_t RowsAtOnce(const parquet::FileMetaData& footer) {
  int64_t bytes = 0;
  for (int group = 0; group < footer.num_row_groups(); ++group) bytes += footer.RowGroup(group)->total_byte_size();
  return std::clamp<int64_t>(kBatchBytes / (bytes / std::max<int64_t>(footer.num_rows(), 1) + 1), 1, kBatchRows);
}

absl::StatusOr<std::shared_ptr<arrow::io::RandomAccessFile>> OpenFile(Storage* storage, const std::string& path) {
  const absl::StatusOr<Uri> uri = ParseUri(path);
  if (uri.ok() && uri->scheme == "file") {
    auto file = arrow::io::ReadableFile::Open(uri->path);
    if (file.ok()) return *file;
    // What the storage says about it is better.
  }
  absl::StatusOr<std::string> content = storage->Read(path);
  if (!content.ok()) return content.status();
  return std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(*std::move(content)));
}

}  // namespace

class ParquetBatches::Impl {
 public:
  explicit Impl(std::string path) : path_(std::move(path)) {}

  absl::Status Open(std::shared_ptr<arrow::io::RandomAccessFile> source, const std::set<int>& field_ids) {
    try {
      parquet::ReaderProperties buffers;
      buffers.enable_buffered_stream();
      buffers.set_buffer_size(kBufferBytes);
      auto file = parquet::ParquetFileReader::Open(std::move(source), buffers);
      const std::shared_ptr<parquet::FileMetaData> footer = file->metadata();
      absl::StatusOr<std::vector<int>> columns = Columns(*footer->schema(), field_ids);
      if (!columns.ok()) return columns.status();
      has_rows_only_ = columns->empty() && footer->num_rows() > 0;
      parquet::ArrowReaderProperties properties(/*use_threads=*/false);
      properties.set_batch_size(RowsAtOnce(*footer));
      properties.set_pre_buffer(false);
      auto reader = parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(file), properties);
      if (!reader.ok()) return Damaged(path_, reader.status().ToString());
      reader_ = *std::move(reader);
      std::vector<int> groups(footer->num_row_groups());
      std::iota(groups.begin(), groups.end(), 0);
      auto batches = reader_->GetRecordBatchReader(groups, *columns);
      if (!batches.ok()) return Damaged(path_, batches.status().ToString());
      batches_ = *std::move(batches);
    } catch (const parquet::ParquetException& error) {
      return Damaged(path_, error.what());
    }
    return absl::OkStatus();
  }

  [[nodiscard]] bool has_rows_only() const { return has_rows_only_; }

  absl::StatusOr<std::shared_ptr<arrow::RecordBatch>> Next() {
    std::shared_ptr<arrow::RecordBatch> batch;
    try {
      if (arrow::Status status = batches_->ReadNext(&batch); !status.ok()) return Damaged(path_, status.ToString());
    } catch (const parquet::ParquetException& error) {
      return Damaged(path_, error.what());
    }
    return batch;
  }

 private:
  /// The leaves of the columns that are wanted. A file without ids would be read as one without values.
  absl::StatusOr<std::vector<int>> Columns(const parquet::SchemaDescriptor& schema, const std::set<int>& field_ids) const {
    std::vector<int> leaves;
    for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
      const int id = schema.GetColumnRoot(leaf)->field_id();
      if (id <= 0) {
        return absl::UnimplementedError(absl::StrCat(
            path_, " has no field ids, by which columns are found: rewrite the table with the engine that wrote the file"));
      }
      if (field_ids.contains(id)) leaves.push_back(leaf);
    }
    return leaves;
  }

  const std::string path_;
  bool has_rows_only_ = false;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::RecordBatchReader> batches_;
};

ParquetBatches::ParquetBatches(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ParquetBatches::~ParquetBatches() = default;

absl::StatusOr<std::unique_ptr<ParquetBatches>> ParquetBatches::Open(Storage* storage, const std::string& path,
                                                                     const std::set<int>& field_ids) {
  absl::StatusOr<std::shared_ptr<arrow::io::RandomAccessFile>> file = OpenFile(storage, path);
  if (!file.ok()) return file.status();
  auto impl = std::make_unique<Impl>(path);
  if (absl::Status status = impl->Open(*std::move(file), field_ids); !status.ok()) return status;
  return std::unique_ptr<ParquetBatches>(new ParquetBatches(std::move(impl)));
}

bool ParquetBatches::has_rows_only() const { return impl_->has_rows_only(); }

absl::StatusOr<std::shared_ptr<arrow::RecordBatch>> ParquetBatches::Next() { return impl_->Next(); }

}  // namespace millrace::warehouse
