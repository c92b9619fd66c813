#include "landing/latest_table.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "protobuf/field_mapping.h"
#include "table/partition_values.h"
#include "table/snapshot_producer.h"
#include "upkeep/data_file_reader.h"

namespace millrace::warehouse {
namespace {

// Bounds what is in memory, and what one call does.
constexpr int64_t kMostPositions = 1'000'000;
constexpr int64_t kFewestPositions = 1000;
constexpr int kMostSteps = 4;
// Property: rows of the log's files up to this sequence number have all been followed.
constexpr char kFollowed[] = "millrace.followed-sequence-number";

std::string PropertyOf(const TableMetadata& table, const std::string& name) {
  const auto found = table.properties.find(name);
  return found == table.properties.end() ? "" : found->second;
}

template <class T>
std::optional<T> Bound(const std::map<int, std::string>& bounds, int id) {
  const auto found = bounds.find(id);
  T value = 0;
  if (found == bounds.end() || found->second.size() != sizeof(T)) return std::nullopt;
  std::memcpy(&value, found->second.data(), sizeof(T));  // little-endian, as this machine is
  return value;
}

/// The ids that columns of one table have in another whose columns belong to the same fields; 0 = there is none.
std::map<int, int> Translation(const ColumnRecord& from, const ColumnRecord& to) {
  std::map<int, int> ids;
  for (const auto& [path, id] : from.ids) ids[id] = to.Find(path);
  return ids;
}

void Translate(const std::map<int, int>& ids, std::vector<Field>* fields) {
  for (Field& field : *fields) {
    const auto found = ids.find(field.id);
    field.id = found == ids.end() ? 0 : found->second;
    Translate(ids, &field.type.fields);
  }
}

bool IsReplace(const TableMetadata& table, int64_t sequence_number) {
  return std::any_of(table.snapshots.begin(), table.snapshots.end(), [&](const Snapshot& snapshot) {
    if (snapshot.sequence_number != sequence_number) return false;
    const auto operation = snapshot.summary.find("operation");
    return operation != snapshot.summary.end() && operation->second == "replace";
  });
}

template <class Use>
absl::Status ForEachBatch(Storage* storage, const DataFile& file, const Schema& schema, Use use) {
  absl::StatusOr<std::unique_ptr<DataFileReader>> reader = DataFileReader::Open(storage, file.path, file.size_bytes, schema);
  if (!reader.ok()) return reader.status();
  RowBatch batch(schema);
  while (true) {
    absl::StatusOr<bool> read = (*reader)->Read(&batch);
    if (!read.ok()) return read.status();
    if (!*read) return absl::OkStatus();
    if (absl::Status status = use(batch); !status.ok()) return status;
    batch.Clear();
  }
}

}  // namespace

LatestTable::LatestTable(Catalog* catalog, Storage* storage, Options options, TableCommitter::Clock clock)
    : catalog_(catalog),
      storage_(storage),
      options_(std::move(options)),
      property_(LandedPositions::PropertyName(options_.application_id, options_.topic)),
      clock_(clock),
      committer_(catalog, storage, options_.table.name, options_.application_id, options_.topic, std::move(clock)),
      most_positions_(kMostPositions) {}

absl::Status LatestTable::Ensure() { return options_.table.Ensure(catalog_, &committer_); }

int LatestTable::KeyId() const {
  absl::StatusOr<ColumnRecord> record = ColumnRecordOf(committer_.table().metadata);
  return record.ok() ? record->Find(kKeyColumn) : 0;
}

absl::StatusOr<bool> LatestTable::Follow(const LoadedTable& log) {
  if (log.metadata.last_sequence_number == followed_sequence_number_ || clock_() < next_ms_) return false;
  bool changed = false;
  for (int step = 0; step < kMostSteps; ++step) {
    if (absl::Status status = committer_.Refresh(); !status.ok()) return status;
    bool is_last = false;
    absl::StatusOr<bool> done = FollowOnce(log, &is_last);
    if (absl::IsResourceExhausted(done.status()) && most_positions_ > kFewestPositions) {
      most_positions_ /= 4;  // rows are large
      continue;
    }
    if (!done.ok()) return done;
    changed |= *done;
    if (is_last) followed_sequence_number_ = log.metadata.last_sequence_number;
    if (is_last || !*done) break;
  }
  next_ms_ = clock_() + options_.interval_ms;
  return changed;
}

absl::StatusOr<bool> LatestTable::FollowOnce(const LoadedTable& log, bool* is_last) {
  const TableMetadata& latest = committer_.table().metadata;
  absl::StatusOr<LandedPositions> of_log = LandedPositions::From(log.metadata.properties, property_);
  absl::StatusOr<ColumnRecord> log_record = ColumnRecordOf(log.metadata);
  absl::StatusOr<ColumnRecord> latest_record = ColumnRecordOf(latest);
  for (const absl::Status& status : {of_log.status(), log_record.status(), latest_record.status()}) {
    if (!status.ok()) return status;
  }
  const std::vector<PartitionField>& partition_by = latest.spec().fields;
  if (partition_by.size() != 1 || partition_by[0].transform != Transform::kIdentity ||
      partition_by[0].source_id != latest_record->Find(kPartitionColumn)) {
    return absl::FailedPreconditionError("it must be partitioned by _partition and nothing else");
  }
  *is_last = of_log->ToString() == committer_.positions().ToString();
  if (*is_last) return false;
  absl::StatusOr<std::vector<LiveFile>> files = NewFiles(log.metadata);
  if (!files.ok()) return files.status();
  const int offset_id = log_record->Find(kOffsetColumn);
  const Step step = NextStep(*of_log, *files, offset_id);
  *is_last = step.is_last;

  // The columns of this table, by the ids that they have in the log, and `_op` behind them.
  Schema schema = latest.schema();
  Translate(Translation(*latest_record, *log_record), &schema.fields);
  const ChangedRows::Columns columns = {log_record->Find(kKeyColumn), log_record->Find(kPartitionColumn), offset_id,
                                        log_record->Find(kOpColumn)};
  schema.fields.push_back({columns.op, kOpColumn, false, {Type::Kind::kString, 0, 0, {}}, ""});
  ChangedRows changes(schema, columns);
  if (absl::Status status = ReadChanges(schema, offset_id, *files, step, &changes); !status.ok()) return status;

  Rewritten rewritten;
  absl::Status status;
  std::vector<LiveFile> live;
  if (changes.keys() > 0 && latest.current_snapshot() != nullptr) {
    absl::StatusOr<std::vector<LiveFile>> read = ReadLiveFiles(*storage_, latest, *latest.current_snapshot());
    if (!read.ok()) return read.status();
    live = *std::move(read);
  }
  for (const int32_t partition : changes.Partitions()) {
    if (status.ok()) status = RewritePartition(partition, changes, live, &rewritten);
  }
  if (status.ok()) return Commit(step, rewritten, log.metadata.last_sequence_number);
  for (const DataFile& file : rewritten.added) (void)storage_->Delete(file.path);
  return status;
}

// Of the log's files, those with rows that may not have been followed. A snapshot that only wrote rows anew brings none.
absl::StatusOr<std::vector<LiveFile>> LatestTable::NewFiles(const TableMetadata& log) const {
  std::vector<LiveFile> files;
  if (log.current_snapshot() == nullptr) return files;
  int64_t followed = 0;
  if (!absl::SimpleAtoi(PropertyOf(committer_.table().metadata, kFollowed), &followed)) followed = 0;
  while (IsReplace(log, followed + 1)) ++followed;
  absl::StatusOr<std::vector<ManifestFile>> manifests = ReadManifestList(*storage_, *log.current_snapshot());
  if (!manifests.ok()) return manifests.status();
  for (const ManifestFile& description : *manifests) {
    if (description.content != FileContent::kData) {
      return absl::UnimplementedError("another engine has deleted rows of the log of changes, which this cannot follow");
    }
    if (description.sequence_number <= followed || !description.has_live_files()) continue;
    absl::StatusOr<Manifest> manifest = ReadManifest(*storage_, description);
    if (!manifest.ok()) return manifest.status();
    for (const ManifestEntry& entry : manifest->entries) {
      if (entry.status == FileStatus::kDeleted || *entry.sequence_number <= followed) continue;
      files.push_back({entry.file, description.spec_id, *entry.sequence_number});
    }
  }
  return files;
}

LatestTable::Step LatestTable::NextStep(const LandedPositions& of_log, const std::vector<LiveFile>& files, int offset_id) const {
  // A partition that was never followed begins at the first offset that any file has.
  int64_t first = std::numeric_limits<int64_t>::max();
  for (const LiveFile& file : files) {
    first = std::min(first, Bound<int64_t>(file.file.lower_bounds, offset_id).value_or(std::numeric_limits<int64_t>::min()));
  }
  Step step;
  step.followed = committer_.positions();
  step.is_last = true;
  const int64_t share =
      std::max<int64_t>(1, most_positions_ / std::max<int64_t>(1, static_cast<int64_t>(of_log.partitions.size())));
  for (const auto& [number, partition] : of_log.partitions) {
    const auto known = committer_.positions().partitions.find(number);
    const int64_t start = known != committer_.positions().partitions.end() ? known->second.next : first;
    const bool to_the_end = start == std::numeric_limits<int64_t>::min() || partition.next - share <= start;
    const int64_t end = to_the_end ? partition.next : start + share;
    step.positions[number] = {start, end};
    LandedPositions::Partition& followed = step.followed.partitions[number];
    followed.next = end;
    if (to_the_end) followed.stream_time_ms = partition.stream_time_ms;
    step.is_last = step.is_last && to_the_end;
  }
  return step;
}

absl::Status LatestTable::ReadChanges(const Schema& schema, int offset_id, const std::vector<LiveFile>& files, const Step& step,
                                      ChangedRows* changes) const {
  int64_t low = std::numeric_limits<int64_t>::max();
  int64_t high = std::numeric_limits<int64_t>::min();
  for (const auto& [number, range] : step.positions) {
    if (range.first < range.second) low = std::min(low, range.first);
    if (range.first < range.second) high = std::max(high, range.second);
  }
  for (const LiveFile& file : files) {
    const std::optional<int64_t> lower = Bound<int64_t>(file.file.lower_bounds, offset_id);
    const std::optional<int64_t> upper = Bound<int64_t>(file.file.upper_bounds, offset_id);
    if ((lower && *lower >= high) || (upper && *upper < low)) continue;
    absl::Status status =
        ForEachBatch(storage_, file.file, schema, [&](const RowBatch& batch) { return changes->Add(batch, step.positions); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status LatestTable::RewritePartition(int32_t partition, const ChangedRows& changes, const std::vector<LiveFile>& files,
                                           Rewritten* rewritten) const {
  const TableMetadata& latest = committer_.table().metadata;
  PartitionWriter writer(storage_, latest, {partition}, options_.writer);
  for (const LiveFile& file : files) {
    if (file.file.partition != PartitionTuple{partition}) continue;
    absl::StatusOr<bool> touched = HasChangedKey(file.file, partition, changes);
    if (!touched.ok()) return touched.status();
    if (!*touched) continue;
    if (absl::Status status = CopyOthers(file.file, partition, changes, &writer); !status.ok()) return status;
    rewritten->removed.push_back(file.file.path);
  }
  RowBatch upserted(latest.schema());
  changes.AppendUpserted(partition, &upserted);
  if (absl::Status status = writer.Append(upserted, 0, upserted.rows()); !status.ok()) return status;
  absl::StatusOr<std::vector<DataFile>> added = writer.Finish();
  if (!added.ok()) return added.status();
  rewritten->added.insert(rewritten->added.end(), added->begin(), added->end());
  return absl::OkStatus();
}

absl::StatusOr<bool> LatestTable::HasChangedKey(const DataFile& file, int32_t partition, const ChangedRows& changes) const {
  const int key_id = KeyId();
  const auto lower = file.lower_bounds.find(key_id);
  const auto upper = file.upper_bounds.find(key_id);
  if (lower != file.lower_bounds.end() && upper != file.upper_bounds.end() &&
      !changes.HasKeyIn(partition, lower->second, upper->second)) {
    return false;
  }
  const Field* key = committer_.table().metadata.schema().Find(key_id);
  if (key == nullptr) return absl::FailedPreconditionError("the table has no column _key any more");
  Schema schema;
  schema.fields = {*key};
  bool found = false;
  absl::Status status = ForEachBatch(storage_, file, schema, [&](const RowBatch& batch) {
    const auto* keys = batch.Find<BytesColumn>(key_id);
    for (int64_t row = 0; row < batch.rows() && !found; ++row) {
      found = !keys->IsNull(row) && changes.HasKey(partition, keys->Get(row));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return found;
}

absl::Status LatestTable::CopyOthers(const DataFile& file, int32_t partition, const ChangedRows& changes,
                                     PartitionWriter* writer) const {
  const int key_id = KeyId();
  const auto keep = [&](const BytesColumn& keys, int64_t row) {
    return keys.IsNull(row) || !changes.HasKey(partition, keys.Get(row));
  };
  return ForEachBatch(storage_, file, committer_.table().metadata.schema(), [&](const RowBatch& batch) {
    const auto* keys = batch.Find<BytesColumn>(key_id);
    for (int64_t row = 0; row < batch.rows();) {
      int64_t end = row;
      while (end < batch.rows() && keep(*keys, end)) ++end;
      if (absl::Status status = writer->Append(batch, row, end); !status.ok()) return status;
      row = end + 1;
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<bool> LatestTable::Commit(const Step& step, const Rewritten& rewritten, int64_t sequence_number) {
  LoadedTable table = committer_.table();
  SnapshotProducer producer(storage_);
  TableSwap::Change change;
  change.producer = &producer;
  change.files = rewritten.added;
  change.summary = {{property_, step.followed.ToString()}, {"millrace.application", options_.application_id}};
  const std::optional<int64_t> valid_through = step.followed.valid_through_ms();
  if (valid_through) change.summary[kValidThrough] = std::to_string(*valid_through);
  change.prepare = [&, before = PropertyOf(table.metadata, property_), spec = table.metadata.default_spec_id](
                       const TableMetadata& now, TableUpdate* update) {
    if (PropertyOf(now, property_) != before || now.default_spec_id != spec) {
      return absl::AbortedError("somebody else has followed the log");
    }
    update->set_properties[property_] = step.followed.ToString();
    if (step.is_last) update->set_properties[kFollowed] = std::to_string(sequence_number);
    if (valid_through) update->set_properties[kValidThrough] = std::to_string(*valid_through);
    return absl::OkStatus();
  };
  if (!rewritten.removed.empty()) producer.Remove(rewritten.removed, SnapshotProducer::Removal::kOverwrite);
  if (absl::Status status = producer.Add(table.metadata, rewritten.added); !status.ok()) {
    for (const DataFile& file : rewritten.added) (void)storage_->Delete(file.path);
    return status;
  }
  const TableSwap swap{catalog_, storage_, options_.table.name, clock_};
  absl::StatusOr<bool> done = swap.Run(&table, change);
  if (done.ok()) (void)committer_.Refresh();
  return done;
}

}  // namespace millrace::warehouse
