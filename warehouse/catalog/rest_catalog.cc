#include "catalog/rest_catalog.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "catalog/rest_commit.h"
#include "catalog/table_files.h"
#include "storage/uri.h"
#include "table/json_members.h"
#include "table/snapshot_producer.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;

std::string TablesPath(const std::string& name_space) {
  return absl::StrCat("namespaces/", PercentEncode(name_space, false), "/tables");
}

std::string TablePath(const TableName& name) {
  return absl::StrCat(TablesPath(name.name_space), "/", PercentEncode(name.table, false));
}

/// "LoadTableResult" and "CommitTableResponse".
absl::StatusOr<LoadedTable> ParseTable(const std::string& body, const TableName& name) {
  const json answer = json::parse(body, nullptr, false);
  if (!answer.is_object() || !answer.contains("metadata") || !answer.contains("metadata-location") ||
      !answer["metadata-location"].is_string()) {
    return absl::InternalError(absl::StrCat("the REST catalog's answer about ", name.ToString(), " has no metadata"));
  }
  const auto file = answer["metadata-location"].get<std::string>();
  absl::StatusOr<TableMetadata> metadata = TableMetadata::Parse(DumpJson(answer["metadata"]), file);
  if (!metadata.ok()) return metadata.status();
  return LoadedTable{*std::move(metadata), file};
}

/// The name of a table, or of a name space with one level; nothing for others.
std::string NameIn(const json& element) {
  if (element.is_object() && element.contains("name") && element["name"].is_string()) return element["name"].get<std::string>();
  if (element.is_array() && element.size() == 1 && element[0].is_string()) return element[0].get<std::string>();
  return "";
}

}  // namespace

RestCatalog::RestCatalog(std::shared_ptr<Storage> storage, RestOptions options)
    : storage_(std::move(storage)), signed_(options.sigv4), client_(std::move(options)) {}

absl::Status RestCatalog::Check(const TableName& name) const {
  if (absl::Status status = CheckTableName(name); !status.ok()) return status;
  const std::string both = name.name_space + name.table;
  if (signed_ && PercentEncode(both, false) != both) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name.ToString(), "': names in a catalog with signed requests have letters, digits and -._~ only"));
  }
  return absl::OkStatus();
}

absl::Status RestCatalog::Probe() {
  absl::StatusOr<RestClient::Answer> answer = client_.Send("GET", "namespaces", {}, "");
  if (!answer.ok()) return answer.status();
  return answer->code == 200 ? absl::OkStatus() : answer->Error("list the name spaces of the REST catalog");
}

absl::StatusOr<std::vector<std::string>> RestCatalog::ListNames(const std::string& path, const std::string& member) {
  std::vector<std::string> names;
  for (std::string token;;) {
    const RestClient::Query query = token.empty() ? RestClient::Query{} : RestClient::Query{{"pageToken", token}};
    absl::StatusOr<RestClient::Answer> answer = client_.Send("GET", path, query, "");
    if (!answer.ok()) return answer.status();
    if (answer->code != 200) return answer->Error(absl::StrCat("list ", path));
    const json page = json::parse(answer->body, nullptr, false);
    if (!page.is_object() || !page.contains(member) || !page[member].is_array()) {
      return absl::InternalError(absl::StrCat("the REST catalog's list of ", path, " has no ", member));
    }
    for (const json& element : page[member]) {
      if (std::string name = NameIn(element); !name.empty()) names.push_back(std::move(name));
    }
    const auto next = page.find("next-page-token");
    if (next == page.end() || !next->is_string() || next->get<std::string>().empty()) return names;
    token = next->get<std::string>();
  }
}

absl::StatusOr<std::vector<TableName>> RestCatalog::List() {
  absl::StatusOr<std::vector<std::string>> name_spaces = ListNames("namespaces", "namespaces");
  if (!name_spaces.ok()) return name_spaces.status();
  std::vector<TableName> tables;
  for (const std::string& name_space : *name_spaces) {
    absl::StatusOr<std::vector<std::string>> names = ListNames(TablesPath(name_space), "identifiers");
    if (absl::IsNotFound(names.status())) continue;  // removed meanwhile
    if (!names.ok()) return names.status();
    for (std::string& name : *names) tables.push_back({name_space, std::move(name)});
  }
  std::sort(tables.begin(), tables.end());
  return tables;
}

absl::StatusOr<LoadedTable> RestCatalog::Load(const TableName& name) {
  if (absl::Status status = Check(name); !status.ok()) return status;
  absl::StatusOr<RestClient::Answer> answer = client_.Send("GET", TablePath(name), {}, "");
  if (!answer.ok()) return answer.status();
  if (answer->code != 200) return answer->Error(absl::StrCat("load ", name.ToString()));
  return ParseTable(answer->body, name);
}

absl::Status RestCatalog::CreateNamespace(const std::string& name_space) {
  const json request = {{"namespace", {name_space}}, {"properties", json::object()}};
  absl::StatusOr<RestClient::Answer> answer = client_.Send("POST", "namespaces", {}, DumpJson(request));
  if (!answer.ok()) return answer.status();
  if (answer->code == 200 || answer->code == 409) return absl::OkStatus();
  return answer->Error(absl::StrCat("create name space ", name_space));
}

absl::StatusOr<LoadedTable> RestCatalog::Create(const TableName& name, const Schema& schema, const PartitionSpec& partition_by,
                                                const std::map<std::string, std::string>& properties) {
  if (absl::Status status = Check(name); !status.ok()) return status;
  // The server gives ids by the same rule; these make the spec fit the schema.
  const TableMetadata wanted = TableMetadata::New("", schema, partition_by, WallClockMs(), properties);
  const std::string request = DumpJson(RestCreateRequest(name, wanted));
  absl::StatusOr<RestClient::Answer> answer = client_.Send("POST", TablesPath(name.name_space), {}, request);
  if (answer.ok() && answer->code == 404) {
    if (absl::Status status = CreateNamespace(name.name_space); !status.ok()) return status;
    answer = client_.Send("POST", TablesPath(name.name_space), {}, request);
  }
  if (!answer.ok()) return answer.status();
  if (answer->code != 200) return answer->Error(absl::StrCat("create ", name.ToString()));
  return ParseTable(answer->body, name);
}

absl::StatusOr<std::optional<LoadedTable>> RestCatalog::Commit(const TableName& name, const LoadedTable& base,
                                                               const TableUpdate& update) {
  if (absl::Status status = Check(name); !status.ok()) return status;
  const int64_t now_ms = WallClockMs();
  TableUpdate sent = update;
  if (RestNeedsSnapshot(update)) {
    // Without an entry of its own in the summary this is an append of nothing.
    absl::StatusOr<Snapshot> empty = SnapshotProducer(storage_.get()).Build(base.metadata, {}, now_ms);
    if (!empty.ok()) return empty.status();
    sent.snapshot = *std::move(empty);
  }
  absl::StatusOr<TableMetadata> changed = Apply(base.metadata, base.metadata_file, sent, now_ms, MetadataKept().count());
  if (!changed.ok()) return changed.status();
  const std::string request = DumpJson(RestCommitRequest(name, base.metadata, *changed, sent));
  absl::StatusOr<RestClient::Answer> answer = client_.Send("POST", TablePath(name), {}, request);
  if (!answer.ok()) return answer.status();
  if (answer->code == 200) {
    absl::StatusOr<LoadedTable> table = ParseTable(answer->body, name);
    // It has happened; only what the server says about it is of no use.
    if (!table.ok()) return absl::UnavailableError(absl::StrCat("committed, but: ", table.status().message()));
    return *std::move(table);
  }
  if (answer->code < 500 && !update.snapshot && sent.snapshot) (void)storage_->Delete(sent.snapshot->manifest_list);
  if (answer->code == 409) return std::nullopt;
  return answer->Error(absl::StrCat("commit to ", name.ToString()));
}

}  // namespace millrace::warehouse
