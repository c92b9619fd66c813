#include "reading/table_info.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "landing/landed_positions.h"
#include "landing/table_committer.h"

namespace millrace::warehouse {
namespace {

int64_t NumberIn(const std::map<std::string, std::string>& summary, const std::string& name) {
  const auto found = summary.find(name);
  int64_t number = 0;
  return found != summary.end() && absl::SimpleAtoi(found->second, &number) ? number : 0;
}

/// The names that lead to a field, with dots; empty if it is not there.
std::string PathOf(const std::vector<Field>& fields, int id) {
  for (const Field& field : fields) {
    if (field.id == id) return field.name;
    if (const std::string inside = PathOf(field.type.fields, id); !inside.empty()) return absl::StrCat(field.name, ".", inside);
  }
  return "";
}

std::vector<std::string> PartitionedBy(const TableMetadata& metadata) {
  std::vector<std::string> by;
  for (const PartitionField& field : metadata.spec().fields) {
    const std::string column = PathOf(metadata.schema().fields, field.source_id);
    switch (field.transform) {
      case Transform::kIdentity:
        by.push_back(column);
        break;
      case Transform::kHour:
        by.push_back(absl::StrCat("hour(", column, ")"));
        break;
      case Transform::kDay:
        by.push_back(absl::StrCat("day(", column, ")"));
        break;
    }
  }
  return by;
}

/// One that is damaged is left out: a landing says so.
std::vector<TableInfo::Landed> LandedIn(const std::map<std::string, std::string>& properties) {
  const std::string separator = LandedPositions::PropertyName("", "");
  std::vector<TableInfo::Landed> landed;
  for (const auto& [property, value] : properties) {
    const size_t at = property.find(separator);
    if (at == std::string::npos) continue;
    const absl::StatusOr<LandedPositions> positions = LandedPositions::From(properties, property);
    if (!positions.ok()) continue;
    TableInfo::Landed& topic = landed.emplace_back();
    topic.application_id = property.substr(0, at);
    topic.topic = property.substr(at + separator.size());
    for (const auto& [number, partition] : positions->partitions) {
      topic.partitions[number] = {partition.next, partition.stream_time_ms};
    }
  }
  return landed;
}

}  // namespace

ColumnInfo DescribeColumn(const Field& field) {
  ColumnInfo column;
  column.id = field.id;
  column.name = field.name;
  column.type = field.type.ToString();
  column.required = field.required;
  column.doc = field.doc;
  for (const Field& child : field.type.fields) column.fields.push_back(DescribeColumn(child));
  return column;
}

absl::StatusOr<std::vector<Field>> SelectFields(const Schema& schema, const std::vector<std::string>& names) {
  if (names.empty()) return schema.fields;
  std::vector<Field> fields;
  for (const std::string& name : names) {
    const auto found = std::find_if(schema.fields.begin(), schema.fields.end(), [&](const Field& f) { return f.name == name; });
    if (found == schema.fields.end()) {
      const auto append_name = [](std::string* out, const Field& field) { out->append(field.name); };
      return absl::NotFoundError(
          absl::StrCat("there is no column ", name, "; there are ", absl::StrJoin(schema.fields, ", ", append_name)));
    }
    fields.push_back(*found);
  }
  return fields;
}

TableInfo DescribeTable(const TableName& name, const LoadedTable& table) {
  const TableMetadata& metadata = table.metadata;
  TableInfo info;
  info.name_space = name.name_space;
  info.table = name.table;
  info.location = metadata.location;
  info.metadata_file = table.metadata_file;
  info.snapshots = static_cast<int64_t>(metadata.snapshots.size());
  if (const Snapshot* snapshot = metadata.current_snapshot(); snapshot != nullptr) {
    info.snapshot = snapshot->id;
    info.last_commit_ms = snapshot->timestamp_ms;
    info.rows = NumberIn(snapshot->summary, "total-records");
    info.files = NumberIn(snapshot->summary, "total-data-files");
    info.bytes = NumberIn(snapshot->summary, "total-files-size");
  }
  if (metadata.properties.contains(kValidThrough)) info.valid_through_ms = NumberIn(metadata.properties, kValidThrough);
  for (const Field& field : metadata.schema().fields) info.columns.push_back(DescribeColumn(field));
  info.partition_by = PartitionedBy(metadata);
  info.properties = metadata.properties;
  const auto zone = metadata.properties.find(kTimeZone);
  info.time_zone = zone == metadata.properties.end() ? "UTC" : zone->second;
  info.landed = LandedIn(metadata.properties);
  return info;
}

}  // namespace millrace::warehouse
