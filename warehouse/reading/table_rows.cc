#include "reading/table_rows.h"

#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "reading/table_info.h"

namespace millrace::warehouse {
namespace {

absl::StatusOr<const Snapshot*> FindSnapshot(const TableMetadata& metadata, const std::optional<int64_t>& id) {
  if (!id) return metadata.current_snapshot();
  const Snapshot* snapshot = metadata.FindSnapshot(*id);
  if (snapshot == nullptr) {
    return absl::NotFoundError(absl::StrCat("the table has no snapshot ", *id, ": it never had, or it has expired"));
  }
  return snapshot;
}

const Schema& SchemaOf(const TableMetadata& metadata, const Snapshot* snapshot) {
  if (snapshot == nullptr || snapshot == metadata.current_snapshot() || !snapshot->schema_id) return metadata.schema();
  for (const Schema& schema : metadata.schemas) {
    if (schema.id == *snapshot->schema_id) return schema;
  }
  return metadata.schema();
}

}  // namespace

absl::StatusOr<std::vector<LiveFile>> FilesToRead(Storage* storage, const TableMetadata& metadata, const Snapshot& snapshot) {
  absl::StatusOr<std::vector<ManifestFile>> manifests = ReadManifestList(*storage, snapshot);
  if (!manifests.ok()) return manifests.status();
  for (const ManifestFile& manifest : *manifests) {
    if (manifest.content == FileContent::kData || !manifest.has_live_files()) continue;
    return absl::UnimplementedError(absl::StrCat(
        "snapshot ", snapshot.id,
        " has rows that another engine has marked as deleted in files of their own, which are not read here: rewrite the table's "
        "data files with that engine, or export with it"));
  }
  return ReadLiveFiles(*storage, metadata, snapshot);
}

TableRows::TableRows(Storage* storage, std::vector<Field> fields, std::vector<FileToRead> files)
    : storage_(storage), files_(std::move(files)), text_(fields) {
  for (const Field& field : fields) {
    columns_.push_back(DescribeColumn(field));
    ids_.insert(field.id);
  }
}

absl::StatusOr<std::unique_ptr<TableRows>> TableRows::Open(Storage* storage, const TableMetadata& metadata,
                                                           const ReadDescription& description) {
  absl::StatusOr<const Snapshot*> snapshot = FindSnapshot(metadata, description.snapshot);
  if (!snapshot.ok()) return snapshot.status();
  const Schema& schema = SchemaOf(metadata, *snapshot);
  absl::StatusOr<std::vector<Field>> fields = SelectFields(schema, description.columns);
  if (!fields.ok()) return fields.status();
  std::unique_ptr<DayColumn> day_column;
  if (description.day) {
    const auto zone = metadata.properties.find(kTimeZone);
    absl::StatusOr<DayColumn> found =
        DayColumn::Find(schema, description.day->column, zone == metadata.properties.end() ? "UTC" : zone->second);
    if (!found.ok()) return found.status();
    day_column = std::make_unique<DayColumn>(*std::move(found));
  }
  std::vector<FileToRead> to_read;
  if (*snapshot != nullptr) {
    absl::StatusOr<std::vector<LiveFile>> files = FilesToRead(storage, metadata, **snapshot);
    if (!files.ok()) return files.status();
    // A table may be so large that there are many; only this of them is kept.
    for (const LiveFile& live : *files) {
      if (day_column) {
        const DayColumn::Range range = day_column->In(live.file);
        if (range.empty || description.day->day < range.first || description.day->day > range.last) continue;
      }
      to_read.push_back({live.file.path, live.file.size_bytes});
    }
  }
  std::unique_ptr<TableRows> rows(new TableRows(storage, *std::move(fields), std::move(to_read)));
  if (day_column) {
    rows->ids_.insert(day_column->id());
    rows->day_column_ = std::move(day_column);
    rows->day_ = description.day->day;
  }
  return rows;
}

absl::StatusOr<int64_t> TableRows::Read(TakeRow take) {
  while (true) {
    if (file_ == nullptr) {
      if (next_ == files_.size()) return 0;
      const FileToRead& next = files_[next_++];
      absl::StatusOr<std::unique_ptr<ParquetBatches>> file = ParquetBatches::Open(storage_, next.path, next.size_bytes, ids_);
      if (!file.ok()) return file.status();
      file_ = *std::move(file);
    }
    absl::StatusOr<std::shared_ptr<arrow::RecordBatch>> batch = file_->Next();
    if (!batch.ok()) return batch.status();
    if (*batch == nullptr) {
      file_.reset();
      continue;
    }
    absl::Status status = text_.Bind(**batch);
    if (status.ok() && day_column_) status = day_column_->Bind(**batch);
    if (!status.ok())
      return absl::Status(status.code(), absl::StrCat(files_[next_ - 1].path, ": ", std::string(status.message())));
    int64_t taken = 0;
    for (int64_t row = 0; row < (*batch)->num_rows(); ++row) {
      if (day_column_ && day_column_->Of(row) != day_) continue;
      take(text_.Row(row));
      ++taken;
    }
    if (taken > 0) return taken;
  }
}

}  // namespace millrace::warehouse
