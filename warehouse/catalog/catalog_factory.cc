#include "catalog/catalog_factory.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "catalog/fs_catalog.h"
#include "catalog/rest_catalog.h"
#include "catalog/sql_catalog.h"
#include "storage/configuration.h"
#include "storage/storage_factory.h"
#include "storage/uri.h"

namespace millrace::warehouse {
namespace {

SqlCatalogOptions TakeSqlOptions(ConfigurationTaker* take, const StorageOptions& storage) {
  SqlCatalogOptions options;
  options.catalog_name = "millrace";
  options.retry_time = storage.s3.retry_time;
  take->Required("catalog.uri", "the address of PostgreSQL, as in postgresql://user@host:port/database", &options.address);
  take->Text("catalog.name", &options.catalog_name);
  return options;
}

RestOptions TakeRestOptions(ConfigurationTaker* take, const StorageOptions& storage) {
  RestOptions options;
  options.credentials = storage.s3.credentials;
  options.retry_time = storage.s3.retry_time;
  options.http = storage.s3.http;
  take->Required("catalog.uri", "the address of the REST catalog, as in https://host/path without /v1", &options.address);
  take->Text("rest.warehouse", &options.warehouse);
  take->Text("rest.token-file", &options.token_file);
  take->Boolean("rest.sigv4-enabled", &options.sigv4);
  take->Text("rest.signing-name", &options.signing_name);
  take->Text("rest.signing-region", &options.signing_region);
  return options;
}

/// All that is wrong with the configuration beyond the storage's keys.
absl::Status Check(const ConfigurationTaker& take, const std::map<std::string, std::string>& left, const std::string& type) {
  if (!take.status().ok()) return take.status();
  if (left.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", left.begin()->first, "' is no setting of a warehouse with catalog.type ",
                                                 type, "; look for a misspelling"));
}

}  // namespace

absl::StatusOr<OpenedCatalog> OpenCatalog(std::map<std::string, std::string> configuration, const StorageDecorator& decorate) {
  absl::StatusOr<StorageOptions> storage_options = TakeStorageOptions(&configuration);
  if (!storage_options.ok()) return storage_options.status();
  ConfigurationTaker take(&configuration);
  std::string type;
  std::string warehouse;
  take.Required("catalog.type", "fs, sql or rest", &type);
  take.Required("warehouse", "where tables are, as in file:///folder, s3://bucket/folder or hdfs://host:port/folder", &warehouse);
  if (!take.status().ok()) return take.status();
  absl::StatusOr<Uri> uri = ParseUri(warehouse);
  if (!uri.ok()) return absl::InvalidArgumentError(absl::StrCat("warehouse: ", uri.status().message()));
  // Paths are compared as texts: two forms of one place would be two places.
  warehouse = uri->ToString();
  OpenedCatalog opened;
  absl::StatusOr<std::shared_ptr<Storage>> storage = OpenStorage(warehouse, *storage_options);
  if (!storage.ok()) return absl::InvalidArgumentError(absl::StrCat("warehouse: ", storage.status().message()));
  opened.storage = decorate ? decorate(*std::move(storage)) : *std::move(storage);

  if (type == "fs") {
    opened.catalog = std::make_unique<FsCatalog>(opened.storage, warehouse);
  } else if (type == "sql") {
    SqlCatalogOptions options = TakeSqlOptions(&take, *storage_options);
    options.warehouse = warehouse;
    if (absl::Status status = PostgresConnection::CheckAddress(options.address); take.status().ok() && !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("catalog.uri: ", status.message()));
    }
    opened.catalog = std::make_unique<SqlCatalog>(opened.storage, std::move(options));
  } else if (type == "rest") {
    RestOptions options = TakeRestOptions(&take, *storage_options);
    if (absl::Status status = CheckHttpAddress("catalog.uri", options.address); take.status().ok() && !status.ok()) return status;
    opened.catalog = std::make_unique<RestCatalog>(opened.storage, std::move(options));
  } else {
    return absl::InvalidArgumentError(absl::StrCat("catalog.type '", type, "' is not known: fs, sql or rest"));
  }
  if (absl::Status status = Check(take, configuration, type); !status.ok()) return status;
  return opened;
}

}  // namespace millrace::warehouse
