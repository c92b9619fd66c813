#ifndef MILLRACE_WAREHOUSE_LANDING_CHANGED_ROWS_H_
#define MILLRACE_WAREHOUSE_LANDING_CHANGED_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "parquet/row_batch.h"
#include "table/types.h"

namespace millrace::warehouse {

/// What `_op` says of a row of a log of changes.
inline constexpr char kOpColumn[] = "_op";
inline constexpr char kUpserted[] = "u";
inline constexpr char kDeleted[] = "d";

/// The newest change of each key among rows of a log, in memory. A key belongs to one partition of the topic. Not thread-safe.
class ChangedRows {
 public:
  /// Of the log's columns that make a change, by their ids.
  struct Columns {
    int key = 0;
    int partition = 0;
    int offset = 0;
    int op = 0;
  };

  /// `schema` is what batches have. InvalidArgument from Add if it lacks one of the columns.
  ChangedRows(const Schema& schema, Columns columns) : columns_(columns), rows_(schema) {}

  /// Positions [first, second) of each partition: rows outside of them are passed over.
  using Positions = std::map<int32_t, std::pair<int64_t, int64_t>>;
  /// Takes those of a batch that are newer than what is known of their keys. ResourceExhausted if all take more than 256 MiB.
  absl::Status Add(const RowBatch& batch, const Positions& positions);

  [[nodiscard]] size_t keys() const { return newest_.size(); }
  [[nodiscard]] std::set<int32_t> Partitions() const;
  [[nodiscard]] bool HasKey(int32_t partition, std::string_view key) const;
  /// Whether one of the partition's keys is in [lower, upper].
  [[nodiscard]] bool HasKeyIn(int32_t partition, std::string_view lower, std::string_view upper) const;
  /// Appends the rows that a partition's keys have now, in the order of their offsets, to a batch whose columns are the first
  /// ones of the schema, whatever their ids are.
  void AppendUpserted(int32_t partition, RowBatch* batch) const;

 private:
  struct Newest {
    int64_t offset = 0;
    int64_t row = 0;  // of rows_
  };
  using Key = std::pair<int32_t, std::string>;

  void ForgetOlderRows();

  const Columns columns_;
  RowBatch rows_;  // also those that newer ones have taken the place of
  std::map<Key, Newest> newest_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_CHANGED_ROWS_H_
