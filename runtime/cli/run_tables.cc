#include <cstdio>

#include "cli/cli.h"
#include "cli/warehouse_flags.h"
#include "host/host.h"
#include "landing/landing_settings.h"
#include "landing/warehouse_module.h"
#include "warehouse_commands/table_listing.h"

namespace millrace {
namespace {

absl::StatusOr<std::string> TablesText(const StreamsConfig& config, const TablesFlags& flags) {
  auto opened = OpenToRead(config);
  if (!opened.ok()) return opened.status();
  auto all = (*opened)->Tables();
  if (!all.ok()) return all.status();
  auto tables = SelectTables(*std::move(all), flags.table.empty() ? std::vector<std::string>() : std::vector{flags.table});
  if (!tables.ok()) return tables.status();
  if (flags.json) return TablesAsJson(*tables);
  const int64_t now_ms = Host::Real().Now().millis();
  return flags.table.empty() ? ListTables(*tables, now_ms) : DescribeTable(tables->front(), now_ms);
}

}  // namespace

absl::StatusOr<std::unique_ptr<warehouse::Warehouse>> OpenToRead(const StreamsConfig& config) {
  auto settings = WarehouseSettingsFrom(config);
  if (!settings.ok()) return settings.status();
  (*settings)["spool.dir"] = "";
  return OpenWarehouse(*settings);
}

int PrintTables(const StreamsConfig& config, const TablesFlags& flags) {
  ConfigureLoggingFrom(config);
  const absl::StatusOr<std::string> text = TablesText(config, flags);
  if (!text.ok()) return ErrorExit(text.status());
  fputs(text->c_str(), stdout);
  return kExitOk;
}

}  // namespace millrace
