#include "landing/message_table.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

constexpr int kAttempts = 20;

}  // namespace

absl::Status MessageTable::Ensure(Catalog* catalog, TableCommitter* committer) const {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    absl::Status status = committer->Refresh();
    if (absl::IsNotFound(status)) {
      absl::StatusOr<PartitionSpec> partition_by = spec(columns.schema);
      if (!partition_by.ok()) return partition_by.status();
      std::map<std::string, std::string> all = properties;
      all[kColumnsProperty] = columns.record.Serialize();
      if (!role.empty()) all[kRoleProperty] = role;
      status = catalog->Create(name, columns.schema, *partition_by, all).status();
      if (!status.ok() && !absl::IsAlreadyExists(status)) return status;
      continue;
    }
    if (!status.ok()) return status;
    absl::StatusOr<bool> done = Evolve(catalog, committer->table());
    if (!done.ok()) return done.status();
    if (*done) return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("table ", name.ToString(), " is changed by others all the time"));
}

// True: the table has the columns of the message. False: it, or somebody else, has changed it, look again.
absl::StatusOr<bool> MessageTable::Evolve(Catalog* catalog, const LoadedTable& table) const {
  const TableMetadata& metadata = table.metadata;
  if (!metadata.properties.contains(kColumnsProperty)) {
    return absl::FailedPreconditionError(absl::StrCat("table ", name.ToString(),
                                                      " was not made by a landing: it lacks the property ", kColumnsProperty,
                                                      "; take another name"));
  }
  const auto present_role = metadata.properties.find(kRoleProperty);
  if ((present_role == metadata.properties.end() ? "" : present_role->second) != role) {
    return absl::FailedPreconditionError(
        absl::StrCat("table ", name.ToString(), " was made with another mode (append or upsert); take another name"));
  }
  absl::StatusOr<ColumnRecord> record = ColumnRecordOf(metadata);
  if (!record.ok()) return record.status();
  EvolutionPolicy policy = evolution;
  for (const PartitionField& field : metadata.spec().fields) policy.pinned.insert(field.source_id);
  absl::StatusOr<std::optional<EvolvedSchema>> evolved =
      EvolveSchema(metadata.schema(), *record, columns, metadata.last_column_id, policy);
  if (!evolved.ok()) return evolved.status();
  if (!evolved->has_value()) return true;
  TableUpdate update;
  if (!((*evolved)->schema == metadata.schema())) update.schema = (*evolved)->schema;
  update.set_properties = properties;
  update.set_properties[kColumnsProperty] = (*evolved)->record.Serialize();
  absl::StatusOr<std::optional<LoadedTable>> committed = catalog->Commit(name, table, update);
  // Lost, or not known: the next look at the table tells.
  if (!committed.ok() && !absl::IsUnavailable(committed.status()) && !absl::IsDeadlineExceeded(committed.status())) {
    return committed.status();
  }
  return false;
}

absl::StatusOr<ColumnRecord> ColumnRecordOf(const TableMetadata& table) {
  const auto written = table.properties.find(kColumnsProperty);
  return ColumnRecord::Parse(written == table.properties.end() ? "" : written->second);
}

}  // namespace millrace::warehouse
