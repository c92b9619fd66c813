#ifndef MILLRACE_WAREHOUSE_TABLE_PARTITION_JSON_H_
#define MILLRACE_WAREHOUSE_TABLE_PARTITION_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "table/partition.h"

namespace millrace::warehouse {

/// A partition spec as metadata files write it ("Appendix C: JSON serialization" of the table specification).
nlohmann::json SpecToJson(const PartitionSpec& spec);
/// InvalidArgument if `json` is no spec; Unimplemented if it has a transform that `Transform` has not. `where` is for messages.
absl::StatusOr<PartitionSpec> SpecFromJson(const nlohmann::json& json, const std::string& where);

/// The fields alone, as manifests carry them.
nlohmann::json PartitionFieldsToJson(const std::vector<PartitionField>& fields);
absl::StatusOr<std::vector<PartitionField>> PartitionFieldsFromJson(const nlohmann::json& json, const std::string& where);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_PARTITION_JSON_H_
