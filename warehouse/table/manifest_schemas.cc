#include "table/manifest_schemas.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "table/json_members.h"

// Order, names and ids of fields are those of the tables "Manifests" and "Manifest Lists" of the table specification.
namespace millrace::warehouse {
namespace {

using nlohmann::json;

json Required(const char* name, int id, json type) { return {{"name", name}, {"type", std::move(type)}, {"field-id", id}}; }

json Optional(const std::string& name, int id, json type) {
  return {{"name", name}, {"type", json::array({"null", std::move(type)})}, {"default", nullptr}, {"field-id", id}};
}

json Record(const char* name, json fields) { return {{"type", "record"}, {"name", name}, {"fields", std::move(fields)}}; }

// Avro's own maps have text as keys alone.
json IntKeyedMap(int key_id, int value_id, const char* value_type) {
  const std::string name = absl::StrCat("k", key_id, "_v", value_id);
  return {
      {"type", "array"},
      {"logicalType", "map"},
      {"items", Record(name.c_str(), json::array({Required("key", key_id, "int"), Required("value", value_id, value_type)}))}};
}

json List(int element_id, const char* type) { return {{"type", "array"}, {"items", type}, {"element-id", element_id}}; }

json PartitionValueType(const Type& type) {
  switch (type.kind) {
    case Type::Kind::kBoolean:
      return "boolean";
    case Type::Kind::kInt:
      return "int";
    case Type::Kind::kDate:
      return {{"type", "int"}, {"logicalType", "date"}};
    case Type::Kind::kTimestampTz:
      return {{"type", "long"}, {"logicalType", "timestamp-micros"}, {"adjust-to-utc", true}};
    case Type::Kind::kString:
      return "string";
    default:
      return "long";
  }
}

// Avro allows letters, digits and underscores in names; others are written as engines do. Readers go by the id.
std::string AvroName(const std::string& name) {
  std::string avro;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    if (i == 0 && absl::ascii_isdigit(c)) avro.push_back('_');
    if (absl::ascii_isalnum(c) || c == '_') {
      avro.push_back(name[i]);
    } else {
      absl::StrAppendFormat(&avro, "_x%X", c);
    }
  }
  return avro;
}

json PartitionRecord(const PartitionSpec& spec, const std::vector<Type>& types) {
  json fields = json::array();
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    fields.push_back(Optional(AvroName(spec.fields[i].name), spec.fields[i].field_id, PartitionValueType(types[i])));
  }
  return Record("r102", std::move(fields));
}

}  // namespace

std::string ManifestSchema(const PartitionSpec& spec, const std::vector<Type>& types) {
  json data_file = Record(
      "r2",
      json::array({Required("content", 134, "int"), Required("file_path", 100, "string"), Required("file_format", 101, "string"),
                   Required("partition", 102, PartitionRecord(spec, types)), Required("record_count", 103, "long"),
                   Required("file_size_in_bytes", 104, "long"), Optional("column_sizes", 108, IntKeyedMap(117, 118, "long")),
                   Optional("value_counts", 109, IntKeyedMap(119, 120, "long")),
                   Optional("null_value_counts", 110, IntKeyedMap(121, 122, "long")),
                   Optional("nan_value_counts", 137, IntKeyedMap(138, 139, "long")),
                   Optional("lower_bounds", 125, IntKeyedMap(126, 127, "bytes")),
                   Optional("upper_bounds", 128, IntKeyedMap(129, 130, "bytes")), Optional("key_metadata", 131, "bytes"),
                   Optional("split_offsets", 132, List(133, "long")), Optional("equality_ids", 135, List(136, "int")),
                   Optional("sort_order_id", 140, "int")}));
  return DumpJson(Record(
      "manifest_entry",
      json::array({Required("status", 0, "int"), Optional("snapshot_id", 1, "long"), Optional("sequence_number", 3, "long"),
                   Optional("file_sequence_number", 4, "long"), Required("data_file", 2, std::move(data_file))})));
}

std::string ManifestListSchema() {
  json summary = Record("r508", json::array({Required("contains_null", 509, "boolean"), Optional("contains_nan", 518, "boolean"),
                                             Optional("lower_bound", 510, "bytes"), Optional("upper_bound", 511, "bytes")}));
  json partitions = {{"type", "array"}, {"items", std::move(summary)}, {"element-id", 508}};
  return DumpJson(
      Record("manifest_file",
             json::array({Required("manifest_path", 500, "string"), Required("manifest_length", 501, "long"),
                          Required("partition_spec_id", 502, "int"), Required("content", 517, "int"),
                          Required("sequence_number", 515, "long"), Required("min_sequence_number", 516, "long"),
                          Required("added_snapshot_id", 503, "long"), Required("added_files_count", 504, "int"),
                          Required("existing_files_count", 505, "int"), Required("deleted_files_count", 506, "int"),
                          Required("added_rows_count", 512, "long"), Required("existing_rows_count", 513, "long"),
                          Required("deleted_rows_count", 514, "long"), Optional("partitions", 507, std::move(partitions)),
                          Optional("key_metadata", 519, "bytes")})));
}

}  // namespace millrace::warehouse
