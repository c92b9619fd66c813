#include "landing/open_warehouse.h"

#include <utility>

#include "catalog/catalog_factory.h"
#include "landing/table_warehouse.h"

namespace millrace::warehouse {

absl::StatusOr<std::unique_ptr<Warehouse>> OpenTableWarehouse(std::map<std::string, std::string> settings,
                                                              const StorageDecorator& decorate) {
  // The names that the two sides have for these.
  const std::string spool_folder = settings["spool.dir"];
  settings["warehouse"] = settings["uri"];
  settings["catalog.type"] = settings["catalog"];
  for (const char* name : {"spool.dir", "uri", "catalog"}) settings.erase(name);
  absl::StatusOr<OpenedCatalog> opened = OpenCatalog(std::move(settings), decorate);
  if (!opened.ok()) return opened.status();
  return TableWarehouse::Open(std::move(opened->storage), std::move(opened->catalog), spool_folder, SystemClock);
}

}  // namespace millrace::warehouse
