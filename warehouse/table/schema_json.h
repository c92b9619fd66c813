#ifndef MILLRACE_WAREHOUSE_TABLE_SCHEMA_JSON_H_
#define MILLRACE_WAREHOUSE_TABLE_SCHEMA_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "table/types.h"

namespace millrace::warehouse {

/// A schema as metadata files, manifests and REST catalogs write it ("Appendix C: JSON serialization" of the table
/// specification). Docs of list elements and of keys and values of maps have no place there.
nlohmann::json SchemaToJson(const Schema& schema);

/// InvalidArgument if `json` is no schema; Unimplemented if it is one with a type that `Type` has not (time, uuid, ...). `where`
/// is for messages.
absl::StatusOr<Schema> SchemaFromJson(const nlohmann::json& json, const std::string& where);

/// OK if engines can read tables with this schema: ids are positive and unique, names unique in their struct and not empty,
/// lists and maps have their parts, decimals at most 38 digits. InvalidArgument says what is wrong.
absl::Status CheckSchema(const Schema& schema);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_SCHEMA_JSON_H_
