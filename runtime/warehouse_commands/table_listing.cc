#include "warehouse_commands/table_listing.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "status/text_table.h"

namespace millrace {
namespace {

using warehouse::ColumnInfo;
using warehouse::TableInfo;
using Lines = std::vector<std::vector<std::string>>;

std::string NameOf(const TableInfo& table) { return absl::StrCat(table.name_space, ".", table.table); }

/// "3 min" and the like: one number is enough for people.
std::string Age(int64_t ms) {
  const int64_t seconds = ms / 1000;
  if (seconds < 0) return "in the future";
  if (seconds < 120) return absl::StrCat(seconds, " s ago");
  if (seconds < 120 * 60) return absl::StrCat(seconds / 60, " min ago");
  if (seconds < 48 * 3600) return absl::StrCat(seconds / 3600, " h ago");
  return absl::StrCat(seconds / 86400, " d ago");
}

std::string TimeAndAge(int64_t time_ms, int64_t now_ms) {
  return absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMillis(time_ms), absl::UTCTimeZone()), " (",
                      Age(now_ms - time_ms), ")");
}

std::string LastCommit(const TableInfo& table, int64_t now_ms) {
  return table.last_commit_ms == 0 ? "none" : TimeAndAge(table.last_commit_ms, now_ms);
}

std::string ValidThrough(const TableInfo& table, int64_t now_ms) {
  return table.valid_through_ms ? TimeAndAge(*table.valid_through_ms, now_ms) : "unknown";
}

std::string Size(int64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double size = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (size >= 1024 && unit + 1 < std::size(kUnits)) {
    size /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", size, kUnits[unit]);
}

/// One line, whatever stands in a comment.
std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

void AddColumns(const std::vector<ColumnInfo>& columns, const std::string& indent, Lines* lines) {
  for (const ColumnInfo& column : columns) {
    const std::string type = column.fields.empty() ? column.type : column.type.substr(0, column.type.find('<'));
    lines->push_back({absl::StrCat(indent, OneLine(column.name)), type, column.required ? "required" : "", OneLine(column.doc)});
    AddColumns(column.fields, absl::StrCat(indent, "  "), lines);
  }
}

nlohmann::json Columns(const std::vector<ColumnInfo>& columns) {
  nlohmann::json array = nlohmann::json::array();
  for (const ColumnInfo& column : columns) {
    nlohmann::json& json = array.emplace_back();
    json = {{"id", column.id}, {"name", column.name}, {"type", column.type}, {"required", column.required}, {"doc", column.doc}};
    if (!column.fields.empty()) json["fields"] = Columns(column.fields);
  }
  return array;
}

nlohmann::json Landed(const std::vector<TableInfo::Landed>& landed) {
  nlohmann::json array = nlohmann::json::array();
  for (const TableInfo::Landed& topic : landed) {
    nlohmann::json partitions = nlohmann::json::array();
    for (const auto& [number, position] : topic.partitions) {
      nlohmann::json& partition = partitions.emplace_back();
      partition = {{"partition", number}, {"next_offset", position.next}};
      if (position.stream_time_ms) partition["stream_time_ms"] = *position.stream_time_ms;
    }
    array.push_back({{"application_id", topic.application_id}, {"topic", topic.topic}, {"partitions", std::move(partitions)}});
  }
  return array;
}

nlohmann::json AsJson(const TableInfo& table) {
  nlohmann::json json = {{"namespace", table.name_space},
                         {"table", table.table},
                         {"location", table.location},
                         {"metadata_file", table.metadata_file},
                         {"rows", table.rows},
                         {"data_files", table.files},
                         {"bytes", table.bytes},
                         {"snapshots", table.snapshots},
                         {"partition_by", table.partition_by},
                         {"time_zone", table.time_zone},
                         {"columns", Columns(table.columns)},
                         {"landed", Landed(table.landed)},
                         {"properties", table.properties}};
  if (table.snapshot) json["snapshot"] = *table.snapshot;
  const auto add_time = [&json](const std::string& name, int64_t time_ms) {
    json[name] = IsoTime(time_ms);
    json[absl::StrCat(name, "_ms")] = time_ms;
  };
  if (table.last_commit_ms != 0) add_time("last_commit", table.last_commit_ms);
  if (table.valid_through_ms) add_time("valid_through", *table.valid_through_ms);
  return json;
}

}  // namespace

std::string IsoTime(int64_t time_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(time_ms), absl::UTCTimeZone());
}

absl::StatusOr<std::vector<TableInfo>> SelectTables(std::vector<TableInfo> tables, const std::vector<std::string>& names) {
  std::sort(tables.begin(), tables.end(), [](const TableInfo& a, const TableInfo& b) { return NameOf(a) < NameOf(b); });
  if (names.empty()) return tables;
  std::vector<TableInfo> selected;
  for (const std::string& name : names) {
    std::vector<const TableInfo*> found;
    for (const TableInfo& table : tables) {
      if (NameOf(table) == name) {
        found = {&table};
        break;
      }
      if (table.table == name) found.push_back(&table);
    }
    const auto append_name = [](std::string* out, const TableInfo& table) { out->append(NameOf(table)); };
    if (found.empty()) {
      return absl::NotFoundError(absl::StrCat("the warehouse has no table ", name, tables.empty() ? "; it is empty" : "; it has ",
                                              absl::StrJoin(tables, ", ", append_name)));
    }
    if (found.size() > 1) {
      return absl::InvalidArgumentError(absl::StrCat("there are ", found.size(), " tables ", name, ", among them ",
                                                     NameOf(*found.front()), ": give the namespace"));
    }
    selected.push_back(*found.front());
  }
  return selected;
}

std::string ListTables(const std::vector<TableInfo>& tables, int64_t now_ms) {
  if (tables.empty()) return "the warehouse has no tables\n";
  Lines lines = {{"TABLE", "ROWS", "FILES", "SIZE", "SNAPSHOTS", "LAST COMMIT", "VALID THROUGH"}};
  for (const TableInfo& table : tables) {
    lines.push_back({OneLine(NameOf(table)), absl::StrCat(table.rows), absl::StrCat(table.files), Size(table.bytes),
                     absl::StrCat(table.snapshots), LastCommit(table, now_ms), ValidThrough(table, now_ms)});
  }
  return TextTable(lines);
}

std::string DescribeTable(const TableInfo& table, int64_t now_ms) {
  std::string partitions = absl::StrJoin(table.partition_by, ", ");
  if (partitions.empty()) partitions = "no";
  Lines facts = {{"location", table.location},
                 {"metadata file", table.metadata_file},
                 {"snapshot", table.snapshot ? absl::StrCat(*table.snapshot) : "none"},
                 {"rows", absl::StrCat(table.rows)},
                 {"data files", absl::StrCat(table.files, ", ", Size(table.bytes))},
                 {"snapshots", absl::StrCat(table.snapshots)},
                 {"last commit", LastCommit(table, now_ms)},
                 {"valid through", ValidThrough(table, now_ms)},
                 {"partitioned by", partitions},
                 {"time zone", table.time_zone}};
  std::string text = absl::StrCat(OneLine(NameOf(table)), "\n", TextTable(facts, {.indent = 2}), "columns\n");
  Lines columns;
  AddColumns(table.columns, "", &columns);
  text += TextTable(columns, {.indent = 2});
  for (const TableInfo::Landed& topic : table.landed) {
    absl::StrAppend(&text, "landed by ", topic.application_id, " from topic ", topic.topic, "\n");
    Lines partitions_of_topic = {{"partition", "next offset", "stream time"}};
    for (const auto& [number, position] : topic.partitions) {
      partitions_of_topic.push_back({absl::StrCat(number), absl::StrCat(position.next),
                                     position.stream_time_ms ? TimeAndAge(*position.stream_time_ms, now_ms) : "none"});
    }
    text += TextTable(partitions_of_topic, {.indent = 2});
  }
  return text;
}

std::string TablesAsJson(const std::vector<TableInfo>& tables) {
  nlohmann::json array = nlohmann::json::array();
  for (const TableInfo& table : tables) array.push_back(AsJson(table));
  return array.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).append("\n");
}

}  // namespace millrace
