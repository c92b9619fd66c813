#include "table/types.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace millrace::warehouse {
namespace {

std::string Column(const Field& field) {
  return absl::StrCat(field.name, " ", field.type.ToString(), field.required ? " required" : "");
}

const Field* FindIn(const std::vector<Field>& fields, int field_id) {
  for (const Field& field : fields) {
    if (field.id == field_id) return &field;
    if (const Field* inside = FindIn(field.type.fields, field_id)) return inside;
  }
  return nullptr;
}

int HighestIn(const std::vector<Field>& fields) {
  int highest = 0;
  for (const Field& field : fields) highest = std::max({highest, field.id, HighestIn(field.type.fields)});
  return highest;
}

}  // namespace

bool Type::SameShape(const Type& other) const {
  if (kind != other.kind || fields.size() != other.fields.size()) return false;
  if (kind == Kind::kDecimal && (precision != other.precision || scale != other.scale)) return false;
  return std::equal(fields.begin(), fields.end(), other.fields.begin(), [](const Field& a, const Field& b) {
    return a.name == b.name && a.required == b.required && a.type.SameShape(b.type);
  });
}

std::string Type::ToString() const {
  switch (kind) {
    case Kind::kBoolean:
      return "boolean";
    case Kind::kInt:
      return "int";
    case Kind::kLong:
      return "long";
    case Kind::kFloat:
      return "float";
    case Kind::kDouble:
      return "double";
    case Kind::kDecimal:
      return absl::StrCat("decimal(", precision, ",", scale, ")");
    case Kind::kDate:
      return "date";
    case Kind::kTimestampTz:
      return "timestamptz";
    case Kind::kString:
      return "string";
    case Kind::kBinary:
      return "binary";
    case Kind::kStruct: {
      std::vector<std::string> columns;
      for (const Field& field : fields) columns.push_back(Column(field));
      return absl::StrCat("struct<", absl::StrJoin(columns, ", "), ">");
    }
    case Kind::kList:
      return absl::StrCat("list<", fields.empty() ? "" : fields[0].type.ToString(), ">");
    case Kind::kMap:
      return absl::StrCat("map<", fields.empty() ? "" : fields[0].type.ToString(), ", ",
                          fields.size() < 2 ? "" : fields[1].type.ToString(), ">");
  }
  return "unknown";
}

bool operator==(const Type& a, const Type& b) {
  if (a.kind != b.kind || a.fields != b.fields) return false;
  return a.kind != Type::Kind::kDecimal || (a.precision == b.precision && a.scale == b.scale);
}

bool operator==(const Field& a, const Field& b) {
  return a.id == b.id && a.name == b.name && a.required == b.required && a.type == b.type && a.doc == b.doc;
}

const Field* Schema::Find(int field_id) const { return FindIn(fields, field_id); }

int Schema::HighestId() const { return HighestIn(fields); }

bool operator==(const Schema& a, const Schema& b) { return a.id == b.id && a.fields == b.fields; }

}  // namespace millrace::warehouse
