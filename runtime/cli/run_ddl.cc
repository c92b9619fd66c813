#include <cstdio>

#include "cli/cli.h"
#include "cli/warehouse_flags.h"
#include "landing/landing_settings.h"
#include "warehouse_commands/ddl.h"
#include "warehouse_commands/table_listing.h"

namespace millrace {
namespace {

absl::StatusOr<std::string> DdlText(const StreamsConfig& config, const DdlFlags& flags) {
  auto settings = WarehouseSettingsFrom(config);
  if (!settings.ok()) return settings.status();
  auto address = WarehouseAddress::From(*settings);
  if (!address.ok()) return address.status();
  auto opened = OpenToRead(config);
  if (!opened.ok()) return opened.status();
  auto all = (*opened)->Tables();
  if (!all.ok()) return all.status();
  auto tables = SelectTables(*std::move(all), flags.tables);
  if (!tables.ok()) return tables.status();
  return Ddl(flags.engine, *tables, *address);
}

}  // namespace

int PrintDdl(const StreamsConfig& config, const DdlFlags& flags) {
  ConfigureLoggingFrom(config);
  const absl::StatusOr<std::string> text = DdlText(config, flags);
  if (!text.ok()) return ErrorExit(text.status());
  fputs(text->c_str(), stdout);
  return kExitOk;
}

}  // namespace millrace
