#include "parquet/data_file_writer.h"

#include <arrow/io/file.h>
#include <arrow/util/io_util.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/properties.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "parquet/arrow_columns.h"
#include "parquet/footer_metrics.h"

namespace millrace::warehouse {
namespace {

// What a part of a batch may take at once of a row group.
constexpr int64_t kPartsOfRowGroup = 8;
// How well rows shrink, as long as nothing is written that tells.
constexpr double kFirstRatio = 0.4;

absl::Status FromArrow(const arrow::Status& status, const std::string& file) {
  if (status.ok()) {
    return absl::OkStatus();
  }
  const int error = arrow::internal::ErrnoFromStatus(status);
  if (error == ENOSPC || error == EDQUOT) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no space to write ", file, ": free some, or let files lie on another disk"));
  }
  return absl::UnavailableError(absl::StrCat("cannot write ", file, ": ", status.ToString()));
}

std::shared_ptr<parquet::WriterProperties> Properties(const Schema& schema, const DataFileOptions& options) {
  parquet::WriterProperties::Builder builder;
  builder.compression(parquet::Compression::ZSTD)
      ->compression_level(options.zstd_level)
      ->data_page_version(parquet::ParquetDataPageVersion::V1)
      ->max_row_group_length(std::numeric_limits<int64_t>::max())
      ->enable_store_decimal_as_integer()
      ->created_by("millrace");
  for (const Field& field : schema.fields) {
    // Each value once: a dictionary would only be made to be thrown away.
    if (field.name == "_offset") {
      builder.disable_dictionary(field.name);
    }
  }
  if (options.dictionaries != nullptr) {
    for (const std::string& leaf : options.dictionaries->without()) builder.disable_dictionary(leaf);
  }
  return builder.build();
}

}  // namespace

class DataFileWriter::Impl {
 public:
  Impl(std::string file, const Schema& schema, DataFileOptions options)
      : file_(std::move(file)), options_(std::move(options)), schema_(ArrowSchema(schema)), buffered_(schema) {}

  absl::Status Open() {
    return Guarded([this]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(sink_, arrow::io::FileOutputStream::Open(file_));
      const auto arrow_properties = parquet::ArrowWriterProperties::Builder().enable_compliant_nested_types()->build();
      return parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), sink_,
                                              Properties(buffered_.schema(), options_), arrow_properties)
          .Value(&writer_);
    });
  }

  absl::Status Append(const RowBatch& batch, int64_t begin, int64_t end) {
    const int64_t row_bytes = batch.bytes() / std::max<int64_t>(batch.rows(), 1) + 1;
    const int64_t part = std::max<int64_t>(1, options_.row_group_bytes / kPartsOfRowGroup / row_bytes);
    for (int64_t row = begin; row < end && status_.ok(); row += part) {
      const int64_t part_end = std::min(end, row + part);
      buffered_.AppendRange(batch, row, part_end);
      rows_ += part_end - row;
      if (buffered_.bytes() >= options_.row_group_bytes) {
        status_ = WriteRowGroup();
      }
    }
    return status_;
  }

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t size_bytes() const {
    const double ratio = raw_bytes_ == 0 ? kFirstRatio : static_cast<double>(written_bytes_) / static_cast<double>(raw_bytes_);
    return written_bytes_ + static_cast<int64_t>(ratio * static_cast<double>(buffered_.bytes()));
  }
  [[nodiscard]] const std::string& file() const { return file_; }

  absl::StatusOr<DataFile> Close() {
    if (status_.ok() && rows_ == 0) {
      return absl::InvalidArgumentError(absl::StrCat(file_, " has no rows: a data file without rows belongs to no table"));
    }
    if (status_.ok() && buffered_.rows() > 0) {
      status_ = WriteRowGroup();
    }
    if (status_.ok()) {
      status_ = Guarded([this]() -> arrow::Status {
        std::vector<std::string> keys;
        std::vector<std::string> values;
        for (const auto& [key, value] : options_.metadata) {
          keys.push_back(key);
          values.push_back(value);
        }
        ARROW_RETURN_NOT_OK(writer_->AddKeyValueMetadata(arrow::key_value_metadata(std::move(keys), std::move(values))));
        ARROW_RETURN_NOT_OK(writer_->Close());
        ARROW_ASSIGN_OR_RAISE(written_bytes_, sink_->Tell());
        return sink_->Close();
      });
    }
    if (!status_.ok()) {
      return status_;
    }
    DataFile result;
    result.size_bytes = written_bytes_;
    AddFooterMetrics(*writer_->metadata(), buffered_.schema(), &result);
    if (options_.dictionaries != nullptr) options_.dictionaries->Learn(*writer_->metadata());
    return result;
  }

 private:
  /// Parquet throws where Arrow returns.
  absl::Status Guarded(const std::function<arrow::Status()>& action) const {
    try {
      return FromArrow(action(), file_);
    } catch (const parquet::ParquetException& error) {
      return absl::UnavailableError(absl::StrCat("cannot write ", file_, ": ", error.what()));
    }
  }

  absl::Status WriteRowGroup() {
    raw_bytes_ += buffered_.bytes();
    absl::Status status = Guarded([this]() -> arrow::Status {
      ARROW_RETURN_NOT_OK(writer_->WriteTable(*ArrowTable(buffered_, schema_), buffered_.rows()));
      return sink_->Tell().Value(&written_bytes_);
    });
    buffered_.Clear();
    return status;
  }

  const std::string file_;
  const DataFileOptions options_;
  const std::shared_ptr<arrow::Schema> schema_;
  RowBatch buffered_;
  std::shared_ptr<arrow::io::FileOutputStream> sink_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  int64_t rows_ = 0;
  int64_t written_bytes_ = 0;
  int64_t raw_bytes_ = 0;  // of the rows that are written
  absl::Status status_;
};

DataFileWriter::DataFileWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DataFileWriter::~DataFileWriter() = default;

absl::StatusOr<std::unique_ptr<DataFileWriter>> DataFileWriter::Open(const std::string& local_file, const Schema& schema,
                                                                     const DataFileOptions& options) {
  auto impl = std::make_unique<Impl>(local_file, schema, options);
  if (absl::Status status = impl->Open(); !status.ok()) {
    return status;
  }
  return std::unique_ptr<DataFileWriter>(new DataFileWriter(std::move(impl)));
}

absl::Status DataFileWriter::Append(const RowBatch& batch, int64_t begin, int64_t end) {
  return impl_->Append(batch, begin, end);
}
int64_t DataFileWriter::rows() const { return impl_->rows(); }
int64_t DataFileWriter::size_bytes() const { return impl_->size_bytes(); }
const std::string& DataFileWriter::local_file() const { return impl_->file(); }
absl::StatusOr<DataFile> DataFileWriter::Close() { return impl_->Close(); }

}  // namespace millrace::warehouse
