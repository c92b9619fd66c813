#include "table/table_metadata.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "table/json_members.h"
#include "table/metadata_json.h"
#include "table/schema_json.h"
#include "table/unique_ids.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;

constexpr int kFirstPartitionFieldId = 1000;
constexpr size_t kFewestLogEntries = 100;

absl::Status Wrong(const std::string& what) { return absl::InvalidArgumentError(what); }

// Ids of one level before those of the levels below it, as engines do it.
void AssignIds(std::vector<Field>* fields, int* last_id, std::map<int, int>* new_ids) {
  for (Field& field : *fields) {
    const int old_id = std::exchange(field.id, ++*last_id);
    new_ids->emplace(old_id, field.id);
  }
  for (Field& field : *fields) AssignIds(&field.type.fields, last_id, new_ids);
}

std::string DefaultName(const PartitionField& field, const Schema& schema) {
  const Field* source = schema.Find(field.source_id);
  const std::string column = source ? source->name : absl::StrCat("column_", field.source_id);
  switch (field.transform) {
    case Transform::kHour:
      return absl::StrCat(column, "_hour");
    case Transform::kDay:
      return absl::StrCat(column, "_day");
    case Transform::kIdentity:
      break;
  }
  return column;
}

struct Place {
  const Field* field;
  int parent_id;  // 0 at the top
};

void Places(const std::vector<Field>& fields, int parent_id, std::map<int, Place>* places) {
  for (const Field& field : fields) {
    places->emplace(field.id, Place{&field, parent_id});
    Places(field.type.fields, field.id, places);
  }
}

// "Schema Evolution" of the table specification.
bool IsPromotion(const Type& from, const Type& to) {
  using Kind = Type::Kind;
  if (from.kind == Kind::kDecimal) return to.kind == Kind::kDecimal && to.scale == from.scale && to.precision >= from.precision;
  if (from.kind == to.kind) return true;
  return (from.kind == Kind::kInt && to.kind == Kind::kLong) || (from.kind == Kind::kFloat && to.kind == Kind::kDouble);
}

// What stands in files must stay readable by the new schema.
absl::Status CheckEvolution(const TableMetadata& base, const Schema& schema) {
  if (absl::Status checked = CheckSchema(schema); !checked.ok()) return checked;
  std::map<int, Place> before;
  std::map<int, Place> after;
  Places(base.schema().fields, 0, &before);
  Places(schema.fields, 0, &after);
  for (const auto& [id, place] : after) {
    const Field& field = *place.field;
    const auto old = before.find(id);
    if (old == before.end()) {
      if (id <= base.last_column_id) {
        return Wrong(absl::StrCat("new column '", field.name, "' has id ", id, ", which is used up: the last one is ",
                                  base.last_column_id));
      }
      const bool inside_new = place.parent_id > base.last_column_id;
      if (field.required && !inside_new && base.current_snapshot_id) {
        return Wrong(absl::StrCat("new column '", field.name, "' is required, but there are rows without it"));
      }
      continue;
    }
    const Field& former = *old->second.field;
    if (old->second.parent_id != place.parent_id)
      return Wrong(absl::StrCat("column '", field.name, "' has moved to another struct"));
    if (!IsPromotion(former.type, field.type)) {
      return Wrong(
          absl::StrCat("column '", field.name, "' cannot become ", field.type.ToString(), " from ", former.type.ToString()));
    }
    if (field.required && !former.required && base.current_snapshot_id) {
      return Wrong(absl::StrCat("column '", field.name, "' cannot become required: there may be nulls in it"));
    }
  }
  return absl::OkStatus();
}

// Which columns identify a row is another engine's setting; it goes on as long as the columns are there.
void KeepIdentifierFields(const Schema& former, const Schema& schema, std::string* other_members) {
  if (other_members->empty()) return;
  auto others = ParseJson(*other_members, "other members");
  if (!others.ok() || !others->is_object() || !others->contains("schemas")) return;
  json kept;
  for (const json& remainder : (*others)["schemas"]) {
    if (!remainder.is_object() || remainder.value("schema-id", json()) != former.id) continue;
    for (const json& id : remainder.value("identifier-field-ids", json::array())) {
      const Field* field = id.is_number_integer() ? schema.Find(id.get<int>()) : nullptr;
      if (field) kept.push_back(id);
    }
  }
  if (kept.is_null()) return;
  (*others)["schemas"].push_back({{"schema-id", schema.id}, {"identifier-field-ids", std::move(kept)}});
  *other_members = DumpJson(*others);
}

absl::Status ApplySchema(const TableMetadata& base, const Schema& schema, TableMetadata* metadata) {
  if (schema.fields == base.schema().fields) return absl::OkStatus();
  if (absl::Status checked = CheckEvolution(base, schema); !checked.ok()) return checked;
  metadata->last_column_id = std::max(base.last_column_id, schema.HighestId());
  for (const Schema& known : base.schemas) {
    if (known.fields == schema.fields) {  // as after a rename and its undoing
      metadata->current_schema_id = known.id;
      return absl::OkStatus();
    }
  }
  Schema added = schema;
  added.id = base.current_schema_id;
  for (const Schema& known : base.schemas) added.id = std::max(added.id, known.id);
  // Ids of schemas that are kept unread count as well.
  if (auto others = ParseJson(base.other_members, ""); others.ok() && others->is_object()) {
    for (const json& unread : others->value("schemas", json::array())) {
      const json id = unread.is_object() ? unread.value("schema-id", json(0)) : json(0);
      if (id.is_number_integer()) added.id = std::max(added.id, id.get<int>());
    }
  }
  ++added.id;
  KeepIdentifierFields(base.schema(), added, &metadata->other_members);
  metadata->current_schema_id = added.id;
  metadata->schemas.push_back(std::move(added));
  return absl::OkStatus();
}

absl::Status ApplySnapshot(const TableMetadata& base, Snapshot snapshot, TableMetadata* metadata) {
  if (snapshot.id <= 0) return Wrong(absl::StrCat("a snapshot has id ", snapshot.id));
  if (base.FindSnapshot(snapshot.id)) return Wrong(absl::StrCat("snapshot ", snapshot.id, " is in the table already"));
  if (snapshot.parent_id != base.current_snapshot_id) {
    return Wrong(
        absl::StrCat("snapshot ", snapshot.id, " does not follow the current one: it was made for another state of the table"));
  }
  if (snapshot.sequence_number <= base.last_sequence_number) {
    return Wrong(absl::StrCat("snapshot ", snapshot.id, " has sequence number ", snapshot.sequence_number, ", the last one is ",
                              base.last_sequence_number));
  }
  if (!snapshot.schema_id) snapshot.schema_id = metadata->current_schema_id;
  metadata->last_sequence_number = snapshot.sequence_number;
  metadata->last_updated_ms = std::max(metadata->last_updated_ms, snapshot.timestamp_ms);
  metadata->current_snapshot_id = snapshot.id;
  metadata->snapshot_log.push_back({metadata->last_updated_ms, snapshot.id});
  metadata->snapshots.push_back(std::move(snapshot));
  return absl::OkStatus();
}

// Statistics of snapshots that are gone go with them.
void ForgetStatistics(const std::set<int64_t>& removed, std::string* other_members) {
  if (other_members->empty()) return;
  auto others = ParseJson(*other_members, "other members");
  if (!others.ok() || !others->is_object()) return;
  for (const char* name : {"statistics", "partition-statistics"}) {
    const auto list = others->find(name);
    if (list == others->end() || !list->is_array()) continue;
    json kept = json::array();
    for (const json& entry : *list) {
      const json id = entry.is_object() ? entry.value("snapshot-id", json()) : json();
      if (!id.is_number_integer() || !removed.contains(id.get<int64_t>())) kept.push_back(entry);
    }
    *list = std::move(kept);
  }
  *other_members = DumpJson(*others);
}

absl::Status RemoveSnapshots(const std::vector<int64_t>& ids, TableMetadata* metadata) {
  if (ids.empty()) return absl::OkStatus();
  const std::set<int64_t> removed(ids.begin(), ids.end());
  auto referred = SnapshotsOfRefs(*metadata);
  if (!referred.ok()) return referred.status();
  for (const int64_t id : *referred) {
    if (removed.contains(id)) return Wrong(absl::StrCat("snapshot ", id, " cannot be removed: a branch or a tag names it"));
  }
  std::erase_if(metadata->snapshots, [&](const Snapshot& snapshot) { return removed.contains(snapshot.id); });
  // A log with holes would answer wrongly which snapshot was current at some time: what is before a hole goes.
  auto& log = metadata->snapshot_log;
  const auto last_hole =
      std::find_if(log.rbegin(), log.rend(), [&](const auto& entry) { return !metadata->FindSnapshot(entry.snapshot_id); });
  log.erase(log.begin(), last_hole.base());
  ForgetStatistics(removed, &metadata->other_members);
  return absl::OkStatus();
}

void ExtendMetadataLog(const TableMetadata& base, const std::string& base_file, int64_t oldest_ms, TableMetadata* metadata) {
  auto& log = metadata->metadata_log;
  log.push_back({base.last_updated_ms, base_file});
  size_t gone = 0;
  while (log.size() - gone > kFewestLogEntries && log[gone].timestamp_ms < oldest_ms) ++gone;
  log.erase(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(gone));
}

}  // namespace

TableMetadata TableMetadata::New(std::string location, const Schema& schema, const PartitionSpec& partition_by, int64_t now_ms,
                                 std::map<std::string, std::string> properties) {
  TableMetadata metadata;
  metadata.uuid = NewUuid();
  while (absl::EndsWith(location, "/") && !absl::EndsWith(location, "//")) location.pop_back();
  metadata.location = std::move(location);
  metadata.last_updated_ms = now_ms;
  metadata.properties = std::move(properties);

  Schema first = schema;
  first.id = 0;
  std::map<int, int> new_ids;
  AssignIds(&first.fields, &metadata.last_column_id, &new_ids);

  PartitionSpec spec;
  for (PartitionField field : partition_by.fields) {
    const auto source = new_ids.find(field.source_id);
    if (source != new_ids.end()) field.source_id = source->second;
    field.field_id = kFirstPartitionFieldId + static_cast<int>(spec.fields.size());
    if (field.name.empty()) field.name = DefaultName(field, first);
    metadata.last_partition_id = field.field_id;
    spec.fields.push_back(std::move(field));
  }
  metadata.schemas.push_back(std::move(first));
  metadata.specs.push_back(std::move(spec));
  return metadata;
}

absl::StatusOr<TableMetadata> Apply(const TableMetadata& base, const std::string& base_file, const TableUpdate& update,
                                    int64_t now_ms, int64_t keep_log_ms) {
  TableMetadata metadata = base;
  // Clocks of several writers differ; engines refuse logs that run backwards.
  metadata.last_updated_ms = std::max(now_ms, base.last_updated_ms);
  if (update.schema) {
    if (absl::Status applied = ApplySchema(base, *update.schema, &metadata); !applied.ok()) return applied;
  }
  if (update.snapshot) {
    if (absl::Status applied = ApplySnapshot(base, *update.snapshot, &metadata); !applied.ok()) return applied;
  }
  for (const auto& [name, value] : update.set_properties) metadata.properties[name] = value;
  for (const std::string& name : update.removed_properties) metadata.properties.erase(name);
  if (absl::Status removed = RemoveSnapshots(update.removed_snapshots, &metadata); !removed.ok()) return removed;
  ExtendMetadataLog(base, base_file, metadata.last_updated_ms - keep_log_ms, &metadata);
  if (absl::Status checked = CheckMetadata(metadata); !checked.ok()) return checked;
  return metadata;
}

}  // namespace millrace::warehouse
