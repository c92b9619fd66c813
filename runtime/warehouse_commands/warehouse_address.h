#ifndef MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_WAREHOUSE_ADDRESS_H_
#define MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_WAREHOUSE_ADDRESS_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace millrace {

/// Where a warehouse is, as its settings say ("uri", "catalog", ...), in the parts that other engines want.
struct WarehouseAddress {
  std::string catalog;       // fs, sql, rest
  std::string catalog_name;  // of sql; engines name the same
  std::string uri;           // without a slash at its end
  std::string scheme;        // of the URI: file, s3, hdfs
  std::string catalog_uri;   // of rest
  std::string jdbc_url;      // of sql: "jdbc:postgresql://host:port/database"
  std::string jdbc_user;     // may be empty
  /// All settings, for those that one engine knows by another name.
  std::map<std::string, std::string> settings;

  /// InvalidArgument if the address of PostgreSQL is not one that drivers in Java can be told.
  static absl::StatusOr<WarehouseAddress> From(const std::map<std::string, std::string>& settings);

  /// Empty if nothing is said.
  [[nodiscard]] std::string Get(const std::string& setting) const;
  [[nodiscard]] bool is_s3() const { return scheme == "s3" || scheme == "s3a"; }
  [[nodiscard]] bool is_hdfs() const { return scheme == "hdfs" || scheme == "webhdfs" || scheme == "swebhdfs"; }
  /// A REST catalog that is that of AWS Glue.
  [[nodiscard]] bool is_glue() const;
};

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_WAREHOUSE_COMMANDS_WAREHOUSE_ADDRESS_H_
