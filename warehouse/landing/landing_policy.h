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

namespace millrace::warehouse {

/// What the settings of a landed topic say, beside what its columns are made of:
///
///   partition.by          "day(paid_at)", "hour(_timestamp)", "country", with commas; default day(_timestamp); "none"
///   errors                what becomes of a record that is no row: "fail" (default), "dead-letter", "skip"
///   days.ahead, days.behind   a day or hour by which the table is partitioned may be so far from now (7, 36500); a record beyond
///   has a
///                         clock that is wrong, and goes to the dead-letter table unless errors=skip
///   file.bytes            at which a data file is closed (128 MiB)
///   schema.type.change    "refuse" (default), "new-column"
///   schema.removal        "drop" (default), "keep"
///   columns.*, time.zone  see MappingOptions::Parse
struct LandingPolicy {
  enum class Errors { kFail, kDeadLetter, kSkip };
  struct PartitionBy {
    Transform transform = Transform::kIdentity;
    std::string column;  // names with dots
  };

  std::vector<PartitionBy> partition_by = {{Transform::kDay, "_timestamp"}};
  Errors errors = Errors::kFail;
  int64_t days_ahead = 7;
  int64_t days_behind = 36500;
  int64_t file_bytes = int64_t{128} << 20;
  EvolutionPolicy evolution;
  MappingOptions mapping;

  /// InvalidArgument names the setting that is unknown or has a value that it cannot have.
  static absl::StatusOr<LandingPolicy> Parse(std::map<std::string, std::string> settings);
  /// As fields of `schema`, in which the columns are looked up: InvalidArgument if one is not there.
  [[nodiscard]] absl::StatusOr<PartitionSpec> Spec(const Schema& schema) const;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_LANDING_LANDING_POLICY_H_
