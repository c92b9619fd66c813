#ifndef MILLRACE_WAREHOUSE_REGISTRY_REGISTRY_WAREHOUSE_H_
#define MILLRACE_WAREHOUSE_REGISTRY_REGISTRY_WAREHOUSE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/warehouse/warehouse.h"
#include "registry/registry_client.h"

namespace millrace::warehouse {

/// A warehouse that also lands topics whose messages only a schema registry knows: descriptions without a descriptor set. The
/// subject is "<topic>-value". When a record comes that was written with a newer schema, what was read since the last commit is
/// dropped (Unavailable) and read again with the latest one, so that no field is lost. Thread-safe as the warehouse within.
class RegistryWarehouse final : public Warehouse {
 public:
  RegistryWarehouse(std::unique_ptr<Warehouse> within, RegistryOptions registry)
      : within_(std::move(within)), client_(std::move(registry)) {}

  absl::StatusOr<std::unique_ptr<TableLanding>> OpenLanding(const LandingDescription& description) override;
  absl::StatusOr<std::vector<TableInfo>> Tables() override { return within_->Tables(); }
  absl::StatusOr<std::vector<std::string>> TablesLandedBy(const std::string& application_id) override {
    return within_->TablesLandedBy(application_id);
  }
  absl::Status ResetPositions(const std::string& application_id, bool remove_rows) override {
    return within_->ResetPositions(application_id, remove_rows);
  }
  absl::StatusOr<std::unique_ptr<RowReader>> ReadTable(const ReadDescription& description) override {
    return within_->ReadTable(description);
  }
  absl::StatusOr<TableDays> Days(const std::string& name_space, const std::string& table, const std::string& column) override {
    return within_->Days(name_space, table, column);
  }

 private:
  const std::unique_ptr<Warehouse> within_;
  RegistryClient client_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_REGISTRY_REGISTRY_WAREHOUSE_H_
