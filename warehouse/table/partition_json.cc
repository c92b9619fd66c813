#include "table/partition_json.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "table/json_members.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;

const char* TransformName(Transform transform) {
  switch (transform) {
    case Transform::kIdentity:
      return "identity";
    case Transform::kHour:
      return "hour";
    case Transform::kDay:
      return "day";
  }
  return "unknown";
}

}  // namespace

json PartitionFieldsToJson(const std::vector<PartitionField>& fields) {
  json list = json::array();
  for (const PartitionField& field : fields) {
    list.push_back({{"source-id", field.source_id},
                    {"field-id", field.field_id},
                    {"name", field.name},
                    {"transform", TransformName(field.transform)}});
  }
  return list;
}

absl::StatusOr<std::vector<PartitionField>> PartitionFieldsFromJson(const json& value, const std::string& where) {
  absl::Status error;
  if (!value.is_array()) return absl::InvalidArgumentError(absl::StrCat(where, ": partition fields are no array"));
  std::vector<PartitionField> fields;
  for (const json& entry : value) {
    JsonMembers members(entry, absl::StrCat(where, " partition field"), &error);
    PartitionField field;
    field.source_id = members.Int("source-id");
    field.field_id = members.Int("field-id");
    field.name = members.String("name");
    const std::string transform = members.String("transform");
    if (!error.ok()) return error;
    if (transform == "identity") {
      field.transform = Transform::kIdentity;
    } else if (transform == "hour") {
      field.transform = Transform::kHour;
    } else if (transform == "day") {
      field.transform = Transform::kDay;
    } else {
      return absl::UnimplementedError(
          absl::StrCat(where, " is partitioned by ", transform, " as '", field.name, "', by which this program cannot write"));
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

json SpecToJson(const PartitionSpec& spec) { return {{"spec-id", spec.id}, {"fields", PartitionFieldsToJson(spec.fields)}}; }

absl::StatusOr<PartitionSpec> SpecFromJson(const json& value, const std::string& where) {
  absl::Status error;
  JsonMembers members(value, absl::StrCat(where, " partition spec"), &error);
  PartitionSpec spec;
  spec.id = members.Int("spec-id");
  const json& list = members.Array("fields");
  if (!error.ok()) return error;
  auto fields = PartitionFieldsFromJson(list, where);
  if (!fields.ok()) return fields.status();
  spec.fields = *std::move(fields);
  return spec;
}

}  // namespace millrace::warehouse
