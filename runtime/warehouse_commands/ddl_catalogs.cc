#include "warehouse_commands/ddl_catalogs.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "warehouse_commands/engine_text.h"

namespace millrace {
namespace {

using warehouse::ColumnInfo;
using warehouse::TableInfo;
using Tables = std::vector<TableInfo>;
using Lines = std::vector<std::pair<std::string, std::string>>;

constexpr char kSparkRuntime[] = "org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0";
// Glue's limits, in bytes.
constexpr size_t kGlueComment = 255;
constexpr size_t kGlueDescription = 2048;

std::set<std::string> NamespacesOf(const Tables& tables) {
  std::set<std::string> names;
  for (const TableInfo& table : tables) names.insert(table.name_space);
  return names;
}

void AddIfSet(const std::string& name, const std::string& value, Lines* lines) {
  if (!value.empty()) lines->emplace_back(name, value);
}

/// The catalog's properties, each behind "spark.sql.catalog.<name>".
Lines SparkCatalog(const WarehouseAddress& address) {
  Lines lines = {{"", "org.apache.iceberg.spark.SparkCatalog"}};
  if (address.catalog == "sql") {
    lines.emplace_back(".type", "jdbc");
    lines.emplace_back(".uri", address.jdbc_url);
    AddIfSet(".jdbc.user", address.jdbc_user, &lines);
    lines.emplace_back(".jdbc.schema-version", "V1");
  } else if (address.catalog == "rest") {
    lines.emplace_back(".type", "rest");
    lines.emplace_back(".uri", address.catalog_uri);
  } else {
    lines.emplace_back(".type", "hadoop");
  }
  if (address.catalog == "rest") {
    AddIfSet(".warehouse", address.Get("rest.warehouse"), &lines);
    if (address.Get("rest.sigv4-enabled") == "true") {
      lines.emplace_back(".rest.auth.type", "sigv4");
      const std::string name = address.Get("rest.signing-name");
      lines.emplace_back(".rest.signing-name", name.empty() ? "glue" : name);
      AddIfSet(".rest.signing-region", address.Get("rest.signing-region"), &lines);
    }
  } else {
    lines.emplace_back(".warehouse", address.uri);
  }
  if (address.is_s3() && address.catalog == "fs") {
    // This catalog lists folders, by Hadoop's own access to S3.
    lines.emplace_back(".hadoop.fs.s3.impl", "org.apache.hadoop.fs.s3a.S3AFileSystem");
    AddIfSet(".hadoop.fs.s3a.endpoint.region", address.Get("s3.region"), &lines);
    AddIfSet(".hadoop.fs.s3a.endpoint", address.Get("s3.endpoint"), &lines);
    AddIfSet(".hadoop.fs.s3a.path.style.access", address.Get("s3.path-style-access"), &lines);
  } else if (address.is_s3()) {
    lines.emplace_back(".io-impl", "org.apache.iceberg.aws.s3.S3FileIO");
    AddIfSet(".client.region", address.Get("s3.region"), &lines);
    AddIfSet(".s3.endpoint", address.Get("s3.endpoint"), &lines);
    AddIfSet(".s3.path-style-access", address.Get("s3.path-style-access"), &lines);
  }
  return lines;
}

std::string SparkPackages(const WarehouseAddress& address) {
  std::string packages = kSparkRuntime;
  if (address.catalog == "sql") packages += ",org.postgresql:postgresql:42.7.7";
  if (address.catalog == "fs" && address.is_s3()) return absl::StrCat(packages, ",org.apache.hadoop:hadoop-aws:3.4.2");
  if (address.is_s3() || address.is_glue()) packages += ",org.apache.iceberg:iceberg-aws-bundle:1.12.0";
  return packages;
}

std::string SparkTable(const TableInfo& table) {
  return absl::StrCat(QuoteName(table.name_space, '`'), ".", QuoteName(table.table, '`'));
}

Lines TrinoStorage(const WarehouseAddress& address) {
  if (!address.is_s3()) return {{"fs.hadoop.enabled", "true"}};
  Lines lines = {{"fs.native-s3.enabled", "true"}};
  AddIfSet("s3.region", address.Get("s3.region"), &lines);
  AddIfSet("s3.endpoint", address.Get("s3.endpoint"), &lines);
  AddIfSet("s3.path-style-access", address.Get("s3.path-style-access"), &lines);
  return lines;
}

Lines TrinoCatalog(const WarehouseAddress& address) {
  Lines lines = {{"connector.name", "iceberg"}};
  if (address.catalog == "sql") {
    lines.emplace_back("iceberg.catalog.type", "jdbc");
    lines.emplace_back("iceberg.jdbc-catalog.catalog-name", address.catalog_name);
    lines.emplace_back("iceberg.jdbc-catalog.schema-version", "V1");
    lines.emplace_back("iceberg.jdbc-catalog.driver-class", "org.postgresql.Driver");
    lines.emplace_back("iceberg.jdbc-catalog.connection-url", address.jdbc_url);
    AddIfSet("iceberg.jdbc-catalog.connection-user", address.jdbc_user, &lines);
    lines.emplace_back("iceberg.jdbc-catalog.connection-password", "${ENV:MILLRACE_CATALOG_PASSWORD}");
    lines.emplace_back("iceberg.jdbc-catalog.default-warehouse-dir", address.uri);
  } else {
    lines.emplace_back("iceberg.catalog.type", "rest");
    lines.emplace_back("iceberg.rest-catalog.uri", address.catalog_uri);
    AddIfSet("iceberg.rest-catalog.warehouse", address.Get("rest.warehouse"), &lines);
    if (address.Get("rest.sigv4-enabled") == "true") {
      lines.emplace_back("iceberg.rest-catalog.sigv4-enabled", "true");
      const std::string name = address.Get("rest.signing-name");
      lines.emplace_back("iceberg.rest-catalog.signing-name", name.empty() ? "glue" : name);
    } else if (!address.Get("rest.token-file").empty()) {
      lines.emplace_back("iceberg.rest-catalog.security", "OAUTH2");
      lines.emplace_back("iceberg.rest-catalog.oauth2.token", "${ENV:MILLRACE_REST_TOKEN}");
    }
  }
  return lines;
}

/// Trino has names in small letters only.
std::string TrinoRegistrations(const Tables& tables) {
  std::string text =
      "-- Trino has no catalog for tables that are in a file system only. These lines register them in a catalog \"millrace\" "
      "that it\n"
      "-- has, with iceberg.register-table-procedure.enabled=true. A registration is the table as it was at that commit; to see "
      "newer\n"
      "-- ones call unregister_table(schema_name, table_name), and run what this command prints then.\n";
  for (const std::string& name : NamespacesOf(tables)) {
    absl::StrAppend(&text, "CREATE SCHEMA IF NOT EXISTS millrace.", QuoteName(name), ";\n");
  }
  for (const TableInfo& table : tables) {
    const std::string file = table.metadata_file.substr(table.metadata_file.rfind('/') + 1);
    absl::StrAppend(&text, "CALL millrace.system.register_table(schema_name => ", QuoteText(table.name_space), ", table_name => ",
                    QuoteText(table.table), ", table_location => ", QuoteText(table.location), ", metadata_file_name => ",
                    QuoteText(file), ");\n");
  }
  return text;
}

/// In one line, cut between characters where it is too long for Glue.
std::string GlueText(std::string text, size_t limit) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  if (text.size() <= limit) return text;
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

nlohmann::ordered_json GlueColumns(const TableInfo& table) {
  nlohmann::ordered_json columns = nlohmann::ordered_json::array();
  for (const ColumnInfo& column : table.columns) {
    nlohmann::ordered_json& json = columns.emplace_back();
    json["Name"] = column.name;
    json["Type"] = HiveType(column);
    if (!column.doc.empty()) json["Comment"] = GlueText(column.doc, kGlueComment);
    json["Parameters"] = {{"iceberg.field.id", absl::StrCat(column.id)},
                          {"iceberg.field.optional", column.required ? "false" : "true"},
                          {"iceberg.field.current", "true"}};
  }
  return columns;
}

}  // namespace

absl::StatusOr<std::string> SparkDdl(const Tables& tables, const WarehouseAddress& address) {
  const std::string& catalog = address.catalog_name;
  std::string text = absl::StrCat("-- Start Spark with --packages ", SparkPackages(address), "\n");
  if (address.catalog == "sql") {
    absl::StrAppend(&text, "-- and the password of PostgreSQL as --conf spark.sql.catalog.", catalog, ".jdbc.password=...\n");
  } else if (address.catalog == "rest" && !address.Get("rest.token-file").empty()) {
    absl::StrAppend(&text, "-- and the bearer token as --conf spark.sql.catalog.", catalog, ".token=...\n");
  }
  for (const auto& [name, value] : SparkCatalog(address)) {
    // Without quotes Spark takes no dash in a name.
    absl::StrAppend(&text, "SET ", QuoteName(absl::StrCat("spark.sql.catalog.", catalog, name), '`'), "=", QuoteName(value, '`'),
                    ";\n");
  }
  text += "-- The tables describe themselves.\n";
  for (const TableInfo& table : tables)
    absl::StrAppend(&text, "DESCRIBE TABLE ", QuoteName(catalog, '`'), ".", SparkTable(table), ";\n");
  return text;
}

absl::StatusOr<std::string> TrinoDdl(const Tables& tables, const WarehouseAddress& address) {
  if (address.catalog == "fs") return TrinoRegistrations(tables);
  std::string text =
      absl::StrCat("# etc/catalog/", address.catalog_name, ".properties: the tables are there then, with their descriptions.\n");
  for (const Lines& lines : {TrinoCatalog(address), TrinoStorage(address)}) {
    for (const auto& [name, value] : lines) absl::StrAppend(&text, name, "=", value, "\n");
  }
  return text;
}

std::string GlueTableJson(const TableInfo& table) {
  nlohmann::ordered_json input;
  input["Name"] = absl::AsciiStrToLower(table.table);
  if (const auto comment = table.properties.find("comment"); comment != table.properties.end()) {
    input["Description"] = GlueText(comment->second, kGlueDescription);
  }
  input["TableType"] = "EXTERNAL_TABLE";
  input["Parameters"] = {{"table_type", "ICEBERG"}, {"metadata_location", table.metadata_file}};
  input["StorageDescriptor"] = {{"Location", table.location}, {"Columns", GlueColumns(table)}};
  nlohmann::ordered_json json;
  json["DatabaseName"] = absl::AsciiStrToLower(table.name_space);
  json["TableInput"] = std::move(input);
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<std::string> AthenaDdl(const Tables& tables, const WarehouseAddress& address) {
  if (address.is_glue()) {
    return std::string(
        "# The catalog is AWS Glue's own: Athena sees the tables, and each new commit, without anything to run.\n");
  }
  if (!address.is_s3())
    return absl::FailedPreconditionError(absl::StrCat("Athena reads S3 only; the tables are in ", address.uri));
  std::string text =
      "# Registers each table as it is now. To see newer commits run `aws glue update-table` with the JSON that this command "
      "prints\n"
      "# then; or land with AWS Glue as the catalog (warehouse.catalog=rest), where Athena sees each commit.\n";
  for (const std::string& name : NamespacesOf(tables)) {
    const nlohmann::ordered_json database = {{"Name", absl::AsciiStrToLower(name)}};
    absl::StrAppend(&text, "aws glue create-database --database-input ", QuoteShellWord(database.dump()), "\n");
  }
  for (const TableInfo& table : tables) {
    absl::StrAppend(&text, "aws glue create-table --cli-input-json ", QuoteShellWord(GlueTableJson(table)), "\n");
  }
  return text;
}

}  // namespace millrace
