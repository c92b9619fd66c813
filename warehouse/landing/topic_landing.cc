#include "landing/topic_landing.h"

#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "protobuf/load_message.h"
#include "protobuf/schema_evolution.h"
#include "protobuf/table_schema.h"

namespace millrace::warehouse {
namespace {

// What the decoder may hold before rows go to their files.
constexpr int64_t kBatchBytes = int64_t{4} << 20;
constexpr int64_t kBatchRows = 20000;
constexpr int kEvolveAttempts = 20;
constexpr char kColumns[] = "millrace.columns";
constexpr int64_t kDayMs = 86'400'000;

RowWriter::Options WriterOptions(const LandingDescription& description, const LandingPolicy& policy,
                                 const std::string& spool_folder) {
  RowWriter::Options options;
  options.spool_folder = spool_folder;
  options.file_prefix = absl::StrCat(description.application_id, "-", description.topic);
  options.router.target_bytes = policy.file_bytes;
  options.router.file.metadata = {{"millrace.application", description.application_id}, {"millrace.topic", description.topic}};
  return options;
}

}  // namespace

TopicLanding::TopicLanding(Catalog* catalog, Storage* storage, const LandingDescription& description, LandingPolicy policy,
                           const std::string& spool_folder, TableCommitter::Clock clock)
    : catalog_(catalog),
      storage_(storage),
      description_(description),
      name_{description.name_space, description.table},
      policy_(std::move(policy)),
      clock_(clock),
      writer_options_(WriterOptions(description, policy_, spool_folder)),
      committer_(catalog, storage, name_, description.application_id, description.topic, clock),
      dead_letters_(catalog, storage, description, writer_options_, std::move(clock)) {}

absl::StatusOr<std::unique_ptr<TopicLanding>> TopicLanding::Open(Catalog* catalog, Storage* storage,
                                                                 const LandingDescription& description,
                                                                 const std::string& spool_folder, TableCommitter::Clock clock) {
  absl::StatusOr<LandingPolicy> policy = LandingPolicy::Parse(description.settings);
  if (!policy.ok()) return policy.status();
  std::unique_ptr<TopicLanding> landing(
      new TopicLanding(catalog, storage, description, *std::move(policy), spool_folder, std::move(clock)));
  absl::StatusOr<const google::protobuf::Descriptor*> message =
      LoadMessage(description.descriptor_set, description.message, &landing->pool_);
  if (!message.ok()) return message.status();
  landing->message_ = *message;
  if (absl::Status status = landing->EnsureTable(); !status.ok()) return status;
  if (absl::Status status = landing->PrepareRows(); !status.ok()) return status;
  return landing;
}

absl::Status TopicLanding::EnsureTable() {
  for (int attempt = 0; attempt < kEvolveAttempts; ++attempt) {
    absl::Status status = committer_.Refresh();
    if (absl::IsNotFound(status)) {
      status = CreateTable();
      if (!status.ok() && !absl::IsAlreadyExists(status)) return status;
      continue;
    }
    if (!status.ok()) return status;
    absl::StatusOr<bool> done = EvolveTable();
    if (!done.ok()) return done.status();
    if (*done) return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("table ", name_.ToString(), " is changed by others all the time"));
}

absl::Status TopicLanding::CreateTable() {
  absl::StatusOr<MappedSchema> mapped = MapSchema(*message_, policy_.mapping);
  if (!mapped.ok()) return mapped.status();
  absl::StatusOr<PartitionSpec> spec = policy_.Spec(mapped->schema);
  if (!spec.ok()) return spec.status();
  return catalog_->Create(name_, mapped->schema, *spec, {{kColumns, mapped->record.Serialize()}}).status();
}

// True: the table has the columns of the message. False: somebody else has changed it, look again.
absl::StatusOr<bool> TopicLanding::EvolveTable() {
  const TableMetadata& metadata = committer_.table().metadata;
  const auto written = metadata.properties.find(kColumns);
  if (written == metadata.properties.end()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "table ", name_.ToString(), " was not made by a landing: it lacks the property ", kColumns, "; take another name"));
  }
  absl::StatusOr<ColumnRecord> record = ColumnRecord::Parse(written->second);
  if (!record.ok()) return record.status();
  absl::StatusOr<MappedSchema> wanted = MapSchema(*message_, policy_.mapping);
  if (!wanted.ok()) return wanted.status();
  EvolutionPolicy policy = policy_.evolution;
  for (const PartitionField& field : metadata.spec().fields) policy.pinned.insert(field.source_id);
  absl::StatusOr<std::optional<EvolvedSchema>> evolved =
      EvolveSchema(metadata.schema(), *record, *wanted, metadata.last_column_id, policy);
  if (!evolved.ok()) return evolved.status();
  if (!evolved->has_value()) return true;
  TableUpdate update;
  if (!((*evolved)->schema == metadata.schema())) update.schema = (*evolved)->schema;
  update.set_properties[kColumns] = (*evolved)->record.Serialize();
  absl::StatusOr<std::optional<LoadedTable>> committed = catalog_->Commit(name_, committer_.table(), update);
  // Lost, or not known: the next look at the table tells.
  if (!committed.ok() && !absl::IsUnavailable(committed.status()) && !absl::IsDeadlineExceeded(committed.status())) {
    return committed.status();
  }
  return false;
}

absl::Status TopicLanding::PrepareRows() {
  const TableMetadata& metadata = committer_.table().metadata;
  const auto written = metadata.properties.find(kColumns);
  absl::StatusOr<ColumnRecord> record = ColumnRecord::Parse(written == metadata.properties.end() ? "" : written->second);
  if (!record.ok()) return record.status();
  absl::StatusOr<std::unique_ptr<RowDecoder>> decoder =
      RowDecoder::Create(metadata.schema(), *record, *message_, policy_.mapping);
  if (!decoder.ok()) return decoder.status();
  absl::StatusOr<PartitionOfRow> partition = PartitionOfRow::Create((*decoder)->batch(), metadata.spec());
  if (!partition.ok()) return partition.status();
  writer_.reset();
  decoder_ = *std::move(decoder);
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
    if (absl::Status status = EnsureTable(); !status.ok()) return status;
    if (absl::Status status = PrepareRows(); !status.ok()) return status;
  }
  std::map<int32_t, int64_t> positions;
  for (const auto& [number, partition] : committer_.positions().partitions) positions[number] = partition.next;
  return positions;
}

absl::Status TopicLanding::Append(const LandedRecord& record) {
  if (!record.value) return RefuseRecord(record, "the record has no value (a tombstone)", /*wrong_clock=*/false);
  RowOrigin origin;
  origin.topic = description_.topic;
  origin.partition = record.partition;
  origin.offset = record.offset;
  origin.timestamp_ms = record.timestamp_ms;
  origin.key = record.key;
  absl::Status status = decoder_->Append(*record.value, origin);
  if (absl::IsResourceExhausted(status)) {
    if (absl::Status passed = PassRowsOn(); !passed.ok()) return passed;
    status = decoder_->Append(*record.value, origin);
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

absl::Status TopicLanding::RefuseRecord(const LandedRecord& record, const std::string& error, bool wrong_clock) {
  if (policy_.errors == LandingPolicy::Errors::kSkip) {
    ++counts_.skipped;
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
  Drop();
  absl::StatusOr<bool> done = committer_.Commit(*files, ranges);
  if (!done.ok() || !*done) return done;
  counts_.rows += rows;
  counts_.files += static_cast<int64_t>(files->size());
  for (const DataFile& file : *files) counts_.bytes += file.size_bytes;
  return true;
}

void TopicLanding::Drop() {
  decoder_->batch().Clear();
  writer_->Drop();
  dead_letters_.Drop();
  rows_ = 0;
}

}  // namespace millrace::warehouse
