#ifndef MILLRACE_WAREHOUSE_SERVING_COLUMN_JSON_H_
#define MILLRACE_WAREHOUSE_SERVING_COLUMN_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "parquet/row_batch.h"
#include "table/types.h"

namespace millrace::warehouse {

/// Appends the value at `row`, which is not null, as JSON for a jsonb column: structs are objects without the members that are
/// null, lists arrays, maps objects with their keys as text; numbers and decimals are numbers in full, what is no number of JSON
/// ("NaN", "Infinity", "-Infinity") text; bytes base64, dates and instants ISO 8601 in UTC. False, with the reason in `error`,
/// if a text holds a NUL character, which jsonb cannot.
bool AppendColumnJson(const Column& column, const Field& field, int64_t row, std::string* json, std::string* error);

/// Whether a text of JSON has a NUL character in one of its strings.
bool JsonHasNul(std::string_view json);

/// Why a text cannot be stored.
inline constexpr char kNulError[] = "holds a NUL character, which PostgreSQL cannot store in text";

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_SERVING_COLUMN_JSON_H_
