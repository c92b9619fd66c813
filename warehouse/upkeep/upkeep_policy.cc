#include "upkeep/upkeep_policy.h"

#include "absl/strings/str_cat.h"
#include "storage/configuration.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kDayMs = 86'400'000;

struct NumberSetting {
  const char* name;
  int64_t least;
  int64_t UpkeepPolicy::*member;
};

constexpr NumberSetting kNumbers[] = {
    {"compaction.min-input-files", 2, &UpkeepPolicy::min_input_files},
    {"compaction.idle-ms", 0, &UpkeepPolicy::idle_ms},
    {"commit.manifest.min-count-to-merge", 2, &UpkeepPolicy::manifest_min_count},
    {"commit.manifest.target-size-bytes", 1, &UpkeepPolicy::manifest_target_bytes},
    {"history.expire.max-snapshot-age-ms", 0, &UpkeepPolicy::max_snapshot_age_ms},
    {"history.expire.min-snapshots-to-keep", 1, &UpkeepPolicy::min_snapshots},
    {"metadata.max-age-ms", 1, &UpkeepPolicy::metadata_max_age_ms},
    {"expire.interval-ms", 0, &UpkeepPolicy::expire_interval_ms},
    {"orphan.max-age-ms", kDayMs, &UpkeepPolicy::orphan_max_age_ms},
    {"sweep.interval-ms", 0, &UpkeepPolicy::sweep_interval_ms},
};

}  // namespace

const std::vector<std::string>& UpkeepPolicy::Names() {
  static const auto* const names = [] {
    auto* all = new std::vector<std::string>{"upkeep"};
    for (const NumberSetting& number : kNumbers) all->push_back(number.name);
    return all;
  }();
  return *names;
}

absl::StatusOr<UpkeepPolicy> UpkeepPolicy::Take(std::map<std::string, std::string>* settings) {
  UpkeepPolicy policy;
  ConfigurationTaker take(settings);
  std::string word = "on";
  take.Text("upkeep", &word);
  for (const NumberSetting& number : kNumbers) take.Number(number.name, number.least, &(policy.*number.member));
  if (!take.status().ok()) return take.status();
  if (word != "on" && word != "off") return absl::InvalidArgumentError(absl::StrCat("upkeep=", word, ": expected on or off"));
  policy.on = word == "on";
  return policy;
}

absl::Status UpkeepPolicy::CheckFor(const Catalog& catalog) const {
  const int64_t least = catalog.MetadataKept().count();
  if (metadata_max_age_ms >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("metadata.max-age-ms=", metadata_max_age_ms,
                                                 ": with this catalog it must be at least ", least,
                                                 " ms, as the table may still need a younger file"));
}

}  // namespace millrace::warehouse
