#include "reading/arrow_text.h"

#include <arrow/util/decimal.h>

#include <string_view>
#include <utility>

#include "absl/numeric/int128.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "parquet/arrow_columns.h"
#include "parquet/value_text.h"

namespace millrace::warehouse {
namespace {

using Kind = Type::Kind;
using Id = arrow::Type;

template <class Derived, class Base>
const Derived& As(const Base& base) {
  return static_cast<const Derived&>(base);
}

/// Whether values of a column can be read from values of this type, as they are or promoted.
bool CanBeRead(const Type& type, const arrow::DataType& from) {
  switch (type.kind) {
    case Kind::kBoolean:
      return from.id() == Id::BOOL;
    case Kind::kInt:
      return from.id() == Id::INT32;
    case Kind::kLong:
      return from.id() == Id::INT64 || from.id() == Id::INT32;
    case Kind::kFloat:
      return from.id() == Id::FLOAT;
    case Kind::kDouble:
      return from.id() == Id::DOUBLE || from.id() == Id::FLOAT;
    case Kind::kDecimal:
      return from.id() == Id::DECIMAL128 && As<arrow::Decimal128Type>(from).scale() == type.scale;
    case Kind::kDate:
      return from.id() == Id::DATE32;
    case Kind::kTimestampTz:
      return from.id() == Id::TIMESTAMP && As<arrow::TimestampType>(from).unit() == arrow::TimeUnit::MICRO;
    case Kind::kString:
      return from.id() == Id::STRING || from.id() == Id::LARGE_STRING;
    case Kind::kBinary:
      return from.id() == Id::BINARY || from.id() == Id::LARGE_BINARY;
    case Kind::kStruct:
      return from.id() == Id::STRUCT;
    case Kind::kList:
      return from.id() == Id::LIST || from.id() == Id::LARGE_LIST;
    case Kind::kMap:
      return from.id() == Id::MAP;
  }
  return false;
}

std::string_view BytesAt(const arrow::Array& array, int64_t row) {
  if (array.type_id() == Id::STRING || array.type_id() == Id::BINARY) return As<arrow::BinaryArray>(array).GetView(row);
  return As<arrow::LargeBinaryArray>(array).GetView(row);
}

std::pair<int64_t, int64_t> ElementsAt(const arrow::Array& array, int64_t row) {
  if (array.type_id() == Id::LARGE_LIST) {
    const auto& list = As<arrow::LargeListArray>(array);
    return {list.value_offset(row), list.value_offset(row) + list.value_length(row)};
  }
  const auto& list = As<arrow::ListArray>(array);  // also a map
  return {list.value_offset(row), list.value_offset(row) + list.value_length(row)};
}

}  // namespace

ArrowText::ArrowText(std::vector<Field> fields) : fields_(std::move(fields)), texts_(fields_.size()), row_(fields_.size()) {}

absl::Status ArrowText::Bind(const arrow::RecordBatch& batch) {
  nodes_.assign(fields_.size(), Node());
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (absl::Status status = BindNode(fields_[i], FindArrowColumn(batch, fields_[i].id), &nodes_[i]); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status ArrowText::BindNode(const Field& field, std::shared_ptr<arrow::Array> array, Node* node) {
  node->field = &field;
  if (array == nullptr) return absl::OkStatus();
  if (!CanBeRead(field.type, *array->type())) {
    return absl::UnimplementedError(absl::StrCat("column ", field.name, " is ", array->type()->ToString(),
                                                 " in the file, from which ", field.type.ToString(),
                                                 " cannot be read; rewrite the file with the engine that wrote it"));
  }
  node->array = std::move(array);
  return BindChildren(field, *node->array, node);
}

absl::Status ArrowText::BindChildren(const Field& field, const arrow::Array& array, Node* node) {
  node->children.resize(field.type.fields.size());
  for (size_t i = 0; i < node->children.size(); ++i) {
    const Field& child = field.type.fields[i];
    std::shared_ptr<arrow::Array> values;
    if (field.type.kind == Kind::kStruct) {
      const auto& fields = array.type()->fields();
      for (size_t j = 0; j < fields.size(); ++j) {
        if (FieldIdOf(*fields[j]) == child.id) values = As<arrow::StructArray>(array).field(static_cast<int>(j));
      }
    } else if (field.type.kind == Kind::kMap) {
      values = i == 0 ? As<arrow::MapArray>(array).keys() : As<arrow::MapArray>(array).items();
    } else {
      values =
          array.type_id() == Id::LARGE_LIST ? As<arrow::LargeListArray>(array).values() : As<arrow::ListArray>(array).values();
    }
    if (absl::Status status = BindNode(child, std::move(values), &node->children[i]); !status.ok()) return status;
  }
  return absl::OkStatus();
}

const std::vector<NullableBytesView>& ArrowText::Row(int64_t row) {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (node.array == nullptr || node.array->IsNull(row)) {
      row_[i] = std::nullopt;
      continue;
    }
    if (node.field->type.kind == Kind::kString) {
      row_[i] = BytesAt(*node.array, row);
      continue;
    }
    std::string& text = texts_[i];
    text.clear();
    if (node.field->type.is_nested()) {
      AppendJson(node, row, &text);
    } else {
      AppendPrimitive(node, row, &text);
    }
    row_[i] = text;
  }
  return row_;
}

void ArrowText::AppendPrimitive(const Node& node, int64_t row, std::string* out) {
  const arrow::Array& array = *node.array;
  switch (node.field->type.kind) {
    case Kind::kBoolean:
      out->append(As<arrow::BooleanArray>(array).Value(row) ? "true" : "false");
      return;
    case Kind::kInt:
    case Kind::kLong:
      absl::StrAppend(out, array.type_id() == Id::INT32 ? int64_t{As<arrow::Int32Array>(array).Value(row)}
                                                        : As<arrow::Int64Array>(array).Value(row));
      return;
    case Kind::kFloat:
      AppendFloatText(As<arrow::FloatArray>(array).Value(row), out);
      return;
    case Kind::kDouble:
      AppendFloatText(array.type_id() == Id::FLOAT ? double{As<arrow::FloatArray>(array).Value(row)}
                                                   : As<arrow::DoubleArray>(array).Value(row),
                      out);
      return;
    case Kind::kDecimal: {
      const arrow::Decimal128 value(As<arrow::Decimal128Array>(array).GetValue(row));
      AppendDecimalText(absl::MakeInt128(value.high_bits(), value.low_bits()), node.field->type.scale, out);
      return;
    }
    case Kind::kDate:
      AppendDateText(As<arrow::Date32Array>(array).Value(row), out);
      return;
    case Kind::kTimestampTz:
      AppendInstantText(As<arrow::TimestampArray>(array).Value(row), out);
      return;
    case Kind::kString:
      out->append(BytesAt(array, row));
      return;
    default:
      out->append(absl::Base64Escape(std::string(BytesAt(array, row))));
  }
}

void ArrowText::AppendJson(const Node& node, int64_t row, std::string* out) {
  if (node.array == nullptr || node.array->IsNull(row)) {
    out->append("null");
    return;
  }
  switch (node.field->type.kind) {
    case Kind::kStruct:
      AppendJsonStruct(node, row, out);
      return;
    case Kind::kList:
    case Kind::kMap:
      AppendJsonElements(node, row, out);
      return;
    case Kind::kString:
      AppendJsonText(BytesAt(*node.array, row), out);
      return;
    case Kind::kBoolean:
    case Kind::kInt:
    case Kind::kLong:
    case Kind::kDecimal:
      AppendPrimitive(node, row, out);
      return;
    default: {
      std::string text;
      AppendPrimitive(node, row, &text);
      const bool number = node.field->type.kind == Kind::kFloat || node.field->type.kind == Kind::kDouble;
      // JSON has no words for what is no number.
      if (number && text.find_first_of("NI") == std::string::npos) {
        out->append(text);
      } else {
        AppendJsonText(text, out);
      }
    }
  }
}

void ArrowText::AppendJsonStruct(const Node& node, int64_t row, std::string* out) {
  bool first = true;
  out->push_back('{');
  for (const Node& child : node.children) {
    if (child.array == nullptr || child.array->IsNull(row)) continue;
    if (!first) out->push_back(',');
    first = false;
    AppendJsonText(child.field->name, out);
    out->push_back(':');
    AppendJson(child, row, out);
  }
  out->push_back('}');
}

void ArrowText::AppendJsonElements(const Node& node, int64_t row, std::string* out) {
  const bool map = node.field->type.kind == Kind::kMap;
  const auto [begin, end] = ElementsAt(*node.array, row);
  out->push_back(map ? '{' : '[');
  for (int64_t i = begin; i < end; ++i) {
    if (i > begin) out->push_back(',');
    if (map) {
      std::string key;
      AppendPrimitive(node.children[0], i, &key);
      AppendJsonText(key, out);
      out->push_back(':');
    }
    AppendJson(node.children[map ? 1 : 0], i, out);
  }
  out->push_back(map ? '}' : ']');
}

}  // namespace millrace::warehouse
