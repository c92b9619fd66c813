#ifndef MILLRACE_WAREHOUSE_SERVING_POSTGRES_WAREHOUSE_H_
#define MILLRACE_WAREHOUSE_SERVING_POSTGRES_WAREHOUSE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/warehouse/warehouse.h"
#include "serving/session_pool.h"

namespace millrace::warehouse {

/// The warehouse that is a database of PostgreSQL: namespaces are its schemas. docs/serving.md says what it makes there.
class PostgresWarehouse final : public Warehouse {
 public:
  /// Whether `uri` is of such a one.
  static bool IsAddress(const std::string& uri);
  /// Of "uri", the address for libpq. Does not connect: the database may be away for a while. What tables in files need besides
  /// ("catalog", "spool.dir") is passed over; InvalidArgument for other settings.
  static absl::StatusOr<std::unique_ptr<PostgresWarehouse>> Open(std::map<std::string, std::string> settings);

  absl::StatusOr<std::unique_ptr<TableLanding>> OpenLanding(const LandingDescription& description) override;
  /// Those that the user may read. Rows of tables of 64 MiB or more are PostgreSQL's estimate.
  absl::StatusOr<std::vector<TableInfo>> Tables() override;
  absl::StatusOr<std::vector<std::string>> TablesLandedBy(const std::string& application_id) override;
  /// Rows are taken out by TRUNCATE where the user may, otherwise by DELETE. All of one schema in one transaction.
  absl::Status ResetPositions(const std::string& application_id, bool remove_rows) override;

 private:
  explicit PostgresWarehouse(const std::string& address) : pool_(address) {}

  SessionPool pool_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_SERVING_POSTGRES_WAREHOUSE_H_
