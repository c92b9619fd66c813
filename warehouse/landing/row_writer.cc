#include "landing/row_writer.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/random_name.h"
#include "table/partition.h"

namespace millrace::warehouse {

RowWriter::RowWriter(Storage* storage, const TableMetadata& table, Options options)
    : storage_(storage),
      schema_(table.schema()),
      spec_(table.spec()),
      data_folder_(absl::StrCat(table.location, "/data")),
      options_(std::move(options)) {
  options_.router.file.dictionaries = &dictionaries_;
}

RowWriter::~RowWriter() { Drop(); }

PartitionRouter* RowWriter::router() {
  if (!router_) {
    router_ = std::make_unique<PartitionRouter>(schema_, spec_, options_.router, [this] {
      return absl::StrCat(options_.spool_folder, "/", options_.file_prefix, "-", getpid(), "-", RandomName(), ".parquet");
    });
  }
  return router_.get();
}

absl::Status RowWriter::Take(RowBatch* batch) {
  if (batch->rows() == 0) return absl::OkStatus();
  absl::Status status = router()->Append(*batch);
  batch->Clear();
  return status;
}

absl::StatusOr<std::vector<DataFile>> RowWriter::Upload() {
  std::vector<DataFile> uploaded;
  if (!router_) return uploaded;
  absl::StatusOr<std::vector<PartitionRouter::ClosedFile>> closed = router_->Finish();
  absl::Status status = closed.status();
  for (size_t i = 0; closed.ok() && i < closed->size(); ++i) {
    if (status.ok()) {
      absl::StatusOr<DataFile> file = UploadOne((*closed)[i]);
      status = file.status();
      if (file.ok()) uploaded.push_back(*std::move(file));
    }
    (void)unlink((*closed)[i].local_file.c_str());
  }
  Drop();
  if (status.ok()) return uploaded;
  for (const DataFile& file : uploaded) (void)storage_->Delete(file.path);
  return status;
}

absl::StatusOr<DataFile> RowWriter::UploadOne(const PartitionRouter::ClosedFile& closed) {
  DataFile file = closed.file;
  const std::string folder = PartitionPath(spec_, file.partition);
  file.path =
      absl::StrCat(data_folder_, folder.empty() ? "" : "/", folder, "/", options_.file_prefix, "-", RandomName(), ".parquet");
  if (absl::Status status = storage_->Upload(closed.local_file, file.path); !status.ok()) return status;
  return file;
}

void RowWriter::Drop() {
  if (!router_) return;
  for (const std::string& file : router_->local_files()) (void)unlink(file.c_str());
  router_.reset();
}

}  // namespace millrace::warehouse
