#include "landing/dead_letters.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "parquet/row_batch.h"

namespace millrace::warehouse {
namespace {

// Whoever else lands the same partitions wins as often; more is no accident.
constexpr int kAttempts = 20;

enum ColumnId { kTopic = 1, kPartition, kOffset, kTimestamp, kKey, kValue, kError };

Field Column(ColumnId id, const char* name, Type::Kind kind, bool required, const char* doc) {
  Field field;
  field.id = id;
  field.name = name;
  field.required = required;
  field.type.kind = kind;
  field.doc = doc;
  return field;
}

Schema LetterSchema() {
  Schema schema;
  schema.fields = {Column(kTopic, "_topic", Type::Kind::kString, true, "Topic of the record"),
                   Column(kPartition, "_topic_partition", Type::Kind::kInt, true, "Its partition"),
                   Column(kOffset, "_offset", Type::Kind::kLong, true, "Its offset"),
                   Column(kTimestamp, "_timestamp", Type::Kind::kTimestampTz, true, "Its timestamp"),
                   Column(kKey, "key", Type::Kind::kBinary, false, "Its key as it came"),
                   Column(kValue, "value", Type::Kind::kBinary, false, "Its value as it came"),
                   Column(kError, "error", Type::Kind::kString, true, "Why it is no row of the table")};
  return schema;
}

absl::Status TooMany() { return absl::ResourceExhaustedError("more than 2 GiB of dead letters in one commit"); }

}  // namespace

DeadLetters::DeadLetters(Catalog* catalog, Storage* storage, const LandingDescription& description, RowWriter::Options options,
                         TableUpkeep::Options upkeep, TableCommitter::Clock clock)
    : catalog_(catalog),
      storage_(storage),
      topic_(description.topic),
      name_{description.name_space, absl::StrCat(description.table, "_dead_letters")},
      options_(std::move(options)),
      committer_(catalog, storage, name_, description.application_id, description.topic, clock),
      upkeep_(catalog, storage, name_, std::move(upkeep), std::move(clock)) {}

void DeadLetters::Add(const LandedRecord& record, const std::string& error) {
  Letter& letter = letters_.emplace_back();
  letter.partition = record.partition;
  letter.offset = record.offset;
  letter.timestamp_ms = record.timestamp_ms;
  if (record.key) letter.key = std::string(*record.key);
  if (record.value) letter.value = std::string(*record.value);
  letter.error = error;
  bytes_ +=
      static_cast<int64_t>(sizeof(Letter) + record.key.value_or("").size() + record.value.value_or("").size() + error.size());
}

void DeadLetters::Drop() {
  letters_.clear();
  bytes_ = 0;
}

absl::Status DeadLetters::Open() {
  absl::Status status = committer_.Refresh();
  if (!absl::IsNotFound(status)) return status;
  absl::StatusOr<LoadedTable> created = catalog_->Create(name_, LetterSchema(), PartitionSpec{}, {});
  if (!created.ok() && !absl::IsAlreadyExists(created.status())) return created.status();
  return committer_.Refresh();
}

absl::StatusOr<int64_t> DeadLetters::Commit(const std::map<int32_t, PositionRange>& ranges) {
  int64_t added = 0;
  absl::Status status = letters_.empty() ? absl::OkStatus() : Open();
  for (int attempt = 0; status.ok() && !letters_.empty(); ++attempt) {
    if (attempt == kAttempts) {
      status = absl::UnavailableError(absl::StrCat("table ", name_.ToString(), " is committed by others all the time"));
      break;
    }
    absl::StatusOr<bool> done = TryCommit(ranges, &added);
    if (done.ok() && *done) break;
    status = done.ok() ? committer_.Refresh() : done.status();
  }
  Drop();
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat("dead letters: ", std::string(status.message())));
  committed_ |= added > 0;
  return added;
}

void DeadLetters::Upkeep() {
  if (!std::exchange(committed_, false)) return;
  if (upkeep_.Run(committer_.table())) (void)committer_.Refresh();
}

// All letters below a partition's position are in the table; this adds those from there on.
absl::StatusOr<bool> DeadLetters::TryCommit(const std::map<int32_t, PositionRange>& ranges, int64_t* added) {
  const auto& positions = committer_.positions().partitions;
  std::vector<const Letter*> missing;
  std::map<int32_t, PositionRange> moved;
  for (const Letter& letter : letters_) {
    const auto known = positions.find(letter.partition);
    if (known != positions.end() && letter.offset < known->second.next) continue;
    missing.push_back(&letter);
    const auto range = ranges.find(letter.partition);
    if (range == ranges.end()) return absl::InternalError("a dead letter of a partition that was not read");
    PositionRange& move = moved[letter.partition];
    move = range->second;
    if (known != positions.end()) move.start = known->second.next;
  }
  *added = static_cast<int64_t>(missing.size());
  if (missing.empty()) return true;
  absl::StatusOr<std::vector<DataFile>> files = Write(missing);
  if (!files.ok()) return files.status();
  return committer_.Commit(*files, moved);
}

absl::StatusOr<std::vector<DataFile>> DeadLetters::Write(const std::vector<const Letter*>& letters) {
  RowBatch batch(committer_.table().metadata.schema());
  RowWriter writer(storage_, committer_.table().metadata, options_);
  const auto fill = [](BytesColumn* column, int64_t row, const NullableBytes& bytes) {
    return column == nullptr || !bytes || column->Set(row, *bytes);
  };
  for (const Letter* letter : letters) {
    const int64_t row = batch.rows();
    if (!fill(batch.Find<BytesColumn>(kTopic), row, topic_) || !fill(batch.Find<BytesColumn>(kKey), row, letter->key) ||
        !fill(batch.Find<BytesColumn>(kValue), row, letter->value) ||
        !fill(batch.Find<BytesColumn>(kError), row, letter->error)) {
      return TooMany();
    }
    if (auto* column = batch.Find<FixedColumn<int32_t>>(kPartition)) column->Set(row, letter->partition);
    if (auto* column = batch.Find<FixedColumn<int64_t>>(kOffset)) column->Set(row, letter->offset);
    if (auto* column = batch.Find<FixedColumn<int64_t>>(kTimestamp)) column->Set(row, letter->timestamp_ms * 1000);
    batch.FinishRow();
  }
  if (absl::Status status = writer.Take(&batch); !status.ok()) return status;
  return writer.Upload();
}

}  // namespace millrace::warehouse
