#ifndef MILLRACE_WAREHOUSE_LANDING_TOPIC_LANDING_H_
#define MILLRACE_WAREHOUSE_LANDING_TOPIC_LANDING_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "landing/dead_letters.h"
#include "landing/landing_policy.h"
#include "landing/latest_table.h"
#include "landing/message_table.h"
#include "landing/row_writer.h"
#include "landing/table_committer.h"
#include "millrace/warehouse/warehouse.h"
#include "protobuf/row_decoder.h"
#include "storage/storage.h"
#include "upkeep/table_upkeep.h"

namespace millrace::warehouse {

/// A topic of protobuf messages on its way into a table. The rows of all partitions go into the same files, which a commit makes
/// visible together or not at all.
///
/// With mode=upsert that table is "<table>_changes": all columns of the message are optional there, `_op` says "u" or "d", and a
/// record without a value becomes a row of its key. "<table>" follows it, see LatestTable, at each Upkeep.
class TopicLanding final : public TableLanding {
 public:
  /// Creates the table or evolves it. Catalog and storage outlive it; `spool_folder` must be there. InvalidArgument for a
  /// descriptor set, a message, settings or a change of the message that cannot be.
  static absl::StatusOr<std::unique_ptr<TopicLanding>> Open(Catalog* catalog, Storage* storage,
                                                            const LandingDescription& description,
                                                            const std::string& spool_folder, TableCommitter::Clock clock);

  absl::StatusOr<std::map<int32_t, int64_t>> Positions() override;
  absl::Status Append(const LandedRecord& record) override;
  absl::Status Refuse(const LandedRecord& record, const std::string& why) override {
    return RefuseRecord(record, why, /*wrong_clock=*/false);
  }
  [[nodiscard]] int64_t pending_bytes() const override;
  absl::StatusOr<bool> Commit(const std::map<int32_t, PositionRange>& ranges) override;
  void Drop() override;
  void Upkeep() override;
  [[nodiscard]] LandingCounts counts() const override;

 private:
  TopicLanding(Catalog* catalog, Storage* storage, const LandingDescription& description, LandingPolicy policy,
               const std::string& spool_folder, TableCommitter::Clock clock);

  /// The table, or both, with the schema that the message asks for.
  absl::Status EnsureTables();
  [[nodiscard]] absl::StatusOr<MessageTable> LogTable() const;
  [[nodiscard]] absl::StatusOr<MessageTable> LatestRowsTable() const;
  absl::Status PrepareLatest();
  /// A decoder and a writer for the table as it is now.
  absl::Status PrepareRows();
  absl::Status Decode(const LandedRecord& record);
  absl::Status RefuseRecord(const LandedRecord& record, const std::string& error, bool wrong_clock);
  /// Why the row that was decoded last cannot be in the partition that its time says; empty = it can.
  [[nodiscard]] std::string WrongClock() const;
  absl::Status PassRowsOn();
  void FollowLog();

  Catalog* const catalog_;
  Storage* const storage_;
  const LandingDescription description_;
  const TableName name_;
  const LandingPolicy policy_;
  const TableCommitter::Clock clock_;
  const RowWriter::Options writer_options_;
  google::protobuf::DescriptorPool pool_;
  const google::protobuf::Descriptor* message_ = nullptr;
  TableCommitter committer_;
  TableUpkeep upkeep_;
  DeadLetters dead_letters_;
  int schema_id_ = -1;  // that rows are written with
  int spec_id_ = -1;
  std::unique_ptr<RowDecoder> decoder_;
  std::unique_ptr<PartitionOfRow> partition_of_row_;
  std::unique_ptr<RowWriter> writer_;
  BytesColumn* op_ = nullptr;            // of the decoder's batch, in mode upsert
  std::unique_ptr<LatestTable> latest_;  // in mode upsert
  std::unique_ptr<TableUpkeep> latest_upkeep_;
  int64_t rows_ = 0;  // since the last commit
  int64_t skipped_ = 0;
  LandingCounts counts_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_TOPIC_LANDING_H_
