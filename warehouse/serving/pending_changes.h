#ifndef MILLRACE_WAREHOUSE_SERVING_PENDING_CHANGES_H_
#define MILLRACE_WAREHOUSE_SERVING_PENDING_CHANGES_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace millrace::warehouse {

/// What one commit does to a table, as rows of COPY. Of each key the last change counts: one row, or its deletion. A tombstone
/// comes with the key of its record; where that is not the primary key of the table, it stands for all rows that came with it.
///
/// To be applied as: first the deletions, then the rows, written over what is there. Since the rows are whole, that is what the
/// changes would have done one after the other. Not thread-safe.
class PendingChanges {
 public:
  /// What the first field of a row, a smallint, says of it.
  enum Operation : int16_t { kRow = 0, kDeleteKey = 1, kDeleteRecordKey = 2 };

  /// `columns` is how many fields a row has, of which the first `key_columns` are the primary key; without any, each row stays.
  /// `record_key` is the position of the column with the key of the record, -1 if there is none.
  PendingChanges(int columns, int key_columns, int record_key);

  /// `fields` are those of the row as CopyEncoder writes them, the first `key_size` bytes the primary key, `record_key` the key
  /// of the record as a field of COPY (with its length), empty if that is null or the same as the primary key.
  void Upsert(std::string_view fields, size_t key_size, std::string_view record_key);
  /// The rows that came with this key of a record are gone. `record_key` as above, and not empty.
  void Delete(std::string_view record_key);

  [[nodiscard]] bool empty() const { return changes_.empty() && record_deletes_.empty(); }
  /// Of the rows that were given, also of those that others took the place of.
  [[nodiscard]] int64_t bytes() const { return bytes_; }
  [[nodiscard]] int64_t rows() const { return live_rows_; }
  [[nodiscard]] bool has_deletes() const { return deletes_ > 0; }
  [[nodiscard]] bool has_record_deletes() const { return !record_deletes_.empty(); }
  /// What COPY is given, with the operation before each row, or without it where there are only rows. The views live until the
  /// next change.
  [[nodiscard]] std::vector<std::string_view> Blocks(bool with_operation);
  void Clear();

 private:
  struct Change {
    std::string_view fields;  // of a deletion, those of the key
    size_t key_size = 0;
    std::string_view record_key;
    bool is_row = true;
  };

  std::string_view Keep(std::string_view bytes);
  void MakeDeletion(Change* change);
  void WriteRow(const Change& change, bool with_operation);
  void WriteRecordDelete(std::string_view record_key);
  std::string* Output();

  const int columns_;
  const int key_columns_;
  const int record_key_;
  const bool record_key_is_key_;
  std::deque<std::string> kept_;
  std::vector<Change> changes_;
  absl::flat_hash_map<std::string_view, size_t> by_key_;
  absl::flat_hash_map<std::string_view, std::vector<size_t>> by_record_key_;
  absl::flat_hash_set<std::string_view> record_deletes_;
  std::deque<std::string> output_;
  int64_t bytes_ = 0;
  int64_t live_rows_ = 0;
  int64_t deletes_ = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_SERVING_PENDING_CHANGES_H_
