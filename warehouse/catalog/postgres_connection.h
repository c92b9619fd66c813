#ifndef MILLRACE_WAREHOUSE_CATALOG_POSTGRES_CONNECTION_H_
#define MILLRACE_WAREHOUSE_CATALOG_POSTGRES_CONNECTION_H_

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/postgres_session.h"

namespace millrace::warehouse {

/// A connection to PostgreSQL that is opened when it is first needed, and again after it was lost. Thread-safe: statements of
/// several threads follow each other. Messages never hold the connection string, as there may be a password in it.
class PostgresConnection {
 public:
  using Result = PostgresSession::Result;
  enum class Repeat {
    kYes,  // may be done twice: sent again when the connection was lost
    kNo,   // when it was lost meanwhile, Unavailable says that the outcome is not known
  };

  /// `address` is a URI or "key=value" pairs as libpq takes them. What they do not say comes from PGPASSWORD, the password file
  /// and the other variables of libpq. `retry_time` is how long it is tried to connect.
  PostgresConnection(std::string address, std::chrono::milliseconds retry_time);
  ~PostgresConnection();

  /// InvalidArgument if `address` is no such text.
  static absl::Status CheckAddress(const std::string& address);

  /// One statement, committed by itself, with "$1"... in it. Errors: Unavailable = not reached, or as Repeat says;
  /// AlreadyExists, PermissionDenied, ResourceExhausted and otherwise FailedPrecondition = the server refused it, and nothing has
  /// happened.
  absl::StatusOr<Result> Execute(const std::string& statement, const std::vector<std::string>& parameters, Repeat repeat);

 private:
  /// With the lock held.
  absl::Status Connect();

  const std::string address_;
  const std::chrono::milliseconds retry_time_;
  std::mutex mutex_;
  std::unique_ptr<PostgresSession> session_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_CATALOG_POSTGRES_CONNECTION_H_
