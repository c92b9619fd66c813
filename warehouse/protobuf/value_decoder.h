#ifndef MILLRACE_WAREHOUSE_PROTOBUF_VALUE_DECODER_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_VALUE_DECODER_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "parquet/row_batch.h"
#include "protobuf/field_mapping.h"

namespace google::protobuf {
class DynamicMessageFactory;
}  // namespace google::protobuf

namespace millrace::warehouse {

/// Why a row cannot be written.
struct RowError {
  std::string text;
};

/// Writes what the wire says of one value of one field into its columns, without a message object between them. A value is read
/// once for each time that it stands on the wire, which is how protobuf merges: numbers and texts are written over, messages read
/// on. Then it is finished. `row` is the index of the value in its columns: the one that comes next until it is finished. Not
/// thread-safe.
class ValueDecoder {
 public:
  virtual ~ValueDecoder() = default;

  /// The value on the wire at `p`, whose tag has been read. Where the bytes end; nullptr if they are malformed or no value for
  /// the column.
  virtual const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t row, RowError* error) = 0;
  /// No more comes of this value: null or a default is written if none came. False: it is no value for the column.
  virtual bool Finish(int64_t row, RowError* error) = 0;
  /// As if nothing had come; also after an error.
  virtual void Clear(int64_t row) = 0;
  /// A value is there, though nothing of it is on the wire: the value of a map entry.
  virtual void Touch(int64_t row) = 0;
  /// Whether something has come.
  [[nodiscard]] virtual bool Has(int64_t row) const = 0;
  /// False for the number of an enum that protobuf takes for an unknown field.
  [[nodiscard]] virtual bool Knows(const char* /*p*/, const char* /*end*/) const { return true; }
  /// The wire type of a value inside a packed field; kLength if it is never packed.
  [[nodiscard]] virtual uint32_t packed_wire_type() const;
};

/// What decoders of one plan need.
struct DecoderContext {
  google::protobuf::DynamicMessageFactory* messages;
};

/// The decoder of values that are not structs. `column` belongs to `mapping`, or is wider, or is nullptr where the table has no
/// such column; `currency` is the second column of a kMoneyDecimal, or nullptr. `always` says that a value which never comes is
/// the default and not null. `names` is for messages.
std::unique_ptr<ValueDecoder> MakeValueDecoder(const google::protobuf::FieldDescriptor& field, const FieldMapping& mapping,
                                               Column* column, Column* currency, bool always, const std::string& names,
                                               const DecoderContext& context);

/// Reads field `number` and forgets it.
std::unique_ptr<ValueDecoder> MakeIgnoringDecoder(int number, const std::string& names);

/// Sets the error and says no.
bool Fail(RowError* error, const std::string& names, std::string_view what);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_VALUE_DECODER_H_
