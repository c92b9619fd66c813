#ifndef MILLRACE_WAREHOUSE_READING_H_
#define MILLRACE_WAREHOUSE_READING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/state/bytes.h"

// Rows of the warehouse on their way to people and programs that read texts.

namespace millrace::warehouse {

/// A column, or a part of one.
struct ColumnInfo {
  int id = 0;
  std::string name;
  /// As the Iceberg specification writes it: "long", "decimal(18,2)", "timestamptz"; "struct<...>", "list<...>", "map<...>" where
  /// `fields` says what is inside.
  std::string type;
  bool required = false;
  std::string doc;
  /// Of a struct; the element of a list; key and value of a map.
  std::vector<ColumnInfo> fields;
};

/// Rows as texts, each value by its column's type:
///
///   boolean        true, false
///   int, long      digits
///   float, double  the shortest text that is the same value when it is read; NaN, Infinity, -Infinity
///   decimal(p,s)   all s digits behind the point
///   date           2026-11-30
///   timestamptz    2026-11-30T07:00:00.000000Z, in UTC
///   string         as it is
///   binary         base64
///   struct, map    a JSON object, of a struct without the members that are null
///   list           a JSON array
///
/// One thread at a time.
class RowReader {
 public:
  /// A text for each of columns(), nullopt where there is no value. Valid inside the call.
  using TakeRow = absl::FunctionRef<void(const std::vector<NullableBytesView>& row)>;

  virtual ~RowReader() = default;
  /// Valid as long as the reader.
  [[nodiscard]] virtual const std::vector<ColumnInfo>& columns() const = 0;
  /// Gives the next rows, some thousands at most. How many there were; 0: there are no more. After an error the reader is of no
  /// use any more.
  virtual absl::StatusOr<int64_t> Read(TakeRow take) = 0;
};

/// Which rows of a table are wanted.
struct ReadDescription {
  std::string name_space;
  std::string table;
  std::optional<int64_t> snapshot;   // by its id; none: the newest
  std::vector<std::string> columns;  // in this order; none: all
  /// Rows of one day only: by a date column, or by the day that a timestamptz column has in the table's time zone.
  struct Day {
    std::string column;
    int64_t day = 0;  // since 1970-01-01
  };
  std::optional<Day> day;
};

/// The days of a table by one of its columns, as the newest snapshot has them.
struct TableDays {
  std::optional<int64_t> snapshot;  // none: there are no rows yet
  std::string time_zone;            // of the table, by its name
  std::optional<int64_t> first;     // the first day that has a row, since 1970-01-01
  /// The last day that is over for the table: it is valid through the end of it. None: no day is.
  std::optional<int64_t> last_complete;
};

/// Records of a topic as the rows that a landing would make of them. One thread at a time.
class RecordRows : public RowReader {
 public:
  /// InvalidArgument says why the record is no row; then nothing has happened. The record is copied.
  virtual absl::Status Append(int32_t partition, int64_t offset, int64_t timestamp_ms, NullableBytesView key,
                              NullableBytesView value) = 0;
  /// What waits for Read, about.
  [[nodiscard]] virtual int64_t pending_bytes() const = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_READING_H_
