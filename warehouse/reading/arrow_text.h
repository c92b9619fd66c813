#ifndef MILLRACE_WAREHOUSE_READING_ARROW_TEXT_H_
#define MILLRACE_WAREHOUSE_READING_ARROW_TEXT_H_

#include <arrow/api.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "millrace/state/bytes.h"
#include "table/types.h"

namespace millrace::warehouse {

/// Values of Arrow batches as texts, as RowReader promises them. Columns, and fields inside them, are found by their ids; what a
/// batch has not is null; int, float and decimals become what they were promoted to ("Column Projection" and "Schema Evolution"
/// of the table specification). Not thread-safe.
class ArrowText {
 public:
  /// For these columns of the table, in this order.
  explicit ArrowText(std::vector<Field> fields);

  /// From now on, rows of this batch. Unimplemented names a column that has a type from which the table's cannot be read.
  absl::Status Bind(const arrow::RecordBatch& batch);
  /// Valid until the next call of anything.
  const std::vector<NullableBytesView>& Row(int64_t row);

 private:
  /// A field of the table, bound to where its values are.
  struct Node {
    const Field* field = nullptr;
    std::shared_ptr<arrow::Array> array;  // null: the batch has none
    std::vector<Node> children;
  };

  static absl::Status BindNode(const Field& field, std::shared_ptr<arrow::Array> array, Node* node);
  static absl::Status BindChildren(const Field& field, const arrow::Array& array, Node* node);
  /// Of what is no struct, list or map.
  static void AppendPrimitive(const Node& node, int64_t row, std::string* out);
  static void AppendJson(const Node& node, int64_t row, std::string* out);
  static void AppendJsonStruct(const Node& node, int64_t row, std::string* out);
  static void AppendJsonElements(const Node& node, int64_t row, std::string* out);

  const std::vector<Field> fields_;
  std::vector<Node> nodes_;
  std::vector<std::string> texts_;  // of columns that are not texts already
  std::vector<NullableBytesView> row_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_READING_ARROW_TEXT_H_
