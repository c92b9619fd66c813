#ifndef MILLRACE_WAREHOUSE_LANDING_TABLE_WAREHOUSE_H_
#define MILLRACE_WAREHOUSE_LANDING_TABLE_WAREHOUSE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "landing/table_committer.h"
#include "millrace/warehouse/warehouse.h"
#include "storage/storage.h"
#include "table/snapshot_producer.h"

namespace millrace::warehouse {

/// The warehouse that is in a catalog and its storage.
class TableWarehouse final : public Warehouse {
 public:
  /// `table_defaults` are settings of every table that does not say otherwise. Makes the folder for files that are being written,
  /// and clears it of those that processes left which are gone. Probes the catalog. Without a folder it is for reading only, and
  /// does neither.
  static absl::StatusOr<std::unique_ptr<TableWarehouse>> Open(std::shared_ptr<Storage> storage, std::shared_ptr<Catalog> catalog,
                                                              const std::string& spool_folder, TableCommitter::Clock clock,
                                                              std::map<std::string, std::string> table_defaults = {});

  absl::StatusOr<std::unique_ptr<TableLanding>> OpenLanding(const LandingDescription& description) override;
  absl::StatusOr<std::vector<TableInfo>> Tables() override;
  absl::StatusOr<std::vector<std::string>> TablesLandedBy(const std::string& application_id) override;
  absl::Status ResetPositions(const std::string& application_id, bool remove_rows) override;
  absl::StatusOr<std::unique_ptr<RowReader>> ReadTable(const ReadDescription& description) override;
  absl::StatusOr<TableDays> Days(const std::string& name_space, const std::string& table, const std::string& column) override;

 private:
  TableWarehouse(std::shared_ptr<Storage> storage, std::shared_ptr<Catalog> catalog, std::string spool_folder,
                 TableCommitter::Clock clock, std::map<std::string, std::string> table_defaults);
  absl::Status ResetPositionsIn(const TableName& name, const std::string& prefix, bool remove_rows);
  absl::Status RemoveRows(const TableMetadata& metadata, const std::string& prefix, SnapshotProducer* producer);

  const std::shared_ptr<Storage> storage_;
  const std::shared_ptr<Catalog> catalog_;
  const std::string spool_folder_;
  const TableCommitter::Clock clock_;
  const std::map<std::string, std::string> table_defaults_;
};

/// Milliseconds since 1970 by the machine's clock.
int64_t SystemClock();

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_TABLE_WAREHOUSE_H_
