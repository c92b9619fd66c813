#include "table/avro_schema.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "table/json_members.h"

namespace millrace::warehouse {

using nlohmann::json;

/// Builds the nodes of a schema. Named types are known from where they begin, so that they may contain themselves.
class AvroSchemaReader {
 public:
  AvroSchemaReader(std::string where, AvroSchema* schema) : where_(std::move(where)), schema_(schema) {}

  int Read(const json& value) {
    if (value.is_string()) return Named(value.get<std::string>());
    if (value.is_array()) return Union(value);
    if (!value.is_object()) return Fail("has a part that is no type");
    JsonMembers members(value, where_, &error_);
    const auto type = value.find("type");
    if (type == value.end()) return Fail("has a type without 'type'");
    // {"type": {"type": ...}} is allowed and says no more than what is inside.
    if (!type->is_string()) return Read(*type);
    const std::string name = type->get<std::string>();
    if (name == "record") return Record(members);
    if (name == "array") return Collection(AvroSchema::Kind::kArray, value, "items", "element-id");
    if (name == "map") return Collection(AvroSchema::Kind::kMap, value, "values", "value-id");
    if (name == "fixed") return Sized(AvroSchema::Kind::kFixed, members, members.Int64("size"));
    if (name == "enum") {
      return Sized(AvroSchema::Kind::kEnum, members, static_cast<int64_t>(members.Array("symbols").size()));
    }
    return Named(name);
  }

  [[nodiscard]] const absl::Status& error() const { return error_; }

 private:
  using Kind = AvroSchema::Kind;

  int Fail(const std::string& what) {
    if (error_.ok()) error_ = absl::InvalidArgumentError(absl::StrCat(where_, ": the Avro schema ", what));
    return 0;
  }

  int Add(Kind kind) {
    schema_->nodes_.push_back({kind, {}, 0});
    return static_cast<int>(schema_->nodes_.size()) - 1;
  }

  void AddPart(int node, AvroSchema::Part part) { schema_->nodes_[static_cast<size_t>(node)].parts.push_back(std::move(part)); }

  // A name refers to a type of this or, if it has no dots, of the enclosing namespace; in a manifest names are unique without it.
  static std::string Simple(const std::string& name) {
    const size_t dot = name.rfind('.');
    return dot == std::string::npos ? name : name.substr(dot + 1);
  }

  int Named(const std::string& name) {
    static const std::map<std::string, Kind>* const primitives = new std::map<std::string, Kind>{
        {"null", Kind::kNull},   {"boolean", Kind::kBoolean}, {"int", Kind::kInt},     {"long", Kind::kLong},
        {"float", Kind::kFloat}, {"double", Kind::kDouble},   {"bytes", Kind::kBytes}, {"string", Kind::kString}};
    if (const auto primitive = primitives->find(name); primitive != primitives->end()) return Add(primitive->second);
    const auto known = named_.find(Simple(name));
    return known == named_.end() ? Fail(absl::StrCat("names a type that is not there: '", name, "'")) : known->second;
  }

  int Union(const json& branches) {
    const int node = Add(Kind::kUnion);
    for (const json& branch : branches) AddPart(node, {"", -1, Read(branch)});
    return node;
  }

  int Record(JsonMembers& members) {
    const int node = Add(Kind::kRecord);
    named_[Simple(members.String("name"))] = node;
    for (const json& field : members.Array("fields")) {
      JsonMembers parts(field, where_, &error_);
      AvroSchema::Part part{parts.String("name"), parts.OptionalInt("field-id").value_or(-1), 0};
      if (!parts.Has("type")) return Fail("has a field without a type");
      part.node = Read(field["type"]);
      AddPart(node, std::move(part));
    }
    return node;
  }

  int Collection(Kind kind, const json& value, const char* name, const char* id) {
    const int node = Add(kind);
    const auto part = value.find(name);
    if (part == value.end()) return Fail("has an array or a map without the type of its elements");
    const int part_id = JsonMembers(value, where_, &error_).OptionalInt(id).value_or(-1);
    AddPart(node, {"", part_id, Read(*part)});
    return node;
  }

  int Sized(Kind kind, JsonMembers& members, int64_t size) {
    if (size < 0) return Fail("has a fixed type of negative size");
    const int node = Add(kind);
    named_[Simple(members.String("name"))] = node;
    schema_->nodes_[static_cast<size_t>(node)].size = size;
    return node;
  }

  std::string where_;
  AvroSchema* schema_;
  absl::Status error_;
  std::map<std::string, int> named_;
};

absl::StatusOr<AvroSchema> AvroSchema::Parse(std::string_view text, const std::string& where) {
  auto value = ParseJson(text, where);
  if (!value.ok()) return value.status();
  AvroSchema schema;
  AvroSchemaReader reader(where, &schema);
  const int root = reader.Read(*value);
  if (!reader.error().ok()) return reader.error();
  if (root != 0) return absl::InvalidArgumentError(absl::StrCat(where, ": the Avro schema is no type"));
  return schema;
}

}  // namespace millrace::warehouse
