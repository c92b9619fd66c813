#ifndef MILLRACE_WAREHOUSE_PROTOBUF_FIELD_MAPPING_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_FIELD_MAPPING_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "table/types.h"

namespace millrace::warehouse {

struct DecimalFormat {
  int precision = 18;
  int scale = 2;
};

/// A DATE column that is made from an instant: the day that it is in a time zone.
struct DateColumn {
  std::string name;  // of the column
  std::string from;  // "_timestamp", or the names of fields with dots up to a google.protobuf.Timestamp
  absl::TimeZone zone;
};

/// What the columns of a table are made of beside what the message says.
struct MappingOptions {
  enum class Key { kNone, kBinary, kString };

  /// Integers of minor units, or messages of units and nanos, that become decimals: by the names of fields with dots.
  std::map<std::string, DecimalFormat> decimals;
  /// Of columns that are not named like their fields: by the name of a field of the message itself.
  std::map<std::string, std::string> names;
  std::vector<DateColumn> dates;
  Key key = Key::kNone;

  /// From lines of configuration:
  ///   columns.<names with dots>.decimal = 18,2
  ///   columns.<field>.name = <column>
  ///   columns.<column>.date.from = _timestamp | <names with dots>
  ///   time.zone = Europe/Berlin                  (of all date columns; default UTC)
  ///   columns._key = binary | string
  /// InvalidArgument names the line that is not one of these.
  static absl::StatusOr<MappingOptions> Parse(const std::map<std::string, std::string>& lines);
};

/// How a value of a field becomes a value of a column.
enum class Conversion {
  kNumber,        // boolean, int, long, float, double, decimal
  kText,          // string, binary
  kEnumName,      // string; UNKNOWN_<number> for one without a name
  kTimestamp,     // timestamptz
  kDuration,      // long, microseconds
  kDate,          // date
  kWrapper,       // of kNumber or kText
  kMoney,         // struct of amount and currency_code
  kMoneyDecimal,  // decimal; the currency is a column beside it
  kJson,          // string: the message as JSON
  kPresence,      // boolean: a message without fields
  kStruct,
};

struct FieldMapping {
  Conversion conversion = Conversion::kNumber;
  /// The type of one value, without ids; of a kStruct, its fields are left to the caller.
  Type type;
  /// What the column's doc must say beside the comment of the field.
  std::string note;
  /// Of money: numbers of the fields; 0 = there is none.
  int units = 0;
  int nanos = 0;
  int currency = 0;
};

/// How one value of `field` is mapped; of a repeated field or a map, one element is meant. `names` are the names of the fields
/// from the message of the table to this one with dots; `ancestors` the messages around it, outermost first: a message that is
/// among them is not unfolded again but becomes JSON. InvalidArgument if a decimal is asked for that cannot be.
absl::StatusOr<FieldMapping> MapFieldValue(const google::protobuf::FieldDescriptor& field, const std::string& names,
                                           const MappingOptions& options,
                                           const std::vector<const google::protobuf::Descriptor*>& ancestors);

/// Whether the column of a field that has this cardinality is always set: repeated fields, maps and proto3 fields without
/// presence.
bool IsAlwaysSet(const google::protobuf::FieldDescriptor& field);

// The paths by which columns are known for all time, see column_record.h. `prefix` is the path of the message around, empty at
// the top.
std::string FieldPath(std::string_view prefix, int number);
std::string OneofPath(std::string_view prefix, std::string_view oneof);
std::string DatePath(std::string_view name);

inline constexpr std::string_view kElementPath = ".e";
inline constexpr std::string_view kKeyPath = ".k";
inline constexpr std::string_view kValuePath = ".v";
inline constexpr std::string_view kAmountPath = ".amount";
inline constexpr std::string_view kCurrencyPath = ".currency";

// The columns that say where a row came from. Not "_partition": that name is Iceberg's own, and Spark reads no such column.
inline constexpr std::string_view kTopicColumn = "_topic";
inline constexpr std::string_view kPartitionColumn = "_topic_partition";
inline constexpr std::string_view kOffsetColumn = "_offset";
inline constexpr std::string_view kTimestampColumn = "_timestamp";
inline constexpr std::string_view kKeyColumn = "_key";

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_FIELD_MAPPING_H_
