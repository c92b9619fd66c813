#include "warehouse_commands/ddl.h"

#include <functional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "warehouse_commands/ddl_catalogs.h"
#include "warehouse_commands/engine_text.h"

namespace millrace {
namespace {

using warehouse::ColumnInfo;
using warehouse::TableInfo;
using Tables = std::vector<TableInfo>;

std::string FullName(const TableInfo& table) { return absl::StrCat(QuoteName(table.name_space), ".", QuoteName(table.table)); }

std::string CreateSchemas(const Tables& tables) {
  std::set<std::string> schemas;
  for (const TableInfo& table : tables) schemas.insert(table.name_space);
  std::string text;
  for (const std::string& schema : schemas) absl::StrAppend(&text, "CREATE SCHEMA IF NOT EXISTS ", QuoteName(schema), ";\n");
  return text;
}

/// `kind` is TABLE or VIEW.
std::string Comments(const std::string& kind, const TableInfo& table) {
  std::string text;
  if (const auto comment = table.properties.find("comment"); comment != table.properties.end()) {
    absl::StrAppend(&text, "COMMENT ON ", kind, " ", FullName(table), " IS ", QuoteText(comment->second), ";\n");
  }
  for (const ColumnInfo& column : table.columns) {
    if (column.doc.empty()) continue;
    absl::StrAppend(&text, "COMMENT ON COLUMN ", FullName(table), ".", QuoteName(column.name), " IS ", QuoteText(column.doc),
                    ";\n");
  }
  return text;
}

/// What DuckDB must be told about S3, as a comment: credentials are nothing to print.
std::string DuckDbSecret(const WarehouseAddress& address) {
  std::string options = "TYPE s3, PROVIDER credential_chain";
  if (const std::string region = address.Get("s3.region"); !region.empty()) {
    absl::StrAppend(&options, ", REGION ", QuoteText(region));
  }
  if (const std::string endpoint = address.Get("s3.endpoint"); !endpoint.empty()) {
    absl::StrAppend(&options, ", ENDPOINT ", QuoteText(endpoint.substr(endpoint.find("://") + 3)),
                    endpoint.rfind("http://", 0) == 0 ? ", USE_SSL false" : "");
  }
  if (address.Get("s3.path-style-access") == "true") absl::StrAppend(&options, ", URL_STYLE 'path'");
  return absl::StrCat("-- Credentials are those of the environment after: INSTALL aws; LOAD aws; CREATE SECRET (", options,
                      ");\n");
}

absl::StatusOr<std::string> DuckDb(const Tables& tables, const WarehouseAddress& address) {
  if (address.is_hdfs()) return absl::InvalidArgumentError("DuckDB reads no HDFS: read these tables with Spark");
  const bool by_folder = address.catalog == "fs";
  std::string text = "INSTALL iceberg;\nLOAD iceberg;\n";
  if (address.is_s3()) absl::StrAppend(&text, "INSTALL httpfs;\nLOAD httpfs;\n", DuckDbSecret(address));
  if (!by_folder) {
    text +=
        "-- The catalog knows which metadata file of a table is the present one; these views name it, and show the tables as "
        "they are\n"
        "-- now. Run what this command prints again to see newer commits.\n";
  }
  text += CreateSchemas(tables);
  for (const TableInfo& table : tables) {
    std::string path = by_folder ? table.location : table.metadata_file;
    if (address.scheme == "file") path = path.substr(path.find('/', path.find(':') + 3));
    absl::StrAppend(&text, "CREATE OR REPLACE VIEW ", FullName(table), " AS SELECT * FROM iceberg_scan(", QuoteText(path), ");\n",
                    Comments("VIEW", table));
  }
  return text;
}

absl::StatusOr<std::string> Postgres(const Tables& tables, const WarehouseAddress& /*address*/) {
  std::string text = CreateSchemas(tables);
  for (const TableInfo& table : tables) {
    absl::StrAppend(&text, "CREATE TABLE IF NOT EXISTS ", FullName(table), " (");
    const char* separator = "\n  ";
    for (const ColumnInfo& column : table.columns) {
      absl::StrAppend(&text, separator, QuoteName(column.name), " ", PostgresType(column), column.required ? " NOT NULL" : "");
      separator = ",\n  ";
    }
    absl::StrAppend(&text, "\n);\n", Comments("TABLE", table));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> Ddl(const std::string& engine, const Tables& tables, const WarehouseAddress& address) {
  using Print = std::function<absl::StatusOr<std::string>(const Tables&, const WarehouseAddress&)>;
  const std::map<std::string, Print> engines = {
      {"spark", SparkDdl}, {"trino", TrinoDdl}, {"athena", AthenaDdl}, {"duckdb", DuckDb}, {"postgres", Postgres}};
  const auto found = engines.find(engine);
  if (found == engines.end()) {
    return absl::InvalidArgumentError(absl::StrCat("--engine ", engine, ": expected spark, trino, athena, duckdb or postgres"));
  }
  return found->second(tables, address);
}

}  // namespace millrace
