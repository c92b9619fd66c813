#include "upkeep/table_swap.h"

#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

constexpr int kAttempts = 20;

}  // namespace

bool IsOutcomeUnknown(const absl::Status& status) { return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status); }

absl::StatusOr<bool> TableSwap::Run(LoadedTable* table, const Change& change) const {
  bool doubt = false;  // an attempt may have happened, or may still
  absl::StatusOr<bool> done = false;
  const int64_t began_ms = clock();
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    bool again = false;
    done = Attempt(table, change, &doubt, &again);
    if (!again) break;
    absl::StatusOr<LoadedTable> loaded = catalog->Load(name);
    if (!loaded.ok()) {
      done = loaded.status();
      break;
    }
    // Its files are gone because it is old, or they are missing.
    if (absl::IsNotFound(done.status()) && loaded->metadata_file == table->metadata_file) break;
    *table = *std::move(loaded);
    done = absl::UnavailableError(absl::StrCat("table ", name.ToString(), " is committed by others all the time"));
    if (doubt && table->metadata.FindSnapshot(change.producer->snapshot_id()) != nullptr) {
      done = true;
      break;
    }
    if (clock() - began_ms > kLongestCommitMs) break;
  }
  if (doubt) return done;
  const bool happened = done.ok() && *done;
  std::set<std::string> unused = change.producer->written();
  for (const std::string& path : change.producer->used()) {
    if (happened) unused.erase(path);
  }
  Discard(happened ? std::vector<DataFile>() : change.files, unused);
  return done;
}

// `again` is set if others were first, or nobody knows, or files of the state are not there.
absl::StatusOr<bool> TableSwap::Attempt(LoadedTable* table, const Change& change, bool* doubt, bool* again) const {
  TableUpdate update;
  if (change.prepare) {
    absl::Status prepared = change.prepare(table->metadata, &update);
    if (absl::IsAborted(prepared)) return false;
    if (!prepared.ok()) return prepared;
  }
  absl::StatusOr<Snapshot> snapshot = change.producer->Build(table->metadata, change.summary, clock());
  if (absl::IsFailedPrecondition(snapshot.status())) return false;
  if (absl::IsNotFound(snapshot.status())) {
    *again = true;
    return snapshot.status();
  }
  if (!snapshot.ok()) return snapshot.status();
  update.snapshot = *std::move(snapshot);
  absl::StatusOr<std::optional<LoadedTable>> committed = catalog->Commit(name, *table, update);
  if (committed.ok() && committed->has_value()) {
    *table = **std::move(committed);
    return true;
  }
  if (!committed.ok() && !IsOutcomeUnknown(committed.status())) return committed.status();
  *doubt |= !committed.ok();
  *again = true;
  return false;
}

// Nobody will ever refer to them. What stays because this fails is swept later.
void TableSwap::Discard(const std::vector<DataFile>& files, const std::set<std::string>& written) const {
  for (const DataFile& file : files) (void)storage->Delete(file.path);
  for (const std::string& path : written) (void)storage->Delete(path);
}

}  // namespace millrace::warehouse
