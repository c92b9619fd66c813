#ifndef MILLRACE_WAREHOUSE_PARQUET_PARTITION_ROUTER_H_
#define MILLRACE_WAREHOUSE_PARQUET_PARTITION_ROUTER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "parquet/data_file_writer.h"
#include "parquet/row_batch.h"
#include "table/data_file.h"
#include "table/partition.h"

namespace millrace::warehouse {

/// Which partition rows of a batch are in. Not thread-safe; refers to the batch.
class PartitionOfRow {
 public:
  /// InvalidArgument if a field of the spec names no column outside lists and maps, or its transform does not fit the column's
  /// type: hour takes timestamptz, day also date, identity boolean, int, long, date, timestamptz and string.
  static absl::StatusOr<PartitionOfRow> Create(const RowBatch& batch, const PartitionSpec& spec);

  [[nodiscard]] PartitionTuple Of(int64_t row) const;
  /// Whether two rows are in one partition.
  [[nodiscard]] bool Same(int64_t a, int64_t b) const;

 private:
  struct Source {
    Transform transform;
    std::vector<const Column*> path;  // structs around the column, and the column
  };

  [[nodiscard]] static PartitionValue ValueOf(const Source& source, int64_t row);
  static bool SameValue(const Source& source, int64_t a, int64_t b);

  std::vector<Source> sources_;
};

/// Brings rows to one data file for each partition. Bounded memory: a file that is open keeps up to a row group of rows, so only
/// a few are; the one that was not used for longest is closed for a new one, or one that has reached its target size. Not
/// thread-safe.
class PartitionRouter {
 public:
  struct Options {
    size_t max_open = 8;
    int64_t target_bytes = int64_t{128} << 20;
    DataFileOptions file;
  };
  /// A file that is closed: DataFile::path is empty.
  struct ClosedFile {
    std::string local_file;
    DataFile file;
  };

  /// `name` gives each file another local path.
  PartitionRouter(Schema schema, PartitionSpec spec, Options options, std::function<std::string()> name);
  ~PartitionRouter();

  /// Appends all rows of a batch with the router's schema. After an error nothing more can be written.
  absl::Status Append(const RowBatch& batch);
  /// Closes what is open and returns all files that are closed since the last time.
  absl::StatusOr<std::vector<ClosedFile>> Finish();

  /// How large all files would be that Finish() would return now.
  [[nodiscard]] int64_t size_bytes() const;
  /// All local files that are written or being written and not yet returned, for whoever gives up.
  [[nodiscard]] std::vector<std::string> local_files() const;

 private:
  struct OpenFile {
    std::unique_ptr<DataFileWriter> writer;
    int64_t last_use = 0;
  };

  absl::StatusOr<DataFileWriter*> WriterFor(const PartitionTuple& partition);
  absl::Status CloseFile(std::map<PartitionTuple, OpenFile>::iterator file);

  const Schema schema_;
  const PartitionSpec spec_;
  const Options options_;
  const std::function<std::string()> name_;
  std::map<PartitionTuple, OpenFile> open_;
  std::vector<ClosedFile> closed_;
  int64_t uses_ = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PARQUET_PARTITION_ROUTER_H_
