#include "upkeep/partition_writer.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/random_name.h"
#include "storage/uri.h"

namespace millrace::warehouse {
namespace {

std::string FolderFor(const TableMetadata& table, const PartitionTuple& partition) {
  const std::string data = JoinPath(table.location, "data");
  const std::string path = PartitionPath(table.spec(), partition);
  return path.empty() ? data : JoinPath(data, path);
}

}  // namespace

PartitionWriter::PartitionWriter(Storage* storage, const TableMetadata& table, PartitionTuple partition, Options options)
    : storage_(storage),
      schema_(table.schema()),
      partition_(std::move(partition)),
      folder_(FolderFor(table, partition_)),
      options_(std::move(options)) {}

PartitionWriter::~PartitionWriter() {
  if (writer_) (void)unlink(writer_->local_file().c_str());
  for (const DataFile& file : files_) (void)storage_->Delete(file.path);
}

absl::Status PartitionWriter::Append(const RowBatch& batch, int64_t begin, int64_t end) {
  if (begin == end) return absl::OkStatus();
  if (!writer_) {
    // As the spool's names are, so that what a killed process leaves is known.
    const std::string local =
        absl::StrCat(options_.spool_folder, "/", options_.file_prefix, "-", getpid(), "-", RandomName(), ".parquet");
    absl::StatusOr<std::unique_ptr<DataFileWriter>> opened = DataFileWriter::Open(local, schema_, options_.file);
    if (!opened.ok()) return opened.status();
    writer_ = *std::move(opened);
  }
  if (absl::Status status = writer_->Append(batch, begin, end); !status.ok()) return status;
  return writer_->size_bytes() >= options_.target_bytes ? Close() : absl::OkStatus();
}

absl::Status PartitionWriter::Close() {
  absl::StatusOr<DataFile> file = writer_->Close();
  if (!file.ok()) return file.status();
  file->partition = partition_;
  file->path = JoinPath(folder_, absl::StrCat(options_.file_prefix, "-", RandomName(), ".parquet"));
  absl::Status status = storage_->Upload(writer_->local_file(), file->path);
  (void)unlink(writer_->local_file().c_str());
  writer_.reset();
  if (status.ok()) files_.push_back(*std::move(file));
  return status;
}

absl::StatusOr<std::vector<DataFile>> PartitionWriter::Finish() {
  if (writer_) {
    if (absl::Status status = Close(); !status.ok()) return status;
  }
  return std::exchange(files_, {});
}

}  // namespace millrace::warehouse
