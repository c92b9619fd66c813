#ifndef MILLRACE_WAREHOUSE_LANDING_DEAD_LETTERS_H_
#define MILLRACE_WAREHOUSE_LANDING_DEAD_LETTERS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "landing/row_writer.h"
#include "landing/table_committer.h"
#include "millrace/warehouse/warehouse.h"
#include "storage/storage.h"
#include "upkeep/table_upkeep.h"

namespace millrace::warehouse {

/// The table "<table>_dead_letters": records of a topic that are no rows, as they came, with why. It has positions of its own,
/// and is committed before the table: what a crash in between repeats is known by them and left out. Not thread-safe.
class DeadLetters {
 public:
  /// Catalog and storage outlive it.
  DeadLetters(Catalog* catalog, Storage* storage, const LandingDescription& description, RowWriter::Options options,
              TableUpkeep::Options upkeep, TableCommitter::Clock clock);

  void Add(const LandedRecord& record, const std::string& error);
  [[nodiscard]] int64_t pending() const { return static_cast<int64_t>(letters_.size()); }
  [[nodiscard]] int64_t pending_bytes() const { return bytes_; }
  /// Makes those that were added visible, each once, whoever else may do the same. The table is made when the first comes.
  /// Afterwards they are forgotten, also after an error. How many were new.
  absl::StatusOr<int64_t> Commit(const std::map<int32_t, PositionRange>& ranges);
  void Drop();
  /// After a commit that has written letters; otherwise does nothing.
  void Upkeep();
  [[nodiscard]] const TableUpkeep& upkeep() const { return upkeep_; }

 private:
  struct Letter {
    int32_t partition = 0;
    int64_t offset = 0;
    int64_t timestamp_ms = 0;
    NullableBytes key;
    NullableBytes value;
    std::string error;
  };

  absl::Status Open();
  absl::StatusOr<bool> TryCommit(const std::map<int32_t, PositionRange>& ranges, int64_t* added);
  absl::StatusOr<std::vector<DataFile>> Write(const std::vector<const Letter*>& letters);

  Catalog* const catalog_;
  Storage* const storage_;
  const std::string topic_;
  const TableName name_;
  const RowWriter::Options options_;
  TableCommitter committer_;
  TableUpkeep upkeep_;
  bool committed_ = false;  // since the last upkeep
  std::vector<Letter> letters_;
  int64_t bytes_ = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_DEAD_LETTERS_H_
