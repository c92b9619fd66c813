#ifndef MILLRACE_WAREHOUSE_PROTOBUF_COLUMN_RECORD_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_COLUMN_RECORD_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// Which column of a table belongs to which field of its message. Stands in a property of the table as
///
///   1=1,2=2,4=3,4.1=9,7.e=10,9.k=12,9.v=13,oneof(payer)=4,_offset=5,date(date)=6
///
/// A path is the numbers of fields from the message of the table down, since numbers last longer than names. `e` is the element
/// of a repeated field, `k` and `v` are key and value of a map; `amount` and `currency` the parts of money. A oneof has no number
/// and is known by its name, as are the columns that are of no field. A column of the table that is not in here is not ours: it
/// is left alone, and null in the files that we write.
struct ColumnRecord {
  std::map<std::string, int, std::less<>> ids;

  /// 0: there is none.
  [[nodiscard]] int Find(std::string_view path) const;
  [[nodiscard]] std::string Serialize() const;
  /// InvalidArgument if the text is no record; an id that stands there twice is none.
  static absl::StatusOr<ColumnRecord> Parse(std::string_view text);

  friend bool operator==(const ColumnRecord&, const ColumnRecord&) = default;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_COLUMN_RECORD_H_
