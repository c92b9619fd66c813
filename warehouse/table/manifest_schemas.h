#ifndef MILLRACE_WAREHOUSE_TABLE_MANIFEST_SCHEMAS_H_
#define MILLRACE_WAREHOUSE_TABLE_MANIFEST_SCHEMAS_H_

#include <string>
#include <vector>

#include "table/partition.h"
#include "table/types.h"

namespace millrace::warehouse {

/// The Avro schema of the entries of a manifest, as JSON. `types` are those of the partition fields.
std::string ManifestSchema(const PartitionSpec& spec, const std::vector<Type>& types);

/// The Avro schema of the entries of a manifest list, as JSON.
std::string ManifestListSchema();

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_TABLE_MANIFEST_SCHEMAS_H_
