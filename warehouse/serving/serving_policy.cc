#include "serving/serving_policy.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace::warehouse {
namespace {

using Settings = std::map<std::string, std::string>;

absl::Status TakeMode(Settings* settings, ServingPolicy::Mode* mode) {
  const auto found = settings->find("mode");
  if (found == settings->end()) return absl::OkStatus();
  if (found->second != "upsert" && found->second != "append") {
    return absl::InvalidArgumentError(absl::StrCat("mode=", found->second, ": expected one of upsert, append"));
  }
  *mode = found->second == "append" ? ServingPolicy::Mode::kAppend : ServingPolicy::Mode::kUpsert;
  settings->erase(found);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> TakeKeyColumns(Settings* settings, ServingPolicy::Mode mode) {
  const auto found = settings->find("key.columns");
  const bool upsert = mode == ServingPolicy::Mode::kUpsert;
  if (found == settings->end()) {
    return upsert ? std::vector<std::string>{std::string(kKeyColumn)} : std::vector<std::string>();
  }
  if (!upsert) return absl::InvalidArgumentError("key.columns: a table with mode=append has no key");
  std::vector<std::string> columns;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(found->second, ','))) {
    columns.emplace_back(absl::StripAsciiWhitespace(part));
  }
  const std::set<std::string> distinct(columns.begin(), columns.end());
  if (distinct.count("") != 0 || distinct.size() != columns.size()) {
    return absl::InvalidArgumentError(absl::StrCat("key.columns=", found->second, ": expected names of columns with commas"));
  }
  settings->erase(found);
  return columns;
}

absl::Status RefuseThoseOfFiles(const Settings& settings) {
  for (const char* name : {"partition.by", "days.ahead", "days.behind", "file.bytes", "schema.removal"}) {
    if (settings.count(name) == 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(name, ": a table in PostgreSQL has no such setting; remove the line"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ServingPolicy> ServingPolicy::Parse(Settings settings) {
  ServingPolicy policy;
  if (absl::Status status = TakeMode(&settings, &policy.mode); !status.ok()) return status;
  absl::StatusOr<std::vector<std::string>> key_columns = TakeKeyColumns(&settings, policy.mode);
  if (!key_columns.ok()) return key_columns.status();
  policy.key_columns = *std::move(key_columns);
  if (absl::Status status = RefuseThoseOfFiles(settings); !status.ok()) return status;
  absl::StatusOr<LandingPolicy> shared = LandingPolicy::Parse(std::move(settings));
  if (!shared.ok()) return shared.status();
  policy.errors = shared->errors;
  policy.evolution = shared->evolution;
  policy.evolution.removal = EvolutionPolicy::Removal::kKeep;
  policy.mapping = std::move(shared->mapping);
  const bool needs_key = std::find(policy.key_columns.begin(), policy.key_columns.end(), kKeyColumn) != policy.key_columns.end();
  if (needs_key && policy.mapping.key == MappingOptions::Key::kNone) policy.mapping.key = MappingOptions::Key::kBinary;
  return policy;
}

}  // namespace millrace::warehouse
