#include "upkeep/arrow_rows.h"

#include <arrow/util/decimal.h>

#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "parquet/arrow_columns.h"

namespace millrace::warehouse {
namespace {

absl::Status AppendValues(const arrow::Array& from, int64_t begin, int64_t end, Column* column);

absl::Status Unfit(const arrow::Array& from, const Column& column) {
  return absl::UnimplementedError(absl::StrCat("column ", column.id(), " is ", from.type()->ToString(),
                                               " in the file, from which it cannot be read; rewrite the file with the engine "
                                               "that wrote it"));
}

absl::Status Missing(const Column& column) {
  return absl::UnimplementedError(absl::StrCat("column ", column.id(), " is required, but the file has rows without it"));
}

template <class T, class Array>
T ValueAt(const Array& array, int64_t row) {
  if constexpr (std::is_same_v<Array, arrow::Decimal128Array>) {
    const arrow::Decimal128 value(array.GetValue(row));
    return absl::MakeInt128(value.high_bits(), value.low_bits());
  } else {
    return static_cast<T>(array.Value(row));
  }
}

template <class T, class Array>
absl::Status AppendFixed(const arrow::Array& from, int64_t begin, int64_t end, Column* column) {
  const auto& array = static_cast<const Array&>(from);
  auto* target = static_cast<FixedColumn<T>*>(column);
  for (int64_t row = begin; row < end; ++row) {
    if (!array.IsNull(row)) {
      target->Set(target->size(), ValueAt<T>(array, row));
    } else if (column->required()) {
      return Missing(*column);
    } else {
      target->AppendNull();
    }
  }
  return absl::OkStatus();
}

template <class Array>
absl::Status AppendBytes(const arrow::Array& from, int64_t begin, int64_t end, Column* column) {
  const auto& array = static_cast<const Array&>(from);
  auto* target = static_cast<BytesColumn*>(column);
  for (int64_t row = begin; row < end; ++row) {
    if (array.IsNull(row)) {
      if (column->required()) return Missing(*column);
      target->AppendNull();
    } else if (!target->Set(target->size(), array.GetView(row))) {
      return absl::ResourceExhaustedError(absl::StrCat("column ", column->id(), " has 2 GiB and more in one row group"));
    }
  }
  return absl::OkStatus();
}

/// Fields of a struct, of a map's entries, or of a whole row.
absl::Status AppendFields(const arrow::FieldVector& fields, const arrow::ArrayVector& arrays, int64_t begin, int64_t end,
                          const std::vector<std::unique_ptr<Column>>& columns) {
  std::map<int, const arrow::Array*> by_id;
  for (size_t i = 0; i < fields.size(); ++i) by_id[FieldIdOf(*fields[i])] = arrays[i].get();
  for (const std::unique_ptr<Column>& column : columns) {
    const auto found = by_id.find(column->id());
    if (found != by_id.end()) {
      if (absl::Status status = AppendValues(*found->second, begin, end, column.get()); !status.ok()) return status;
      continue;
    }
    if (column->required() && begin < end) return Missing(*column);
    for (int64_t row = begin; row < end; ++row) column->AppendNull();
  }
  return absl::OkStatus();
}

absl::Status AppendStructs(const arrow::Array& from, int64_t begin, int64_t end, Column* column) {
  if (from.type_id() != arrow::Type::STRUCT) return Unfit(from, *column);
  const auto& array = static_cast<const arrow::StructArray&>(from);
  auto* target = static_cast<StructColumn*>(column);
  const arrow::ArrayVector& arrays = array.fields();
  for (int64_t row = begin; row < end;) {
    int64_t run = row;
    while (run < end && array.IsNull(run) == array.IsNull(row)) ++run;
    if (array.IsNull(row)) {
      if (column->required()) return Missing(*column);
      for (int64_t i = row; i < run; ++i) target->AppendNull();
    } else {
      absl::Status status = AppendFields(array.struct_type()->fields(), arrays, row, run, target->children());
      if (!status.ok()) return status;
      for (int64_t i = row; i < run; ++i) target->Finish();
    }
    row = run;
  }
  return absl::OkStatus();
}

template <class Array>
absl::Status AppendLists(const arrow::Array& from, int64_t begin, int64_t end, Column* column) {
  const auto& array = static_cast<const Array&>(from);
  auto* target = static_cast<ListColumn*>(column);
  for (int64_t row = begin; row < end; ++row) {
    if (array.IsNull(row)) {
      if (column->required()) return Missing(*column);
      target->AppendNull();
      continue;
    }
    const int64_t first = array.value_offset(row);
    absl::Status status = AppendValues(*array.values(), first, first + array.value_length(row), &target->child());
    if (!status.ok()) return status;
    target->Finish();
  }
  return absl::OkStatus();
}

absl::Status AppendPrimitives(const arrow::Array& from, int64_t begin, int64_t end, Column* column) {
  using Kind = Type::Kind;
  using Id = arrow::Type;
  const Id::type id = from.type_id();
  switch (column->kind()) {
    case Kind::kBoolean:
      if (id == Id::BOOL) return AppendFixed<uint8_t, arrow::BooleanArray>(from, begin, end, column);
      break;
    case Kind::kInt:
      if (id == Id::INT32) return AppendFixed<int32_t, arrow::Int32Array>(from, begin, end, column);
      break;
    case Kind::kDate:
      if (id == Id::DATE32) return AppendFixed<int32_t, arrow::Date32Array>(from, begin, end, column);
      break;
    case Kind::kLong:
      if (id == Id::INT64) return AppendFixed<int64_t, arrow::Int64Array>(from, begin, end, column);
      if (id == Id::INT32) return AppendFixed<int64_t, arrow::Int32Array>(from, begin, end, column);
      break;
    case Kind::kTimestampTz:
      if (id == Id::TIMESTAMP && static_cast<const arrow::TimestampType&>(*from.type()).unit() == arrow::TimeUnit::MICRO) {
        return AppendFixed<int64_t, arrow::TimestampArray>(from, begin, end, column);
      }
      break;
    case Kind::kFloat:
      if (id == Id::FLOAT) return AppendFixed<float, arrow::FloatArray>(from, begin, end, column);
      break;
    case Kind::kDouble:
      if (id == Id::DOUBLE) return AppendFixed<double, arrow::DoubleArray>(from, begin, end, column);
      if (id == Id::FLOAT) return AppendFixed<double, arrow::FloatArray>(from, begin, end, column);
      break;
    case Kind::kDecimal:
      if (id == Id::DECIMAL128) return AppendFixed<absl::int128, arrow::Decimal128Array>(from, begin, end, column);
      break;
    case Kind::kString:
      if (id == Id::STRING) return AppendBytes<arrow::StringArray>(from, begin, end, column);
      if (id == Id::LARGE_STRING) return AppendBytes<arrow::LargeStringArray>(from, begin, end, column);
      break;
    case Kind::kBinary:
      if (id == Id::BINARY) return AppendBytes<arrow::BinaryArray>(from, begin, end, column);
      if (id == Id::LARGE_BINARY) return AppendBytes<arrow::LargeBinaryArray>(from, begin, end, column);
      break;
    default:
      break;
  }
  return Unfit(from, *column);
}

absl::Status AppendValues(const arrow::Array& from, int64_t begin, int64_t end, Column* column) {
  switch (column->kind()) {
    case Type::Kind::kStruct:
      return AppendStructs(from, begin, end, column);
    case Type::Kind::kList:
      if (from.type_id() == arrow::Type::LIST) return AppendLists<arrow::ListArray>(from, begin, end, column);
      if (from.type_id() == arrow::Type::LARGE_LIST) return AppendLists<arrow::LargeListArray>(from, begin, end, column);
      return Unfit(from, *column);
    case Type::Kind::kMap:
      if (from.type_id() == arrow::Type::MAP) return AppendLists<arrow::MapArray>(from, begin, end, column);
      return Unfit(from, *column);
    default:
      return AppendPrimitives(from, begin, end, column);
  }
}

}  // namespace

absl::Status AppendArrowRows(const arrow::RecordBatch& from, RowBatch* batch) {
  absl::Status status = AppendFields(from.schema()->fields(), from.columns(), 0, from.num_rows(), batch->columns());
  if (!status.ok()) return status;
  for (int64_t row = 0; row < from.num_rows(); ++row) batch->FinishRow();
  return absl::OkStatus();
}

}  // namespace millrace::warehouse
