#include "serving/postgres_warehouse.h"

#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "serving/postgres_landing.h"
#include "serving/serving_columns.h"
#include "serving/serving_table.h"
#include "table/schema_json.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kCountedBytes = int64_t{64} << 20;

/// The schemas in which something has been landed that the user may read.
absl::StatusOr<std::vector<std::string>> NameSpaces(PostgresSession* session) {
  const auto found = session->Run(
      "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = $1 AND c.relkind = 'r' "
      "AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1",
      {kServingOffsets});
  if (!found.ok()) return found.status();
  std::vector<std::string> names;
  for (const auto& row : found->rows) names.push_back(row[0].value_or(""));
  return names;
}

int64_t NumberOf(const std::optional<std::string>& text) {
  int64_t number = 0;
  return text && absl::SimpleAtoi(*text, &number) ? number : 0;
}

absl::StatusOr<std::vector<ColumnInfo>> ColumnsOf(PostgresSession* session, const std::string& oid) {
  const auto found = session->Run(
      "SELECT attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum) FROM pg_attribute "
      "WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
      {oid});
  if (!found.ok()) return found.status();
  std::vector<ColumnInfo> columns;
  for (const auto& row : found->rows) {
    ColumnInfo& column = columns.emplace_back();
    column.id = static_cast<int>(columns.size());
    column.name = row[0].value_or("");
    column.type = row[1].value_or("");
    column.required = row[2] == "t";
    column.doc = row[3].value_or("");
  }
  return columns;
}

absl::StatusOr<std::vector<TableInfo>> TablesIn(PostgresSession* session, const std::string& name_space) {
  const auto found = session->Run(
      absl::StrCat("SELECT t.table_name, c.oid, pg_total_relation_size(c.oid), pg_relation_size(c.oid), c.reltuples::bigint, ",
                   "(extract(epoch FROM max(o.committed_at)) * 1000)::bigint, min(o.stream_time_ms) FROM ",
                   Quoted(name_space, kServingTables), " t JOIN pg_namespace n ON n.nspname = $1 ",
                   "JOIN pg_class c ON c.relname = t.table_name AND c.relnamespace = n.oid LEFT JOIN ",
                   Quoted(name_space, kServingOffsets),
                   " o ON o.table_name = t.table_name WHERE has_table_privilege(c.oid, 'SELECT') "
                   "GROUP BY t.table_name, c.oid, c.reltuples ORDER BY t.table_name"),
      {name_space});
  if (!found.ok()) return found.status();
  std::vector<TableInfo> tables;
  for (const auto& row : found->rows) {
    TableInfo& info = tables.emplace_back();
    info.name_space = name_space;
    info.table = row[0].value_or("");
    info.location = session->place();
    info.bytes = NumberOf(row[2]);
    info.rows = NumberOf(row[4]);
    if (info.rows < 0 || NumberOf(row[3]) < kCountedBytes) {
      const auto counted = session->Run(absl::StrCat("SELECT count(*) FROM ", Quoted(name_space, info.table)));
      if (!counted.ok()) return counted.status();
      info.rows = NumberOf(counted->rows.at(0).at(0));
    }
    info.last_commit_ms = NumberOf(row[5]);
    if (row[6]) info.valid_through_ms = NumberOf(row[6]);
    absl::StatusOr<std::vector<ColumnInfo>> columns = ColumnsOf(session, row[1].value_or(""));
    if (!columns.ok()) return columns.status();
    info.columns = *std::move(columns);
  }
  return tables;
}

/// The tables of a schema that hold rows of the application, by its positions.
absl::StatusOr<std::vector<std::string>> LandedIn(PostgresSession* session, const std::string& name_space,
                                                  const std::string& application_id) {
  const auto found = session->Run(
      absl::StrCat("SELECT DISTINCT table_name FROM ", Quoted(name_space, kServingOffsets), " WHERE application = $1 ORDER BY 1"),
      {application_id});
  if (!found.ok()) return found.status();
  std::vector<std::string> tables;
  for (const auto& row : found->rows) tables.push_back(row[0].value_or(""));
  return tables;
}

absl::Status RemoveRows(PostgresSession* session, const std::string& name_space, const std::string& application_id) {
  const absl::StatusOr<std::vector<std::string>> tables = LandedIn(session, name_space, application_id);
  if (!tables.ok()) return tables.status();
  for (const std::string& table : *tables) {
    const auto others = session->Run(absl::StrCat("SELECT application FROM ", Quoted(name_space, kServingOffsets),
                                                  " WHERE table_name = $1 AND application <> $2 LIMIT 1"),
                                     {table, application_id});
    if (!others.ok()) return others.status();
    if (!others->rows.empty()) {
      return absl::FailedPreconditionError(absl::StrCat("table ", name_space, ".", table, ": application ",
                                                        others->rows[0][0].value_or(""),
                                                        " has rows in it as well: they cannot all be taken out"));
    }
    const auto right = session->Run(
        "SELECT has_table_privilege(c.oid, 'TRUNCATE') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = $1 AND c.relname = $2",
        {name_space, table});
    if (!right.ok()) return right.status();
    if (right->rows.empty()) continue;  // it was dropped
    const char* const how = right->rows[0][0] == "t" ? "TRUNCATE " : "DELETE FROM ";
    if (absl::Status status = session->Run(absl::StrCat(how, Quoted(name_space, table))).status(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

bool PostgresWarehouse::IsAddress(const std::string& uri) {
  return uri.starts_with("postgresql://") || uri.starts_with("postgres://");
}

absl::StatusOr<std::unique_ptr<PostgresWarehouse>> PostgresWarehouse::Open(std::map<std::string, std::string> settings) {
  const std::string address = settings["uri"];
  for (const char* name : {"uri", "catalog", "spool.dir"}) settings.erase(name);
  if (!settings.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(settings.begin()->first, ": a warehouse in PostgreSQL has no such setting; remove the line"));
  }
  if (absl::Status status = PostgresSession::CheckAddress(address); !status.ok()) return status;
  return std::unique_ptr<PostgresWarehouse>(new PostgresWarehouse(address));
}

absl::StatusOr<std::unique_ptr<TableLanding>> PostgresWarehouse::OpenLanding(const LandingDescription& description) {
  return PostgresLanding::Open(&pool_, description);
}

absl::StatusOr<std::vector<TableInfo>> PostgresWarehouse::Tables() {
  absl::StatusOr<SessionPool::Lease> lease = pool_.Acquire();
  if (!lease.ok()) return lease.status();
  const absl::StatusOr<std::vector<std::string>> name_spaces = NameSpaces(&lease->session());
  if (!name_spaces.ok()) return name_spaces.status();
  std::vector<TableInfo> tables;
  for (const std::string& name_space : *name_spaces) {
    absl::StatusOr<std::vector<TableInfo>> found = TablesIn(&lease->session(), name_space);
    if (!found.ok()) return found.status();
    for (TableInfo& info : *found) tables.push_back(std::move(info));
  }
  return tables;
}

absl::StatusOr<std::vector<std::string>> PostgresWarehouse::TablesLandedBy(const std::string& application_id) {
  absl::StatusOr<SessionPool::Lease> lease = pool_.Acquire();
  if (!lease.ok()) return lease.status();
  const absl::StatusOr<std::vector<std::string>> name_spaces = NameSpaces(&lease->session());
  if (!name_spaces.ok()) return name_spaces.status();
  std::vector<std::string> landed;
  for (const std::string& name_space : *name_spaces) {
    const absl::StatusOr<std::vector<std::string>> tables = LandedIn(&lease->session(), name_space, application_id);
    if (!tables.ok()) return tables.status();
    for (const std::string& table : *tables) landed.push_back(absl::StrCat(name_space, ".", table));
  }
  return landed;
}

absl::Status PostgresWarehouse::ResetPositions(const std::string& application_id, bool remove_rows) {
  absl::StatusOr<SessionPool::Lease> lease = pool_.Acquire();
  if (!lease.ok()) return lease.status();
  PostgresSession& session = lease->session();
  const absl::StatusOr<std::vector<std::string>> name_spaces = NameSpaces(&session);
  if (!name_spaces.ok()) return name_spaces.status();
  for (const std::string& name_space : *name_spaces) {
    Transaction transaction(&session);
    if (absl::Status status = transaction.Begin(); !status.ok()) return status;
    if (remove_rows) {
      if (absl::Status status = RemoveRows(&session, name_space, application_id); !status.ok()) return status;
    }
    const auto forgotten = session.Run(
        absl::StrCat("DELETE FROM ", Quoted(name_space, kServingOffsets), " WHERE application = $1"), {application_id});
    if (!forgotten.ok()) return forgotten.status();
    if (absl::Status status = transaction.Commit(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace millrace::warehouse
