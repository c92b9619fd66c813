#include "serving/serving_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "protobuf/schema_evolution.h"
#include "serving/session_pool.h"
#include "table/schema_json.h"

namespace millrace::warehouse {
namespace {

// Of the advisory lock that those hold who look at the columns of a table or change them.
constexpr char kLock[] = "SELECT pg_advisory_xact_lock(hashtext('millrace'), hashtext($1))";

const char* ModeName(ServingPolicy::Mode mode) { return mode == ServingPolicy::Mode::kAppend ? "append" : "upsert"; }

std::string TablesStatement(const std::string& name) {
  return absl::StrCat("CREATE TABLE ", name, R"( (
  table_name text PRIMARY KEY,
  topic text NOT NULL,
  message text NOT NULL,
  mode text NOT NULL,
  key_columns text NOT NULL,
  schema_json text NOT NULL,
  columns text NOT NULL,
  last_column_id integer NOT NULL,
  version bigint NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()))");
}

// Rows change all the time: room on their pages lets them change in place.
std::string OffsetsStatement(const std::string& name) {
  return absl::StrCat("CREATE TABLE ", name, R"( (
  application text NOT NULL,
  table_name text NOT NULL,
  topic text NOT NULL,
  "partition" integer NOT NULL,
  next_offset bigint NOT NULL,
  stream_time_ms bigint,
  committed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (application, table_name, topic, "partition")) WITH (fillfactor = 50))");
}

// Times of records can be any number; what timestamptz cannot hold is cut.
std::string FreshnessStatement(const std::string& name, const std::string& offsets) {
  return absl::StrCat("CREATE VIEW ", name, R"( AS SELECT table_name,
  to_timestamp(LEAST(GREATEST(min(stream_time_ms), -62135596800000), 253402300799999) / 1000.0) AS valid_through,
  max(committed_at) AS last_commit FROM )",
                      offsets, " GROUP BY table_name");
}

std::string DeadLettersStatement(const std::string& name) {
  return absl::StrCat("CREATE TABLE ", name, R"( (
  _topic text NOT NULL, _topic_partition integer NOT NULL, _offset bigint NOT NULL, _timestamp timestamptz,
  key bytea, value bytea, error text NOT NULL))");
}

std::string Definition(const ServingColumn& column) {
  return absl::StrCat(Quoted(column.field.name), " ", column.type, column.field.required || column.key ? " NOT NULL" : "");
}

std::string CommentStatement(const std::string& table, const Field& field) {
  return absl::StrCat("COMMENT ON COLUMN ", table, ".", Quoted(field.name), " IS", Literal(field.doc));
}

absl::Status RunAll(PostgresSession* session, const std::vector<std::string>& statements) {
  for (const std::string& statement : statements) {
    if (absl::Status status = session->Run(statement).status(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> AlterStatements(const std::string& table, const Schema& from, const std::vector<ServingColumn>& to,
                                         bool comments) {
  const std::string alter = absl::StrCat("ALTER TABLE ", table, " ");
  std::vector<std::string> away;  // renamed columns may change places: they go by names of their own
  std::vector<std::string> back;
  std::vector<std::string> rest;
  for (const ServingColumn& column : to) {
    const Field& field = column.field;
    const auto found =
        std::find_if(from.fields.begin(), from.fields.end(), [&](const Field& before) { return before.id == field.id; });
    const Field* const before = found == from.fields.end() ? nullptr : &*found;
    if (before == nullptr) {
      rest.push_back(absl::StrCat(alter, "ADD COLUMN ", Definition(column)));
    } else if (before->name != field.name) {
      const std::string between = Quoted(absl::StrCat("millrace rename ", field.id));
      away.push_back(absl::StrCat(alter, "RENAME COLUMN ", Quoted(before->name), " TO ", between));
      back.push_back(absl::StrCat(alter, "RENAME COLUMN ", between, " TO ", Quoted(field.name)));
    }
    if (before != nullptr && PostgresType(before->type) != PostgresType(field.type)) {
      rest.push_back(absl::StrCat(alter, "ALTER COLUMN ", Quoted(field.name), " TYPE ", column.type));
    }
    if (before != nullptr && before->required && !field.required && !column.key) {
      rest.push_back(absl::StrCat(alter, "ALTER COLUMN ", Quoted(field.name), " DROP NOT NULL"));
    }
    if (comments && (before == nullptr ? !field.doc.empty() : before->doc != field.doc)) {
      rest.push_back(CommentStatement(table, field));
    }
  }
  away.insert(away.end(), back.begin(), back.end());
  away.insert(away.end(), rest.begin(), rest.end());
  return away;
}

ServingTable::ServingTable(const LandingDescription& description, const google::protobuf::Descriptor* message,
                           const ServingPolicy* policy)
    : name_space_(description.name_space),
      table_(description.table),
      topic_(description.topic),
      message_(message),
      policy_(policy) {}

std::string ServingTable::name() const { return Quoted(name_space_, table_); }

std::string ServingTable::dead_letters_name() const { return Quoted(name_space_, absl::StrCat(table_, "_dead_letters")); }

absl::Status ServingTable::Refuse(const std::string& why) const {
  return absl::FailedPreconditionError(absl::StrCat("table ", name_space_, ".", table_, " ", why));
}

absl::Status ServingTable::Ensure(PostgresSession* session) {
  Transaction transaction(session);
  if (absl::Status status = transaction.Begin(); !status.ok()) return status;
  if (absl::Status status = session->Run(kLock, {name_space_}).status(); !status.ok()) return status;
  if (absl::Status status = EnsureSchema(session); !status.ok()) return status;
  absl::StatusOr<std::optional<Relation>> relation = FindRelation(session, table_);
  if (!relation.ok()) return relation.status();
  const absl::StatusOr<std::optional<Known>> known = FindKnown(session);
  if (!known.ok()) return known.status();
  absl::Status status;
  if (!relation->has_value()) {
    status = Create(session, *known);
    if (status.ok()) relation = FindRelation(session, table_);
    if (!relation.ok()) return relation.status();
  } else if ((*relation)->kind != "r" && (*relation)->kind != "p") {
    status = Refuse("is no table: take another name");
  } else {
    status = known->has_value() ? Evolve(session, **known, **relation) : Adopt(session, **relation);
  }
  if (!status.ok()) return status;
  if (absl::Status checked = CheckColumns(session, (*relation)->oid); !checked.ok()) return checked;
  if (absl::Status checked = CheckUniqueKey(session, (*relation)->oid); !checked.ok()) return checked;
  if (absl::Status letters = EnsureDeadLetters(session); !letters.ok()) return letters;
  oid_ = (*relation)->oid;
  return transaction.Commit();
}

// Looks before it makes anything, so that a user without the right to do so can land in what others have made.
absl::Status ServingTable::EnsureSchema(PostgresSession* session) const {
  const auto schema = session->Run("SELECT 1 FROM pg_namespace WHERE nspname = $1", {name_space_});
  if (!schema.ok()) return schema.status();
  if (schema->rows.empty()) {
    if (absl::Status status = session->Run(absl::StrCat("CREATE SCHEMA ", Quoted(name_space_))).status(); !status.ok())
      return status;
  }
  const std::string offsets = Quoted(name_space_, kServingOffsets);
  const std::pair<const char*, std::string> books[] = {
      {kServingTables, TablesStatement(Quoted(name_space_, kServingTables))},
      {kServingOffsets, OffsetsStatement(offsets)},
      {kServingFreshness, FreshnessStatement(Quoted(name_space_, kServingFreshness), offsets)}};
  for (const auto& [name, statement] : books) {
    const absl::StatusOr<std::optional<Relation>> found = FindRelation(session, name);
    if (!found.ok()) return found.status();
    if (found->has_value()) continue;
    if (absl::Status status = session->Run(statement).status(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<ServingTable::Relation>> ServingTable::FindRelation(PostgresSession* session,
                                                                                 const std::string& table) const {
  const auto found = session->Run(
      "SELECT c.oid, c.relkind, pg_has_role(c.relowner, 'USAGE') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = $1 AND c.relname = $2",
      {name_space_, table});
  if (!found.ok()) return found.status();
  if (found->rows.empty()) return std::nullopt;
  const auto& row = found->rows.front();
  return Relation{row[0].value_or(""), row[1].value_or(""), row[2] == "t"};
}

absl::StatusOr<std::optional<ServingTable::Known>> ServingTable::FindKnown(PostgresSession* session) const {
  const auto found = session->Run(absl::StrCat("SELECT mode, key_columns, schema_json, columns, last_column_id, version FROM ",
                                               Quoted(name_space_, kServingTables), " WHERE table_name = $1"),
                                  {table_});
  if (!found.ok()) return found.status();
  if (found->rows.empty()) return std::nullopt;
  const auto& row = found->rows.front();
  Known known;
  known.mode = row[0].value_or("");
  known.key_columns = row[1].value_or("");
  const nlohmann::json json = nlohmann::json::parse(row[2].value_or(""), nullptr, /*allow_exceptions=*/false);
  absl::StatusOr<Schema> schema = SchemaFromJson(json, absl::StrCat(kServingTables, " of ", table_));
  absl::StatusOr<ColumnRecord> record = ColumnRecord::Parse(row[3].value_or(""));
  if (!schema.ok() || !record.ok() || !absl::SimpleAtoi(row[4].value_or(""), &known.last_column_id) ||
      !absl::SimpleAtoi(row[5].value_or(""), &known.version)) {
    return absl::DataLossError(
        absl::StrCat("what ", name_space_, ".", kServingTables, " says of ", table_,
                     " is not what a landing wrote; restore it from a backup, or drop the table to land it anew"));
  }
  known.mapped = {*std::move(schema), *std::move(record)};
  return known;
}

absl::Status ServingTable::Use(MappedSchema mapped) {
  absl::StatusOr<std::vector<ServingColumn>> columns =
      ServingColumns(mapped.schema, JsonColumns(*message_, policy_->mapping, mapped.record), *policy_);
  if (!columns.ok()) return columns.status();
  mapped_ = std::move(mapped);
  columns_ = *std::move(columns);
  return absl::OkStatus();
}

absl::Status ServingTable::Create(PostgresSession* session, const std::optional<Known>& known) {
  absl::StatusOr<MappedSchema> wanted = MapSchema(*message_, policy_->mapping);
  if (!wanted.ok()) return wanted.status();
  if (absl::Status status = Use(*std::move(wanted)); !status.ok()) return status;
  // In the order of the message.
  std::map<int, std::string> definitions;
  std::vector<std::string> key;
  for (const ServingColumn& column : columns_) {
    definitions[column.field.id] = Definition(column);
    if (column.key) key.push_back(Quoted(column.field.name));
  }
  std::vector<std::string> parts;
  for (const auto& [id, definition] : definitions) parts.push_back(definition);
  if (!key.empty()) parts.push_back(absl::StrCat("PRIMARY KEY (", absl::StrJoin(key, ", "), ")"));
  // Rows that are written over change in place where their page has room.
  const char* const room = key.empty() ? "" : " WITH (fillfactor = 80)";
  std::vector<std::string> statements = {absl::StrCat("CREATE TABLE ", name(), " (", absl::StrJoin(parts, ", "), ")", room)};
  const bool has_record_key = mapped_.record.Find(kKeyColumn) != 0;
  // Tombstones look there.
  if (!key.empty() && has_record_key && policy_->key_columns != std::vector<std::string>{std::string(kKeyColumn)}) {
    statements.push_back(absl::StrCat("CREATE INDEX ON ", name(), " (", Quoted(std::string(kKeyColumn)), ")"));
  }
  if (absl::Status status = RunAll(session, statements); !status.ok()) return status;
  if (absl::Status status = Describe(session); !status.ok()) return status;
  if (absl::Status status = ForgetOffsets(session); !status.ok()) return status;
  return WriteKnown(session, mapped_.schema.HighestId(), known ? known->version + 1 : 1);
}

absl::Status ServingTable::Describe(PostgresSession* session) const {
  std::vector<std::string> statements = {
      absl::StrCat("COMMENT ON TABLE ", name(), " IS",
                   Literal(absl::StrCat("Messages ", message_->full_name(), " of topic ", topic_, ", landed by millrace")))};
  for (const ServingColumn& column : columns_) {
    if (!column.field.doc.empty()) statements.push_back(CommentStatement(name(), column.field));
  }
  return RunAll(session, statements);
}

// Whoever made it, as by `ddl`: it is taken if nothing is in it, since nobody knows what of the topic its rows are.
absl::Status ServingTable::Adopt(PostgresSession* session, const Relation& relation) {
  absl::StatusOr<MappedSchema> wanted = MapSchema(*message_, policy_->mapping);
  if (!wanted.ok()) return wanted.status();
  if (absl::Status status = Use(*std::move(wanted)); !status.ok()) return status;
  if (absl::Status status = CheckColumns(session, relation.oid); !status.ok()) return status;
  const auto rows = session->Run(absl::StrCat("SELECT 1 FROM ", name(), " LIMIT 1"));
  if (!rows.ok()) return rows.status();
  if (!rows->rows.empty()) {
    return Refuse("was not made by a landing and has rows: take another name, or empty it");
  }
  if (absl::Status status = ForgetOffsets(session); !status.ok()) return status;
  return WriteKnown(session, mapped_.schema.HighestId(), 1);
}

absl::Status ServingTable::ForgetOffsets(PostgresSession* session) const {
  return session->Run(absl::StrCat("DELETE FROM ", Quoted(name_space_, kServingOffsets), " WHERE table_name = $1"), {table_})
      .status();
}

absl::Status ServingTable::Evolve(PostgresSession* session, const Known& known, const Relation& relation) {
  if (known.mode != ModeName(policy_->mode)) {
    return Refuse(absl::StrCat("was made with mode=", known.mode, ", not mode=", ModeName(policy_->mode),
                               ": take another name, or drop it, and it is landed anew"));
  }
  absl::StatusOr<MappedSchema> wanted = MapSchema(*message_, policy_->mapping);
  if (!wanted.ok()) return wanted.status();
  // A tombstone deletes what came with its key: all rows must have theirs, from the first on.
  if (policy_->mode == ServingPolicy::Mode::kUpsert &&
      (known.mapped.record.Find(kKeyColumn) != 0) != (wanted->record.Find(kKeyColumn) != 0)) {
    return Refuse("was made with another setting of columns._key: take another name, or drop it, and it is landed anew");
  }
  absl::StatusOr<std::optional<EvolvedSchema>> evolved =
      EvolveSchema(known.mapped.schema, known.mapped.record, *wanted, known.last_column_id, policy_->evolution);
  if (!evolved.ok()) return Refuse(absl::StrCat("cannot follow its message: ", std::string(evolved.status().message())));
  MappedSchema mapped = evolved->has_value() ? MappedSchema{(*evolved)->schema, (*evolved)->record} : known.mapped;
  if (absl::Status status = CheckKey(known, mapped); !status.ok()) return status;
  const int last_column_id = std::max(known.last_column_id, mapped.schema.HighestId());
  if (absl::Status status = Use(std::move(mapped)); !status.ok()) return status;
  version_ = known.version;
  if (!evolved->has_value()) return absl::OkStatus();
  if (absl::Status status = RunAll(session, AlterStatements(name(), known.mapped.schema, columns_, relation.owned));
      !status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("changing table ", name_space_, ".", table_, " (", absl::StrJoin((*evolved)->changes, ", "),
                                     "): ", std::string(status.message())));
  }
  return WriteKnown(session, last_column_id, known.version + 1);
}

// By ids, as columns may be renamed.
absl::Status ServingTable::CheckKey(const Known& known, const MappedSchema& evolved) const {
  const auto ids = [](const std::vector<std::string>& names, const Schema& schema) {
    std::set<int> result;
    for (const Field& field : schema.fields) {
      if (std::find(names.begin(), names.end(), field.name) != names.end()) result.insert(field.id);
    }
    return result;
  };
  const std::vector<std::string> before = absl::StrSplit(known.key_columns, ',', absl::SkipEmpty());
  if (ids(before, known.mapped.schema) == ids(policy_->key_columns, evolved.schema)) return absl::OkStatus();
  return Refuse(absl::StrCat("was made with key.columns=", known.key_columns, ", not ", absl::StrJoin(policy_->key_columns, ","),
                             ": take another name, or drop it, and it is landed anew"));
}

absl::Status ServingTable::WriteKnown(PostgresSession* session, int last_column_id, int64_t version) {
  version_ = version;
  return session
      ->Run(absl::StrCat("INSERT INTO ", Quoted(name_space_, kServingTables),
                         " (table_name, topic, message, mode, key_columns, schema_json, columns, last_column_id, version) "
                         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (table_name) DO UPDATE SET "
                         "topic = EXCLUDED.topic, message = EXCLUDED.message, mode = EXCLUDED.mode, "
                         "key_columns = EXCLUDED.key_columns, schema_json = EXCLUDED.schema_json, columns = EXCLUDED.columns, "
                         "last_column_id = EXCLUDED.last_column_id, version = EXCLUDED.version, changed_at = now()"),
            {table_, topic_, message_->full_name(), ModeName(policy_->mode), absl::StrJoin(policy_->key_columns, ","),
             SchemaToJson(mapped_.schema).dump(), mapped_.record.Serialize(), std::to_string(last_column_id),
             std::to_string(version)})
      .status();
}

absl::Status ServingTable::CheckColumns(PostgresSession* session, const std::string& oid) {
  const auto found = session->Run(
      "SELECT attname, format_type(atttypid, atttypmod), attnotnull, atthasdef OR attidentity <> '' OR attgenerated <> '' "
      "FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped",
      {oid});
  if (!found.ok()) return found.status();
  std::map<std::string, const std::vector<std::optional<std::string>>*> present;
  for (const auto& row : found->rows) present[row[0].value_or("")] = &row;
  for (ServingColumn& column : columns_) {
    const auto at = present.find(column.field.name);
    const std::string change = absl::StrCat("ALTER TABLE ", name(), " ");
    if (at == present.end()) {
      return Refuse(absl::StrCat("lacks the column ", column.field.name, " of its message: ", change, "ADD COLUMN ",
                                 Definition(column), ", or drop the table, and it is landed anew"));
    }
    const std::string type = (*at->second)[1].value_or("");
    // JSON is stored in either; what was text before the field became a message stays text.
    if (column.type == "jsonb" && !column.field.type.is_nested() && type == "text") column.type = type;
    if (type != column.type) {
      return Refuse(absl::StrCat("has another shape: column ", column.field.name, " is ", type, " and should be ", column.type,
                                 "; take another name, or put it right"));
    }
    if ((*at->second)[2] == "t" && !column.field.required && !column.key) {
      return Refuse(absl::StrCat("has another shape: column ", column.field.name, " must take NULL: ", change, "ALTER COLUMN ",
                                 Quoted(column.field.name), " DROP NOT NULL"));
    }
    present.erase(at);
  }
  for (const auto& [column, row] : present) {
    if ((*row)[2] != "t" || (*row)[3] == "t") continue;
    return Refuse(absl::StrCat("has a column ", column,
                               " that is of no field of the message, and must be set: give it a default, or let it be NULL"));
  }
  return absl::OkStatus();
}

absl::Status ServingTable::CheckUniqueKey(PostgresSession* session, const std::string& oid) const {
  if (policy_->key_columns.empty()) return absl::OkStatus();
  const auto found = session->Run(
      "SELECT i.indexrelid, a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = "
      "ANY(i.indkey) "
      "WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL "
      "AND i.indexprs IS NULL",
      {oid});
  if (!found.ok()) return found.status();
  std::map<std::string, std::set<std::string>> indexes;
  for (const auto& row : found->rows) indexes[row[0].value_or("")].insert(row[1].value_or(""));
  const std::set<std::string> key(policy_->key_columns.begin(), policy_->key_columns.end());
  for (const auto& [index, columns] : indexes) {
    if (columns == key) return absl::OkStatus();
  }
  return Refuse(absl::StrCat("has another shape: it lacks the primary key (", absl::StrJoin(policy_->key_columns, ", "), ")"));
}

absl::Status ServingTable::EnsureDeadLetters(PostgresSession* session) const {
  if (policy_->errors != LandingPolicy::Errors::kDeadLetter) return absl::OkStatus();
  const std::string table = absl::StrCat(table_, "_dead_letters");
  if (absl::Status status = CheckName(table); !status.ok()) return status;
  const absl::StatusOr<std::optional<Relation>> found = FindRelation(session, table);
  if (!found.ok() || found->has_value()) return found.status();
  return session->Run(DeadLettersStatement(dead_letters_name())).status();
}

absl::StatusOr<std::optional<int64_t>> ServingTable::ReadVersion(PostgresSession* session) const {
  const auto found =
      session->Run(absl::StrCat("SELECT version FROM ", Quoted(name_space_, kServingTables), " WHERE table_name = $1"), {table_});
  if (!found.ok()) return found.status();
  int64_t version = 0;
  if (found->rows.empty() || !absl::SimpleAtoi(found->rows[0][0].value_or(""), &version)) return std::nullopt;
  return version;
}

}  // namespace millrace::warehouse
