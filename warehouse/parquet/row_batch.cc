#include "parquet/row_batch.h"

namespace millrace::warehouse {
namespace {

std::unique_ptr<Column> MakeColumn(const Field& field) {
  switch (field.type.kind) {
    case Type::Kind::kBoolean:
      return std::make_unique<FixedColumn<uint8_t>>(field);
    case Type::Kind::kInt:
    case Type::Kind::kDate:
      return std::make_unique<FixedColumn<int32_t>>(field);
    case Type::Kind::kLong:
    case Type::Kind::kTimestampTz:
      return std::make_unique<FixedColumn<int64_t>>(field);
    case Type::Kind::kFloat:
      return std::make_unique<FixedColumn<float>>(field);
    case Type::Kind::kDouble:
      return std::make_unique<FixedColumn<double>>(field);
    case Type::Kind::kDecimal:
      return std::make_unique<FixedColumn<absl::int128>>(field);
    case Type::Kind::kString:
    case Type::Kind::kBinary:
      return std::make_unique<BytesColumn>(field);
    case Type::Kind::kStruct:
      return std::make_unique<StructColumn>(field);
    case Type::Kind::kList:
    case Type::Kind::kMap:
      return std::make_unique<ListColumn>(field);
  }
  return nullptr;
}

Field RequiredStruct(std::vector<Field> fields) {
  Field result;
  result.required = true;
  result.type.kind = Type::Kind::kStruct;
  result.type.fields = std::move(fields);
  return result;
}

Column* FindIn(Column& column, int field_id) {
  if (column.id() == field_id && field_id != 0) {
    return &column;
  }
  if (column.kind() == Type::Kind::kStruct) {
    for (const std::unique_ptr<Column>& child : static_cast<StructColumn&>(column).children()) {
      if (Column* found = FindIn(*child, field_id)) {
        return found;
      }
    }
  } else if (column.kind() == Type::Kind::kList || column.kind() == Type::Kind::kMap) {
    return FindIn(static_cast<ListColumn&>(column).child(), field_id);
  }
  return nullptr;
}

}  // namespace

bool BytesColumn::Set(int64_t row, std::string_view value) {
  const size_t before = row == size() ? data_.size() : offsets_[row];
  if (before + value.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return false;
  }
  data_.resize(before);
  data_.append(value);
  if (row == size()) {
    offsets_.push_back(static_cast<int32_t>(data_.size()));
  } else {
    offsets_.back() = static_cast<int32_t>(data_.size());
  }
  MarkValid(row);
  return true;
}

void BytesColumn::Truncate(int64_t size) {
  TruncateValidity(size);
  offsets_.resize(this->size() + 1);
  data_.resize(offsets_.back());
}

void BytesColumn::AppendRange(const Column& from, int64_t begin, int64_t end) {
  const auto& other = static_cast<const BytesColumn&>(from);
  const int32_t moved = static_cast<int32_t>(data_.size()) - other.offsets_[begin];
  data_.append(other.data_, other.offsets_[begin], other.offsets_[end] - other.offsets_[begin]);
  for (int64_t row = begin; row < end; ++row) {
    offsets_.push_back(other.offsets_[row + 1] + moved);
  }
  AppendValidity(from, begin, end);
}

StructColumn::StructColumn(const Field& field) : Column(field) {
  for (const Field& child : field.type.fields) {
    children_.push_back(MakeColumn(child));
  }
}

void StructColumn::Finish() {
  for (const std::unique_ptr<Column>& child : children_) {
    if (child->size() == size()) {
      child->AppendNull();
    }
  }
  MarkValid(size());
}

void StructColumn::AppendNull() {
  for (const std::unique_ptr<Column>& child : children_) {
    child->AppendNull();
  }
  MarkNull();
}

void StructColumn::Truncate(int64_t size) {
  for (const std::unique_ptr<Column>& child : children_) {
    child->Truncate(size);
  }
  TruncateValidity(size);
}

void StructColumn::AppendRange(const Column& from, int64_t begin, int64_t end) {
  const auto& other = static_cast<const StructColumn&>(from);
  for (size_t i = 0; i < children_.size(); ++i) {
    children_[i]->AppendRange(*other.children_[i], begin, end);
  }
  AppendValidity(from, begin, end);
}

int64_t StructColumn::bytes() const {
  auto total = static_cast<int64_t>(valid().size());
  for (const std::unique_ptr<Column>& child : children_) {
    total += child->bytes();
  }
  return total;
}

ListColumn::ListColumn(const Field& field)
    : Column(field),
      child_(MakeColumn(field.type.kind == Type::Kind::kMap ? RequiredStruct(field.type.fields) : field.type.fields[0])) {}

void ListColumn::Truncate(int64_t size) {
  if (size < this->size()) {
    TruncateValidity(size);
    offsets_.resize(size + 1);
  }
  // Also elements of a value that was not finished.
  child_->Truncate(offsets_.back());
}

void ListColumn::AppendRange(const Column& from, int64_t begin, int64_t end) {
  const auto& other = static_cast<const ListColumn&>(from);
  const auto moved = static_cast<int32_t>(child_->size()) - other.offsets_[begin];
  child_->AppendRange(*other.child_, other.offsets_[begin], other.offsets_[end]);
  for (int64_t row = begin; row < end; ++row) {
    offsets_.push_back(other.offsets_[row + 1] + moved);
  }
  AppendValidity(from, begin, end);
}

int64_t ListColumn::bytes() const {
  return static_cast<int64_t>(offsets_.size() * sizeof(int32_t) + valid().size()) + child_->bytes();
}

RowBatch::RowBatch(Schema schema) : schema_(std::move(schema)), root_(RequiredStruct(schema_.fields)) {}

Column* RowBatch::Find(int field_id) const {
  for (const std::unique_ptr<Column>& column : columns()) {
    if (Column* found = FindIn(*column, field_id)) {
      return found;
    }
  }
  return nullptr;
}

}  // namespace millrace::warehouse
