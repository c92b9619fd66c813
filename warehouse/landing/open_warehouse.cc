#include "landing/open_warehouse.h"

#include <optional>
#include <utility>

#include "catalog/catalog_factory.h"
#include "landing/table_warehouse.h"
#include "registry/registry_warehouse.h"
#include "serving/postgres_warehouse.h"
#include "storage/configuration.h"
#include "upkeep/upkeep_policy.h"

namespace millrace::warehouse {
namespace {

absl::StatusOr<std::optional<RegistryOptions>> TakeRegistry(std::map<std::string, std::string>* settings) {
  RegistryOptions options;
  ConfigurationTaker take(settings);
  const bool wanted = take.Text("schema.registry.url", &options.address);
  take.Text("schema.registry.credentials-file", &options.credentials_file);
  // That of the storage is the registry's, too.
  if (const auto file = settings->find("storage.ca-file"); file != settings->end()) options.http.ca_file = file->second;
  if (!take.status().ok()) return take.status();
  if (!wanted) return std::nullopt;
  if (absl::Status status = CheckHttpAddress("schema.registry.url", options.address); !status.ok()) return status;
  return options;
}

absl::StatusOr<std::unique_ptr<Warehouse>> OpenFiles(std::map<std::string, std::string> settings,
                                                     const StorageDecorator& decorate) {
  // The names that the two sides have for these.
  const std::string spool_folder = settings["spool.dir"];
  settings["warehouse"] = settings["uri"];
  settings["catalog.type"] = settings["catalog"];
  for (const char* name : {"spool.dir", "uri", "catalog"}) settings.erase(name);
  std::map<std::string, std::string> table_defaults;
  for (const std::string& name : UpkeepPolicy::Names()) {
    if (auto setting = settings.extract(name); !setting.empty()) table_defaults.insert(std::move(setting));
  }
  absl::StatusOr<OpenedCatalog> opened = OpenCatalog(std::move(settings), decorate);
  if (!opened.ok()) return opened.status();
  return TableWarehouse::Open(std::move(opened->storage), std::move(opened->catalog), spool_folder, SystemClock,
                              std::move(table_defaults));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Warehouse>> OpenTableWarehouse(std::map<std::string, std::string> settings,
                                                              const StorageDecorator& decorate) {
  absl::StatusOr<std::optional<RegistryOptions>> registry = TakeRegistry(&settings);
  if (!registry.ok()) return registry.status();
  absl::StatusOr<std::unique_ptr<Warehouse>> warehouse;
  if (PostgresWarehouse::IsAddress(settings["uri"])) {
    warehouse = PostgresWarehouse::Open(std::move(settings));
  } else {
    warehouse = OpenFiles(std::move(settings), decorate);
  }
  if (!warehouse.ok() || !registry->has_value()) return warehouse;
  return std::make_unique<RegistryWarehouse>(*std::move(warehouse), **std::move(registry));
}

}  // namespace millrace::warehouse
