#ifndef MILLRACE_WAREHOUSE_SERVING_POSTGRES_LANDING_H_
#define MILLRACE_WAREHOUSE_SERVING_POSTGRES_LANDING_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/warehouse/warehouse.h"
#include "protobuf/row_decoder.h"
#include "serving/copy_encoder.h"
#include "serving/pending_changes.h"
#include "serving/serving_offsets.h"
#include "serving/serving_policy.h"
#include "serving/serving_table.h"
#include "serving/session_pool.h"

namespace millrace::warehouse {

/// A topic of protobuf messages on its way into a table of PostgreSQL. What was appended waits in memory; a commit is one
/// transaction of rows, dead letters and positions.
class PostgresLanding final : public TableLanding {
 public:
  /// Creates the table or evolves it. `pool` outlives it. InvalidArgument for a descriptor set, a message or settings that cannot
  /// be; FailedPrecondition for a table that is another one, or cannot become what the message asks for.
  static absl::StatusOr<std::unique_ptr<PostgresLanding>> Open(SessionPool* pool, const LandingDescription& description);

  absl::StatusOr<std::map<int32_t, int64_t>> Positions() override;
  absl::Status Append(const LandedRecord& record) override;
  absl::Status Refuse(const LandedRecord& record, const std::string& why) override { return RefuseRecord(record, why); }
  [[nodiscard]] int64_t pending_bytes() const override;
  absl::StatusOr<bool> Commit(const std::map<int32_t, PositionRange>& ranges) override;
  void Drop() override;
  [[nodiscard]] LandingCounts counts() const override { return counts_; }

 private:
  /// What waits for a commit.
  struct Pending {
    LandingCounts counts;
    std::string dead_letters;  // rows of COPY
  };

  PostgresLanding(SessionPool* pool, const LandingDescription& description, ServingPolicy policy);

  /// The table as the message asks for, and what writes rows for it.
  absl::Status Prepare(PostgresSession* session);
  absl::Status AppendTombstone(const LandedRecord& record);
  absl::Status RefuseRecord(const LandedRecord& record, const std::string& error);
  /// The key as the column _key has it, as a field of COPY; empty if there is none. `error` is set if it cannot be.
  std::string RecordKey(const LandedRecord& record, std::string* error) const;

  absl::StatusOr<bool> TryCommit(const std::map<int32_t, PositionRange>& ranges);
  absl::Status EnsureTemporaryTable(SessionPool::Lease* lease) const;
  absl::Status CopyChanges(PostgresSession* session);
  absl::Status CopyDeadLetters(PostgresSession* session) const;
  absl::Status ApplyChanges(PostgresSession* session) const;
  /// Unavailable if somebody has changed the columns since they were read, for then rows are made anew.
  absl::Status CheckVersion(PostgresSession* session) const;
  absl::StatusOr<bool> Resolve(const std::map<int32_t, PositionRange>& ranges, const absl::Status& why);
  [[nodiscard]] std::string TemporaryTable() const;
  [[nodiscard]] std::string ColumnNames() const;

  SessionPool* const pool_;
  const LandingDescription description_;
  const ServingPolicy policy_;
  google::protobuf::DescriptorPool messages_;
  std::unique_ptr<ServingTable> table_;
  ServingOffsets offsets_;
  std::unique_ptr<RowDecoder> decoder_;
  std::unique_ptr<CopyEncoder> encoder_;
  std::unique_ptr<PendingChanges> changes_;
  int record_key_ = -1;      // which column has the key of the record
  std::set<int32_t> known_;  // partitions that had a position when their rows began
  std::string row_;
  Pending pending_;
  LandingCounts counts_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_SERVING_POSTGRES_LANDING_H_
