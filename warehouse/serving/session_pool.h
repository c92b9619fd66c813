#ifndef MILLRACE_WAREHOUSE_SERVING_SESSION_POOL_H_
#define MILLRACE_WAREHOUSE_SERVING_SESSION_POOL_H_

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/postgres_session.h"

namespace millrace::warehouse {

/// Connections to one database: as many as threads use at a time, kept for the next. Thread-safe.
class SessionPool {
  struct Entry {
    std::unique_ptr<PostgresSession> session;
    std::set<std::string> temporary_tables;
  };

 public:
  /// A connection for as long as it is held. The pool outlives it.
  class Lease {
   public:
    Lease(SessionPool* pool, Entry entry) : pool_(pool), entry_(std::move(entry)) {}
    Lease(Lease&& other) noexcept : pool_(other.pool_), entry_(std::move(other.entry_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() { pool_->Return(std::move(entry_)); }

    [[nodiscard]] PostgresSession& session() const { return *entry_.session; }
    /// The temporary tables that the session has, for whoever makes them.
    [[nodiscard]] std::set<std::string>& temporary_tables() { return entry_.temporary_tables; }

   private:
    SessionPool* const pool_;
    Entry entry_;
  };

  /// Does not connect.
  explicit SessionPool(std::string address) : address_(std::move(address)) {}

  /// One that answers. Its statements are ended by the server after ten minutes, its waits for locks after one, and so is the
  /// connection if it is silent for a minute within a transaction: what it locks must not outlast a process that is stopped.
  /// FailedPrecondition if the server is too old, or the database is not in UTF-8.
  absl::StatusOr<Lease> Acquire();

 private:
  absl::StatusOr<Entry> Open() const;
  void Return(Entry entry);

  const std::string address_;
  std::mutex mutex_;
  std::vector<Entry> idle_;
};

/// One transaction, in which each statement sees what others have committed before it. Not thread-safe.
class Transaction {
 public:
  /// The session outlives it.
  explicit Transaction(PostgresSession* session) : session_(session) {}
  /// Rolls back unless it was committed.
  ~Transaction() { Rollback(); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  absl::Status Begin();
  /// Unavailable: it may have been done or not. Other errors: it was not.
  absl::Status Commit();
  void Rollback();

 private:
  PostgresSession* const session_;
  bool open_ = false;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_SERVING_SESSION_POOL_H_
