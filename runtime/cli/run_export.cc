#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/cli.h"
#include "cli/export_csv.h"
#include "cli/warehouse_flags.h"
#include "config/client_properties.h"
#include "host/host.h"
#include "landing/landing_settings.h"
#include "landing/warehouse_module.h"
#include "log/kafka/kafka_log.h"
#include "logging/client_log.h"
#include "warehouse_commands/table_listing.h"

namespace millrace {
namespace {

std::vector<std::string> ColumnsOf(const ExportFlags& flags) { return absl::StrSplit(flags.columns, ',', absl::SkipEmpty()); }

absl::Status CheckFlags(const ExportFlags& flags) {
  const auto wrong = [](const std::string& message) { return absl::InvalidArgumentError(message); };
  if (flags.table.empty() == flags.topic.empty()) return wrong("give either --table or --topic");
  if (!flags.topic.empty() && (flags.snapshot || !flags.day.empty() || !flags.daily.empty())) {
    return wrong("--snapshot, --day and --daily are of tables: a topic is exported whole");
  }
  if (flags.topic.empty() && (!flags.message.empty() || flags.skip_errors)) {
    return wrong("--message and --skip-errors are of topics");
  }
  if (flags.daily.empty() != flags.folder.empty()) return wrong("--daily COLUMN and --dir DIR go together");
  if (!flags.daily.empty() && (!flags.day.empty() || flags.output != "-" || flags.snapshot)) {
    return wrong("--daily writes its files in --dir from the newest snapshot: --day, --output and --snapshot do not go with it");
  }
  if (flags.rewrite && flags.daily.empty()) return wrong("--rewrite goes with --daily");
  if (flags.days < 1) return wrong("--days is a number from 1");
  return absl::OkStatus();
}

absl::StatusOr<int> ExportTables(const StreamsConfig& config, const ExportFlags& flags) {
  auto opened = OpenToRead(config);
  if (!opened.ok()) return opened.status();
  auto all = (*opened)->Tables();
  if (!all.ok()) return all.status();
  auto tables = SelectTables(*std::move(all), {flags.table});
  if (!tables.ok()) return tables.status();
  const warehouse::TableInfo& table = tables->front();
  const CsvOptions csv{flags.byte_order_mark, flags.raw};
  if (!flags.daily.empty()) {
    const DailyOptions daily{flags.folder, flags.daily, ColumnsOf(flags), csv, flags.days, flags.rewrite};
    absl::StatusOr<bool> whole = ExportDays(opened->get(), table.name_space, table.table, daily);
    if (!whole.ok()) return whole.status();
    return *whole ? kExitOk : kExitFailed;
  }
  warehouse::ReadDescription description;
  description.name_space = table.name_space;
  description.table = table.table;
  description.snapshot = flags.snapshot;
  description.columns = ColumnsOf(flags);
  if (!flags.day.empty()) {
    const size_t equals = flags.day.rfind('=');
    const std::optional<int64_t> day = equals == std::string::npos ? std::nullopt : ParseDay(flags.day.substr(equals + 1));
    if (!day) return absl::InvalidArgumentError(absl::StrCat("--day ", flags.day, ": expected COLUMN=YYYY-MM-DD"));
    description.day = {flags.day.substr(0, equals), *day};
  }
  absl::StatusOr<int64_t> rows = ExportTable(opened->get(), description, csv, flags.output);
  if (!rows.ok()) return rows.status();
  fprintf(stderr, "%lld rows\n", static_cast<long long>(*rows));
  return kExitOk;
}

absl::StatusOr<int> ExportRecords(const StreamsConfig& config, const ExportFlags& flags, const std::vector<LandedTopic>& topics) {
  auto description = DescribeTopic(config, topics, flags.topic, flags.message);
  if (!description.ok()) return description.status();
  auto rows = OpenRecordRows(*description, ColumnsOf(flags));
  if (!rows.ok()) return rows.status();
  auto properties = MakeClientProperties(config);
  if (!properties.ok()) return properties.status();
  auto client = log::kafka::Connect(*properties, LogClientLine);
  if (!client.ok()) return client.status();
  const CsvOptions csv{flags.byte_order_mark, flags.raw};
  auto done = ExportTopic(client->get(), &Host::Real(), flags.topic, rows->get(), flags.skip_errors, csv, flags.output);
  if (!done.ok()) return done.status();
  fprintf(stderr, "%lld rows", static_cast<long long>(done->rows));
  if (done->skipped > 0) fprintf(stderr, ", %lld records that are no rows were left out", static_cast<long long>(done->skipped));
  fputs("\n", stderr);
  return kExitOk;
}

}  // namespace

int ExportCsv(const StreamsConfig& config, const ExportFlags& flags, const std::vector<LandedTopic>& topics) {
  ConfigureLoggingFrom(config);
  if (const absl::Status status = CheckFlags(flags); !status.ok()) return PrintError(status), kExitUsage;
  const absl::StatusOr<int> code = flags.topic.empty() ? ExportTables(config, flags) : ExportRecords(config, flags, topics);
  return code.ok() ? *code : ErrorExit(code.status());
}

}  // namespace millrace
