#ifndef MILLRACE_WAREHOUSE_TABLE_AVRO_SCHEMA_H_
#define MILLRACE_WAREHOUSE_TABLE_AVRO_SCHEMA_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// A schema of Avro 1.11 with the `field-id`s that Iceberg adds to it. A value; nodes refer to each other by their index, because
/// a record may contain itself.
class AvroSchema {
 public:
  enum class Kind {
    kNull,
    kBoolean,
    kInt,
    kLong,
    kFloat,
    kDouble,
    kBytes,
    kString,
    kFixed,
    kEnum,
    kRecord,  // `parts` are its fields
    kArray,   // one part
    kMap,     // one part: the values
    kUnion,   // `parts` are its branches
  };

  struct Part {
    std::string name;   // of a field
    int field_id = -1;  // -1: none
    int node = 0;
  };

  struct Node {
    Kind kind = Kind::kNull;
    std::vector<Part> parts;
    int64_t size = 0;  // bytes of a fixed, symbols of an enum
  };

  /// InvalidArgument if the text is no schema. `where` is for messages.
  static absl::StatusOr<AvroSchema> Parse(std::string_view json, const std::string& where);

  [[nodiscard]] const Node& node(int index) const { return nodes_[static_cast<size_t>(index)]; }
  /// The node of the values in a file.
  [[nodiscard]] const Node& root() const { return nodes_[0]; }

 private:
  friend class AvroSchemaReader;
  std::vector<Node> nodes_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_AVRO_SCHEMA_H_
