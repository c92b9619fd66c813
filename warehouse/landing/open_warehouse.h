#ifndef MILLRACE_WAREHOUSE_LANDING_OPEN_WAREHOUSE_H_
#define MILLRACE_WAREHOUSE_LANDING_OPEN_WAREHOUSE_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "catalog/catalog_factory.h"
#include "millrace/warehouse/warehouse.h"

namespace millrace::warehouse {

/// The warehouse of these settings: "uri" (where tables are), "catalog" (fs, sql, rest), "spool.dir" (local folder for files that
/// are being written), the keys of OpenCatalog, and those of UpkeepPolicy for all tables that do not say otherwise; or that in
/// PostgreSQL if "uri" is postgresql://... Both know "schema.registry.url" and "schema.registry.credentials-file".
/// InvalidArgument names a key that is missing or unknown.
absl::StatusOr<std::unique_ptr<Warehouse>> OpenTableWarehouse(std::map<std::string, std::string> settings,
                                                              const StorageDecorator& decorate = nullptr);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_OPEN_WAREHOUSE_H_
