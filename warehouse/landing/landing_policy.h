#ifndef MILLRACE_WAREHOUSE_LANDING_LANDING_POLICY_H_
#define MILLRACE_WAREHOUSE_LANDING_LANDING_POLICY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protobuf/field_mapping.h"
#include "protobuf/schema_evolution.h"
#include "table/partition.h"
#include "table/types.h"
#include "upkeep/upkeep_policy.h"

namespace millrace::warehouse {

/// What the settings of a landed topic say, beside what its columns are made of:
///
///   mode                  "append" (default): each record is a row. "upsert": the table is the latest row of each key, and
///                         <table>_changes is the log; a record without a value deletes its key
///   upsert.interval.ms    how long to wait at least between changes of the latest rows (0: at each commit)
///   partition.by          "day(paid_at)", "hour(_timestamp)", "country", with commas; default day(_timestamp); "none"
///   errors                what becomes of a record that is no row: "fail" (default), "dead-letter", "skip"
///   days.ahead, days.behind   a day or hour by which the table is partitioned may be so far from now (7, 36500); a record beyond
///   has a
///                         clock that is wrong, and goes to the dead-letter table unless errors=skip
///   file.bytes            at which a data file is closed (128 MiB)
///   schema.type.change    "refuse" (default), "new-column"
///   schema.removal        "drop" (default), "keep"
///   columns.*, time.zone  see MappingOptions::Parse
///   upkeep, compaction.*, history.expire.* ...   see UpkeepPolicy
struct LandingPolicy {
  enum class Errors { kFail, kDeadLetter, kSkip };
  enum class Mode { kAppend, kUpsert };
  struct PartitionBy {
    Transform transform = Transform::kIdentity;
    std::string column;  // names with dots
  };

  std::vector<PartitionBy> partition_by = {{Transform::kDay, "_timestamp"}};
  Errors errors = Errors::kFail;
  Mode mode = Mode::kAppend;
  int64_t upsert_interval_ms = 0;
  int64_t days_ahead = 7;
  int64_t days_behind = 36500;
  int64_t file_bytes = int64_t{128} << 20;
  EvolutionPolicy evolution;
  MappingOptions mapping;
  UpkeepPolicy upkeep;
  /// Of the latest rows. Whatever is not set is as in `upkeep`, but for how long the past is kept: an hour and five snapshots,
  /// for each of them may have files with most of the rows.
  UpkeepPolicy latest_upkeep;

  /// InvalidArgument names the setting that is unknown or has a value that it cannot have.
  static absl::StatusOr<LandingPolicy> Parse(std::map<std::string, std::string> settings);
  /// As fields of `schema`, in which the columns are looked up: InvalidArgument if one is not there.
  [[nodiscard]] absl::StatusOr<PartitionSpec> Spec(const Schema& schema) const;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_LANDING_POLICY_H_
