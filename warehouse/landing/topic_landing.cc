#include "landing/topic_landing.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "protobuf/load_message.h"
#include "protobuf/table_schema.h"
#include "reading/table_info.h"

namespace millrace::warehouse {
namespace {

// What the decoder may hold before rows go to their files.
constexpr int64_t kBatchBytes = int64_t{4} << 20;
constexpr int64_t kBatchRows = 20000;
constexpr int64_t kDayMs = 86'400'000;
constexpr char kChangesSuffix[] = "_changes";

RowWriter::Options WriterOptions(const LandingDescription& description, const LandingPolicy& policy,
                                 const std::string& spool_folder) {
  RowWriter::Options options;
  options.spool_folder = spool_folder;
  options.file_prefix = absl::StrCat(description.application_id, "-", description.topic);
  options.router.target_bytes = policy.file_bytes;
  options.router.file.metadata = {{"millrace.application", description.application_id}, {"millrace.topic", description.topic}};
  return options;
}

void MakeValuesOptional(Schema* schema) {
  const std::string_view origin[] = {kTopicColumn, kPartitionColumn, kOffsetColumn, kTimestampColumn};
  for (Field& field : schema->fields) {
    if (std::find(std::begin(origin), std::end(origin), field.name) == std::end(origin)) field.required = false;
  }
}

// A row of a key that was deleted has no values.
void MakeColumnsOfChanges(MappedSchema* mapped) {
  MakeValuesOptional(&mapped->schema);
  const int id = mapped->schema.HighestId() + 1;
  mapped->schema.fields.push_back({id,
                                   kOpColumn,
                                   false,
                                   {Type::Kind::kString, 0, 0, {}},
                                   "u: the row is the latest of its key now; d: the key has none any more."});
  mapped->record.ids[kOpColumn] = id;
}

TableUpkeep::Options UpkeepOptions(const LandingPolicy& policy, const RowWriter::Options& writer) {
  return {policy.upkeep, {writer.spool_folder, writer.file_prefix, writer.router.target_bytes, writer.router.file}};
}

std::map<std::string, std::string> PropertiesOf(const MappingOptions& options) {
  if (options.dates.empty()) return {};
  return {{kTimeZone, options.dates.front().zone.name()}};
}

}  // namespace

TopicLanding::TopicLanding(Catalog* catalog, Storage* storage, const LandingDescription& description, LandingPolicy policy,
                           const std::string& spool_folder, TableCommitter::Clock clock)
    : catalog_(catalog),
      storage_(storage),
      description_(description),
      name_{description.name_space,
            absl::StrCat(description.table, policy.mode == LandingPolicy::Mode::kUpsert ? kChangesSuffix : "")},
      policy_(std::move(policy)),
      clock_(clock),
      writer_options_(WriterOptions(description, policy_, spool_folder)),
      committer_(catalog, storage, name_, description.application_id, description.topic, clock),
      upkeep_(catalog, storage, name_, UpkeepOptions(policy_, writer_options_), clock),
      dead_letters_(catalog, storage, description, writer_options_, UpkeepOptions(policy_, writer_options_), std::move(clock)) {}

absl::StatusOr<std::unique_ptr<TopicLanding>> TopicLanding::Open(Catalog* catalog, Storage* storage,
                                                                 const LandingDescription& description,
                                                                 const std::string& spool_folder, TableCommitter::Clock clock) {
  absl::StatusOr<LandingPolicy> policy = LandingPolicy::Parse(description.settings);
  if (!policy.ok()) return policy.status();
  if (absl::Status status = policy->upkeep.CheckFor(*catalog); !status.ok()) return status;
  std::unique_ptr<TopicLanding> landing(
      new TopicLanding(catalog, storage, description, *std::move(policy), spool_folder, std::move(clock)));
  absl::StatusOr<const google::protobuf::Descriptor*> message =
      LoadMessage(description.descriptor_set, description.message, &landing->pool_);
  if (!message.ok()) return message.status();
  landing->message_ = *message;
  if (absl::Status status = landing->PrepareLatest(); !status.ok()) return status;
  if (absl::Status status = landing->EnsureTables(); !status.ok()) return status;
  if (absl::Status status = landing->PrepareRows(); !status.ok()) return status;
  return landing;
}

absl::Status TopicLanding::EnsureTables() {
  absl::StatusOr<MessageTable> log = LogTable();
  if (!log.ok()) return log.status();
  if (absl::Status status = log->Ensure(catalog_, &committer_); !status.ok() || !latest_) return status;
  return latest_->Ensure();
}

// The table that records become rows of.
absl::StatusOr<MessageTable> TopicLanding::LogTable() const {
  absl::StatusOr<MappedSchema> mapped = MapSchema(*message_, policy_.mapping);
  if (!mapped.ok()) return mapped.status();
  if (latest_) MakeColumnsOfChanges(&*mapped);
  const auto spec = [this](const Schema& schema) { return policy_.Spec(schema); };
  return MessageTable{
      name_, *std::move(mapped), spec, policy_.evolution, latest_ ? "changes" : "", PropertiesOf(policy_.mapping)};
}

absl::StatusOr<MessageTable> TopicLanding::LatestRowsTable() const {
  absl::StatusOr<MappedSchema> mapped = MapSchema(*message_, policy_.mapping);
  if (!mapped.ok()) return mapped.status();
  MakeValuesOptional(&mapped->schema);
  const int partition_id = mapped->record.Find(kPartitionColumn);
  const auto spec = [partition_id](const Schema&) -> absl::StatusOr<PartitionSpec> {
    return PartitionSpec{0, {{partition_id, 1000, std::string(kPartitionColumn), Transform::kIdentity}}};
  };
  const TableName name{description_.name_space, description_.table};
  return MessageTable{name, *std::move(mapped), spec, policy_.evolution, "latest", PropertiesOf(policy_.mapping)};
}

absl::Status TopicLanding::PrepareLatest() {
  if (policy_.mode != LandingPolicy::Mode::kUpsert) return absl::OkStatus();
  absl::StatusOr<MessageTable> table = LatestRowsTable();
  if (!table.ok()) return table.status();
  TableUpkeep::Options upkeep = UpkeepOptions(policy_, writer_options_);
  upkeep.policy = policy_.latest_upkeep;
  const LatestTable::Options options{description_.application_id, description_.topic, *std::move(table),
                                     policy_.upsert_interval_ms, upkeep.writer};
  latest_ = std::make_unique<LatestTable>(catalog_, storage_, options, clock_);
  latest_upkeep_ = std::make_unique<TableUpkeep>(catalog_, storage_, latest_->name(), std::move(upkeep), clock_);
  return absl::OkStatus();
}

absl::Status TopicLanding::PrepareRows() {
  const TableMetadata& metadata = committer_.table().metadata;
  absl::StatusOr<ColumnRecord> record = ColumnRecordOf(metadata);
  if (!record.ok()) return record.status();
  absl::StatusOr<std::unique_ptr<RowDecoder>> decoder =
      RowDecoder::Create(metadata.schema(), *record, *message_, policy_.mapping);
  if (!decoder.ok()) return decoder.status();
  absl::StatusOr<PartitionOfRow> partition = PartitionOfRow::Create((*decoder)->batch(), metadata.spec());
  if (!partition.ok()) return partition.status();
  writer_.reset();
  decoder_ = *std::move(decoder);
  op_ = latest_ ? decoder_->batch().Find<BytesColumn>(record->Find(kOpColumn)) : nullptr;
  partition_of_row_ = std::make_unique<PartitionOfRow>(*std::move(partition));
  writer_ = std::make_unique<RowWriter>(storage_, metadata, writer_options_);
  schema_id_ = metadata.current_schema_id;
  spec_id_ = metadata.default_spec_id;
  rows_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<std::map<int32_t, int64_t>> TopicLanding::Positions() {
  if (absl::Status status = committer_.Refresh(); !status.ok()) return status;
  const TableMetadata& metadata = committer_.table().metadata;
  if (rows_ == 0 && (metadata.current_schema_id != schema_id_ || metadata.default_spec_id != spec_id_)) {
    if (absl::Status status = EnsureTables(); !status.ok()) return status;
    if (absl::Status status = PrepareRows(); !status.ok()) return status;
  }
  std::map<int32_t, int64_t> positions;
  for (const auto& [number, partition] : committer_.positions().partitions) positions[number] = partition.next;
  return positions;
}

absl::Status TopicLanding::Append(const LandedRecord& record) {
  if (!record.value && !latest_) return RefuseRecord(record, "the record has no value (a tombstone)", /*wrong_clock=*/false);
  if (!record.key && latest_) return RefuseRecord(record, "the record has no key, which it replaces", /*wrong_clock=*/false);
  absl::Status status = Decode(record);
  if (absl::IsResourceExhausted(status)) {
    if (absl::Status passed = PassRowsOn(); !passed.ok()) return passed;
    status = Decode(record);
  }
  if (absl::IsInvalidArgument(status)) return RefuseRecord(record, std::string(status.message()), /*wrong_clock=*/false);
  if (!status.ok()) return status;
  if (const std::string error = WrongClock(); !error.empty()) {
    decoder_->batch().Truncate(decoder_->batch().rows() - 1);
    return RefuseRecord(record, error, /*wrong_clock=*/true);
  }
  ++rows_;
  const bool full =
      decoder_->batch().rows() >= kBatchRows || (decoder_->batch().rows() % 256 == 0 && decoder_->batch().bytes() >= kBatchBytes);
  return full ? PassRowsOn() : absl::OkStatus();
}

absl::Status TopicLanding::Decode(const LandedRecord& record) {
  const RowOrigin origin{description_.topic, record.partition, record.offset, record.timestamp_ms, record.key};
  absl::Status status = record.value ? decoder_->Append(*record.value, origin) : decoder_->AppendWithoutMessage(origin);
  if (!status.ok() || op_ == nullptr) return status;
  const int64_t row = decoder_->batch().rows() - 1;
  if (op_->Set(row, record.value ? kUpserted : kDeleted)) return absl::OkStatus();
  decoder_->batch().Truncate(row);
  return absl::ResourceExhaustedError("the batch is full");
}

absl::Status TopicLanding::RefuseRecord(const LandedRecord& record, const std::string& error, bool wrong_clock) {
  if (policy_.errors == LandingPolicy::Errors::kSkip) {
    ++skipped_;
    return absl::OkStatus();
  }
  if (policy_.errors == LandingPolicy::Errors::kFail && !wrong_clock) {
    return absl::InvalidArgumentError(
        absl::StrCat(description_.topic, "-", record.partition, " offset ", record.offset, ": ", error,
                     ". To go on without such records set errors=dead-letter or errors=skip for the table"));
  }
  dead_letters_.Add(record, error);
  return absl::OkStatus();
}

std::string TopicLanding::WrongClock() const {
  const PartitionSpec& spec = committer_.table().metadata.spec();
  const int64_t row = decoder_->batch().rows() - 1;
  if (spec.fields.empty() || (row > 0 && partition_of_row_->Same(row - 1, row))) return "";
  const PartitionTuple tuple = partition_of_row_->Of(row);
  const int64_t today = clock_() / kDayMs;
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    const auto* number = std::get_if<int32_t>(&tuple[i]);
    if (number == nullptr || spec.fields[i].transform == Transform::kIdentity) continue;
    const int64_t day = spec.fields[i].transform == Transform::kHour ? *number / 24 : *number;
    if (day - today > policy_.days_ahead || today - day > policy_.days_behind) {
      return absl::StrCat(spec.fields[i].name, " is ", day - today, " days from now: a clock is wrong (days.ahead, days.behind)");
    }
  }
  return "";
}

absl::Status TopicLanding::PassRowsOn() { return writer_->Take(&decoder_->batch()); }

int64_t TopicLanding::pending_bytes() const {
  return writer_->pending_bytes() + decoder_->batch().bytes() + dead_letters_.pending_bytes();
}

absl::StatusOr<bool> TopicLanding::Commit(const std::map<int32_t, PositionRange>& ranges) {
  absl::Status status = PassRowsOn();
  if (!status.ok()) return Drop(), status;
  absl::StatusOr<std::vector<DataFile>> files = writer_->Upload();
  if (!files.ok()) return Drop(), files.status();
  absl::StatusOr<int64_t> dead = dead_letters_.Commit(ranges);
  if (!dead.ok()) return Drop(), dead.status();
  counts_.dead_letters += *dead;
  if (committer_.table().metadata.default_spec_id != spec_id_) {
    return Drop(), absl::UnavailableError("somebody has changed how the table is partitioned; what was read is written anew");
  }
  const int64_t rows = rows_;
  const int64_t skipped = skipped_;
  Drop();
  absl::StatusOr<bool> done = committer_.Commit(*files, ranges);
  if (!done.ok() || !*done) return done;
  counts_.rows += rows;
  counts_.skipped += skipped;
  counts_.files += static_cast<int64_t>(files->size());
  for (const DataFile& file : *files) counts_.bytes += file.size_bytes;
  return true;
}

// A table that cannot be loaded is the next commit's matter.
void TopicLanding::Upkeep() {
  if (latest_) FollowLog();
  if (upkeep_.Run(committer_.table())) (void)committer_.Refresh();
  dead_letters_.Upkeep();
}

void TopicLanding::FollowLog() {
  absl::Status status = committer_.Refresh();
  if (status.ok()) status = latest_->Follow(committer_.table()).status();
  if (!status.ok()) {
    ++counts_.upkeep_errors;
    counts_.last_upkeep_error =
        absl::StrCat("the latest rows in table ", latest_->name().ToString(), ": ", std::string(status.message()));
  }
  (void)latest_upkeep_->Run(latest_->table());
}

LandingCounts TopicLanding::counts() const {
  LandingCounts counts = counts_;
  counts.valid_through_ms = committer_.positions().valid_through_ms();
  counts.Add(dead_letters_.upkeep().counts());
  counts.Add(upkeep_.counts());
  if (latest_upkeep_) counts.Add(latest_upkeep_->counts());
  return counts;
}

void TopicLanding::Drop() {
  decoder_->batch().Clear();
  writer_->Drop();
  dead_letters_.Drop();
  rows_ = 0;
  skipped_ = 0;
}

}  // namespace millrace::warehouse
