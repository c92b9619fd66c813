#include "serving/column_json.h"

#include <cmath>
#include <cstdio>

#include "absl/numeric/int128.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "parquet/value_text.h"

namespace millrace::warehouse {
namespace {

template <typename T>
T Value(const Column& column, int64_t row) {
  return static_cast<const FixedColumn<T>&>(column).values()[static_cast<size_t>(row)];
}

template <typename T>
void AppendFloat(T value, bool quoted, std::string* json) {
  // JSON has no words for what is no number.
  const char* const quote = quoted || std::isfinite(value) ? "" : "\"";
  json->append(quote);
  AppendFloatText(value, json);
  json->append(quote);
}

bool AppendEscaped(std::string_view text, std::string* json, std::string* error) {
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json->push_back('\\');
      json->push_back(c);
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      json->push_back(c);
    } else if (c == '\0') {
      *error = kNulError;
      return false;
    } else {
      char escape[8];
      const int size = std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      json->append(escape, static_cast<size_t>(size));
    }
  }
  return true;
}

/// Without quotes around what is text.
bool AppendScalar(const Column& column, const Field& field, int64_t row, bool quoted, std::string* json, std::string* error) {
  switch (column.kind()) {
    case Type::Kind::kBoolean:
      json->append(Value<uint8_t>(column, row) != 0 ? "true" : "false");
      return true;
    case Type::Kind::kInt:
      absl::StrAppend(json, Value<int32_t>(column, row));
      return true;
    case Type::Kind::kLong:
      absl::StrAppend(json, Value<int64_t>(column, row));
      return true;
    case Type::Kind::kFloat:
      AppendFloat(Value<float>(column, row), quoted, json);
      return true;
    case Type::Kind::kDouble:
      AppendFloat(Value<double>(column, row), quoted, json);
      return true;
    case Type::Kind::kDecimal:
      AppendDecimalText(Value<absl::int128>(column, row), field.type.scale, json);
      return true;
    case Type::Kind::kDate:
      AppendDateText(Value<int32_t>(column, row), json);
      return true;
    case Type::Kind::kTimestampTz:
      AppendInstantText(Value<int64_t>(column, row), json);
      return true;
    case Type::Kind::kString:
      return AppendEscaped(static_cast<const BytesColumn&>(column).Get(row), json, error);
    case Type::Kind::kBinary:
      json->append(absl::Base64Escape(std::string(static_cast<const BytesColumn&>(column).Get(row))));
      return true;
    default:
      *error = "a nested value where a simple one was expected";
      return false;
  }
}

bool IsText(Type::Kind kind) {
  return kind == Type::Kind::kString || kind == Type::Kind::kBinary || kind == Type::Kind::kDate ||
         kind == Type::Kind::kTimestampTz;
}

bool AppendText(const Column& column, const Field& field, int64_t row, std::string* json, std::string* error) {
  json->push_back('"');
  const bool done = AppendScalar(column, field, row, /*quoted=*/true, json, error);
  json->push_back('"');
  return done;
}

bool AppendStruct(const StructColumn& column, const Field& field, int64_t row, std::string* json, std::string* error) {
  json->push_back('{');
  bool first = true;
  for (size_t i = 0; i < field.type.fields.size(); ++i) {
    const Column& child = *column.children()[i];
    if (child.IsNull(row)) continue;
    absl::StrAppend(json, first ? "\"" : ",\"", field.type.fields[i].name, "\":");
    first = false;
    if (!AppendColumnJson(child, field.type.fields[i], row, json, error)) return false;
  }
  json->push_back('}');
  return true;
}

bool AppendList(const ListColumn& column, const Field& field, int64_t row, std::string* json, std::string* error) {
  json->push_back('[');
  const int64_t begin = column.offsets()[static_cast<size_t>(row)];
  for (int64_t i = begin; i < column.offsets()[static_cast<size_t>(row) + 1]; ++i) {
    if (i != begin) json->push_back(',');
    if (column.child().IsNull(i)) {
      json->append("null");
    } else if (!AppendColumnJson(column.child(), field.type.fields[0], i, json, error)) {
      return false;
    }
  }
  json->push_back(']');
  return true;
}

bool AppendMap(const ListColumn& column, const Field& field, int64_t row, std::string* json, std::string* error) {
  const auto& entry = static_cast<const StructColumn&>(column.child()).children();
  json->push_back('{');
  const int64_t begin = column.offsets()[static_cast<size_t>(row)];
  for (int64_t i = begin; i < column.offsets()[static_cast<size_t>(row) + 1]; ++i) {
    if (i != begin) json->push_back(',');
    if (!AppendText(*entry[0], field.type.fields[0], i, json, error)) return false;
    json->push_back(':');
    if (entry[1]->IsNull(i)) {
      json->append("null");
    } else if (!AppendColumnJson(*entry[1], field.type.fields[1], i, json, error)) {
      return false;
    }
  }
  json->push_back('}');
  return true;
}

}  // namespace

bool AppendColumnJson(const Column& column, const Field& field, int64_t row, std::string* json, std::string* error) {
  switch (column.kind()) {
    case Type::Kind::kStruct:
      return AppendStruct(static_cast<const StructColumn&>(column), field, row, json, error);
    case Type::Kind::kList:
      return AppendList(static_cast<const ListColumn&>(column), field, row, json, error);
    case Type::Kind::kMap:
      return AppendMap(static_cast<const ListColumn&>(column), field, row, json, error);
    default:
      return IsText(column.kind()) ? AppendText(column, field, row, json, error)
                                   : AppendScalar(column, field, row, /*quoted=*/false, json, error);
  }
}

bool JsonHasNul(std::string_view json) {
  if (json.find('\0') != std::string_view::npos) return true;
  for (size_t at = json.find('\\'); at != std::string_view::npos; at = json.find('\\', at + 2)) {
    if (json.substr(at, 6) == "\\u0000") return true;
  }
  return false;
}

}  // namespace millrace::warehouse
