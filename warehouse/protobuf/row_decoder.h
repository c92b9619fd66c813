#ifndef MILLRACE_WAREHOUSE_PROTOBUF_ROW_DECODER_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_ROW_DECODER_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "parquet/row_batch.h"
#include "protobuf/column_record.h"
#include "protobuf/field_mapping.h"

namespace millrace::warehouse {

/// The record that a message came in.
struct RowOrigin {
  std::string_view topic;
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t timestamp_ms = 0;  // since 1970
  std::optional<std::string_view> key;
};

/// Turns serialised messages into rows. Reads the wire straight into the columns by a plan that is made once, with what protobuf
/// promises: the last value of a field wins, messages in pieces are merged, packed or not, fields that nobody knows are passed
/// over.
///
/// What protobuf would accept and a row cannot hold is an error of that row, so is what protobuf passes over in silence though it
/// is data: a value whose wire type is not that of its field. Not thread-safe.
class RowDecoder {
 public:
  /// `schema` and `record` are the table's. A column without a field in `message` is null. InvalidArgument if that cannot be, or
  /// if a column has a type that the field does not go into: the schema must be evolved first. `message` must live longer.
  static absl::StatusOr<std::unique_ptr<RowDecoder>> Create(const Schema& schema, const ColumnRecord& record,
                                                            const google::protobuf::Descriptor& message,
                                                            const MappingOptions& options);
  ~RowDecoder();

  /// Appends one row to batch(). InvalidArgument says which field cannot be written and why (bytes cut off or malformed, text
  /// that is not UTF-8, an instant out of range, too many digits); then the batch is as it was. ResourceExhausted: the batch is
  /// too full, empty it.
  absl::Status Append(std::string_view message, const RowOrigin& origin);

  /// Appends a row of a record without a message: what comes from the message is null, or empty if it is required. Otherwise as
  /// Append.
  absl::Status AppendWithoutMessage(const RowOrigin& origin);

  /// The rows so far; to be cleared by whoever has written them, a few MiB at a time.
  [[nodiscard]] RowBatch& batch();

 private:
  class Plan;
  explicit RowDecoder(std::unique_ptr<Plan> plan);

  std::unique_ptr<Plan> plan_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_ROW_DECODER_H_
