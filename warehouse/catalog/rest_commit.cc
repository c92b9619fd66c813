#include "catalog/rest_commit.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "table/metadata_json.h"
#include "table/partition_json.h"
#include "table/schema_json.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;

json Requirements(const TableMetadata& base, const TableUpdate& update) {
  json requirements = json::array();
  requirements.push_back({{"type", "assert-table-uuid"}, {"uuid", base.uuid}});
  const json snapshot = base.current_snapshot_id ? json(*base.current_snapshot_id) : json(nullptr);
  requirements.push_back({{"type", "assert-ref-snapshot-id"}, {"ref", "main"}, {"snapshot-id", snapshot}});
  requirements.push_back({{"type", "assert-current-schema-id"}, {"current-schema-id", base.current_schema_id}});
  requirements.push_back({{"type", "assert-default-spec-id"}, {"default-spec-id", base.default_spec_id}});
  if (update.schema) {
    requirements.push_back({{"type", "assert-last-assigned-field-id"}, {"last-assigned-field-id", base.last_column_id}});
  }
  return requirements;
}

void AddSchema(const TableMetadata& base, const TableMetadata& changed, json* updates) {
  if (changed.current_schema_id == base.current_schema_id) return;
  const bool known = std::any_of(base.schemas.begin(), base.schemas.end(),
                                 [&](const Schema& schema) { return schema.id == changed.current_schema_id; });
  if (!known) {
    updates->push_back(
        {{"action", "add-schema"}, {"schema", SchemaToJson(changed.schema())}, {"last-column-id", changed.last_column_id}});
  }
  // -1 is the one that was added last, whatever number the server gives it.
  updates->push_back({{"action", "set-current-schema"}, {"schema-id", known ? changed.current_schema_id : -1}});
}

}  // namespace

json RestCreateRequest(const TableName& name, const TableMetadata& metadata) {
  return {{"name", name.table},
          {"schema", SchemaToJson(metadata.schema())},
          {"partition-spec", SpecToJson(metadata.spec())},
          {"stage-create", false},
          {"properties", json(metadata.properties).is_null() ? json::object() : json(metadata.properties)}};
}

json RestCommitRequest(const TableName& name, const TableMetadata& base, const TableMetadata& changed,
                       const TableUpdate& update) {
  json updates = json::array();
  AddSchema(base, changed, &updates);
  if (update.snapshot) {
    updates.push_back({{"action", "add-snapshot"}, {"snapshot", SnapshotToJson(*changed.FindSnapshot(update.snapshot->id))}});
    updates.push_back(
        {{"action", "set-snapshot-ref"}, {"ref-name", "main"}, {"type", "branch"}, {"snapshot-id", update.snapshot->id}});
  }
  if (!update.set_properties.empty()) updates.push_back({{"action", "set-properties"}, {"updates", update.set_properties}});
  if (!update.removed_properties.empty()) {
    updates.push_back({{"action", "remove-properties"}, {"removals", update.removed_properties}});
  }
  if (!update.removed_snapshots.empty()) {
    updates.push_back({{"action", "remove-snapshots"}, {"snapshot-ids", update.removed_snapshots}});
  }
  return {{"identifier", {{"namespace", {name.name_space}}, {"name", name.table}}},
          {"requirements", Requirements(base, update)},
          {"updates", std::move(updates)}};
}

bool RestNeedsSnapshot(const TableUpdate& update) {
  return !update.snapshot && (!update.set_properties.empty() || !update.removed_properties.empty());
}

}  // namespace millrace::warehouse
