#ifndef MILLRACE_WAREHOUSE_TABLE_TYPES_H_
#define MILLRACE_WAREHOUSE_TABLE_TYPES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::warehouse {

struct Field;

/// A type of an Iceberg v2 table. Follows "Schemas and Data Types" of the table specification.
struct Type {
  enum class Kind {
    kBoolean,
    kInt,
    kLong,
    kFloat,
    kDouble,
    kDecimal,
    kDate,         // days since 1970-01-01
    kTimestampTz,  // microseconds since 1970-01-01 in UTC
    kString,
    kBinary,
    kStruct,  // `fields` are its fields
    kList,    // `fields` is one field named "element"
    kMap,     // `fields` are "key", which is required, and "value"
  };

  Kind kind = Kind::kString;
  int precision = 0;  // of a decimal
  int scale = 0;      // of a decimal
  std::vector<Field> fields;

  [[nodiscard]] bool is_nested() const { return kind >= Kind::kStruct; }
  /// Neither ids nor docs count in fields that a nested type has; names do.
  [[nodiscard]] bool SameShape(const Type& other) const;
  /// As the specification writes primitives ("decimal(18,2)", "timestamptz"); nested ones in brackets.
  [[nodiscard]] std::string ToString() const;

  friend bool operator==(const Type& a, const Type& b);
};

/// A column, or a part of one.
struct Field {
  int id = 0;  // never used again in the table for another column
  std::string name;
  bool required = false;
  Type type;
  std::string doc;  // what a reader of the table should know; empty = nothing

  friend bool operator==(const Field& a, const Field& b);
};

/// The columns of a table at one time.
struct Schema {
  int id = 0;
  std::vector<Field> fields;

  /// The field with this id, at any depth; nullptr if there is none. Valid until the schema changes.
  [[nodiscard]] const Field* Find(int field_id) const;
  /// The highest id in use; 0 without fields.
  [[nodiscard]] int HighestId() const;

  friend bool operator==(const Schema& a, const Schema& b);
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_TYPES_H_
