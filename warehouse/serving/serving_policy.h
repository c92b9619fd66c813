#ifndef MILLRACE_WAREHOUSE_SERVING_SERVING_POLICY_H_
#define MILLRACE_WAREHOUSE_SERVING_SERVING_POLICY_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "landing/landing_policy.h"
#include "protobuf/field_mapping.h"
#include "protobuf/schema_evolution.h"

namespace millrace::warehouse {

/// What the settings of a topic say that is landed in PostgreSQL, beside what its columns are made of:
///
///   mode                  "upsert" (default): the newest row of each key, and none after a tombstone; "append": a row per record
///   key.columns           of mode=upsert, with commas: the primary key; default _key, the key of the record
///   errors                "fail" (default), "dead-letter", "skip", as for tables in files
///   schema.type.change    "refuse" (default), "new-column", as there
///   columns.*, time.zone  see MappingOptions::Parse; columns._key is binary if nothing else is said and the key needs it
struct ServingPolicy {
  enum class Mode { kUpsert, kAppend };

  Mode mode = Mode::kUpsert;
  std::vector<std::string> key_columns;  // empty in mode append
  LandingPolicy::Errors errors = LandingPolicy::Errors::kFail;
  EvolutionPolicy evolution;  // columns of fields that are gone are kept
  MappingOptions mapping;

  /// InvalidArgument names the setting that is unknown, has a value that it cannot have, or is one of files.
  static absl::StatusOr<ServingPolicy> Parse(std::map<std::string, std::string> settings);
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_SERVING_SERVING_POLICY_H_
