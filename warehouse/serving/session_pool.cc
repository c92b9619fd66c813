#include "serving/session_pool.h"

#include <optional>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

constexpr int kOldestServer = 120000;
constexpr char kLimits[] =
    "SELECT set_config('statement_timeout', '600000', false), set_config('lock_timeout', '60000', false), "
    "set_config('idle_in_transaction_session_timeout', '60000', false)";

}  // namespace

absl::StatusOr<SessionPool::Entry> SessionPool::Open() const {
  absl::StatusOr<std::unique_ptr<PostgresSession>> session = PostgresSession::Connect(address_);
  if (!session.ok()) return session.status();
  if ((*session)->server_version() < kOldestServer) {
    return absl::FailedPreconditionError(
        absl::StrCat("PostgreSQL ", (*session)->parameter("server_version"), " is too old to land in: it takes 12 or newer"));
  }
  if (const std::string encoding = (*session)->parameter("server_encoding"); encoding != "UTF8") {
    return absl::FailedPreconditionError(
        absl::StrCat("database ", (*session)->place(), " has the encoding ", encoding,
                     ", which cannot hold every text of a message: make one with ENCODING 'UTF8'"));
  }
  if (absl::Status status = (*session)->Run(kLimits).status(); !status.ok()) return status;
  return Entry{*std::move(session), {}};
}

absl::StatusOr<SessionPool::Lease> SessionPool::Acquire() {
  while (true) {
    std::optional<Entry> entry;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!idle_.empty()) {
        entry = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!entry) {
      absl::StatusOr<Entry> opened = Open();
      if (!opened.ok()) return opened.status();
      return Lease(this, *std::move(opened));
    }
    // A connection may have died while nobody used it.
    if (entry->session->Run("SELECT 1").ok()) return Lease(this, *std::move(entry));
  }
}

void SessionPool::Return(Entry entry) {
  if (entry.session == nullptr || entry.session->lost() || !entry.session->idle()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(entry));
}

absl::Status Transaction::Begin() {
  absl::Status status = session_->Run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").status();
  open_ = status.ok();
  return status;
}

absl::Status Transaction::Commit() {
  open_ = false;
  absl::StatusOr<PostgresSession::Result> done = session_->Run("COMMIT");
  if (!done.ok()) return done.status();
  if (done->command == "COMMIT") return absl::OkStatus();
  return absl::InternalError(absl::StrCat("PostgreSQL answered COMMIT with ", done->command));
}

void Transaction::Rollback() {
  if (std::exchange(open_, false) && !session_->lost()) (void)session_->Run("ROLLBACK");
}

}  // namespace millrace::warehouse
