#include "catalog/postgres_connection.h"

#include <utility>

#include "storage/backoff.h"

namespace millrace::warehouse {

PostgresConnection::PostgresConnection(std::string address, std::chrono::milliseconds retry_time)
    : address_(std::move(address)), retry_time_(retry_time) {}

PostgresConnection::~PostgresConnection() = default;

absl::Status PostgresConnection::CheckAddress(const std::string& address) { return PostgresSession::CheckAddress(address); }

absl::Status PostgresConnection::Connect() {
  absl::StatusOr<std::unique_ptr<PostgresSession>> opened = PostgresSession::Connect(address_);
  if (!opened.ok()) return opened.status();
  session_ = *std::move(opened);
  return absl::OkStatus();
}

absl::StatusOr<PostgresConnection::Result> PostgresConnection::Execute(const std::string& statement,
                                                                       const std::vector<std::string>& parameters,
                                                                       Repeat repeat) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Backoff backoff(retry_time_);
  while (true) {
    absl::Status connected = session_ == nullptr ? Connect() : absl::OkStatus();
    // A connection may have died while nobody used it. Asked before, that is no unknown outcome.
    if (connected.ok() && repeat == Repeat::kNo) connected = session_->Run("SELECT 1").status();
    if (!connected.ok()) {
      session_.reset();
      if (!absl::IsUnavailable(connected) || !backoff.Wait()) return connected;
      continue;
    }
    absl::StatusOr<Result> result = session_->Run(statement, parameters);
    if (!absl::IsUnavailable(result.status())) return result;
    session_.reset();
    if (repeat == Repeat::kNo || !backoff.Wait()) return result;
  }
}

}  // namespace millrace::warehouse
