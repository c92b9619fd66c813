#include "table/partition_values.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

using Kind = Type::Kind;

bool CanBeIdentity(Kind kind) {
  return kind == Kind::kBoolean || kind == Kind::kInt || kind == Kind::kLong || kind == Kind::kDate ||
         kind == Kind::kTimestampTz || kind == Kind::kString;
}

std::string LittleEndian(uint64_t value, int bytes) {
  std::string encoded;
  for (int i = 0; i < bytes; ++i) encoded.push_back(static_cast<char>(value >> (8 * i)));
  return encoded;
}

bool IsOfType(const PartitionValue& value, Kind kind) {
  switch (kind) {
    case Kind::kBoolean:
      return std::holds_alternative<bool>(value);
    case Kind::kInt:
    case Kind::kDate:
      return std::holds_alternative<int32_t>(value);
    case Kind::kLong:
    case Kind::kTimestampTz:
      return std::holds_alternative<int64_t>(value);
    case Kind::kString:
      return std::holds_alternative<std::string>(value);
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<std::vector<Type>> PartitionTypes(const PartitionSpec& spec, const Schema& schema) {
  std::vector<Type> types;
  for (const PartitionField& field : spec.fields) {
    const Field* source = schema.Find(field.source_id);
    if (!source) {
      return absl::InvalidArgumentError(
          absl::StrCat("partition field '", field.name, "': schema ", schema.id, " has no column of id ", field.source_id));
    }
    Type type = source->type;
    bool fits = CanBeIdentity(type.kind);
    if (field.transform == Transform::kDay) {
      fits = type.kind == Kind::kTimestampTz || type.kind == Kind::kDate;
      type = {Kind::kDate, 0, 0, {}};
    } else if (field.transform == Transform::kHour) {
      fits = type.kind == Kind::kTimestampTz;
      type = {Kind::kInt, 0, 0, {}};
    }
    if (!fits) {
      return absl::InvalidArgumentError(absl::StrCat("partition field '", field.name, "' cannot come from column '", source->name,
                                                     "' of type ", source->type.ToString()));
    }
    types.push_back(std::move(type));
  }
  return types;
}

absl::StatusOr<PartitionTuple> AsTypes(const PartitionTuple& tuple, const std::vector<Type>& types) {
  if (tuple.size() != types.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a partition has ", tuple.size(), " values, its spec ", types.size(), " fields"));
  }
  PartitionTuple typed = tuple;
  for (size_t i = 0; i < types.size(); ++i) {
    if (const int32_t* number = std::get_if<int32_t>(&typed[i]); number && types[i].kind == Kind::kLong) {
      typed[i] = int64_t{*number};
    }
    if (!std::holds_alternative<std::monostate>(typed[i]) && !IsOfType(typed[i], types[i].kind)) {
      return absl::InvalidArgumentError(absl::StrCat("value ", i, " of a partition is no ", types[i].ToString()));
    }
  }
  return typed;
}

std::optional<std::string> SingleValueBytes(const PartitionValue& value) {
  if (const bool* truth = std::get_if<bool>(&value)) return LittleEndian(*truth ? 1 : 0, 1);
  if (const int32_t* number = std::get_if<int32_t>(&value)) return LittleEndian(static_cast<uint32_t>(*number), 4);
  if (const int64_t* number = std::get_if<int64_t>(&value)) return LittleEndian(static_cast<uint64_t>(*number), 8);
  if (const std::string* text = std::get_if<std::string>(&value)) return *text;
  return std::nullopt;
}

}  // namespace millrace::warehouse
