#include "serving/serving_columns.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace millrace::warehouse {
namespace {

constexpr size_t kMaxName = 63;  // bytes: NAMEDATALEN - 1

bool CanBeKey(const Type& type) {
  return !type.is_nested() && type.kind != Type::Kind::kFloat && type.kind != Type::Kind::kDouble;
}

}  // namespace

std::string PostgresType(const Type& type) {
  switch (type.kind) {
    case Type::Kind::kBoolean:
      return "boolean";
    case Type::Kind::kInt:
      return "integer";
    case Type::Kind::kLong:
      return "bigint";
    case Type::Kind::kFloat:
      return "real";
    case Type::Kind::kDouble:
      return "double precision";
    case Type::Kind::kDecimal:
      return absl::StrCat("numeric(", type.precision, ",", type.scale, ")");
    case Type::Kind::kDate:
      return "date";
    case Type::Kind::kTimestampTz:
      return "timestamp with time zone";
    case Type::Kind::kString:
      return "text";
    case Type::Kind::kBinary:
      return "bytea";
    case Type::Kind::kStruct:
    case Type::Kind::kList:
    case Type::Kind::kMap:
      return "jsonb";
  }
  return "text";
}

std::set<int> JsonColumns(const google::protobuf::Descriptor& message, const MappingOptions& options,
                          const ColumnRecord& record) {
  std::set<int> ids;
  for (int i = 0; i < message.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *message.field(i);
    if (field.is_repeated()) continue;
    const absl::StatusOr<FieldMapping> mapping = MapFieldValue(field, field.name(), options, {&message});
    if (!mapping.ok() || mapping->conversion != Conversion::kJson) continue;
    if (const int id = record.Find(FieldPath("", field.number())); id != 0) ids.insert(id);
  }
  return ids;
}

absl::StatusOr<std::vector<ServingColumn>> ServingColumns(const Schema& schema, const std::set<int>& json,
                                                          const ServingPolicy& policy) {
  std::vector<ServingColumn> columns;
  for (const std::string& name : policy.key_columns) {
    const auto found =
        std::find_if(schema.fields.begin(), schema.fields.end(), [&](const Field& field) { return field.name == name; });
    if (found == schema.fields.end()) {
      return absl::InvalidArgumentError(absl::StrCat("key.columns: the message gives the table no column ", name));
    }
    if (!CanBeKey(found->type) || json.count(found->id) != 0) {
      return absl::InvalidArgumentError(absl::StrCat("key.columns: column ", name, " is ", PostgresType(found->type),
                                                     ", by which rows cannot be told apart; take others"));
    }
    columns.push_back({*found, PostgresType(found->type), true});
  }
  const size_t keys = columns.size();
  for (const Field& field : schema.fields) {
    const auto is_this = [&](const ServingColumn& column) { return column.field.id == field.id; };
    if (std::any_of(columns.begin(), columns.begin() + static_cast<ptrdiff_t>(keys), is_this)) continue;
    columns.push_back({field, json.count(field.id) != 0 ? "jsonb" : PostgresType(field.type), false});
  }
  for (const ServingColumn& column : columns) {
    if (absl::Status status = CheckName(column.field.name); !status.ok()) return status;
  }
  return columns;
}

std::string Quoted(const std::string& name) { return absl::StrCat("\"", absl::StrReplaceAll(name, {{"\"", "\"\""}}), "\""); }

std::string Quoted(const std::string& name_space, const std::string& name) {
  return absl::StrCat(Quoted(name_space), ".", Quoted(name));
}

std::string Literal(const std::string& text) {
  return absl::StrCat(" E'", absl::StrReplaceAll(text, {{"'", "''"}, {"\\", "\\\\"}}), "'");
}

absl::Status CheckName(const std::string& name) {
  if (!name.empty() && name.size() <= kMaxName) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the name \"", name, "\" cannot be one in PostgreSQL: it may have 1 to ", kMaxName, " bytes"));
}

}  // namespace millrace::warehouse
