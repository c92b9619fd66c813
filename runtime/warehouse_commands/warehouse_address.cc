#include "warehouse_commands/warehouse_address.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace {
namespace {

/// postgresql://user:password@host:port/database?sslmode=require; the password is left out.
absl::Status ReadPostgres(const std::string& address, WarehouseAddress* result) {
  const size_t begin = address.find("://");
  const std::string scheme = address.substr(0, begin);
  if (begin == std::string::npos || (scheme != "postgresql" && scheme != "postgres")) {
    return absl::InvalidArgumentError(
        "warehouse.catalog.uri: engines in Java want it as postgresql://user@host:port/database; write it so");
  }
  std::string rest = address.substr(begin + 3);
  const size_t slash = rest.find('/');
  const size_t at = rest.rfind('@', slash);
  if (at != std::string::npos) {
    const std::string user = rest.substr(0, at);
    result->jdbc_user = user.substr(0, user.find(':'));
    rest.erase(0, at + 1);
  }
  const size_t question = rest.find('?');
  std::string kept;
  if (question != std::string::npos) {
    // The others are libpq's own, or secrets.
    for (const std::string& option : std::vector<std::string>(absl::StrSplit(rest.substr(question + 1), '&'))) {
      if (absl::StartsWith(option, "sslmode=")) kept = absl::StrCat("?", option);
    }
    rest.resize(question);
  }
  result->jdbc_url = absl::StrCat("jdbc:postgresql://", rest, kept);
  return absl::OkStatus();
}

}  // namespace

std::string WarehouseAddress::Get(const std::string& setting) const {
  const auto found = settings.find(setting);
  return found == settings.end() ? "" : found->second;
}

bool WarehouseAddress::is_glue() const {
  const std::string name = Get("rest.signing-name");
  return catalog == "rest" && Get("rest.sigv4-enabled") == "true" && (name.empty() || name == "glue");
}

absl::StatusOr<WarehouseAddress> WarehouseAddress::From(const std::map<std::string, std::string>& settings) {
  WarehouseAddress address;
  address.settings = settings;
  address.catalog = address.Get("catalog");
  address.catalog_name = address.Get("catalog.name");
  if (address.catalog_name.empty()) address.catalog_name = "millrace";
  address.uri = address.Get("uri");
  address.scheme = address.uri.substr(0, address.uri.find(':'));
  while (address.uri.size() > address.scheme.size() + 4 && address.uri.back() == '/') address.uri.pop_back();
  if (address.catalog == "rest") address.catalog_uri = address.Get("catalog.uri");
  if (address.catalog == "sql") {
    if (absl::Status status = ReadPostgres(address.Get("catalog.uri"), &address); !status.ok()) return status;
  }
  return address;
}

}  // namespace millrace
