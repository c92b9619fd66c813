#include "protobuf/table_schema.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;

constexpr int kMaxColumns = 10'000;
// Names of columns that engines have for each table; Spark reads no table that has one of its own.
constexpr std::string_view kReserved[] = {"_file",
                                          "_pos",
                                          "_deleted",
                                          "_spec_id",
                                          "_partition",
                                          "_row_id",
                                          "_last_updated_sequence_number",
                                          "_change_type",
                                          "_change_ordinal",
                                          "_commit_snapshot_id"};

Type TypeOf(Type::Kind kind) {
  Type type;
  type.kind = kind;
  return type;
}

/// The comment of a field, in one line.
template <typename D>
std::string Comment(const D& descriptor) {
  google::protobuf::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) {
    return "";
  }
  std::string text = location.leading_comments.empty() ? location.trailing_comments : location.leading_comments;
  absl::RemoveExtraAsciiWhitespace(&text);
  return text;
}

class Mapper {
 public:
  explicit Mapper(const MappingOptions& options) : options_(options) {}

  absl::StatusOr<MappedSchema> Map(const Descriptor& message) {
    absl::StatusOr<std::vector<Field>> fields = MapMessage(message, "", "");
    if (!fields.ok()) {
      return fields.status();
    }
    result_.schema.fields = *std::move(fields);
    for (const auto& [names, format] : options_.decimals) {
      if (mapped_.count(names) == 0) {
        return absl::InvalidArgumentError(absl::StrCat("columns.", names, ".decimal: ", message.full_name(),
                                                       " has no such field; remove the line or correct it"));
      }
    }
    for (const DateColumn& date : options_.dates) {
      if (absl::Status status = AddDate(date); !status.ok()) {
        return status;
      }
    }
    AddCoordinates();
    // After the dates, which are looked for under the names of fields.
    if (absl::Status status = Rename(message); !status.ok()) {
      return status;
    }
    if (absl::Status status = CheckNames(result_.schema.fields, ""); !status.ok()) {
      return status;
    }
    int next = 1;
    AssignIds(&result_.schema.fields, &next, &result_.record);
    return std::move(result_);
  }

 private:
  /// A field that has an id of its own for now.
  Field New(std::string name, bool required, Type type, const std::string& path, std::string doc = "") {
    Field field;
    field.id = ++last_id_;
    field.name = std::move(name);
    field.required = required;
    field.type = std::move(type);
    field.doc = std::move(doc);
    result_.record.ids[path] = field.id;
    return field;
  }

  absl::StatusOr<std::vector<Field>> MapMessage(const Descriptor& message, const std::string& prefix, const std::string& names) {
    ancestors_.push_back(&message);
    std::vector<Field> fields;
    std::set<const OneofDescriptor*> seen;
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      if (absl::Status status = MapField(field, prefix, names, &fields); !status.ok()) {
        return status;
      }
      // The case follows the last member of its oneof in the order of the file.
      const OneofDescriptor* oneof = field.real_containing_oneof();
      if (oneof != nullptr && oneof->field(oneof->field_count() - 1) == &field) {
        fields.push_back(New(absl::StrCat(oneof->name(), "_case"), false, TypeOf(Type::Kind::kString),
                             OneofPath(prefix, oneof->name()), absl::StrCat("Which of ", oneof->name(), " is set.")));
      }
    }
    ancestors_.pop_back();
    return fields;
  }

  absl::Status MapField(const FieldDescriptor& field, const std::string& prefix, const std::string& outer,
                        std::vector<Field>* fields) {
    const std::string path = FieldPath(prefix, field.number());
    const std::string names = outer.empty() ? field.name() : absl::StrCat(outer, ".", field.name());
    if (last_id_ > kMaxColumns) {
      return absl::InvalidArgumentError(absl::StrCat("at ", names, ": the message has more than ", kMaxColumns,
                                                     " columns with those inside messages; land a smaller message"));
    }
    absl::StatusOr<Field> mapped = field.is_map()        ? MapOfMap(field, path, names)
                                   : field.is_repeated() ? MapOfList(field, path, names)
                                                         : MapValue(field, path, names, names);
    if (!mapped.ok()) {
      return mapped.status();
    }
    mapped->name = field.name();
    mapped->required = IsAlwaysSet(field);
    if (const std::string comment = Comment(field); !comment.empty()) {
      mapped->doc = mapped->doc.empty() ? comment : absl::StrCat(comment, " ", mapped->doc);
    }
    fields->push_back(*std::move(mapped));
    if (result_.record.Find(absl::StrCat(path, std::string(kCurrencyPath))) != 0 &&
        fields->back().type.kind == Type::Kind::kDecimal) {
      fields->push_back(New(absl::StrCat(field.name(), "_currency"), false, TypeOf(Type::Kind::kString),
                            absl::StrCat(path, std::string(kCurrencyPath)), absl::StrCat("The currency of ", field.name(), ".")));
    }
    return absl::OkStatus();
  }

  /// One value of `field`, which may be an element, a key or a value of a map.
  absl::StatusOr<Field> MapValue(const FieldDescriptor& field, const std::string& path, const std::string& names,
                                 std::string name) {
    absl::StatusOr<FieldMapping> mapping = MapFieldValue(field, names, options_, ancestors_);
    if (!mapping.ok()) {
      return mapping.status();
    }
    mapped_.insert(names);
    Field result = New(std::move(name), true, mapping->type, path, mapping->note);
    if (mapping->conversion == Conversion::kStruct) {
      absl::StatusOr<std::vector<Field>> fields = MapMessage(*field.message_type(), path, names);
      if (!fields.ok()) {
        return fields.status();
      }
      result.type.fields = *std::move(fields);
    } else if (mapping->conversion == Conversion::kMoney) {
      result.type.fields[0].id = result_.record.ids[absl::StrCat(path, std::string(kAmountPath))] = ++last_id_;
      result.type.fields[1].id = result_.record.ids[absl::StrCat(path, std::string(kCurrencyPath))] = ++last_id_;
    } else if (mapping->conversion == Conversion::kMoneyDecimal && mapping->currency != 0) {
      result_.record.ids[absl::StrCat(path, std::string(kCurrencyPath))] = ++last_id_;
    }
    return result;
  }

  absl::StatusOr<Field> MapOfList(const FieldDescriptor& field, const std::string& path, const std::string& names) {
    Field list = New(field.name(), true, TypeOf(Type::Kind::kList), path);
    absl::StatusOr<Field> element = MapValue(field, absl::StrCat(path, std::string(kElementPath)), names, "element");
    if (!element.ok()) {
      return element;
    }
    list.doc = std::exchange(element->doc, "");
    list.type.fields = {*std::move(element)};
    return list;
  }

  absl::StatusOr<Field> MapOfMap(const FieldDescriptor& field, const std::string& path, const std::string& names) {
    Field map = New(field.name(), true, TypeOf(Type::Kind::kMap), path);
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    absl::StatusOr<Field> key =
        MapValue(key_field, absl::StrCat(path, std::string(kKeyPath)), absl::StrCat(names, ".key"), "key");
    if (!key.ok()) {
      return key;
    }
    absl::StatusOr<Field> value =
        MapValue(value_field, absl::StrCat(path, std::string(kValuePath)), absl::StrCat(names, ".value"), "value");
    if (!value.ok()) {
      return value;
    }
    map.doc = std::exchange(value->doc, "");
    map.type.fields = {*std::move(key), *std::move(value)};
    return map;
  }

  absl::Status AddDate(const DateColumn& date) {
    const std::string doc = absl::StrCat("The day of ", date.from, " in ", date.zone.name(), ".");
    if (date.from == kTimestampColumn) {
      result_.schema.fields.push_back(New(date.name, true, TypeOf(Type::Kind::kDate), DatePath(date.name), doc));
      return absl::OkStatus();
    }
    // Columns have the names of their fields, so that a walk over the columns finds the field.
    const std::vector<Field>* level = &result_.schema.fields;
    std::string_view rest = date.from;
    while (true) {
      const std::string_view name = rest.substr(0, rest.find('.'));
      const Field* found = nullptr;
      for (const Field& field : *level) {
        found = field.name == name ? &field : found;
      }
      if (found != nullptr && name.size() == rest.size() && found->type.kind == Type::Kind::kTimestampTz) {
        break;
      }
      if (found == nullptr || name.size() == rest.size() || found->type.kind != Type::Kind::kStruct) {
        return absl::InvalidArgumentError(
            absl::StrCat("columns.", date.name, ".date.from = ", date.from,
                         ": want _timestamp, or a field of type google.protobuf.Timestamp that is not inside a list or map"));
      }
      level = &found->type.fields;
      rest.remove_prefix(name.size() + 1);
    }
    result_.schema.fields.push_back(New(date.name, false, TypeOf(Type::Kind::kDate), DatePath(date.name), doc));
    return absl::OkStatus();
  }

  void AddCoordinates() {
    const auto add = [this](std::string_view name, bool required, Type::Kind kind, std::string doc) {
      result_.schema.fields.push_back(New(std::string(name), required, TypeOf(kind), std::string(name), std::move(doc)));
    };
    add(kTopicColumn, true, Type::Kind::kString, "The topic that the row came from.");
    add(kPartitionColumn, true, Type::Kind::kInt, "The partition of the topic.");
    add(kOffsetColumn, true, Type::Kind::kLong, "The offset in the partition.");
    add(kTimestampColumn, true, Type::Kind::kTimestampTz, "The timestamp of the record.");
    if (options_.key != MappingOptions::Key::kNone) {
      add(kKeyColumn, false, options_.key == MappingOptions::Key::kString ? Type::Kind::kString : Type::Kind::kBinary,
          "The key of the record.");
    }
  }

  absl::Status Rename(const Descriptor& message) {
    for (const auto& [name, column] : options_.names) {
      const FieldDescriptor* field = message.FindFieldByName(name);
      if (field == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("columns.", name, ".name: ", message.full_name(), " has no such field; remove the line or correct it"));
      }
      const int id = result_.record.Find(FieldPath("", field->number()));
      for (Field& mapped : result_.schema.fields) {
        if (mapped.id == id) {
          mapped.name = column;
        }
      }
    }
    return absl::OkStatus();
  }

  static absl::Status CheckNames(const std::vector<Field>& fields, const std::string& outer) {
    std::set<std::string> names;
    for (const Field& field : fields) {
      const std::string path = outer.empty() ? field.name : absl::StrCat(outer, ".", field.name);
      if (!names.insert(absl::AsciiStrToLower(field.name)).second) {
        return absl::InvalidArgumentError(absl::StrCat("two columns would be named ", path,
                                                       " (case does not count); rename the field, or the column that is made"));
      }
      if (outer.empty() && std::find(std::begin(kReserved), std::end(kReserved), field.name) != std::end(kReserved)) {
        return absl::InvalidArgumentError(absl::StrCat("a column would be named ", path,
                                                       ", which Iceberg reserves; give it another by columns.", path, ".name"));
      }
      if (absl::Status status = CheckNames(field.type.fields, path); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  const MappingOptions& options_;
  MappedSchema result_;
  int last_id_ = 0;
  std::vector<const Descriptor*> ancestors_;
  std::set<std::string> mapped_;  // names of fields
};

void Renumber(std::vector<Field>* fields, int* next, std::map<int, int>* renumbered) {
  for (Field& field : *fields) {
    (*renumbered)[field.id] = *next;
    field.id = (*next)++;
  }
  for (Field& field : *fields) {
    Renumber(&field.type.fields, next, renumbered);
  }
}

}  // namespace

void AssignIds(std::vector<Field>* fields, int* next, ColumnRecord* record) {
  std::map<int, int> renumbered;
  Renumber(fields, next, &renumbered);
  for (auto& [path, id] : record->ids) {
    if (const auto found = renumbered.find(id); found != renumbered.end()) {
      id = found->second;
    }
  }
}

absl::StatusOr<MappedSchema> MapSchema(const Descriptor& message, const MappingOptions& options) {
  return Mapper(options).Map(message);
}

}  // namespace millrace::warehouse
