#include "catalog/sql_catalog.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "catalog/table_files.h"
#include "storage/random_name.h"
#include "storage/uri.h"
#include "table/unique_ids.h"

namespace millrace::warehouse {
namespace {

using Repeat = PostgresConnection::Repeat;

constexpr char kMakeTables[] =
    "CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, "
    "table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), "
    "iceberg_type VARCHAR(5), PRIMARY KEY (catalog_name, table_namespace, table_name))";
constexpr char kMakeNamespaces[] =
    "CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, "
    "property_key VARCHAR(255), property_value VARCHAR(1000), PRIMARY KEY (catalog_name, namespace, property_key))";
constexpr char kAddType[] = "ALTER TABLE iceberg_tables ADD COLUMN IF NOT EXISTS iceberg_type VARCHAR(5)";
constexpr char kHasType[] =
    "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('iceberg_tables') AND attname = 'iceberg_type' AND NOT attisdropped";
// Rows that a client of schema version V0 wrote have no type.
constexpr char kList[] =
    "SELECT table_namespace, table_name FROM iceberg_tables WHERE catalog_name = $1 AND (iceberg_type = 'TABLE' OR iceberg_type "
    "IS "
    "NULL) ORDER BY 1, 2";
constexpr char kFind[] =
    "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3 AND "
    "(iceberg_type = 'TABLE' OR iceberg_type IS NULL)";
constexpr char kInsert[] =
    "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location, "
    "iceberg_type) VALUES ($1, $2, $3, $4, NULL, 'TABLE') ON CONFLICT DO NOTHING";
constexpr char kInsertNamespace[] =
    "INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value) VALUES ($1, $2, 'exists', "
    "'true') ON CONFLICT DO NOTHING";
constexpr char kSwap[] =
    "UPDATE iceberg_tables SET metadata_location = $1, previous_metadata_location = $2 WHERE catalog_name = $3 AND "
    "table_namespace = "
    "$4 AND table_name = $5 AND metadata_location = $2 AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)";

std::string NewMetadataFile(const std::string& location, int64_t version) {
  return JoinPath(MetadataFolder(location), absl::StrFormat("%05d-%s.metadata.json", version, NewUuid()));
}

}  // namespace

SqlCatalog::SqlCatalog(std::shared_ptr<Storage> storage, SqlCatalogOptions options)
    : storage_(std::move(storage)), options_(std::move(options)), connection_(options_.address, options_.retry_time) {}

absl::Status SqlCatalog::MakeTables() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (tables_made_) return absl::OkStatus();
  for (const auto& [table, statement] :
       {std::pair("iceberg_tables", kMakeTables), std::pair("iceberg_namespace_properties", kMakeNamespaces)}) {
    // Looked for first: a user that may not make tables can use those that are there.
    absl::StatusOr<PostgresConnection::Result> found = connection_.Execute("SELECT to_regclass($1)", {table}, Repeat::kYes);
    if (!found.ok()) return found.status();
    if (found->rows.at(0).at(0)) continue;
    absl::Status made = connection_.Execute(statement, {}, Repeat::kYes).status();
    if (!made.ok() && !absl::IsAlreadyExists(made)) return made;  // another makes them at the same time
  }
  absl::StatusOr<PostgresConnection::Result> has_type = connection_.Execute(kHasType, {}, Repeat::kYes);
  if (!has_type.ok()) return has_type.status();
  if (has_type->rows.empty()) {
    if (absl::Status added = connection_.Execute(kAddType, {}, Repeat::kYes).status(); !added.ok()) return added;
  }
  tables_made_ = true;
  return absl::OkStatus();
}

absl::Status SqlCatalog::Probe() {
  if (absl::Status status = MakeTables(); !status.ok()) return status;
  const std::string path = JoinPath(options_.warehouse, absl::StrCat(".millrace-probe-", RandomName()));
  if (absl::Status status = storage_->Write(path, "probe"); !status.ok()) return status;
  return storage_->Delete(path);
}

absl::StatusOr<std::vector<TableName>> SqlCatalog::List() {
  if (absl::Status status = MakeTables(); !status.ok()) return status;
  absl::StatusOr<PostgresConnection::Result> result = connection_.Execute(kList, {options_.catalog_name}, Repeat::kYes);
  if (!result.ok()) return result.status();
  std::vector<TableName> tables;
  for (const auto& row : result->rows) tables.push_back({row.at(0).value_or(""), row.at(1).value_or("")});
  return tables;
}

absl::StatusOr<std::string> SqlCatalog::CurrentFile(const TableName& name) {
  if (absl::Status status = CheckTableName(name); !status.ok()) return status;
  if (absl::Status status = MakeTables(); !status.ok()) return status;
  absl::StatusOr<PostgresConnection::Result> result =
      connection_.Execute(kFind, {options_.catalog_name, name.name_space, name.table}, Repeat::kYes);
  if (!result.ok()) return result.status();
  if (result->rows.empty()) {
    return absl::NotFoundError(absl::StrCat("there is no table ", name.ToString(), " in catalog '", options_.catalog_name, "'"));
  }
  const std::optional<std::string>& file = result->rows.at(0).at(0);
  if (!file) return absl::FailedPreconditionError(absl::StrCat("the catalog names no metadata file for table ", name.ToString()));
  return *file;
}

absl::StatusOr<LoadedTable> SqlCatalog::Load(const TableName& name) {
  absl::StatusOr<std::string> file = CurrentFile(name);
  while (file.ok()) {
    absl::StatusOr<LoadedTable> table = ReadTable(*storage_, *file);
    if (!absl::IsFailedPrecondition(table.status())) return table;
    // A process that was stopped meanwhile may have the name of a file that has gone since.
    absl::StatusOr<std::string> now = CurrentFile(name);
    if (!now.ok() || *now == *file) return now.ok() ? table : now.status();
    file = std::move(now);
  }
  return file.status();
}

absl::StatusOr<LoadedTable> SqlCatalog::Create(const TableName& name, const Schema& schema, const PartitionSpec& partition_by,
                                               const std::map<std::string, std::string>& properties) {
  const absl::Status exists = CurrentFile(name).status();
  if (exists.ok()) return absl::AlreadyExistsError(absl::StrCat("there is a table ", name.ToString(), " in the catalog"));
  if (!absl::IsNotFound(exists)) return exists;
  const std::string location = TableLocation(options_.warehouse, name);
  LoadedTable table{TableMetadata::New(location, schema, partition_by, options_.clock(), properties),
                    NewMetadataFile(location, 0)};
  if (absl::Status status = storage_->Write(table.metadata_file, table.metadata.Serialize()); !status.ok()) return status;
  absl::Status name_space =
      connection_.Execute(kInsertNamespace, {options_.catalog_name, name.name_space}, Repeat::kYes).status();
  if (!name_space.ok()) return name_space;
  absl::StatusOr<PostgresConnection::Result> inserted =
      connection_.Execute(kInsert, {options_.catalog_name, name.name_space, name.table, table.metadata_file}, Repeat::kNo);
  if (!inserted.ok()) return inserted.status();
  if (inserted->affected == 1) return table;
  (void)storage_->Delete(table.metadata_file);  // otherwise the sweep of orphans finds it
  return absl::AlreadyExistsError(absl::StrCat("another has just made ", name.ToString(), " in the catalog, a table or a view"));
}

absl::StatusOr<std::optional<LoadedTable>> SqlCatalog::Commit(const TableName& name, const LoadedTable& base,
                                                              const TableUpdate& update) {
  if (absl::Status status = CheckTableName(name); !status.ok()) return status;
  if (absl::Status status = MakeTables(); !status.ok()) return status;
  absl::StatusOr<TableMetadata> metadata =
      Apply(base.metadata, base.metadata_file, update, options_.clock(), MetadataKept().count());
  if (!metadata.ok()) return metadata.status();
  LoadedTable table{*std::move(metadata),
                    NewMetadataFile(base.metadata.location, MetadataVersion(base.metadata_file).value_or(0) + 1)};
  if (absl::Status status = storage_->Write(table.metadata_file, table.metadata.Serialize()); !status.ok()) return status;
  absl::StatusOr<PostgresConnection::Result> swapped = connection_.Execute(
      kSwap, {table.metadata_file, base.metadata_file, options_.catalog_name, name.name_space, name.table}, Repeat::kNo);
  if (swapped.ok() && swapped->affected == 1) return table;
  // Never while the outcome is open: the file may be the table's state.
  if (!absl::IsUnavailable(swapped.status())) (void)storage_->Delete(table.metadata_file);
  if (!swapped.ok()) return swapped.status();
  if (absl::StatusOr<std::string> current = CurrentFile(name); absl::IsNotFound(current.status())) return current.status();
  return std::nullopt;
}

}  // namespace millrace::warehouse
