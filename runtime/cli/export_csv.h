#ifndef MILLRACE_RUNTIME_CLI_EXPORT_CSV_H_
#define MILLRACE_RUNTIME_CLI_EXPORT_CSV_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/whole_file.h"
#include "host/host.h"
#include "log/log.h"
#include "millrace/warehouse/warehouse.h"

namespace millrace {

struct CsvOptions {
  bool byte_order_mark = false;
  bool raw = false;  // see CsvRows
};

/// Rows of a table as a CSV file at `path` ("-": the standard output). How many.
absl::StatusOr<int64_t> ExportTable(warehouse::Warehouse* warehouse, const warehouse::ReadDescription& description,
                                    const CsvOptions& options, const std::string& path);

/// What became of the records of a topic.
struct TopicExport {
  int64_t rows = 0;
  int64_t skipped = 0;  // records that are no rows
};

/// The committed records of a topic that are there now as rows of a CSV file. A record that is no row ends it with
/// InvalidArgument, unless `skip_errors`.
absl::StatusOr<TopicExport> ExportTopic(log::LogClient* client, Host* host, const std::string& topic, warehouse::RecordRows* rows,
                                        bool skip_errors, const CsvOptions& options, const std::string& path);

struct DailyOptions {
  std::string folder;  // is made if it is not there
  std::string column;  // whose days they are
  std::vector<std::string> columns;
  CsvOptions csv;
  int64_t days = 31;     // how many complete days back are looked at
  bool rewrite = false;  // files that have not all rows of their day any more
};

/// Writes "<table>-YYYY-MM-DD.csv" in a folder for each day that is complete and has no file yet, also if the day has no rows; of
/// those that are there it counts the rows, and says which have got late ones since, or writes them again. What it does is
/// printed line by line. False: some file lacks rows.
absl::StatusOr<bool> ExportDays(warehouse::Warehouse* warehouse, const std::string& name_space, const std::string& table,
                                const DailyOptions& options);

/// Days since 1970-01-01 of "YYYY-MM-DD"; nullopt if there is no such day.
std::optional<int64_t> ParseDay(const std::string& text);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CLI_EXPORT_CSV_H_
