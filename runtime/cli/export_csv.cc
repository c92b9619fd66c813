#include "cli/export_csv.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "warehouse_commands/csv.h"
#include "warehouse_commands/topic_rows.h"

namespace millrace {
namespace {

// Of text that waits to be written.
constexpr size_t kWriteBytes = size_t{1} << 20;
// Of records of a topic that wait to be rows of the file.
constexpr int64_t kPendingBytes = int64_t{4} << 20;
constexpr std::chrono::seconds kPatience{60};

/// A CSV file that grows row by row.
class CsvFile {
 public:
  static absl::StatusOr<CsvFile> Open(const std::vector<warehouse::ColumnInfo>& columns, const CsvOptions& options,
                                      const std::string& path) {
    absl::StatusOr<std::unique_ptr<Output>> output = OpenOutput(path);
    if (!output.ok()) return output.status();
    CsvFile file(*std::move(output), CsvRows(columns, options.raw));
    if (options.byte_order_mark) file.text_ = kByteOrderMark;
    file.csv_.AppendHeader(&file.text_);
    return file;
  }

  /// The rows that a reader gives next; 0: there were no more.
  absl::StatusOr<int64_t> Take(warehouse::RowReader* reader) {
    absl::Status written;
    absl::StatusOr<int64_t> count = reader->Read([&](const std::vector<NullableBytesView>& row) {
      csv_.AppendRow(row, &text_);
      if (text_.size() >= kWriteBytes && written.ok()) written = Write();
    });
    if (!count.ok()) return count;
    if (!written.ok()) return written;
    rows_ += *count;
    return count;
  }
  absl::Status Finish() {
    if (absl::Status status = Write(); !status.ok()) return status;
    return output_->Finish();
  }
  [[nodiscard]] int64_t rows() const { return rows_; }

 private:
  CsvFile(std::unique_ptr<Output> output, CsvRows csv) : output_(std::move(output)), csv_(std::move(csv)) {}

  absl::Status Write() {
    absl::Status status = output_->Append(text_);
    text_.clear();
    return status;
  }

  std::unique_ptr<Output> output_;
  CsvRows csv_;
  std::string text_;
  int64_t rows_ = 0;
};

std::string DayText(int64_t day) {
  const absl::CivilDay civil = absl::CivilDay(1970, 1, 1) + day;
  return absl::StrFormat("%04d-%02d-%02d", civil.year(), civil.month(), civil.day());
}

absl::StatusOr<int64_t> CountRows(warehouse::Warehouse* warehouse, warehouse::ReadDescription description) {
  description.columns = {description.day->column};
  absl::StatusOr<std::unique_ptr<warehouse::RowReader>> reader = warehouse->ReadTable(description);
  if (!reader.ok()) return reader.status();
  int64_t rows = 0;
  while (true) {
    absl::StatusOr<int64_t> count = (*reader)->Read([](const std::vector<NullableBytesView>& /*row*/) {});
    if (!count.ok()) return count;
    if (*count == 0) return rows;
    rows += *count;
  }
}

/// Without the header.
absl::StatusOr<int64_t> CountRowsOfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CsvLineCounter counter;
  std::string piece(size_t{1} << 16, '\0');
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())), file.gcount() > 0) {
    counter.Add(std::string_view(piece).substr(0, static_cast<size_t>(file.gcount())));
  }
  if (!file.eof()) return absl::UnavailableError(absl::StrCat("cannot read ", path));
  return counter.lines() - 1;
}

bool IsThere(const std::string& path) {
  struct stat about;
  return stat(path.c_str(), &about) == 0;
}

/// One day; true if its file has all rows afterwards.
absl::StatusOr<bool> ExportDay(warehouse::Warehouse* warehouse, const warehouse::ReadDescription& description,
                               const DailyOptions& options, const std::string& path) {
  bool again = false;
  if (IsThere(path)) {
    absl::StatusOr<int64_t> in_file = CountRowsOfFile(path);
    if (!in_file.ok()) return in_file.status();
    absl::StatusOr<int64_t> in_table = CountRows(warehouse, description);
    if (!in_table.ok()) return in_table.status();
    if (*in_file == *in_table) return true;
    const std::string differs = absl::StrCat("has ", *in_file, " rows, the table has ", *in_table, " of its day now");
    if (!options.rewrite) {
      printf("%s: %s; write it again with --rewrite\n", path.c_str(), differs.c_str());
      return false;
    }
    printf("%s: %s\n", path.c_str(), differs.c_str());
    again = true;
  }
  absl::StatusOr<int64_t> rows = ExportTable(warehouse, description, options.csv, path);
  if (!rows.ok()) return rows.status();
  printf("%s: %lld rows%s\n", path.c_str(), static_cast<long long>(*rows), again ? ", written again" : "");
  return true;
}

}  // namespace

absl::StatusOr<int64_t> ExportTable(warehouse::Warehouse* warehouse, const warehouse::ReadDescription& description,
                                    const CsvOptions& options, const std::string& path) {
  absl::StatusOr<std::unique_ptr<warehouse::RowReader>> reader = warehouse->ReadTable(description);
  if (!reader.ok()) return reader.status();
  absl::StatusOr<CsvFile> file = CsvFile::Open((*reader)->columns(), options, path);
  if (!file.ok()) return file.status();
  while (true) {
    absl::StatusOr<int64_t> count = file->Take(reader->get());
    if (!count.ok()) return count;
    if (*count == 0) break;
  }
  if (absl::Status status = file->Finish(); !status.ok()) return status;
  return file->rows();
}

absl::StatusOr<TopicExport> ExportTopic(log::LogClient* client, Host* host, const std::string& topic, warehouse::RecordRows* rows,
                                        bool skip_errors, const CsvOptions& options, const std::string& path) {
  absl::StatusOr<CsvFile> file = CsvFile::Open(rows->columns(), options, path);
  if (!file.ok()) return file.status();
  TopicExport done;
  absl::Status status =
      ReadCommittedRecords(client, host, topic, kPatience, [&](int32_t partition, const RawRecord& record) -> absl::Status {
        absl::Status appended = rows->Append(partition, record.offset, record.timestamp.millis(), record.key, record.value);
        if (absl::IsInvalidArgument(appended) && skip_errors) {
          ++done.skipped;
        } else if (!appended.ok()) {
          return absl::Status(appended.code(), absl::StrCat(topic, "-", partition, " offset ", record.offset, ": ",
                                                            std::string(appended.message())));
        }
        return rows->pending_bytes() < kPendingBytes ? absl::OkStatus() : file->Take(rows).status();
      });
  if (status.ok()) status = file->Take(rows).status();
  if (status.ok()) status = file->Finish();
  if (!status.ok()) return status;
  done.rows = file->rows();
  return done;
}

absl::StatusOr<bool> ExportDays(warehouse::Warehouse* warehouse, const std::string& name_space, const std::string& table,
                                const DailyOptions& options) {
  absl::StatusOr<warehouse::TableDays> days = warehouse->Days(name_space, table, options.column);
  if (!days.ok()) return days.status();
  if (!days->first || !days->last_complete || *days->first > *days->last_complete) {
    printf("%s.%s: no day is complete yet (time zone %s)\n", name_space.c_str(), table.c_str(), days->time_zone.c_str());
    return true;
  }
  if (absl::Status status = Host::Real().files().CreateDirectories(options.folder); !status.ok()) return status;
  const int64_t first = std::max(*days->first, *days->last_complete - options.days + 1);
  if (first > *days->first) {
    printf("%s.%s: days before %s are not looked at (--days)\n", name_space.c_str(), table.c_str(), DayText(first).c_str());
  }
  bool all = true;
  for (int64_t day = first; day <= *days->last_complete; ++day) {
    warehouse::ReadDescription description;
    description.name_space = name_space;
    description.table = table;
    description.snapshot = days->snapshot;
    description.columns = options.columns;
    description.day = {options.column, day};
    absl::StatusOr<bool> whole =
        ExportDay(warehouse, description, options, absl::StrCat(options.folder, "/", table, "-", DayText(day), ".csv"));
    if (!whole.ok()) return whole;
    all = all && *whole;
  }
  return all;
}

std::optional<int64_t> ParseDay(const std::string& text) {
  absl::CivilDay day;
  if (text.size() != 10 || !absl::ParseCivilTime(text, &day)) return std::nullopt;
  return day - absl::CivilDay(1970, 1, 1);
}

}  // namespace millrace
