#include "catalog/postgres_connection.h"

#include <libpq-fe.h>

#include <cstdlib>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/backoff.h"

namespace millrace::warehouse {
namespace {

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::string FirstLine(const char* text) {
  const std::string all = text == nullptr ? "" : text;
  return std::string(absl::StripAsciiWhitespace(all.substr(0, all.find('\n'))));
}

/// What the server refused, by its code (PostgreSQL documentation, "Error Codes").
absl::Status ServerError(const PGresult* answer) {
  const char* field = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
  const std::string code = field == nullptr ? "" : field;
  const std::string what = absl::StrCat("PostgreSQL: ", FirstLine(PQresultErrorMessage(answer)), " (", code, ")");
  // The server is going away; it may have done the statement before it noticed.
  if (code.empty() || code.starts_with("08") || code.starts_with("57P")) return absl::UnavailableError(what);
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

}  // namespace

struct PostgresConnection::Connection {
  explicit Connection(PGconn* opened) : connection(opened, &PQfinish) {}
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection;
};

PostgresConnection::PostgresConnection(std::string address, std::chrono::milliseconds retry_time)
    : address_(std::move(address)), retry_time_(retry_time) {}

PostgresConnection::~PostgresConnection() = default;

absl::Status PostgresConnection::CheckAddress(const std::string& address) {
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

absl::Status PostgresConnection::Connect() {
  if (absl::Status status = CheckAddress(address_); !status.ok()) return status;
  PQconninfoOption* const parsed = PQconninfoParse(address_.c_str(), nullptr);
  std::map<std::string, std::string> options = DefaultOptions();
  for (const PQconninfoOption* option = parsed; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) options[option->keyword] = option->val;
  }
  PQconninfoFree(parsed);
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : options) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  auto opened = std::make_unique<Connection>(PQconnectdbParams(keys.data(), values.data(), 0));
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
  // A statement that waits for ever would stop the landing without a word; one that is ended has not been done.
  const Answer set(PQexec(connection, "SET statement_timeout = 60000"), &PQclear);
  if (PQresultStatus(set.get()) != PGRES_COMMAND_OK) return ServerError(set.get());
  connection_ = std::move(opened);
  return absl::OkStatus();
}

absl::StatusOr<PostgresConnection::Result> PostgresConnection::Run(const std::string& statement,
                                                                   const std::vector<std::string>& parameters) {
  PGconn* const connection = connection_->connection.get();
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  const Answer answer(
      PQexecParams(connection, statement.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0),
      &PQclear);
  const ExecStatusType status = PQresultStatus(answer.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    if (PQstatus(connection) == CONNECTION_OK && answer != nullptr) return ServerError(answer.get());
    return absl::UnavailableError(absl::StrCat("PostgreSQL: the connection was lost: ", FirstLine(PQerrorMessage(connection))));
  }
  Result result;
  for (int row = 0; row < PQntuples(answer.get()); ++row) {
    auto& values_of_row = result.rows.emplace_back();
    for (int column = 0; column < PQnfields(answer.get()); ++column) {
      if (PQgetisnull(answer.get(), row, column) != 0) {
        values_of_row.emplace_back(std::nullopt);
      } else {
        values_of_row.emplace_back(PQgetvalue(answer.get(), row, column));
      }
    }
  }
  if (!absl::SimpleAtoi(PQcmdTuples(answer.get()), &result.affected)) result.affected = 0;
  return result;
}

absl::StatusOr<PostgresConnection::Result> PostgresConnection::Execute(const std::string& statement,
                                                                       const std::vector<std::string>& parameters,
                                                                       Repeat repeat) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Backoff backoff(retry_time_);
  while (true) {
    absl::Status connected = connection_ == nullptr ? Connect() : absl::OkStatus();
    // A connection may have died while nobody used it. Asked before, that is no unknown outcome.
    if (connected.ok() && repeat == Repeat::kNo) connected = Run("SELECT 1", {}).status();
    if (!connected.ok()) {
      connection_.reset();
      if (!absl::IsUnavailable(connected) || !backoff.Wait()) return connected;
      continue;
    }
    absl::StatusOr<Result> result = Run(statement, parameters);
    if (!absl::IsUnavailable(result.status())) return result;
    connection_.reset();
    if (repeat == Repeat::kNo || !backoff.Wait()) return result;
  }
}

}  // namespace millrace::warehouse
