#ifndef MILLRACE_WAREHOUSE_CATALOG_POSTGRES_SESSION_H_
#define MILLRACE_WAREHOUSE_CATALOG_POSTGRES_SESSION_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// One connection to PostgreSQL, from its opening until it is lost. Not thread-safe. Messages never hold the connection string,
/// as there may be a password in it.
class PostgresSession {
 public:
  struct Result {
    std::vector<std::vector<std::optional<std::string>>> rows;  // nullopt is NULL
    int64_t affected = 0;                                       // by INSERT, UPDATE, DELETE
    std::string command;                                        // what was done: COMMIT, and ROLLBACK if that was all it could
  };

  /// `address` is a URI or "key=value" pairs as libpq takes them. What they do not say comes from PGPASSWORD, the password file
  /// and the other variables of libpq. Unavailable: not reached; PermissionDenied: not let in; InvalidArgument: no such text.
  static absl::StatusOr<std::unique_ptr<PostgresSession>> Connect(const std::string& address);
  /// InvalidArgument if `address` is no such text.
  static absl::Status CheckAddress(const std::string& address);
  ~PostgresSession();
  PostgresSession(const PostgresSession&) = delete;
  PostgresSession& operator=(const PostgresSession&) = delete;

  /// One statement with "$1"... in it. Errors: Unavailable = the connection was lost and nobody knows what happened, or the
  /// server gave up what can be tried again (a deadlock, a lock that did not come, a server that only reads); AlreadyExists,
  /// PermissionDenied, ResourceExhausted and otherwise FailedPrecondition = it was refused, and nothing has happened. lost()
  /// tells the two kinds of Unavailable apart.
  absl::StatusOr<Result> Run(const std::string& statement, const std::vector<std::string>& parameters = {});
  /// COPY ... FROM STDIN with what `blocks` are together. Errors as above.
  absl::Status CopyIn(const std::string& statement, const std::vector<std::string_view>& blocks);

  /// The connection is gone.
  [[nodiscard]] bool lost() const;
  /// It is there, and in no transaction.
  [[nodiscard]] bool idle() const;
  /// As it is now: "postgresql://host:port/database".
  [[nodiscard]] std::string place() const;
  /// What the server says of itself: "server_encoding". Empty if it does not.
  [[nodiscard]] std::string parameter(const std::string& name) const;
  /// 150004 is 15.4.
  [[nodiscard]] int server_version() const;

 private:
  struct Connection;
  explicit PostgresSession(std::unique_ptr<Connection> connection);

  const std::unique_ptr<Connection> connection_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_CATALOG_POSTGRES_SESSION_H_
