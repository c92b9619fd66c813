#include "catalog/postgres_session.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

// What libpq takes at a time is an int.
constexpr size_t kCopyBytes = size_t{1} << 24;

std::string FirstLine(const char* text) {
  const std::string all = text == nullptr ? "" : text;
  return std::string(absl::StripAsciiWhitespace(all.substr(0, all.find('\n'))));
}

/// The server's transaction gave way to another, waited in vain, was ended from outside, or met a server that only reads, as
/// one is after another has taken its place: done again, it may succeed.
bool IsPassing(const std::string& code) {
  return code.starts_with("40") || code == "55P03" || code == "57014" || code == "25006" || code == "25P03";
}

/// What the server refused, by its code (PostgreSQL documentation, "Error Codes").
absl::Status ServerError(const PGresult* answer) {
  const char* field = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
  const std::string code = field == nullptr ? "" : field;
  const std::string what = absl::StrCat("PostgreSQL: ", FirstLine(PQresultErrorMessage(answer)), " (", code, ")");
  // The server is going away; it may have done the statement before it noticed.
  if (code.empty() || code.starts_with("08") || code.starts_with("57P")) return absl::UnavailableError(what);
  if (IsPassing(code)) return absl::UnavailableError(what);
  if (code == "23505" || code == "42P07" || code == "42710") return absl::AlreadyExistsError(what);
  if (code.starts_with("28") || code == "42501")
    return absl::PermissionDeniedError(absl::StrCat(what, "; grant the user the rights"));
  if (code.starts_with("53")) return absl::ResourceExhaustedError(what);
  return absl::FailedPreconditionError(what);
}

/// Options that notice a peer that is gone, where the address says nothing about them.
std::map<std::string, std::string> DefaultOptions() {
  return {{"connect_timeout", "10"}, {"keepalives_idle", "10"},     {"keepalives_interval", "5"},
          {"keepalives_count", "3"}, {"tcp_user_timeout", "30000"}, {"application_name", "millrace"}};
}

absl::Status Lost(const PGconn* connection) {
  return absl::UnavailableError(absl::StrCat("PostgreSQL: the connection was lost: ", FirstLine(PQerrorMessage(connection))));
}

PostgresSession::Result ResultOf(PGresult* answer) {
  PostgresSession::Result result;
  result.rows.resize(static_cast<size_t>(PQntuples(answer)));
  for (int row = 0; row < PQntuples(answer); ++row) {
    for (int column = 0; column < PQnfields(answer); ++column) {
      auto& value = result.rows[static_cast<size_t>(row)].emplace_back();
      if (PQgetisnull(answer, row, column) == 0) value = PQgetvalue(answer, row, column);
    }
  }
  if (!absl::SimpleAtoi(PQcmdTuples(answer), &result.affected)) result.affected = 0;
  result.command = PQcmdStatus(answer);
  return result;
}

}  // namespace

struct PostgresSession::Connection {
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection;
};

PostgresSession::PostgresSession(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

PostgresSession::~PostgresSession() = default;

absl::Status PostgresSession::CheckAddress(const std::string& address) {
  char* error = nullptr;
  PQconninfoOption* options = PQconninfoParse(address.c_str(), &error);
  PQfreemem(error);  // not shown: it repeats parts of the address
  if (options == nullptr) {
    return absl::InvalidArgumentError(
        "the address of PostgreSQL cannot be read: write postgresql://user@host:port/database, or host=... dbname=...");
  }
  PQconninfoFree(options);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<PostgresSession>> PostgresSession::Connect(const std::string& address) {
  if (absl::Status status = CheckAddress(address); !status.ok()) return status;
  PQconninfoOption* const parsed = PQconninfoParse(address.c_str(), nullptr);
  std::map<std::string, std::string> options = DefaultOptions();
  for (const PQconninfoOption* option = parsed; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) options[option->keyword] = option->val;
  }
  PQconninfoFree(parsed);
  options["client_encoding"] = "UTF8";
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : options) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  auto opened = std::make_unique<Connection>(Connection{{PQconnectdbParams(keys.data(), values.data(), 0), &PQfinish}});
  PGconn* const connection = opened->connection.get();
  if (PQstatus(connection) != CONNECTION_OK) {
    const std::string what = absl::StrCat("cannot connect to PostgreSQL: ", FirstLine(PQerrorMessage(connection)));
    if (PQconnectionNeedsPassword(connection) != 0 || PQconnectionUsedPassword(connection) != 0) {
      return absl::PermissionDeniedError(absl::StrCat(what, "; give the password by PGPASSWORD or the password file"));
    }
    return absl::UnavailableError(what);
  }
  // Without this, what the server remarks would go to the standard error output.
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  std::unique_ptr<PostgresSession> session(new PostgresSession(std::move(opened)));
  // A statement that waits for ever would stop the landing without a word; one that is ended has not been done.
  if (absl::Status status = session->Run("SET statement_timeout = 60000").status(); !status.ok()) return status;
  return session;
}

absl::StatusOr<PostgresSession::Result> PostgresSession::Run(const std::string& statement,
                                                             const std::vector<std::string>& parameters) {
  PGconn* const connection = connection_->connection.get();
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  const Answer answer(
      PQexecParams(connection, statement.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0),
      &PQclear);
  const ExecStatusType status = PQresultStatus(answer.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return ResultOf(answer.get());
  if (PQstatus(connection) == CONNECTION_OK && answer != nullptr) return ServerError(answer.get());
  return Lost(connection);
}

absl::Status PostgresSession::CopyIn(const std::string& statement, const std::vector<std::string_view>& blocks) {
  PGconn* const connection = connection_->connection.get();
  {
    const Answer begun(PQexec(connection, statement.c_str()), &PQclear);
    if (PQresultStatus(begun.get()) != PGRES_COPY_IN) {
      return PQstatus(connection) == CONNECTION_OK && begun != nullptr ? ServerError(begun.get()) : Lost(connection);
    }
  }
  // Whatever goes wrong on the way, the answer at the end says it.
  bool taken = true;
  for (std::string_view block : blocks) {
    while (taken && !block.empty()) {
      const std::string_view part = block.substr(0, kCopyBytes);
      taken = PQputCopyData(connection, part.data(), static_cast<int>(part.size())) == 1;
      block.remove_prefix(part.size());
    }
  }
  taken = PQputCopyEnd(connection, nullptr) == 1 && taken;
  absl::Status status = taken ? absl::OkStatus() : Lost(connection);
  while (PGresult* const next = PQgetResult(connection)) {
    const Answer answer(next, &PQclear);
    if (PQresultStatus(next) == PGRES_COMMAND_OK) continue;
    status = PQstatus(connection) == CONNECTION_OK ? ServerError(next) : Lost(connection);
    if (PQresultStatus(next) == PGRES_COPY_IN) break;  // nobody would end it
  }
  return status;
}

bool PostgresSession::lost() const { return PQstatus(connection_->connection.get()) != CONNECTION_OK; }

bool PostgresSession::idle() const { return PQtransactionStatus(connection_->connection.get()) == PQTRANS_IDLE; }

std::string PostgresSession::place() const {
  const auto text = [](const char* value) { return std::string(value == nullptr ? "" : value); };
  const PGconn* const connection = connection_->connection.get();
  return absl::StrCat("postgresql://", text(PQhost(connection)), ":", text(PQport(connection)), "/", text(PQdb(connection)));
}

std::string PostgresSession::parameter(const std::string& name) const {
  const char* const value = PQparameterStatus(connection_->connection.get(), name.c_str());
  return value == nullptr ? "" : value;
}

int PostgresSession::server_version() const { return PQserverVersion(connection_->connection.get()); }

}  // namespace millrace::warehouse
