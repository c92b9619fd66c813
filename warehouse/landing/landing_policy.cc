#include "landing/landing_policy.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace::warehouse {
namespace {

using Settings = std::map<std::string, std::string>;

constexpr int64_t kLatestSnapshotAgeMs = 3'600'000;
constexpr int64_t kLatestSnapshots = 5;

std::optional<std::string> TakeSetting(Settings* settings, const std::string& name) {
  const auto found = settings->find(name);
  if (found == settings->end()) return std::nullopt;
  std::string value = std::move(found->second);
  settings->erase(found);
  return value;
}

absl::Status Expected(const std::string& name, const std::string& value, const std::string& expected) {
  return absl::InvalidArgumentError(absl::StrCat(name, "=", value, ": expected ", expected));
}

/// One of several words.
template <class T>
absl::Status TakeChoice(Settings* settings, const std::string& name, const std::vector<std::pair<std::string, T>>& choices,
                        T* target) {
  const std::optional<std::string> value = TakeSetting(settings, name);
  if (!value) return absl::OkStatus();
  std::string words;
  for (const auto& [word, choice] : choices) {
    if (word == *value) {
      *target = choice;
      return absl::OkStatus();
    }
    absl::StrAppend(&words, words.empty() ? "" : ", ", word);
  }
  return Expected(name, *value, absl::StrCat("one of ", words));
}

absl::Status TakeNumber(Settings* settings, const std::string& name, int64_t least, int64_t* target) {
  const std::optional<std::string> value = TakeSetting(settings, name);
  if (!value) return absl::OkStatus();
  int64_t number = 0;
  if (!absl::SimpleAtoi(*value, &number) || number < least) return Expected(name, *value, absl::StrCat("a number from ", least));
  *target = number;
  return absl::OkStatus();
}

absl::StatusOr<LandingPolicy::PartitionBy> ParsePartitionBy(const std::string& text, const std::string& whole) {
  const size_t open = text.find('(');
  if (open == std::string::npos && !text.empty()) return LandingPolicy::PartitionBy{Transform::kIdentity, text};
  const std::string transform = text.substr(0, open);
  if (text.empty() || text.back() != ')' || (transform != "day" && transform != "hour")) {
    return Expected("partition.by", whole, "columns, day(column) or hour(column), with commas, or none");
  }
  return LandingPolicy::PartitionBy{transform == "day" ? Transform::kDay : Transform::kHour,
                                    text.substr(open + 1, text.size() - open - 2)};
}

absl::Status TakePartitionBy(Settings* settings, std::vector<LandingPolicy::PartitionBy>* partition_by) {
  const std::optional<std::string> value = TakeSetting(settings, "partition.by");
  if (!value) return absl::OkStatus();
  partition_by->clear();
  if (*value == "none") return absl::OkStatus();
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(*value, ','))) {
    absl::StatusOr<LandingPolicy::PartitionBy> by = ParsePartitionBy(std::string(absl::StripAsciiWhitespace(part)), *value);
    if (!by.ok()) return by.status();
    partition_by->push_back(*std::move(by));
  }
  return absl::OkStatus();
}

const Field* FindColumn(const Schema& schema, const std::string& names) {
  const std::vector<Field>* fields = &schema.fields;
  const Field* found = nullptr;
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(names, '.'))) {
    const auto it = std::find_if(fields->begin(), fields->end(), [&](const Field& field) { return field.name == name; });
    if (it == fields->end()) return nullptr;
    found = &*it;
    fields = &it->type.fields;
  }
  return found;
}

}  // namespace

absl::StatusOr<LandingPolicy> LandingPolicy::Parse(Settings settings) {
  LandingPolicy policy;
  using Change = EvolutionPolicy::TypeChange;
  using Removal = EvolutionPolicy::Removal;
  const absl::Status taken[] = {
      TakePartitionBy(&settings, &policy.partition_by),
      TakeChoice<Errors>(&settings, "errors",
                         {{"fail", Errors::kFail}, {"dead-letter", Errors::kDeadLetter}, {"skip", Errors::kSkip}},
                         &policy.errors),
      TakeChoice<Mode>(&settings, "mode", {{"append", Mode::kAppend}, {"upsert", Mode::kUpsert}}, &policy.mode),
      TakeNumber(&settings, "upsert.interval.ms", 0, &policy.upsert_interval_ms),
      TakeNumber(&settings, "days.ahead", 0, &policy.days_ahead),
      TakeNumber(&settings, "days.behind", 0, &policy.days_behind),
      TakeNumber(&settings, "file.bytes", 1 << 20, &policy.file_bytes),
      TakeChoice<Change>(&settings, "schema.type.change", {{"refuse", Change::kRefuse}, {"new-column", Change::kNewColumn}},
                         &policy.evolution.type_change),
      TakeChoice<Removal>(&settings, "schema.removal", {{"drop", Removal::kDrop}, {"keep", Removal::kKeep}},
                          &policy.evolution.removal)};
  for (const absl::Status& status : taken) {
    if (!status.ok()) return status;
  }
  const bool age_is_set = settings.contains("history.expire.max-snapshot-age-ms");
  const bool count_is_set = settings.contains("history.expire.min-snapshots-to-keep");
  absl::StatusOr<UpkeepPolicy> upkeep = UpkeepPolicy::Take(&settings);
  if (!upkeep.ok()) return upkeep.status();
  policy.upkeep = policy.latest_upkeep = *upkeep;
  if (!age_is_set) policy.latest_upkeep.max_snapshot_age_ms = kLatestSnapshotAgeMs;
  if (!count_is_set) policy.latest_upkeep.min_snapshots = kLatestSnapshots;
  absl::StatusOr<MappingOptions> mapping = MappingOptions::Parse(settings);
  if (!mapping.ok()) return mapping.status();
  policy.mapping = *std::move(mapping);
  // Rows are told apart by it.
  if (policy.mode == Mode::kUpsert && policy.mapping.key == MappingOptions::Key::kNone) {
    policy.mapping.key = MappingOptions::Key::kBinary;
  }
  return policy;
}

absl::StatusOr<PartitionSpec> LandingPolicy::Spec(const Schema& schema) const {
  PartitionSpec spec;
  int id = 1000;
  for (const PartitionBy& by : partition_by) {
    const Field* column = FindColumn(schema, by.column);
    if (column == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("partition.by: the table has no column ", by.column));
    }
    std::string name = by.column;
    std::replace(name.begin(), name.end(), '.', '_');
    if (by.transform == Transform::kDay) name += "_day";
    if (by.transform == Transform::kHour) name += "_hour";
    spec.fields.push_back({column->id, id++, std::move(name), by.transform});
  }
  return spec;
}

}  // namespace millrace::warehouse
