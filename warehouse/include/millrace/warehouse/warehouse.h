#ifndef MILLRACE_WAREHOUSE_WAREHOUSE_H_
#define MILLRACE_WAREHOUSE_WAREHOUSE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/state/bytes.h"
#include "millrace/warehouse/reading.h"

// What the runtime sees of the warehouse. The rest is in a module (libmillrace_warehouse.so) that is opened when the first table
// is: the Parquet library may bring an OpenSSL of its own, which must not meet that of the Kafka client.

namespace millrace::warehouse {

/// A record of the topic, as it was read. Views.
struct LandedRecord {
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t timestamp_ms = 0;  // since 1970
  NullableBytesView key;
  NullableBytesView value;
};

/// The positions [start, end) of one partition. Positions are the reader's and not offsets of records: markers of transactions
/// and compaction leave holes between those.
struct PositionRange {
  int64_t start = 0;
  int64_t end = 0;
  /// The greatest timestamp of a record that was read from the partition; nullopt if none was.
  std::optional<int64_t> stream_time_ms;
};

/// What lands a topic in a table.
struct LandingDescription {
  std::string application_id;
  std::string topic;
  std::string name_space;  // of the table
  std::string table;
  /// A serialised FileDescriptorSet with the message's file and all that it imports; and the full name of the message. Without
  /// the set, a schema registry is asked, and the name may be empty for the first message of its file.
  std::string descriptor_set;
  std::string message;
  /// Settings of this table ("partition.by", "date.time.zone", ...): see docs/warehouse.md. Unknown ones are an error.
  std::map<std::string, std::string> settings;
};

struct LandingCounts {
  int64_t rows = 0;
  int64_t dead_letters = 0;
  int64_t skipped = 0;  // records that are no rows, by errors=skip
  int64_t files = 0;
  int64_t bytes = 0;
  /// The least time that all partitions of the topic have reached in the table, as this landing last saw it; none: not known.
  std::optional<int64_t> valid_through_ms;
  // What TableLanding::Upkeep did.
  int64_t compactions = 0;
  int64_t files_compacted = 0;
  int64_t snapshots_expired = 0;
  int64_t files_deleted = 0;
  int64_t upkeep_errors = 0;
  std::string last_upkeep_error;  // empty if there was none

  void Add(const LandingCounts& other) {
    rows += other.rows;
    dead_letters += other.dead_letters;
    skipped += other.skipped;
    files += other.files;
    bytes += other.bytes;
    if (!valid_through_ms) valid_through_ms = other.valid_through_ms;
    compactions += other.compactions;
    files_compacted += other.files_compacted;
    snapshots_expired += other.snapshots_expired;
    files_deleted += other.files_deleted;
    upkeep_errors += other.upkeep_errors;
    if (!other.last_upkeep_error.empty()) last_upkeep_error = other.last_upkeep_error;
  }
};

/// Rows on their way into one table. One thread at a time.
///
/// The table itself holds the next position of each partition, and a commit succeeds only if each of its ranges starts there:
/// what a zombie or a second worker commits, or what is read again after a crash, is refused whole or was never visible. Call in
/// this order: Positions, Begin for each partition, then Append and Commit in turns.
class TableLanding {
 public:
  virtual ~TableLanding() = default;

  /// Where to go on, by partition, as the table says now; a partition that has never been landed is not there. Reads the catalog.
  virtual absl::StatusOr<std::map<int32_t, int64_t>> Positions() = 0;
  /// The record is copied. Errors of the record itself go by the policy of the table; those that are returned end the landing.
  virtual absl::Status Append(const LandedRecord& record) = 0;
  /// A record that is known to be no row, with why: it goes by the policy of the table, as those that Append finds.
  virtual absl::Status Refuse(const LandedRecord& record, const std::string& why) = 0;
  /// Bytes of what was appended since the last commit, on the local disk and in memory, about.
  [[nodiscard]] virtual int64_t pending_bytes() const = 0;
  /// Makes all that was appended visible, with the ranges of all partitions that were read since the last commit, rows in them or
  /// not. The least stream time of all partitions of the topic becomes the table's valid-through. Outcomes:
  ///   true: it is done.
  ///   false: a range does not start where the table is: somebody else has landed it.
  ///   Unavailable, DeadlineExceeded, ResourceExhausted: it could not be done now, or is not known to be.
  ///   other errors: it will not be possible.
  /// But for true, what was appended is dropped: ask for Positions and read again from there.
  virtual absl::StatusOr<bool> Commit(const std::map<int32_t, PositionRange>& ranges) = 0;
  /// Forgets what was appended.
  virtual void Drop() = 0;
  /// Keeps the table small and quick to read, if its settings do not say otherwise: call it once an interval, after a commit if
  /// there was one, when nobody waits. Does a bounded piece of work, most of the time none. Never fails: errors are counted, and
  /// what they were at is tried again.
  virtual void Upkeep() {}
  [[nodiscard]] virtual LandingCounts counts() const = 0;
};

/// A table as its catalog and its last commit show it.
struct TableInfo {
  std::string name_space;
  std::string table;
  std::string location;
  std::string metadata_file;
  int64_t rows = 0;
  int64_t files = 0;
  int64_t bytes = 0;
  int64_t snapshots = 0;
  int64_t last_commit_ms = 0;               // 0: none yet
  std::optional<int64_t> valid_through_ms;  // what the last landing commit said
  std::vector<ColumnInfo> columns;
  std::optional<int64_t> snapshot;        // the newest
  std::vector<std::string> partition_by;  // "day(_timestamp)", as in the setting
  std::string time_zone;                  // of its date columns
  std::map<std::string, std::string> properties;
  /// How far topics have been landed in it.
  struct Landed {
    struct Position {
      int64_t next = 0;
      std::optional<int64_t> stream_time_ms;  // the greatest timestamp
    };
    std::string application_id;
    std::string topic;
    std::map<int32_t, Position> partitions;
  };
  std::vector<Landed> landed;
};

/// One warehouse: a storage and a catalog. Thread-safe.
class Warehouse {
 public:
  virtual ~Warehouse() = default;
  /// Creates the table if there is none, or brings its schema to that of the message; refuses what the schema rules forbid.
  virtual absl::StatusOr<std::unique_ptr<TableLanding>> OpenLanding(const LandingDescription& description) = 0;
  virtual absl::StatusOr<std::vector<TableInfo>> Tables() = 0;
  /// Names, with their namespaces, of the tables that hold positions of the application.
  virtual absl::StatusOr<std::vector<std::string>> TablesLandedBy(const std::string& application_id) = 0;
  /// Forgets the positions of an application in its tables, after which it lands its topics from the beginning. Rows stay unless
  /// `remove_rows`, which takes them out in the same commits; FailedPrecondition for a table that other applications land in.
  virtual absl::Status ResetPositions(const std::string& application_id, bool remove_rows) = 0;
  /// The rows of one snapshot, whatever is committed meanwhile. NotFound names the table, snapshot or column that is not there;
  /// Unimplemented: another engine has left the table in a form that is not read here. The warehouse outlives the reader.
  virtual absl::StatusOr<std::unique_ptr<RowReader>> ReadTable(const ReadDescription& /*description*/) {
    return absl::UnimplementedError("rows of this warehouse are not read here: ask its own engine");
  }
  /// By a column of type date or timestamptz.
  virtual absl::StatusOr<TableDays> Days(const std::string& /*name_space*/, const std::string& /*table*/,
                                         const std::string& /*column*/) {
    return absl::UnimplementedError("rows of this warehouse are not read here: ask its own engine");
  }
};

/// The module's exported functions. `settings` are the "warehouse.*" properties without that prefix; with an empty "spool.dir"
/// the warehouse is for reading only, and nothing is written anywhere. The answer is the caller's; nullptr with `error` set
/// otherwise.
using OpenWarehouseFunction = Warehouse* (*)(const std::map<std::string, std::string>& settings, absl::Status* error);
inline constexpr char kOpenWarehouse[] = "MillraceOpenWarehouse";
/// Needs no warehouse: of `description`, what says where its table is does not matter. `columns` are those that are wanted, in
/// their order; none: all.
using OpenRecordsFunction = RecordRows* (*)(const LandingDescription& description, const std::vector<std::string>& columns,
                                            absl::Status* error);
inline constexpr char kOpenRecords[] = "MillraceOpenRecords";

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_WAREHOUSE_H_
