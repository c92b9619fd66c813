#ifndef MILLRACE_WAREHOUSE_CATALOG_SQL_CATALOG_H_
#define MILLRACE_WAREHOUSE_CATALOG_SQL_CATALOG_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "catalog/catalog.h"
#include "catalog/postgres_connection.h"
#include "catalog/table_files.h"
#include "storage/storage.h"

namespace millrace::warehouse {

struct SqlCatalogOptions {
  std::string address;       // see PostgresConnection
  std::string catalog_name;  // engines that use the same name see the same tables
  std::string warehouse;     // where new tables go
  std::chrono::milliseconds retry_time{60000};
  std::function<int64_t()> clock = WallClockMs;
};

/// Which metadata file is current stands in PostgreSQL, in the tables of Iceberg's JDBC catalog (schema version V1), so that
/// Spark, Trino and pyiceberg read and write the same tables at the same time. The swap is one UPDATE that names the file before;
/// the storage need not know conditional writes. Makes the tables if they are missing, and adds the column of V1 to those of V0.
/// Thread-safe.
class SqlCatalog final : public Catalog {
 public:
  SqlCatalog(std::shared_ptr<Storage> storage, SqlCatalogOptions options);

  absl::Status Probe() override;
  absl::StatusOr<std::vector<TableName>> List() override;
  absl::StatusOr<LoadedTable> Load(const TableName& name) override;
  absl::StatusOr<LoadedTable> Create(const TableName& name, const Schema& schema, const PartitionSpec& partition_by,
                                     const std::map<std::string, std::string>& properties) override;
  absl::StatusOr<std::optional<LoadedTable>> Commit(const TableName& name, const LoadedTable& base,
                                                    const TableUpdate& update) override;
  [[nodiscard]] std::chrono::milliseconds MetadataKept() const override { return kMetadataKept; }

 private:
  absl::Status MakeTables();
  /// FailedPrecondition also for a row without a file: another engine's view.
  absl::StatusOr<std::string> CurrentFile(const TableName& name);

  const std::shared_ptr<Storage> storage_;
  const SqlCatalogOptions options_;
  PostgresConnection connection_;
  std::mutex mutex_;
  bool tables_made_ = false;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_CATALOG_SQL_CATALOG_H_
