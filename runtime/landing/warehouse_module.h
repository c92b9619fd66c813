#ifndef MILLRACE_RUNTIME_LANDING_WAREHOUSE_MODULE_H_
#define MILLRACE_RUNTIME_LANDING_WAREHOUSE_MODULE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/warehouse/warehouse.h"

namespace millrace {

/// Opens the warehouse of these settings ("uri", "catalog", ...), and the module first if no one has: a shared library that lies
/// in the folder of the program, in ../lib of that, or where MILLRACE_WAREHOUSE_MODULE says. It stays open until the process
/// ends. Kept out of the program because the Parquet library may bring an OpenSSL of its own, which must not meet that of the
/// Kafka client. NotFound, with the places that were looked at, if there is none. Thread-safe.
[[nodiscard]] absl::StatusOr<std::unique_ptr<warehouse::Warehouse>> OpenWarehouse(
    const std::map<std::string, std::string>& settings);

/// Of the same module: what makes rows of a topic's records, without a warehouse.
[[nodiscard]] absl::StatusOr<std::unique_ptr<warehouse::RecordRows>> OpenRecordRows(
    const warehouse::LandingDescription& description, const std::vector<std::string>& columns);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_LANDING_WAREHOUSE_MODULE_H_
