#include "table/metadata_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "table/json_members.h"
#include "table/partition_json.h"
#include "table/partition_values.h"
#include "table/schema_json.h"

// TableMetadata::other_members is the document without what the struct holds. Of lists it keeps those elements that are more than
// the struct knows: whole ones (a schema or a spec that it has no types or transforms for, told by their "fields") and
// remainders, which are joined to the element of the same id when the document is written again.
namespace millrace::warehouse {
namespace {

using nlohmann::json;

constexpr int kFormatVersion = 2;

template <typename T>
const T* ById(const std::vector<T>& all, int64_t id) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.id == id; });
  return found == all.end() ? nullptr : &*found;
}

json ParsedOthers(const TableMetadata& metadata) {
  if (metadata.other_members.empty()) return json::object();
  auto others = ParseJson(metadata.other_members, "other members");
  return others.ok() && others->is_object() ? *std::move(others) : json::object();
}

// Adds to the elements of `list` what `remainders` has under the same id, and behind them its whole elements.
void JoinRemainders(const json& remainders, const char* id, json* list) {
  if (!remainders.is_array()) return;
  for (const json& remainder : remainders) {
    if (!remainder.is_object() || !remainder.contains(id)) continue;
    if (remainder.contains("fields")) {
      list->push_back(remainder);
      continue;
    }
    for (json& element : *list) {
      if (element[id] == remainder[id]) element.update(remainder);
    }
  }
}

// What is left of an element without its known members, if that is more than its id.
void KeepRemainder(json element, const char* id, const std::vector<const char*>& known, json* remainders) {
  for (const char* name : known) element.erase(name);
  if (element.size() > 1 && element.contains(id)) remainders->push_back(std::move(element));
}

class MetadataReader {
 public:
  MetadataReader(const json& document, const std::string& file)
      : file_(file), members_(document, file, &error_), rest_(document) {}

  absl::StatusOr<TableMetadata> Read() {
    const int version = members_.Int("format-version");
    if (!error_.ok()) return error_;
    if (version != kFormatVersion) {
      return absl::InvalidArgumentError(
          absl::StrCat(file_, " is of table format version ", version, "; this program reads and writes version 2 alone"));
    }
    ReadScalars();
    ReadSchemas();
    ReadSpecs();
    ReadSnapshots();
    ReadLogs();
    if (!error_.ok()) return error_;
    ReadRefs();
    KeepOthers();
    if (!error_.ok()) return error_;
    if (absl::Status checked = CheckMetadata(metadata_); !checked.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(file_, ": ", std::string(checked.message())));
    }
    return std::move(metadata_);
  }

 private:
  void ReadScalars() {
    metadata_.uuid = members_.String("table-uuid");
    metadata_.location = members_.String("location");
    metadata_.last_sequence_number = members_.Int64("last-sequence-number");
    metadata_.last_updated_ms = members_.Int64("last-updated-ms");
    metadata_.last_column_id = members_.Int("last-column-id");
    metadata_.current_schema_id = members_.Int("current-schema-id");
    metadata_.default_spec_id = members_.Int("default-spec-id");
    metadata_.last_partition_id = members_.Int("last-partition-id");
    metadata_.properties = members_.OptionalStrings("properties");
    metadata_.current_snapshot_id = members_.OptionalInt64("current-snapshot-id");
    // Engines used to write -1 for none.
    if (metadata_.current_snapshot_id == -1) metadata_.current_snapshot_id.reset();
  }

  void ReadSchemas() {
    json remainders = json::array();
    for (const json& entry : members_.Array("schemas")) {
      auto schema = SchemaFromJson(entry, file_);
      if (schema.ok()) {
        metadata_.schemas.push_back(*std::move(schema));
        KeepRemainder(entry, "schema-id", {"type", "fields"}, &remainders);
      } else if (absl::IsUnimplemented(schema.status()) && IdOf(entry, "schema-id") != metadata_.current_schema_id) {
        remainders.push_back(entry);
      } else {
        Keep(schema.status());
      }
    }
    rest_["schemas"] = std::move(remainders);
  }

  void ReadSpecs() {
    json remainders = json::array();
    for (const json& entry : members_.Array("partition-specs")) {
      auto spec = SpecFromJson(entry, file_);
      if (spec.ok()) {
        metadata_.specs.push_back(*std::move(spec));
        KeepRemainder(entry, "spec-id", {"fields"}, &remainders);
      } else if (absl::IsUnimplemented(spec.status()) && IdOf(entry, "spec-id") != metadata_.default_spec_id) {
        remainders.push_back(entry);
      } else {
        Keep(spec.status());
      }
    }
    rest_["partition-specs"] = std::move(remainders);
  }

  void ReadSnapshots() {
    json remainders = json::array();
    for (const json& entry : members_.OptionalArray("snapshots")) {
      auto snapshot = SnapshotFromJson(entry, file_);
      if (!snapshot.ok()) {
        Keep(snapshot.status());
        return;
      }
      metadata_.snapshots.push_back(*std::move(snapshot));
      KeepRemainder(entry, "snapshot-id",
                    {"parent-snapshot-id", "sequence-number", "timestamp-ms", "manifest-list", "summary", "schema-id"},
                    &remainders);
    }
    rest_["snapshots"] = std::move(remainders);
  }

  void ReadLogs() {
    for (const json& entry : members_.OptionalArray("snapshot-log")) {
      JsonMembers members(entry, absl::StrCat(file_, " snapshot log"), &error_);
      metadata_.snapshot_log.push_back({members.Int64("timestamp-ms"), members.Int64("snapshot-id")});
    }
    for (const json& entry : members_.OptionalArray("metadata-log")) {
      JsonMembers members(entry, absl::StrCat(file_, " metadata log"), &error_);
      metadata_.metadata_log.push_back({members.Int64("timestamp-ms"), members.String("metadata-file")});
    }
  }

  void ReadRefs() {
    const json& refs = members_.OptionalObject("refs");
    for (const auto& [name, ref] : refs.items()) {
      JsonMembers members(ref, absl::StrCat(file_, " ref '", name, "'"), &error_);
      const int64_t id = members.Int64("snapshot-id");
      if (!error_.ok()) return;
      if (name == "main" && id != metadata_.current_snapshot_id) {
        members.Fail(absl::StrCat("names snapshot ", id, ", which is not the current one"));
      }
    }
    // How long "main" keeps its snapshots is another's setting and stays.
    if (refs.contains("main")) rest_["refs"]["main"].erase("snapshot-id");
  }

  void KeepOthers() {
    for (const char* name : {"format-version", "table-uuid", "location", "last-sequence-number", "last-updated-ms",
                             "last-column-id", "current-schema-id", "default-spec-id", "last-partition-id", "properties",
                             "current-snapshot-id", "snapshot-log", "metadata-log"}) {
      rest_.erase(name);
    }
    // Version 1 had these beside the lists; in an upgraded table they would go stale.
    rest_.erase("schema");
    rest_.erase("partition-spec");
    for (const char* name : {"schemas", "partition-specs", "snapshots"}) {
      if (rest_.contains(name) && rest_[name].empty()) rest_.erase(name);
    }
    if (!rest_.empty()) metadata_.other_members = DumpJson(rest_);
  }

  static std::optional<int64_t> IdOf(const json& entry, const char* name) {
    const auto id = entry.find(name);
    return id != entry.end() && id->is_number_integer() ? std::optional<int64_t>(id->get<int64_t>()) : std::nullopt;
  }

  void Keep(const absl::Status& status) {
    if (error_.ok()) error_ = status;
  }

  std::string file_;
  absl::Status error_;
  JsonMembers members_;
  json rest_;
  TableMetadata metadata_;
};

absl::Status Wrong(const std::string& what) { return absl::InvalidArgumentError(what); }

void WriteSnapshots(const TableMetadata& metadata, const json& others, json* document) {
  json snapshots = json::array();
  for (const Snapshot& snapshot : metadata.snapshots) snapshots.push_back(SnapshotToJson(snapshot));
  JoinRemainders(others.value("snapshots", json()), "snapshot-id", &snapshots);
  (*document)["snapshots"] = std::move(snapshots);

  json& snapshot_log = (*document)["snapshot-log"] = json::array();
  for (const auto& entry : metadata.snapshot_log) {
    snapshot_log.push_back({{"timestamp-ms", entry.timestamp_ms}, {"snapshot-id", entry.snapshot_id}});
  }
  json refs = others.value("refs", json::object());
  if (!refs.is_object()) refs = json::object();
  if (metadata.current_snapshot_id) {
    (*document)["current-snapshot-id"] = *metadata.current_snapshot_id;
    json& main = refs["main"];
    if (!main.is_object()) main = json::object();
    main["snapshot-id"] = *metadata.current_snapshot_id;
    main["type"] = "branch";
  } else {
    refs.erase("main");
  }
  (*document)["refs"] = std::move(refs);
}

}  // namespace

json SnapshotToJson(const Snapshot& snapshot) {
  json value = {{"snapshot-id", snapshot.id},
                {"sequence-number", snapshot.sequence_number},
                {"timestamp-ms", snapshot.timestamp_ms},
                {"manifest-list", snapshot.manifest_list},
                {"summary", snapshot.summary}};
  if (snapshot.parent_id) value["parent-snapshot-id"] = *snapshot.parent_id;
  if (snapshot.schema_id) value["schema-id"] = *snapshot.schema_id;
  return value;
}

absl::StatusOr<Snapshot> SnapshotFromJson(const json& value, const std::string& where) {
  absl::Status error;
  JsonMembers members(value, absl::StrCat(where, " snapshot"), &error);
  Snapshot snapshot;
  snapshot.id = members.Int64("snapshot-id");
  snapshot.parent_id = members.OptionalInt64("parent-snapshot-id");
  // Snapshots from before a table was upgraded to version 2 have none, which counts as 0.
  snapshot.sequence_number = members.OptionalInt64("sequence-number").value_or(0);
  snapshot.timestamp_ms = members.Int64("timestamp-ms");
  snapshot.manifest_list = members.String("manifest-list");
  snapshot.summary = members.OptionalStrings("summary");
  snapshot.schema_id = members.OptionalInt("schema-id");
  if (!error.ok()) return error;
  return snapshot;
}

absl::StatusOr<std::set<int64_t>> SnapshotsOfRefs(const TableMetadata& metadata) {
  std::set<int64_t> ids;
  if (metadata.current_snapshot_id) ids.insert(*metadata.current_snapshot_id);
  if (metadata.other_members.empty()) return ids;
  auto others = ParseJson(metadata.other_members, "other members of the table metadata");
  if (!others.ok()) return others.status();
  absl::Status error;
  JsonMembers members(*others, "other members of the table metadata", &error);
  for (const auto& [name, ref] : members.OptionalObject("refs").items()) {
    if (name != "main") ids.insert(JsonMembers(ref, absl::StrCat("ref '", name, "'"), &error).Int64("snapshot-id"));
  }
  if (!error.ok()) return error;
  return ids;
}

absl::Status CheckMetadata(const TableMetadata& metadata) {
  if (metadata.uuid.empty()) return Wrong("the table has no uuid");
  if (metadata.location.empty()) return Wrong("the table has no location");
  const Schema* schema = ById(metadata.schemas, metadata.current_schema_id);
  if (!schema) return Wrong(absl::StrCat("the current schema ", metadata.current_schema_id, " is not there"));
  if (absl::Status checked = CheckSchema(*schema); !checked.ok()) return checked;
  for (const Schema& one : metadata.schemas) {
    if (one.HighestId() > metadata.last_column_id) {
      return Wrong(
          absl::StrCat("schema ", one.id, " has column id ", one.HighestId(), ", the last one is ", metadata.last_column_id));
    }
  }
  const PartitionSpec* spec = ById(metadata.specs, metadata.default_spec_id);
  if (!spec) return Wrong(absl::StrCat("the default partition spec ", metadata.default_spec_id, " is not there"));
  if (auto types = PartitionTypes(*spec, *schema); !types.ok()) return types.status();
  if (metadata.current_snapshot_id && !metadata.current_snapshot()) {
    return Wrong(absl::StrCat("the current snapshot ", *metadata.current_snapshot_id, " is not there"));
  }
  std::set<int64_t> ids;
  for (const Snapshot& snapshot : metadata.snapshots) {
    if (!ids.insert(snapshot.id).second) return Wrong(absl::StrCat("two snapshots have id ", snapshot.id));
    if (snapshot.sequence_number > metadata.last_sequence_number) {
      return Wrong(absl::StrCat("snapshot ", snapshot.id, " has sequence number ", snapshot.sequence_number, ", the last one is ",
                                metadata.last_sequence_number));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<TableMetadata> TableMetadata::Parse(std::string_view text, std::string_view file) {
  const std::string where(file);
  auto document = ParseJson(text, where);
  if (!document.ok()) return document.status();
  if (!document->is_object()) return Wrong(absl::StrCat(where, ": no JSON object"));
  return MetadataReader(*document, where).Read();
}

std::string TableMetadata::Serialize() const {
  json others = ParsedOthers(*this);
  json document = others;
  document["format-version"] = kFormatVersion;
  document["table-uuid"] = uuid;
  document["location"] = location;
  document["last-sequence-number"] = last_sequence_number;
  document["last-updated-ms"] = last_updated_ms;
  document["last-column-id"] = last_column_id;
  document["current-schema-id"] = current_schema_id;
  document["default-spec-id"] = default_spec_id;
  document["last-partition-id"] = last_partition_id;
  document["properties"] = properties;

  json schema_list = json::array();
  for (const Schema& schema : schemas) schema_list.push_back(SchemaToJson(schema));
  JoinRemainders(others.value("schemas", json()), "schema-id", &schema_list);
  document["schemas"] = std::move(schema_list);
  json spec_list = json::array();
  for (const PartitionSpec& spec : specs) spec_list.push_back(SpecToJson(spec));
  JoinRemainders(others.value("partition-specs", json()), "spec-id", &spec_list);
  document["partition-specs"] = std::move(spec_list);

  WriteSnapshots(*this, others, &document);
  json& log = document["metadata-log"] = json::array();
  for (const LogEntry& entry : metadata_log) {
    log.push_back({{"timestamp-ms", entry.timestamp_ms}, {"metadata-file", entry.metadata_file}});
  }
  if (!document.contains("sort-orders")) {
    document["sort-orders"] = json::array({{{"order-id", 0}, {"fields", json::array()}}});
    document["default-sort-order-id"] = 0;
  }
  return DumpJson(document);
}

const Schema& TableMetadata::schema() const {
  static const Schema* const none = new Schema();
  const Schema* found = ById(schemas, current_schema_id);
  return found ? *found : *none;
}

const PartitionSpec& TableMetadata::spec() const {
  static const PartitionSpec* const none = new PartitionSpec();
  const PartitionSpec* found = ById(specs, default_spec_id);
  return found ? *found : *none;
}

const Snapshot* TableMetadata::FindSnapshot(int64_t id) const { return ById(snapshots, id); }

const Snapshot* TableMetadata::current_snapshot() const {
  return current_snapshot_id ? FindSnapshot(*current_snapshot_id) : nullptr;
}

}  // namespace millrace::warehouse
