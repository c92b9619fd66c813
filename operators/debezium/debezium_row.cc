#include "debezium/debezium_row.h"

#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "debezium/debezium_value.h"
#include "debezium/json_members.h"

namespace millrace::internal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::json;

constexpr int kGroupThatLooksLikeJson = 15;  // "{" is the start of a group of this number

std::string NameOf(const Descriptor& message) { return std::string(message.full_name()); }

absl::Status Invalid(absl::string_view what) { return absl::InvalidArgumentError(what); }

// What is read of an envelope.
struct Envelope {
  std::string_view op;  // with its quotes; empty = none
  std::string_view after;
  bool has_schema = false;
  bool damaged = false;
};

Envelope Open(BytesView bytes) {
  Envelope result;
  JsonMembers members(bytes);
  while (members.Next()) {
    if (members.name() == "after") {
      result.after = members.value();
    } else if (members.name() == "op") {
      result.op = members.value();
    } else if (members.name() == "schema") {
      result.has_schema = true;
    }
  }
  result.damaged = members.damaged();
  return result;
}

// Another form in which Connect writes changes, and how to get this one.
absl::Status NoEnvelope(const Envelope& envelope) {
  if (envelope.has_schema) return Invalid("the JSON has a schema: set value.converter.schemas.enable=false in Connect");
  return Invalid("no envelope of Debezium: it has no 'op'; take ExtractNewRecordState out of the connector's transforms");
}

absl::Status NoChangeOfARow(std::string_view op) {
  if (op == R"("t")") {
    return Invalid(
        "a truncate (op t), which has no keys: delete the rows by DELETE, or leave skipped.operations of the connector at its "
        "default, t, and reset the application after a truncate");
  }
  if (op == R"("m")") return Invalid("a logical message (op m), which is no change of a row: read another topic");
  return Invalid(absl::StrCat("a change of an unknown kind (op ", std::string(op.substr(0, 40)), ")"));
}

absl::StatusOr<bool> ReadEnvelope(const DebeziumRow& row, BytesView bytes, Message* message) {
  const Envelope envelope = Open(bytes);
  if (envelope.damaged) return Invalid("not JSON, or damaged");
  if (envelope.op.empty()) return NoEnvelope(envelope);
  if (envelope.op == R"("d")") return false;
  if (envelope.op != R"("c")" && envelope.op != R"("u")" && envelope.op != R"("r")") return NoChangeOfARow(envelope.op);
  if (!envelope.after.starts_with('{')) {
    return Invalid(absl::StrCat("a change (op ", std::string(envelope.op), ") without a row in 'after'"));
  }
  const json after = json::parse(envelope.after.begin(), envelope.after.end(), nullptr, false);
  if (!after.is_object()) return Invalid("not JSON, or damaged");
  message->Clear();
  if (absl::Status s = row.Fill(after, message); !s.ok()) return s;
  return true;
}

bool IsKeyField(const FieldDescriptor& field) {
  if (field.is_repeated() || field.type() == FieldDescriptor::TYPE_BYTES) return false;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_BOOL:
    case FieldDescriptor::CPPTYPE_STRING:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<json> ParseKey(BytesView bytes) {
  // Parsed only if it is not nested deeply.
  JsonMembers members(bytes);
  while (members.Next()) {
  }
  json key = members.damaged() ? json() : json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!key.is_object()) {
    return Invalid("no key of Debezium, which is a JSON object of the columns of the primary key (JsonConverter)");
  }
  if (key.contains("schema") && key.contains("payload")) {
    return Invalid("the JSON has a schema: set key.converter.schemas.enable=false in Connect");
  }
  return key;
}

// The one member.
absl::StatusOr<json> ParseKeyOf(BytesView bytes, const std::string& column) {
  absl::StatusOr<json> key = ParseKey(bytes);
  if (!key.ok()) return key.status();
  const auto found = key->find(column);
  if (key->size() != 1 || found == key->end()) {
    return Invalid(absl::StrCat("the key ", ShownValue(*key), " is not of the column '", column, "' alone"));
  }
  return std::move(*found);
}

json KeyValue(const Message& key, const FieldDescriptor& field) {
  const auto& reflection = *key.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(key, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.GetInt64(key, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(key, &field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.GetUInt64(key, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(key, &field);
    default:
      return reflection.GetString(key, &field);
  }
}

void AppendMember(const std::string& name, const json& value, Bytes* out) {
  out->append(out->empty() || out->back() == '{' ? "" : ",");
  out->append(json(name).dump());
  out->push_back(':');
  // Text that is no UTF-8 comes from a program, never from a database; it is kept apart from all other text all the same.
  out->append(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace

DebeziumRow::DebeziumRow(const Descriptor& message, const DebeziumOptions& options)
    : message_(&message), refuse_unknown_columns_(options.refuse_unknown_columns) {
  const FieldDescriptor* group = message.FindFieldByNumber(kGroupThatLooksLikeJson);
  if (group != nullptr && group->type() == FieldDescriptor::TYPE_GROUP) {
    problem_ = Invalid(absl::StrCat(NameOf(message), " has a group of number 15, which cannot be told from JSON: renumber it"));
  }
  for (int i = 0; i < message.field_count(); ++i) columns_[std::string(message.field(i)->name())] = {message.field(i), {}};
  for (const auto& [column, particular] : options.columns) Place(column, particular);
}

void DebeziumRow::Place(const std::string& column, const DebeziumColumn& options) {
  const std::string& name = options.field.empty() ? column : options.field;
  const FieldDescriptor* field = message_->FindFieldByName(name);
  if (field == nullptr) {
    problem_.Update(Invalid(absl::StrCat("the options name a column '", column, "' for the field '", name, "', which ",
                                         NameOf(*message_), " does not have")));
    return;
  }
  columns_[column] = {field, options};
}

absl::Status DebeziumRow::Fill(const json& row, Message* message) const {
  for (const auto& [name, value] : row.items()) {
    const auto column = columns_.find(name);
    if (column == columns_.end()) {
      if (!refuse_unknown_columns_) continue;
      return Invalid(absl::StrCat("column '", name, "' has no field in ", NameOf(*message_),
                                  ": add one, or do not set refuse_unknown_columns"));
    }
    if (value.is_null()) continue;
    const FieldDescriptor& field = *column->second.field;
    absl::Status status;
    if (IsUnavailable(value)) {
      status = Invalid(
          "the change does not have the value, which is large and was not touched: ALTER TABLE ... REPLICA IDENTITY FULL, so "
          "that "
          "PostgreSQL writes it to its log");
    } else {
      status = SetDebeziumField(value, column->second.options, field, message);
    }
    if (!status.ok()) {
      return Invalid(absl::StrCat("column '", name, "' into field ", std::string(field.full_name()), " (",
                                  std::string(field.type_name()), "): ", status.message()));
    }
  }
  return absl::OkStatus();
}

std::shared_ptr<const DebeziumRow> MakeDebeziumRow(const Descriptor& message, const DebeziumOptions& options) {
  return std::make_shared<const DebeziumRow>(message, options);
}

absl::StatusOr<bool> ReadDebeziumRow(const DebeziumRow& row, BytesView bytes, Message* message) {
  if (!row.problem().ok()) return row.problem();
  if (!bytes.empty() && bytes.front() == '{') return ReadEnvelope(row, bytes, message);
  if (absl::Status s = ParseMessage(bytes, message); !s.ok()) {
    return Invalid(absl::StrCat("no JSON of Debezium, and ", s.message(),
                                ": is value.converter of the connector org.apache.kafka.connect.json.JsonConverter?"));
  }
  return true;
}

absl::Status NoRow() { return Invalid("a delete, which has no row: read it as nullable"); }

absl::Status ReadDebeziumKey(BytesView bytes, const std::string& column, int64_t* key) {
  const absl::StatusOr<json> value = ParseKeyOf(bytes, column);
  if (!value.ok()) return value.status();
  if (!value->is_number_integer() || (value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX)) {
    return Invalid(absl::StrCat("column '", column, "' of the key: ", ShownValue(*value), " is no int64"));
  }
  *key = value->get<int64_t>();
  return absl::OkStatus();
}

absl::Status ReadDebeziumKey(BytesView bytes, const std::string& column, std::string* key) {
  absl::StatusOr<json> value = ParseKeyOf(bytes, column);
  if (!value.ok()) return value.status();
  if (!value->is_string()) return Invalid(absl::StrCat("column '", column, "' of the key: ", ShownValue(*value), " is no text"));
  *key = std::move(value->get_ref<std::string&>());
  return absl::OkStatus();
}

void WriteDebeziumKey(const std::string& column, int64_t key, Bytes* out) {
  Bytes json = "{";
  AppendMember(column, key, &json);
  out->append(json).push_back('}');
}

void WriteDebeziumKey(const std::string& column, const std::string& key, Bytes* out) {
  Bytes json = "{";
  AppendMember(column, key, &json);
  out->append(json).push_back('}');
}

std::shared_ptr<const DebeziumRow> MakeDebeziumKeyRow(const Descriptor& key) {
  DebeziumOptions options;
  options.refuse_unknown_columns = true;
  return std::make_shared<const DebeziumRow>(key, options);
}

absl::Status ReadDebeziumKey(BytesView bytes, const DebeziumRow& row, Message* key) {
  for (int i = 0; i < row.message().field_count(); ++i) {
    if (IsKeyField(*row.message().field(i))) continue;
    return Invalid(absl::StrCat("field ", std::string(row.message().field(i)->full_name()),
                                " cannot be of a key: take an integer, string or boolean"));
  }
  const absl::StatusOr<json> columns = ParseKey(bytes);
  if (!columns.ok()) return columns.status();
  if (static_cast<int>(columns->size()) != row.message().field_count()) {
    return Invalid(absl::StrCat("the key ", ShownValue(*columns), " has not the columns of ", NameOf(row.message())));
  }
  key->Clear();
  return row.Fill(*columns, key);
}

void WriteDebeziumKey(const Message& key, Bytes* out) {
  Bytes json = "{";
  const Descriptor& type = *key.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (IsKeyField(*type.field(i))) AppendMember(std::string(type.field(i)->name()), KeyValue(key, *type.field(i)), &json);
  }
  out->append(json).push_back('}');
}

SerdeFingerprint DebeziumKeyFingerprint(const Descriptor& key) {
  std::string name = "debezium key";
  for (int i = 0; i < key.field_count(); ++i) {
    const FieldDescriptor& field = *key.field(i);
    const bool text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    const bool boolean = field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
    absl::StrAppend(&name, i == 0 ? " " : ", ", std::string(field.name()), text ? " string" : boolean ? " bool" : " integer");
  }
  return LayoutNamed(std::move(name));
}

}  // namespace millrace::internal
