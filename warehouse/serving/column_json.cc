#include "serving/column_json.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "absl/numeric/int128.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kDayMicros = 86'400'000'000;

template <typename T>
T Value(const Column& column, int64_t row) {
  return static_cast<const FixedColumn<T>&>(column).values()[static_cast<size_t>(row)];
}

template <typename T>
void AppendNumber(T value, std::string* json) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text), value);
  json->append(text, end.ptr);
}

template <typename T>
void AppendFloat(T value, bool quoted, std::string* json) {
  if (!std::isfinite(value)) {
    absl::StrAppend(json, quoted ? "" : "\"",
                    std::isnan(value) ? "NaN"
                    : value > 0       ? "Infinity"
                                      : "-Infinity",
                    quoted ? "" : "\"");
    return;
  }
  AppendNumber(value, json);
}

void AppendDecimal(absl::int128 value, int scale, std::string* json) {
  absl::uint128 left = value < 0 ? absl::uint128(0) - absl::uint128(value) : absl::uint128(value);
  std::string digits;  // from the last one on, with the point
  const int least = scale + (scale > 0 ? 2 : 1);
  while (left != 0 || static_cast<int>(digits.size()) < least) {
    digits.push_back(static_cast<char>('0' + static_cast<int>(left % 10)));
    left /= 10;
    if (static_cast<int>(digits.size()) == scale) digits.push_back('.');
  }
  if (value < 0) json->push_back('-');
  json->append(digits.rbegin(), digits.rend());
}

void AppendDay(int64_t days, std::string* json) {
  const absl::CivilDay day = absl::CivilDay(1970, 1, 1) + days;
  char text[48];
  const int size =
      std::snprintf(text, sizeof(text), "%04lld-%02d-%02d", static_cast<long long>(day.year()), day.month(), day.day());
  json->append(text, static_cast<size_t>(size));
}

void AppendInstant(int64_t micros, std::string* json) {
  int64_t days = micros / kDayMicros;
  int64_t rest = micros % kDayMicros;
  if (rest < 0) {
    rest += kDayMicros;
    --days;
  }
  AppendDay(days, json);
  char text[48];
  const int64_t seconds = rest / 1'000'000;
  const int size =
      std::snprintf(text, sizeof(text), "T%02d:%02d:%02d.%06dZ", static_cast<int>(seconds / 3600),
                    static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60), static_cast<int>(rest % 1'000'000));
  json->append(text, static_cast<size_t>(size));
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
      AppendNumber(Value<int32_t>(column, row), json);
      return true;
    case Type::Kind::kLong:
      AppendNumber(Value<int64_t>(column, row), json);
      return true;
    case Type::Kind::kFloat:
      AppendFloat(Value<float>(column, row), quoted, json);
      return true;
    case Type::Kind::kDouble:
      AppendFloat(Value<double>(column, row), quoted, json);
      return true;
    case Type::Kind::kDecimal:
      AppendDecimal(Value<absl::int128>(column, row), field.type.scale, json);
      return true;
    case Type::Kind::kDate:
      AppendDay(Value<int32_t>(column, row), json);
      return true;
    case Type::Kind::kTimestampTz:
      AppendInstant(Value<int64_t>(column, row), json);
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
