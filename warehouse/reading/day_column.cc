#include "reading/day_column.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "parquet/arrow_columns.h"
#include "parquet/parquet_batches.h"
#include "reading/table_info.h"
#include "reading/table_rows.h"

namespace millrace::warehouse {
namespace {

/// Of files that do not say what they have.
absl::StatusOr<std::optional<int64_t>> FirstDayInside(Storage* storage, const DataFile& data_file, DayColumn* column) {
  absl::StatusOr<std::unique_ptr<ParquetBatches>> file =
      ParquetBatches::Open(storage, data_file.path, data_file.size_bytes, {column->id()});
  if (!file.ok()) return file.status();
  std::optional<int64_t> first;
  while (true) {
    absl::StatusOr<std::shared_ptr<arrow::RecordBatch>> batch = (*file)->Next();
    if (!batch.ok()) return batch.status();
    if (*batch == nullptr) return first;
    if (absl::Status status = column->Bind(**batch); !status.ok()) return status;
    for (int64_t row = 0; row < (*batch)->num_rows(); ++row) {
      const std::optional<int64_t> day = column->Of(row);
      if (day) first = std::min(first.value_or(*day), *day);
    }
  }
}

absl::StatusOr<std::optional<int64_t>> FirstDay(Storage* storage, const TableMetadata& metadata, const Snapshot& snapshot,
                                                DayColumn* column) {
  absl::StatusOr<std::vector<LiveFile>> files = FilesToRead(storage, metadata, snapshot);
  if (!files.ok()) return files.status();
  std::optional<int64_t> first;
  for (const LiveFile& live : *files) {
    const DayColumn::Range range = column->In(live.file);
    if (range.empty) continue;
    std::optional<int64_t> day = range.first;
    if (!range.known) {
      absl::StatusOr<std::optional<int64_t>> inside = FirstDayInside(storage, live.file, column);
      if (!inside.ok()) return inside.status();
      day = *inside;
    }
    if (day) first = std::min(first.value_or(*day), *day);
  }
  return first;
}

int64_t CountOf(const std::map<int, int64_t>& counts, int id) {
  const auto found = counts.find(id);
  return found == counts.end() ? -1 : found->second;
}

}  // namespace

absl::StatusOr<DayColumn> DayColumn::Find(const Schema& schema, const std::string& name, const std::string& time_zone) {
  const auto found = std::find_if(schema.fields.begin(), schema.fields.end(), [&](const Field& f) { return f.name == name; });
  if (found == schema.fields.end()) return absl::NotFoundError(absl::StrCat("the table has no column ", name));
  const Type::Kind kind = found->type.kind;
  if (kind != Type::Kind::kDate && kind != Type::Kind::kTimestampTz) {
    return absl::InvalidArgumentError(
        absl::StrCat("column ", name, " is ", found->type.ToString(), ": days are of a date or a timestamptz"));
  }
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(time_zone, &zone)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the table's time zone ", time_zone, " is not known here: install the time zones of the system (tzdata)"));
  }
  return DayColumn(found->id, kind == Type::Kind::kDate, zone);
}

absl::Status DayColumn::Bind(const arrow::RecordBatch& batch) {
  array_ = FindArrowColumn(batch, id_);
  if (array_ == nullptr) return absl::OkStatus();
  const arrow::DataType& type = *array_->type();
  const bool fits = is_date_ ? type.id() == arrow::Type::DATE32
                             : type.id() == arrow::Type::TIMESTAMP &&
                                   static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::MICRO;
  if (fits) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("column ", id_, " is ", type.ToString(), " in the file, of which no day is known"));
}

std::optional<int64_t> DayColumn::Of(int64_t row) {
  if (array_ == nullptr || array_->IsNull(row)) return std::nullopt;
  if (is_date_) return static_cast<const arrow::Date32Array&>(*array_).Value(row);
  return local_day_.Of(static_cast<const arrow::TimestampArray&>(*array_).Value(row));
}

// "Binary single-value serialization" of the table specification: little-endian, as this machine.
std::optional<int64_t> DayColumn::OfBound(const std::map<int, std::string>& bounds) {
  const auto found = bounds.find(id_);
  if (found == bounds.end()) return std::nullopt;
  if (is_date_) {
    int32_t day = 0;
    if (found->second.size() != sizeof(day)) return std::nullopt;
    std::memcpy(&day, found->second.data(), sizeof(day));
    return day;
  }
  int64_t micros = 0;
  if (found->second.size() != sizeof(micros)) return std::nullopt;
  std::memcpy(&micros, found->second.data(), sizeof(micros));
  return local_day_.Of(micros);
}

DayColumn::Range DayColumn::In(const DataFile& file) {
  Range range{std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  const int64_t nulls = CountOf(file.null_value_counts, id_);
  range.empty = nulls >= 0 && nulls == CountOf(file.value_counts, id_);
  const std::optional<int64_t> first = OfBound(file.lower_bounds);
  const std::optional<int64_t> last = OfBound(file.upper_bounds);
  if (!first || !last) return range;
  range.first = *first;
  range.last = *last;
  range.known = true;
  return range;
}

absl::StatusOr<TableDays> FindDays(Storage* storage, const TableMetadata& metadata, const std::string& column,
                                   std::optional<int64_t> valid_through_ms) {
  TableDays days;
  const auto zone = metadata.properties.find(kTimeZone);
  days.time_zone = zone == metadata.properties.end() ? "UTC" : zone->second;
  absl::StatusOr<DayColumn> day_column = DayColumn::Find(metadata.schema(), column, days.time_zone);
  if (!day_column.ok()) return day_column.status();
  if (valid_through_ms) {
    absl::TimeZone time_zone;
    absl::LoadTimeZone(days.time_zone, &time_zone);
    // The day of this instant is under way.
    days.last_complete = LocalDay(time_zone).Of(*valid_through_ms * 1000) - 1;
  }
  const Snapshot* snapshot = metadata.current_snapshot();
  if (snapshot == nullptr) return days;
  days.snapshot = snapshot->id;
  absl::StatusOr<std::optional<int64_t>> first = FirstDay(storage, metadata, *snapshot, &*day_column);
  if (!first.ok()) return first.status();
  days.first = *first;
  return days;
}

}  // namespace millrace::warehouse
