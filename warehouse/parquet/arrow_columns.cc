#include "parquet/arrow_columns.h"

#include <arrow/util/key_value_metadata.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"

namespace millrace::warehouse {
namespace {

constexpr char kFieldId[] = "PARQUET:field_id";

std::shared_ptr<arrow::DataType> ArrowType(const Type& type);

std::shared_ptr<arrow::Field> ArrowField(const Field& field) {
  return arrow::field(field.name, ArrowType(field.type), !field.required,
                      arrow::key_value_metadata({kFieldId}, {std::to_string(field.id)}));
}

std::vector<std::shared_ptr<arrow::Field>> ArrowFields(const std::vector<Field>& fields) {
  std::vector<std::shared_ptr<arrow::Field>> result;
  for (const Field& field : fields) {
    result.push_back(ArrowField(field));
  }
  return result;
}

std::shared_ptr<arrow::DataType> ArrowType(const Type& type) {
  switch (type.kind) {
    case Type::Kind::kBoolean:
      return arrow::boolean();
    case Type::Kind::kInt:
      return arrow::int32();
    case Type::Kind::kLong:
      return arrow::int64();
    case Type::Kind::kFloat:
      return arrow::float32();
    case Type::Kind::kDouble:
      return arrow::float64();
    case Type::Kind::kDecimal:
      return arrow::decimal128(type.precision, type.scale);
    case Type::Kind::kDate:
      return arrow::date32();
    case Type::Kind::kTimestampTz:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case Type::Kind::kString:
      return arrow::utf8();
    case Type::Kind::kBinary:
      return arrow::binary();
    case Type::Kind::kStruct:
      return arrow::struct_(ArrowFields(type.fields));
    case Type::Kind::kList:
      return arrow::list(ArrowField(type.fields[0]));
    case Type::Kind::kMap:
      return std::make_shared<arrow::MapType>(ArrowField(type.fields[0]), ArrowField(type.fields[1]));
  }
  return arrow::null();
}

/// One bit for each byte.
std::shared_ptr<arrow::Buffer> Bits(const std::vector<uint8_t>& bytes) {
  std::string bits((bytes.size() + 7) / 8, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    bits[i / 8] = static_cast<char>(bits[i / 8] | (bytes[i] << (i % 8)));
  }
  return arrow::Buffer::FromString(std::move(bits));
}

template <typename T>
std::shared_ptr<arrow::Buffer> ValuesOf(const Column& column) {
  return arrow::Buffer::Wrap(static_cast<const FixedColumn<T>&>(column).values());
}

std::shared_ptr<arrow::ArrayData> Wrap(const Column& column, const std::shared_ptr<arrow::DataType>& type) {
  int64_t nulls = 0;
  for (const uint8_t valid : column.valid()) {
    nulls += valid == 0 ? 1 : 0;
  }
  std::vector<std::shared_ptr<arrow::Buffer>> buffers = {nulls == 0 ? nullptr : Bits(column.valid())};
  std::vector<std::shared_ptr<arrow::ArrayData>> children;
  switch (column.kind()) {
    case Type::Kind::kBoolean:
      buffers.push_back(Bits(static_cast<const FixedColumn<uint8_t>&>(column).values()));
      break;
    case Type::Kind::kInt:
    case Type::Kind::kDate:
      buffers.push_back(ValuesOf<int32_t>(column));
      break;
    case Type::Kind::kLong:
    case Type::Kind::kTimestampTz:
      buffers.push_back(ValuesOf<int64_t>(column));
      break;
    case Type::Kind::kFloat:
      buffers.push_back(ValuesOf<float>(column));
      break;
    case Type::Kind::kDouble:
      buffers.push_back(ValuesOf<double>(column));
      break;
    case Type::Kind::kDecimal:
      // Both are 16 bytes of the machine's order, the low half first.
      buffers.push_back(std::make_shared<arrow::Buffer>(
          reinterpret_cast<const uint8_t*>(static_cast<const FixedColumn<absl::int128>&>(column).values().data()),
          column.size() * static_cast<int64_t>(sizeof(absl::int128))));
      break;
    case Type::Kind::kString:
    case Type::Kind::kBinary: {
      const auto& texts = static_cast<const BytesColumn&>(column);
      buffers.push_back(arrow::Buffer::Wrap(texts.offsets()));
      buffers.push_back(std::make_shared<arrow::Buffer>(std::string_view(texts.data())));
      break;
    }
    case Type::Kind::kStruct: {
      const auto& fields = static_cast<const StructColumn&>(column).children();
      for (size_t i = 0; i < fields.size(); ++i) {
        children.push_back(Wrap(*fields[i], type->field(static_cast<int>(i))->type()));
      }
      break;
    }
    case Type::Kind::kList:
    case Type::Kind::kMap: {
      const auto& list = static_cast<const ListColumn&>(column);
      buffers.push_back(arrow::Buffer::Wrap(list.offsets()));
      children.push_back(Wrap(list.child(), type->field(0)->type()));
      break;
    }
  }
  return arrow::ArrayData::Make(type, column.size(), std::move(buffers), std::move(children), nulls);
}

}  // namespace

std::shared_ptr<arrow::Schema> ArrowSchema(const Schema& schema) { return arrow::schema(ArrowFields(schema.fields)); }

int FieldIdOf(const arrow::Field& field) {
  int id = 0;
  if (field.metadata() == nullptr) {
    return 0;
  }
  const auto text = field.metadata()->Get(kFieldId);
  return text.ok() && absl::SimpleAtoi(*text, &id) ? id : 0;
}

std::shared_ptr<arrow::Array> FindArrowColumn(const arrow::RecordBatch& batch, int field_id) {
  for (int i = 0; i < batch.num_columns(); ++i) {
    if (FieldIdOf(*batch.schema()->field(i)) == field_id) {
      return batch.column(i);
    }
  }
  return nullptr;
}

std::shared_ptr<arrow::Table> ArrowTable(const RowBatch& batch, const std::shared_ptr<arrow::Schema>& schema) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (size_t i = 0; i < batch.columns().size(); ++i) {
    columns.push_back(arrow::MakeArray(Wrap(*batch.columns()[i], schema->field(static_cast<int>(i))->type())));
  }
  return arrow::Table::Make(schema, columns, batch.rows());
}

}  // namespace millrace::warehouse
