#include "parquet/partition_router.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kMicrosPerHour = int64_t{3600} * 1'000'000;
constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

int64_t FloorDivide(int64_t value, int64_t by) {
  const int64_t quotient = value / by;
  return value % by < 0 ? quotient - 1 : quotient;
}

/// Of a long or an instant.
int64_t Transformed(Transform transform, int64_t value) {
  switch (transform) {
    case Transform::kHour:
      return FloorDivide(value, kMicrosPerHour);
    case Transform::kDay:
      return FloorDivide(value, kMicrosPerDay);
    case Transform::kIdentity:
      return value;
  }
  return value;
}

bool FindPath(const std::vector<std::unique_ptr<Column>>& columns, int id, std::vector<const Column*>* path) {
  for (const std::unique_ptr<Column>& column : columns) {
    path->push_back(column.get());
    if (column->id() == id ||
        (column->kind() == Type::Kind::kStruct && FindPath(static_cast<const StructColumn&>(*column).children(), id, path))) {
      return true;
    }
    path->pop_back();
  }
  return false;
}

bool Fits(Transform transform, Type::Kind kind) {
  switch (transform) {
    case Transform::kHour:
      return kind == Type::Kind::kTimestampTz;
    case Transform::kDay:
      return kind == Type::Kind::kTimestampTz || kind == Type::Kind::kDate;
    case Transform::kIdentity:
      return kind == Type::Kind::kBoolean || kind == Type::Kind::kInt || kind == Type::Kind::kLong || kind == Type::Kind::kDate ||
             kind == Type::Kind::kTimestampTz || kind == Type::Kind::kString;
  }
  return false;
}

}  // namespace

absl::StatusOr<PartitionOfRow> PartitionOfRow::Create(const RowBatch& batch, const PartitionSpec& spec) {
  PartitionOfRow result;
  for (const PartitionField& field : spec.fields) {
    Source source;
    source.transform = field.transform;
    if (!FindPath(batch.columns(), field.source_id, &source.path) || !Fits(field.transform, source.path.back()->kind())) {
      return absl::InvalidArgumentError(absl::StrCat("the table is partitioned by ", field.name, ", whose column ",
                                                     field.source_id,
                                                     " is not there, is inside a list or map, or has a type without such a "
                                                     "transform; partition the table by another column"));
    }
    result.sources_.push_back(std::move(source));
  }
  return result;
}

PartitionValue PartitionOfRow::ValueOf(const Source& source, int64_t row) {
  for (const Column* column : source.path) {
    if (column->IsNull(row)) {
      return std::monostate();
    }
  }
  const Column& column = *source.path.back();
  switch (column.kind()) {
    case Type::Kind::kBoolean:
      return static_cast<const FixedColumn<uint8_t>&>(column).values()[row] != 0;
    case Type::Kind::kInt:
    case Type::Kind::kDate:
      return static_cast<const FixedColumn<int32_t>&>(column).values()[row];
    case Type::Kind::kString:
      return std::string(static_cast<const BytesColumn&>(column).Get(row));
    default: {
      const int64_t value = Transformed(source.transform, static_cast<const FixedColumn<int64_t>&>(column).values()[row]);
      if (source.transform == Transform::kIdentity) return value;
      return static_cast<int32_t>(value);
    }
  }
}

PartitionTuple PartitionOfRow::Of(int64_t row) const {
  PartitionTuple result;
  for (const Source& source : sources_) {
    result.push_back(ValueOf(source, row));
  }
  return result;
}

// Without values of partitions in between: it is asked for each row.
bool PartitionOfRow::SameValue(const Source& source, int64_t a, int64_t b) {
  const auto is_null = [&source](int64_t row) {
    return std::any_of(source.path.begin(), source.path.end(), [row](const Column* column) { return column->IsNull(row); });
  };
  const bool null = is_null(a);
  if (null || is_null(b)) return null && is_null(b);
  const Column& column = *source.path.back();
  switch (column.kind()) {
    case Type::Kind::kBoolean: {
      const auto& values = static_cast<const FixedColumn<uint8_t>&>(column).values();
      return (values[a] != 0) == (values[b] != 0);
    }
    case Type::Kind::kInt:
    case Type::Kind::kDate: {
      const auto& values = static_cast<const FixedColumn<int32_t>&>(column).values();
      return values[a] == values[b];
    }
    case Type::Kind::kString:
      return static_cast<const BytesColumn&>(column).Get(a) == static_cast<const BytesColumn&>(column).Get(b);
    default: {
      const auto& values = static_cast<const FixedColumn<int64_t>&>(column).values();
      return values[a] == values[b] || Transformed(source.transform, values[a]) == Transformed(source.transform, values[b]);
    }
  }
}

bool PartitionOfRow::Same(int64_t a, int64_t b) const {
  return std::all_of(sources_.begin(), sources_.end(), [&](const Source& source) { return SameValue(source, a, b); });
}

PartitionRouter::PartitionRouter(Schema schema, PartitionSpec spec, Options options, std::function<std::string()> name)
    : schema_(std::move(schema)), spec_(std::move(spec)), options_(std::move(options)), name_(std::move(name)) {}
PartitionRouter::~PartitionRouter() = default;

absl::Status PartitionRouter::Append(const RowBatch& batch) {
  absl::StatusOr<PartitionOfRow> partitions = PartitionOfRow::Create(batch, spec_);
  if (!partitions.ok()) {
    return partitions.status();
  }
  for (int64_t begin = 0; begin < batch.rows();) {
    int64_t end = begin + 1;
    while (end < batch.rows() && partitions->Same(begin, end)) {
      ++end;
    }
    const PartitionTuple partition = partitions->Of(begin);
    absl::StatusOr<DataFileWriter*> writer = WriterFor(partition);
    if (!writer.ok()) {
      return writer.status();
    }
    if (absl::Status status = (*writer)->Append(batch, begin, end); !status.ok()) {
      return status;
    }
    if ((*writer)->size_bytes() >= options_.target_bytes) {
      if (absl::Status status = CloseFile(open_.find(partition)); !status.ok()) {
        return status;
      }
    }
    begin = end;
  }
  return absl::OkStatus();
}

absl::StatusOr<DataFileWriter*> PartitionRouter::WriterFor(const PartitionTuple& partition) {
  auto found = open_.find(partition);
  if (found == open_.end()) {
    if (open_.size() >= options_.max_open && !open_.empty()) {
      const auto oldest = std::min_element(open_.begin(), open_.end(),
                                           [](const auto& a, const auto& b) { return a.second.last_use < b.second.last_use; });
      if (absl::Status status = CloseFile(oldest); !status.ok()) {
        return status;
      }
    }
    absl::StatusOr<std::unique_ptr<DataFileWriter>> writer = DataFileWriter::Open(name_(), schema_, options_.file);
    if (!writer.ok()) {
      return writer.status();
    }
    found = open_.emplace(partition, OpenFile{*std::move(writer), 0}).first;
  }
  found->second.last_use = ++uses_;
  return found->second.writer.get();
}

absl::Status PartitionRouter::CloseFile(std::map<PartitionTuple, OpenFile>::iterator file) {
  absl::StatusOr<DataFile> closed = file->second.writer->Close();
  if (!closed.ok()) {
    return closed.status();
  }
  closed->partition = file->first;
  closed_.push_back({file->second.writer->local_file(), *std::move(closed)});
  open_.erase(file);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PartitionRouter::ClosedFile>> PartitionRouter::Finish() {
  while (!open_.empty()) {
    if (absl::Status status = CloseFile(open_.begin()); !status.ok()) {
      return status;
    }
  }
  return std::exchange(closed_, {});
}

int64_t PartitionRouter::size_bytes() const {
  int64_t total = 0;
  for (const ClosedFile& file : closed_) {
    total += file.file.size_bytes;
  }
  for (const auto& [partition, file] : open_) {
    total += file.writer->size_bytes();
  }
  return total;
}

std::vector<std::string> PartitionRouter::local_files() const {
  std::vector<std::string> result;
  for (const ClosedFile& file : closed_) {
    result.push_back(file.local_file);
  }
  for (const auto& [partition, file] : open_) {
    result.push_back(file.writer->local_file());
  }
  return result;
}

}  // namespace millrace::warehouse
