#include "table/schema_json.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "table/json_members.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;
using Kind = Type::Kind;

constexpr int kMostDigits = 38;

json TypeToJson(const Type& type);

json FieldsToJson(const std::vector<Field>& fields) {
  json list = json::array();
  for (const Field& field : fields) {
    json one = {{"id", field.id}, {"name", field.name}, {"required", field.required}, {"type", TypeToJson(field.type)}};
    if (!field.doc.empty()) one["doc"] = field.doc;
    list.push_back(std::move(one));
  }
  return list;
}

json TypeToJson(const Type& type) {
  if (type.kind == Kind::kStruct) return {{"type", "struct"}, {"fields", FieldsToJson(type.fields)}};
  if (type.kind == Kind::kList && type.fields.size() == 1) {
    const Field& element = type.fields[0];
    return {{"type", "list"},
            {"element-id", element.id},
            {"element-required", element.required},
            {"element", TypeToJson(element.type)}};
  }
  if (type.kind == Kind::kMap && type.fields.size() == 2) {
    const Field& key = type.fields[0];
    const Field& value = type.fields[1];
    return {{"type", "map"},
            {"key-id", key.id},
            {"value-id", value.id},
            {"key", TypeToJson(key.type)},
            {"value", TypeToJson(value.type)},
            {"value-required", value.required}};
  }
  return type.ToString();
}

class SchemaReader {
 public:
  explicit SchemaReader(absl::Status* error) : error_(error) {}

  std::vector<Field> Fields(const json& list, const std::string& where) {
    std::vector<Field> fields;
    for (const json& entry : list) {
      JsonMembers members(entry, where, error_);
      Field field;
      field.id = members.Int("id");
      field.name = members.String("name");
      field.required = members.Bool("required");
      field.doc = members.OptionalString("doc");
      field.type = TypeOf(entry, "type", absl::StrCat(where, " column '", field.name, "'"));
      if (!error_->ok()) break;
      fields.push_back(std::move(field));
    }
    return fields;
  }

 private:
  Type TypeOf(const json& owner, const char* name, const std::string& where) {
    const auto found = owner.is_object() ? owner.find(name) : owner.end();
    if (!owner.is_object() || found == owner.end()) {
      Fail(absl::StrCat(where, ": '", name, "' is missing"));
      return {};
    }
    return found->is_string() ? Primitive(found->get<std::string>(), where) : Nested(*found, where);
  }

  Type Nested(const json& value, const std::string& where) {
    JsonMembers members(value, where, error_);
    const std::string name = members.String("type");
    Type type;
    if (name == "struct") {
      type.kind = Kind::kStruct;
      type.fields = Fields(members.Array("fields"), where);
    } else if (name == "list") {
      type.kind = Kind::kList;
      type.fields.push_back(
          {members.Int("element-id"), "element", members.Bool("element-required"), TypeOf(value, "element", where), ""});
    } else if (name == "map") {
      type.kind = Kind::kMap;
      type.fields.push_back({members.Int("key-id"), "key", true, TypeOf(value, "key", where), ""});
      type.fields.push_back(
          {members.Int("value-id"), "value", members.Bool("value-required"), TypeOf(value, "value", where), ""});
    } else {
      members.Fail(absl::StrCat("'", name, "' is no nested type"));
    }
    return type;
  }

  Type Primitive(const std::string& name, const std::string& where) {
    static const std::map<std::string, Kind>* const kinds = new std::map<std::string, Kind>{{"boolean", Kind::kBoolean},
                                                                                            {"int", Kind::kInt},
                                                                                            {"long", Kind::kLong},
                                                                                            {"float", Kind::kFloat},
                                                                                            {"double", Kind::kDouble},
                                                                                            {"date", Kind::kDate},
                                                                                            {"timestamptz", Kind::kTimestampTz},
                                                                                            {"string", Kind::kString},
                                                                                            {"binary", Kind::kBinary}};
    Type type;
    if (const auto known = kinds->find(name); known != kinds->end()) {
      type.kind = known->second;
    } else if (absl::StartsWith(name, "decimal")) {
      type = Decimal(name, where);
    } else if (error_->ok()) {
      *error_ =
          absl::UnimplementedError(absl::StrCat(where, " has type ", name, ", which this program can neither read nor write"));
    }
    return type;
  }

  // "decimal(9,2)"; some engines put a space behind the comma.
  Type Decimal(const std::string& name, const std::string& where) {
    constexpr size_t kBracket = sizeof("decimal(") - 1;
    Type type{Kind::kDecimal, 0, 0, {}};
    const size_t comma = name.find(',');
    const bool good = absl::StartsWith(name, "decimal(") && absl::EndsWith(name, ")") && comma != std::string::npos &&
                      comma > kBracket && absl::SimpleAtoi(name.substr(kBracket, comma - kBracket), &type.precision) &&
                      absl::SimpleAtoi(name.substr(comma + 1, name.size() - comma - 2), &type.scale);
    if (!good) Fail(absl::StrCat(where, ": '", name, "' is no decimal type"));
    return type;
  }

  void Fail(const std::string& message) {
    if (error_->ok()) *error_ = absl::InvalidArgumentError(message);
  }

  absl::Status* error_;
};

class SchemaCheck {
 public:
  absl::Status Fields(const std::vector<Field>& fields, const std::string& where) {
    std::set<std::string> names;
    for (const Field& field : fields) {
      const std::string name = absl::StrCat(where, where.empty() ? "" : ".", field.name);
      if (field.name.empty()) return absl::InvalidArgumentError(absl::StrCat("a column in '", where, "' has no name"));
      if (!names.insert(field.name).second) return absl::InvalidArgumentError(absl::StrCat("two columns are named '", name, "'"));
      if (field.id <= 0) return absl::InvalidArgumentError(absl::StrCat("column '", name, "' has id ", field.id));
      if (!ids_.insert(field.id).second) {
        return absl::InvalidArgumentError(absl::StrCat("column '", name, "' has id ", field.id, ", as another one has"));
      }
      if (absl::Status checked = Check(field.type, name); !checked.ok()) return checked;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Check(const Type& type, const std::string& name) {
    const size_t parts = type.fields.size();
    if (!type.is_nested() && parts != 0) return Wrong(name, type, "has parts");
    if (type.kind == Kind::kList && (parts != 1 || type.fields[0].name != "element"))
      return Wrong(name, type, "needs one 'element'");
    if (type.kind == Kind::kMap) {
      const bool good = parts == 2 && type.fields[0].name == "key" && type.fields[0].required && type.fields[1].name == "value";
      if (!good) return Wrong(name, type, "needs a required 'key' and a 'value'");
    }
    if (type.kind == Kind::kDecimal &&
        (type.precision < 1 || type.precision > kMostDigits || type.scale < 0 || type.scale > type.precision)) {
      return Wrong(name, type, "is not between decimal(1,0) and decimal(38,38)");
    }
    return Fields(type.fields, name);
  }

  static absl::Status Wrong(const std::string& name, const Type& type, const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat("column '", name, "' of type ", type.ToString(), " ", what));
  }

  std::set<int> ids_;
};

}  // namespace

json SchemaToJson(const Schema& schema) {
  return {{"type", "struct"}, {"schema-id", schema.id}, {"fields", FieldsToJson(schema.fields)}};
}

absl::StatusOr<Schema> SchemaFromJson(const json& value, const std::string& where) {
  absl::Status error;
  JsonMembers members(value, absl::StrCat(where, " schema"), &error);
  if (members.String("type") != "struct") members.Fail("is no struct");
  Schema schema;
  // Manifests carry the id beside the schema.
  schema.id = members.OptionalInt("schema-id").value_or(0);
  schema.fields = SchemaReader(&error).Fields(members.Array("fields"), members.where());
  if (!error.ok()) return error;
  return schema;
}

absl::Status CheckSchema(const Schema& schema) { return SchemaCheck().Fields(schema.fields, ""); }

}  // namespace millrace::warehouse
