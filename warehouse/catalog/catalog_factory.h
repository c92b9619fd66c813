#ifndef MILLRACE_WAREHOUSE_CATALOG_CATALOG_FACTORY_H_
#define MILLRACE_WAREHOUSE_CATALOG_CATALOG_FACTORY_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "storage/storage.h"

namespace millrace::warehouse {

struct OpenedCatalog {
  std::shared_ptr<Storage> storage;  // for the warehouse's files; the catalog holds it, too
  std::unique_ptr<Catalog> catalog;
};

/// Stands between a warehouse and its storage; for tests that look on or make faults.
using StorageDecorator = std::function<std::shared_ptr<Storage>(std::shared_ptr<Storage>)>;

/// A catalog and its storage by a configuration. Opens no connection: see Catalog::Probe. InvalidArgument for a key that is
/// missing, not known, or of another catalog, and for a value that is none.
///   catalog.type    fs, sql or rest
///   warehouse       where tables are: file:///folder, s3://bucket/folder, hdfs://host:port/folder. With rest, where the server
///                   keeps them is its choice; the scheme of this must be that of its tables.
///   catalog.uri     of sql, the address of PostgreSQL; of rest, that of the server
///   catalog.name    of sql: "millrace" if nothing is said
///   rest.warehouse, rest.token-file, rest.sigv4-enabled, rest.signing-name, rest.signing-region
/// and the keys of TakeStorageOptions, of which those for credentials, times and certificates serve the rest catalog as well.
absl::StatusOr<OpenedCatalog> OpenCatalog(std::map<std::string, std::string> configuration,
                                          const StorageDecorator& decorate = nullptr);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_CATALOG_CATALOG_FACTORY_H_
