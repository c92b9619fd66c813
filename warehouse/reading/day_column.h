#ifndef MILLRACE_WAREHOUSE_READING_DAY_COLUMN_H_
#define MILLRACE_WAREHOUSE_READING_DAY_COLUMN_H_

#include <arrow/api.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "millrace/warehouse/reading.h"
#include "protobuf/local_day.h"
#include "storage/storage.h"
#include "table/data_file.h"
#include "table/table_metadata.h"
#include "table/types.h"

namespace millrace::warehouse {

/// The column by which rows belong to days: a date, or an instant, which is in a day of the table's time zone. Not thread-safe.
class DayColumn {
 public:
  /// NotFound if the schema has no such column, InvalidArgument if it is neither date nor timestamptz, or the zone is not known
  /// to this machine.
  static absl::StatusOr<DayColumn> Find(const Schema& schema, const std::string& name, const std::string& time_zone);

  [[nodiscard]] int id() const { return id_; }
  /// Rows of this batch from now on; Unimplemented if it has the column in another type.
  absl::Status Bind(const arrow::RecordBatch& batch);
  /// Since 1970-01-01; nullopt: the row has none.
  std::optional<int64_t> Of(int64_t row);

  /// The days that a file has rows of; what is not known is as if it were all.
  struct Range {
    int64_t first;
    int64_t last;
    bool known = false;
    bool empty = false;  // no row has a day
  };
  [[nodiscard]] Range In(const DataFile& file);

 private:
  DayColumn(int id, bool is_date, absl::TimeZone zone) : id_(id), is_date_(is_date), local_day_(zone) {}
  [[nodiscard]] std::optional<int64_t> OfBound(const std::map<int, std::string>& bounds);

  int id_;
  bool is_date_;
  LocalDay local_day_;
  std::shared_ptr<arrow::Array> array_;
};

/// See Warehouse::Days. `valid_through_ms` is the table's.
absl::StatusOr<TableDays> FindDays(Storage* storage, const TableMetadata& metadata, const std::string& column,
                                   std::optional<int64_t> valid_through_ms);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_READING_DAY_COLUMN_H_
