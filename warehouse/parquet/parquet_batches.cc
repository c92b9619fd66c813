#include "parquet/parquet_batches.h"

#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "parquet/stored_file.h"
#include "storage/uri.h"

namespace millrace::warehouse {
namespace {

// What is read at once.
constexpr int64_t kBatchBytes = int64_t{4} << 20;
constexpr int64_t kBatchRows = 8192;
// Of each column, for the pages of a local file.
constexpr int64_t kBufferBytes = int64_t{256} << 10;

int64_t RowsAtOnce(const parquet::FileMetaData& footer) {
  int64_t bytes = 0;
  for (int group = 0; group < footer.num_row_groups(); ++group) bytes += footer.RowGroup(group)->total_byte_size();
  return std::clamp<int64_t>(kBatchBytes / (bytes / std::max<int64_t>(footer.num_rows(), 1) + 1), 1, kBatchRows);
}

/// nullptr: not local, or not there, of which the storage tells more.
std::shared_ptr<arrow::io::RandomAccessFile> OpenLocal(const std::string& path) {
  const absl::StatusOr<Uri> uri = ParseUri(path);
  if (!uri.ok() || uri->scheme != "file") return nullptr;
  return arrow::io::ReadableFile::Open(uri->path).ValueOr(nullptr);
}

/// Where the leaves of each row group lie.
std::vector<StoredFile::Piece> Pieces(const parquet::FileMetaData& footer, const std::vector<int>& leaves) {
  std::vector<StoredFile::Piece> pieces;
  for (int group = 0; group < footer.num_row_groups() && !leaves.empty(); ++group) {
    StoredFile::Piece piece{std::numeric_limits<int64_t>::max(), 0};
    const auto row_group = footer.RowGroup(group);
    for (const int leaf : leaves) {
      const auto column = row_group->ColumnChunk(leaf);
      const int64_t begin = column->has_dictionary_page() && column->dictionary_page_offset() > 0
                                ? std::min(column->dictionary_page_offset(), column->data_page_offset())
                                : column->data_page_offset();
      piece.begin = std::min(piece.begin, begin);
      piece.end = std::max(piece.end, begin + column->total_compressed_size());
    }
    pieces.push_back(piece);
  }
  return pieces;
}

}  // namespace

class ParquetBatches::Impl {
 public:
  explicit Impl(std::string path) : path_(std::move(path)) {}

  absl::Status Open(Storage* storage, int64_t size_bytes, const std::set<int>& field_ids) {
    std::shared_ptr<arrow::io::RandomAccessFile> source = OpenLocal(path_);
    if (source == nullptr) source = stored_ = std::make_shared<StoredFile>(storage, path_, size_bytes);
    try {
      parquet::ReaderProperties buffers;
      buffers.enable_buffered_stream();
      buffers.set_buffer_size(kBufferBytes);
      auto file = parquet::ParquetFileReader::Open(std::move(source), buffers);
      const std::shared_ptr<parquet::FileMetaData> footer = file->metadata();
      absl::StatusOr<std::vector<int>> columns = Columns(*footer->schema(), field_ids);
      if (!columns.ok()) return columns.status();
      has_rows_only_ = columns->empty() && footer->num_rows() > 0;
      if (stored_) stored_->SetPieces(Pieces(*footer, *columns));
      groups_ = footer->num_row_groups();
      parquet::ArrowReaderProperties properties(/*use_threads=*/false);
      properties.set_batch_size(RowsAtOnce(*footer));
      properties.set_pre_buffer(false);
      auto reader = parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(file), properties);
      if (!reader.ok()) return Failed(reader.status().ToString());
      reader_ = *std::move(reader);
      columns_ = *std::move(columns);
    } catch (const parquet::ParquetException& error) {
      return Failed(error.what());
    }
    return absl::OkStatus();
  }

  [[nodiscard]] bool has_rows_only() const { return has_rows_only_; }

  absl::StatusOr<std::shared_ptr<arrow::RecordBatch>> Next() {
    std::shared_ptr<arrow::RecordBatch> batch;
    try {
      while (batch == nullptr) {
        if (batches_ == nullptr) {
          if (next_group_ == groups_) break;
          // By itself: a batch over the border of two would read from both, column by column.
          auto batches = reader_->GetRecordBatchReader({next_group_++}, columns_);
          if (!batches.ok()) return Failed(batches.status().ToString());
          batches_ = *std::move(batches);
        }
        if (arrow::Status status = batches_->ReadNext(&batch); !status.ok()) return Failed(status.ToString());
        if (batch == nullptr) batches_.reset();
      }
    } catch (const parquet::ParquetException& error) {
      return Failed(error.what());
    }
    return batch;
  }

 private:
  /// The file is damaged, unless the storage says otherwise.
  [[nodiscard]] absl::Status Failed(const std::string& why) const {
    if (stored_ && !stored_->error().ok()) return stored_->error();
    return absl::DataLossError(absl::StrCat("cannot read ", path_, ": ", why));
  }

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
  std::shared_ptr<StoredFile> stored_;  // nullptr: a local file
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::vector<int> columns_;  // leaves
  int groups_ = 0;
  int next_group_ = 0;
  std::shared_ptr<arrow::RecordBatchReader> batches_;  // of the group before that
};

ParquetBatches::ParquetBatches(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ParquetBatches::~ParquetBatches() = default;

absl::StatusOr<std::unique_ptr<ParquetBatches>> ParquetBatches::Open(Storage* storage, const std::string& path,
                                                                     int64_t size_bytes, const std::set<int>& field_ids) {
  auto impl = std::make_unique<Impl>(path);
  if (absl::Status status = impl->Open(storage, size_bytes, field_ids); !status.ok()) return status;
  return std::unique_ptr<ParquetBatches>(new ParquetBatches(std::move(impl)));
}

bool ParquetBatches::has_rows_only() const { return impl_->has_rows_only(); }

absl::StatusOr<std::shared_ptr<arrow::RecordBatch>> ParquetBatches::Next() { return impl_->Next(); }

}  // namespace millrace::warehouse
