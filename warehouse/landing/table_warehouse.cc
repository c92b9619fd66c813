#include "landing/table_warehouse.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "landing/topic_landing.h"
#include "reading/day_column.h"
#include "reading/table_info.h"
#include "reading/table_rows.h"
#include "table/snapshot_producer.h"
#include "table/table_scan.h"

namespace millrace::warehouse {
namespace {

constexpr int kResetAttempts = 20;

// "<application>-<topic>-<process>-<random>.parquet"
bool IsLeft(const std::string& name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '-');
  int process = 0;
  if (parts.size() < 3 || !absl::SimpleAtoi(parts[parts.size() - 2], &process)) return false;
  return kill(process, 0) != 0 && errno == ESRCH;
}

absl::Status PrepareSpool(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || access(folder.c_str(), W_OK) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("files cannot be written in ", folder, ": ", error ? error.message() : "no permission", " (state.dir)"));
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (IsLeft(entry.path().filename())) std::filesystem::remove(entry.path(), error);
  }
  return absl::OkStatus();
}

}  // namespace

int64_t SystemClock() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

TableWarehouse::TableWarehouse(std::shared_ptr<Storage> storage, std::shared_ptr<Catalog> catalog, std::string spool_folder,
                               TableCommitter::Clock clock, std::map<std::string, std::string> table_defaults)
    : storage_(std::move(storage)),
      catalog_(std::move(catalog)),
      spool_folder_(std::move(spool_folder)),
      clock_(std::move(clock)),
      table_defaults_(std::move(table_defaults)) {}

absl::StatusOr<std::unique_ptr<TableWarehouse>> TableWarehouse::Open(std::shared_ptr<Storage> storage,
                                                                     std::shared_ptr<Catalog> catalog,
                                                                     const std::string& spool_folder, TableCommitter::Clock clock,
                                                                     std::map<std::string, std::string> table_defaults) {
  if (!spool_folder.empty()) {
    if (absl::Status status = PrepareSpool(spool_folder); !status.ok()) return status;
    if (absl::Status status = catalog->Probe(); !status.ok()) return status;
  }
  return std::unique_ptr<TableWarehouse>(
      new TableWarehouse(std::move(storage), std::move(catalog), spool_folder, std::move(clock), std::move(table_defaults)));
}

absl::StatusOr<std::unique_ptr<TableLanding>> TableWarehouse::OpenLanding(const LandingDescription& description) {
  if (spool_folder_.empty()) return absl::FailedPreconditionError("the warehouse was opened for reading only");
  LandingDescription with_defaults = description;
  with_defaults.settings.insert(table_defaults_.begin(), table_defaults_.end());
  return TopicLanding::Open(catalog_.get(), storage_.get(), with_defaults, spool_folder_, clock_);
}

absl::StatusOr<std::vector<TableInfo>> TableWarehouse::Tables() {
  absl::StatusOr<std::vector<TableName>> names = catalog_->List();
  if (!names.ok()) return names.status();
  std::vector<TableInfo> tables;
  for (const TableName& name : *names) {
    absl::StatusOr<LoadedTable> table = catalog_->Load(name);
    if (absl::IsNotFound(table.status())) continue;  // dropped meanwhile
    if (!table.ok()) return table.status();
    tables.push_back(DescribeTable(name, *table));
  }
  return tables;
}

absl::StatusOr<std::vector<std::string>> TableWarehouse::TablesLandedBy(const std::string& application_id) {
  absl::StatusOr<std::vector<TableName>> names = catalog_->List();
  if (!names.ok()) return names.status();
  const std::string prefix = LandedPositions::PropertyName(application_id, "");
  std::vector<std::string> landed;
  for (const TableName& name : *names) {
    absl::StatusOr<LoadedTable> table = catalog_->Load(name);
    if (absl::IsNotFound(table.status())) continue;  // dropped meanwhile
    if (!table.ok()) return table.status();
    const auto& properties = table->metadata.properties;
    const auto first = properties.lower_bound(prefix);
    if (first != properties.end() && first->first.starts_with(prefix)) landed.push_back(name.ToString());
  }
  return landed;
}

absl::Status TableWarehouse::ResetPositions(const std::string& application_id, bool remove_rows) {
  absl::StatusOr<std::vector<TableName>> names = catalog_->List();
  if (!names.ok()) return names.status();
  const std::string prefix = LandedPositions::PropertyName(application_id, "");
  for (const TableName& name : *names) {
    if (absl::Status status = ResetPositionsIn(name, prefix, remove_rows); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat("table ", name.ToString(), ": ", std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RowReader>> TableWarehouse::ReadTable(const ReadDescription& description) {
  absl::StatusOr<LoadedTable> table = catalog_->Load({description.name_space, description.table});
  if (!table.ok()) return table.status();
  return TableRows::Open(storage_.get(), table->metadata, description);
}

absl::StatusOr<TableDays> TableWarehouse::Days(const std::string& name_space, const std::string& table,
                                               const std::string& column) {
  const TableName name{name_space, table};
  absl::StatusOr<LoadedTable> loaded = catalog_->Load(name);
  if (!loaded.ok()) return loaded.status();
  return FindDays(storage_.get(), loaded->metadata, column, DescribeTable(name, *loaded).valid_through_ms);
}

absl::Status TableWarehouse::RemoveRows(const TableMetadata& metadata, const std::string& prefix, SnapshotProducer* producer) {
  for (const auto& [property, value] : metadata.properties) {
    if (!property.starts_with(prefix) && property.find(LandedPositions::PropertyName("", "")) != std::string::npos) {
      return absl::FailedPreconditionError(
          absl::StrCat("another application has rows in it as well (property ", property, "): they cannot all be taken out"));
    }
  }
  const Snapshot* current = metadata.current_snapshot();
  if (current == nullptr) return absl::OkStatus();
  absl::StatusOr<std::vector<LiveFile>> files = ReadLiveFiles(*storage_, metadata, *current);
  if (!files.ok()) return files.status();
  std::vector<std::string> paths;
  for (const LiveFile& live : *files) paths.push_back(live.file.path);
  producer->Remove(std::move(paths), SnapshotProducer::Removal::kDelete);
  return absl::OkStatus();
}

// With a snapshot, also if it changes no row: catalogs that compare snapshots only would let somebody pass who read the positions
// before.
absl::Status TableWarehouse::ResetPositionsIn(const TableName& name, const std::string& prefix, bool remove_rows) {
  for (int attempt = 0; attempt < kResetAttempts; ++attempt) {
    absl::StatusOr<LoadedTable> table = catalog_->Load(name);
    if (absl::IsNotFound(table.status())) return absl::OkStatus();
    if (!table.ok()) return table.status();
    TableUpdate update;
    for (const auto& [property, value] : table->metadata.properties) {
      if (property.starts_with(prefix)) update.removed_properties.push_back(property);
    }
    if (update.removed_properties.empty()) return absl::OkStatus();
    SnapshotProducer producer(storage_.get());
    if (remove_rows) {
      if (absl::Status status = RemoveRows(table->metadata, prefix, &producer); !status.ok()) return status;
      update.removed_properties.emplace_back(kValidThrough);
    }
    absl::StatusOr<Snapshot> snapshot = producer.Build(table->metadata, {{"millrace.reset", prefix}}, clock_());
    if (!snapshot.ok()) return snapshot.status();
    update.snapshot = *std::move(snapshot);
    absl::StatusOr<std::optional<LoadedTable>> done = catalog_->Commit(name, *table, update);
    if (!done.ok()) return done.status();
    if (done->has_value()) return absl::OkStatus();
  }
  return absl::UnavailableError("it is committed by others all the time: stop who lands in it");
}

}  // namespace millrace::warehouse
