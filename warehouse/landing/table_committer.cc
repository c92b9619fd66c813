#include "landing/table_committer.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "table/snapshot_producer.h"
#include "upkeep/table_swap.h"

namespace millrace::warehouse {
namespace {

// Each lost race means that somebody else has won one, so that this many in a row are no accident.
constexpr int kAttempts = 50;

}  // namespace

TableCommitter::TableCommitter(Catalog* catalog, Storage* storage, TableName table, std::string application_id, std::string topic,
                               Clock clock)
    : catalog_(catalog),
      storage_(storage),
      name_(std::move(table)),
      application_id_(std::move(application_id)),
      topic_(std::move(topic)),
      property_(LandedPositions::PropertyName(application_id_, topic_)),
      clock_(std::move(clock)) {}

absl::Status TableCommitter::Refresh() {
  absl::StatusOr<LoadedTable> loaded = catalog_->Load(name_);
  if (!loaded.ok()) return loaded.status();
  absl::StatusOr<LandedPositions> positions = LandedPositions::From(loaded->metadata.properties, property_);
  if (!positions.ok()) return positions.status();
  loaded_ms_ = clock_();
  table_ = *std::move(loaded);
  positions_ = *std::move(positions);
  return absl::OkStatus();
}

absl::StatusOr<bool> TableCommitter::Commit(const std::vector<DataFile>& files, const std::map<int32_t, PositionRange>& ranges) {
  SnapshotProducer producer(storage_);
  bool written = false;
  bool doubt = false;  // an attempt may have happened, or may still
  const int64_t loaded_ms = loaded_ms_;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (!positions_.Continue(ranges)) {
      if (!doubt) Discard(files, producer.written());
      return false;
    }
    if (!written && !files.empty()) {
      if (absl::Status status = producer.Add(table_.metadata, files); !status.ok()) return status;
    }
    written = true;
    LandedPositions moved = positions_;
    moved.Advance(ranges);
    TableUpdate update;
    update.set_properties[property_] = moved.ToString();
    std::map<std::string, std::string> summary = {{property_, moved.ToString()}, {"millrace.application", application_id_}};
    if (const std::optional<int64_t> valid_through = moved.valid_through_ms()) {
      summary[kValidThrough] = update.set_properties[kValidThrough] = std::to_string(*valid_through);
    }
    absl::StatusOr<Snapshot> snapshot = producer.Build(table_.metadata, summary, clock_());
    if (absl::IsNotFound(snapshot.status())) {
      // Files of a state that is so old that it was forgotten; or they are missing.
      const std::string old = table_.metadata_file;
      if (absl::Status status = Refresh(); !status.ok()) return status;
      if (table_.metadata_file == old) return snapshot.status();
      if (absl::Status status = CheckAge(loaded_ms); !status.ok()) return status;
      continue;
    }
    if (!snapshot.ok()) return snapshot.status();
    update.snapshot = *std::move(snapshot);
    absl::StatusOr<std::optional<LoadedTable>> done = catalog_->Commit(name_, table_, update);
    if (done.ok() && done->has_value()) {
      loaded_ms_ = clock_();
      table_ = *std::move(*done);
      positions_ = std::move(moved);
      return true;
    }
    if (!done.ok() && !IsOutcomeUnknown(done.status())) return done.status();
    // Somebody else was first, or nobody knows: the table does.
    doubt |= !done.ok();
    if (absl::Status status = Refresh(); !status.ok()) return status;
    if (doubt && table_.metadata.FindSnapshot(producer.snapshot_id()) != nullptr) return true;
    if (absl::Status status = CheckAge(loaded_ms); !status.ok()) return status;
  }
  return absl::UnavailableError(absl::StrCat("table ", name_.ToString(), " was committed by others ", kAttempts,
                                             " times in a row before this commit: fewer writers, or longer intervals"));
}

// Only others' commits make a sweep of orphans go on, and after those this one's first attempt fails.
absl::Status TableCommitter::CheckAge(int64_t loaded_ms) const {
  const int64_t age_ms = clock_() - loaded_ms;
  if (age_ms <= kLongestCommitMs) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("table ", name_.ToString(), " was loaded ", age_ms / 1000,
                                             " s before this commit: its files may have been swept as orphans meanwhile"));
}

// Nobody will ever refer to them. What stays because this fails is swept later.
void TableCommitter::Discard(const std::vector<DataFile>& files, const std::set<std::string>& written) {
  for (const DataFile& file : files) (void)storage_->Delete(file.path);
  for (const std::string& path : written) (void)storage_->Delete(path);
}

}  // namespace millrace::warehouse
