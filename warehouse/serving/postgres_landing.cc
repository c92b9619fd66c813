#include "serving/postgres_landing.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "protobuf/load_message.h"
#include "protobuf/utf8.h"
#include "storage/backoff.h"

namespace millrace::warehouse {
namespace {

constexpr std::chrono::seconds kResolveTime{15};
// Rows are taken out of the decoder's batch one by one; it is emptied when it has so many.
constexpr int64_t kBatchRows = 128;
constexpr char kOperation[] = R"("millrace operation")";
constexpr int16_t kDeadLetterFields = 7;

/// What is told to people, and stored as text.
std::string Storable(std::string text) {
  if (!IsUtf8(text)) {
    for (char& c : text) c = static_cast<unsigned char>(c) < 0x80 ? c : '?';
  }
  std::replace(text.begin(), text.end(), '\0', '?');
  return text;
}

void AppendOptional(NullableBytesView bytes, std::string* row) {
  if (bytes) {
    AppendCopyBytes(*bytes, row);
  } else {
    AppendCopyNull(row);
  }
}

}  // namespace

PostgresLanding::PostgresLanding(SessionPool* pool, const LandingDescription& description, ServingPolicy policy)
    : pool_(pool), description_(description), policy_(std::move(policy)), offsets_(description) {}

absl::StatusOr<std::unique_ptr<PostgresLanding>> PostgresLanding::Open(SessionPool* pool, const LandingDescription& description) {
  absl::StatusOr<ServingPolicy> policy = ServingPolicy::Parse(description.settings);
  if (!policy.ok()) return policy.status();
  for (const std::string& name : {description.name_space, description.table}) {
    if (absl::Status status = CheckName(name); !status.ok()) return status;
  }
  std::unique_ptr<PostgresLanding> landing(new PostgresLanding(pool, description, *std::move(policy)));
  absl::StatusOr<const google::protobuf::Descriptor*> message =
      LoadMessage(description.descriptor_set, description.message, &landing->messages_);
  if (!message.ok()) return message.status();
  landing->table_ = std::make_unique<ServingTable>(description, *message, &landing->policy_);
  absl::StatusOr<SessionPool::Lease> lease = pool->Acquire();
  if (!lease.ok()) return lease.status();
  if (absl::Status status = landing->Prepare(&lease->session()); !status.ok()) return status;
  return landing;
}

absl::Status PostgresLanding::Prepare(PostgresSession* session) {
  if (absl::Status status = table_->Ensure(session); !status.ok()) return status;
  const google::protobuf::Descriptor* const message = messages_.FindMessageTypeByName(description_.message);
  absl::StatusOr<std::unique_ptr<RowDecoder>> decoder =
      RowDecoder::Create(table_->schema(), table_->record(), *message, policy_.mapping);
  if (!decoder.ok()) return decoder.status();
  const std::vector<ServingColumn>& columns = table_->columns();
  encoder_.reset();
  decoder_ = *std::move(decoder);
  encoder_ = std::make_unique<CopyEncoder>(decoder_->batch(), columns);
  const int key_id = table_->record().Find(kKeyColumn);
  const auto at =
      std::find_if(columns.begin(), columns.end(), [&](const ServingColumn& column) { return column.field.id == key_id; });
  record_key_ = key_id == 0 || at == columns.end() ? -1 : static_cast<int>(at - columns.begin());
  changes_ = std::make_unique<PendingChanges>(static_cast<int>(columns.size()), static_cast<int>(policy_.key_columns.size()),
                                              record_key_);
  pending_ = {};
  return absl::OkStatus();
}

absl::StatusOr<std::map<int32_t, int64_t>> PostgresLanding::Positions() {
  absl::StatusOr<SessionPool::Lease> lease = pool_->Acquire();
  if (!lease.ok()) return lease.status();
  PostgresSession& session = lease->session();
  if (changes_->empty() && pending_.dead_letters.empty()) {
    const absl::StatusOr<std::optional<int64_t>> version = table_->ReadVersion(&session);
    if (!version.ok()) return version.status();
    if (*version != table_->version()) {
      if (absl::Status status = Prepare(&session); !status.ok()) return status;
    }
  }
  absl::StatusOr<std::map<int32_t, int64_t>> positions = offsets_.Read(&session);
  if (!positions.ok()) return positions;
  for (const auto& [partition, position] : *positions) known_.insert(partition);
  return positions;
}

absl::Status PostgresLanding::Append(const LandedRecord& record) {
  if (!record.value) return AppendTombstone(record);
  const RowOrigin origin{description_.topic, record.partition, record.offset, record.timestamp_ms, record.key};
  RowBatch& batch = decoder_->batch();
  if (batch.rows() >= kBatchRows) batch.Clear();
  absl::Status status = decoder_->Append(*record.value, origin);
  if (absl::IsResourceExhausted(status)) {
    batch.Clear();
    status = decoder_->Append(*record.value, origin);
  }
  if (absl::IsInvalidArgument(status)) return RefuseRecord(record, std::string(status.message()));
  if (!status.ok()) return status;
  std::string error;
  row_.clear();
  if (!encoder_->Append(batch.rows() - 1, &row_, &error)) return RefuseRecord(record, error);
  const bool with_record_key = record_key_ > 0 && !policy_.key_columns.empty();
  const std::string record_key = with_record_key ? RecordKey(record, &error) : "";
  if (!error.empty()) return RefuseRecord(record, error);
  changes_->Upsert(row_, encoder_->key_size(), record_key);
  ++pending_.counts.rows;
  return absl::OkStatus();
}

std::string PostgresLanding::RecordKey(const LandedRecord& record, std::string* error) const {
  std::string field;
  if (!record.key) return field;
  const bool text = policy_.mapping.key == MappingOptions::Key::kString;
  if (text && (!IsUtf8(*record.key) || record.key->find('\0') != std::string_view::npos)) {
    *error = "the key is no text of UTF-8 that PostgreSQL could store (columns._key)";
  } else if (record.key->size() > kMaxKeyBytes) {
    *error =
        absl::StrCat("the key has ", record.key->size(), " bytes, and PostgreSQL's indexes take no more than ", kMaxKeyBytes);
  } else {
    AppendCopyBytes(*record.key, &field);
  }
  return field;
}

absl::Status PostgresLanding::AppendTombstone(const LandedRecord& record) {
  if (policy_.mode == ServingPolicy::Mode::kAppend) return RefuseRecord(record, "the record has no value (a tombstone)");
  if (record_key_ < 0) {
    return RefuseRecord(record,
                        "the record has no value (a tombstone), and the table no column _key to find its rows by (columns._key)");
  }
  std::string error;
  const std::string key = RecordKey(record, &error);
  if (!error.empty()) return RefuseRecord(record, error);
  if (key.empty()) return RefuseRecord(record, "the record has neither a key nor a value");
  changes_->Delete(key);
  ++pending_.counts.rows;
  return absl::OkStatus();
}

absl::Status PostgresLanding::RefuseRecord(const LandedRecord& record, const std::string& error) {
  if (policy_.errors == LandingPolicy::Errors::kSkip) {
    ++pending_.counts.skipped;
    return absl::OkStatus();
  }
  if (policy_.errors == LandingPolicy::Errors::kFail) {
    return absl::InvalidArgumentError(
        absl::StrCat(description_.topic, "-", record.partition, " offset ", record.offset, ": ", error,
                     ". To go on without such records set errors=dead-letter or errors=skip for the table"));
  }
  std::string* const row = &pending_.dead_letters;
  AppendCopyCount(kDeadLetterFields, row);
  AppendCopyBytes(description_.topic, row);
  AppendCopyInt32(record.partition, row);
  AppendCopyInt64(record.offset, row);
  const bool has_instant = record.timestamp_ms < INT64_MAX / 1000 && record.timestamp_ms > INT64_MIN / 1000;
  if (!has_instant || !AppendCopyInstant(record.timestamp_ms * 1000, row)) AppendCopyNull(row);
  AppendOptional(record.key, row);
  AppendOptional(record.value, row);
  AppendCopyBytes(Storable(error), row);
  ++pending_.counts.dead_letters;
  return absl::OkStatus();
}

int64_t PostgresLanding::pending_bytes() const { return changes_->bytes() + static_cast<int64_t>(pending_.dead_letters.size()); }

void PostgresLanding::Drop() {
  decoder_->batch().Clear();
  changes_->Clear();
  pending_ = {};
  known_.clear();
}

std::string PostgresLanding::TemporaryTable() const { return absl::StrCat("millrace_", table_->oid(), "_", table_->version()); }

std::string PostgresLanding::ColumnNames() const {
  return absl::StrJoin(table_->columns(), ", ",
                       [](std::string* out, const ServingColumn& column) { absl::StrAppend(out, Quoted(column.field.name)); });
}

absl::StatusOr<bool> PostgresLanding::Commit(const std::map<int32_t, PositionRange>& ranges) {
  absl::StatusOr<bool> done = TryCommit(ranges);
  if (done.ok() && *done) {
    counts_.rows += pending_.counts.rows;
    counts_.dead_letters += pending_.counts.dead_letters;
    counts_.skipped += pending_.counts.skipped;
    counts_.bytes += pending_bytes();
    std::set<int32_t> known = std::move(known_);
    Drop();
    known_ = std::move(known);
    for (const auto& [partition, range] : ranges) known_.insert(partition);
    return true;
  }
  Drop();
  return done;
}

absl::StatusOr<bool> PostgresLanding::TryCommit(const std::map<int32_t, PositionRange>& ranges) {
  absl::StatusOr<SessionPool::Lease> lease = pool_->Acquire();
  if (!lease.ok()) return lease.status();
  PostgresSession& session = lease->session();
  if (absl::Status status = EnsureTemporaryTable(&*lease); !status.ok()) return status;
  absl::Status committed;
  {
    Transaction transaction(&session);
    absl::Status status = transaction.Begin();
    // Before anything that others wait for is locked: this takes as long as the network does.
    if (status.ok()) status = CopyChanges(&session);
    if (status.ok()) status = CopyDeadLetters(&session);
    if (status.ok()) {
      const absl::StatusOr<bool> moved = offsets_.Advance(&session, ranges, known_);
      if (moved.ok() && !*moved) return false;
      status = moved.status();
    }
    if (status.ok()) status = ApplyChanges(&session);
    if (status.ok() && !changes_->empty()) status = CheckVersion(&session);
    if (!status.ok()) {
      transaction.Rollback();
      if (absl::IsFailedPrecondition(status) && !session.lost()) {
        if (absl::Status changed = CheckVersion(&session); !changed.ok()) return changed;
      }
      return status;
    }
    committed = transaction.Commit();
  }
  if (absl::IsUnavailable(committed)) return Resolve(ranges, committed);
  if (!committed.ok()) return committed;
  return true;
}

absl::Status PostgresLanding::EnsureTemporaryTable(SessionPool::Lease* lease) const {
  if (policy_.key_columns.empty() || changes_->empty() || lease->temporary_tables().count(TemporaryTable()) != 0) {
    return absl::OkStatus();
  }
  const std::string columns = absl::StrJoin(table_->columns(), ", ", [](std::string* out, const ServingColumn& column) {
    absl::StrAppend(out, Quoted(column.field.name), " ", column.type);
  });
  absl::Status status = lease->session()
                            .Run(absl::StrCat("CREATE TEMPORARY TABLE ", TemporaryTable(), " (", kOperation,
                                              " smallint NOT NULL, ", columns, ") ON COMMIT DELETE ROWS"))
                            .status();
  if (status.ok()) lease->temporary_tables().insert(TemporaryTable());
  return status;
}

absl::Status PostgresLanding::CopyChanges(PostgresSession* session) {
  if (changes_->empty()) return absl::OkStatus();
  const bool keyed = !policy_.key_columns.empty();
  const std::string target = keyed ? absl::StrCat("pg_temp.", TemporaryTable(), " (", kOperation, ", ", ColumnNames(), ")")
                                   : absl::StrCat(table_->name(), " (", ColumnNames(), ")");
  return session->CopyIn(absl::StrCat("COPY ", target, " FROM STDIN (FORMAT binary)"), changes_->Blocks(keyed));
}

absl::Status PostgresLanding::CopyDeadLetters(PostgresSession* session) const {
  if (pending_.dead_letters.empty()) return absl::OkStatus();
  return session->CopyIn(
      absl::StrCat("COPY ", table_->dead_letters_name(), " (", kDeadLetterColumns, ") FROM STDIN (FORMAT binary)"),
      {kCopyHeader, pending_.dead_letters, kCopyTrailer});
}

absl::Status PostgresLanding::ApplyChanges(PostgresSession* session) const {
  if (policy_.key_columns.empty() || changes_->empty()) return absl::OkStatus();
  const std::string temporary = absl::StrCat("pg_temp.", TemporaryTable());
  std::vector<std::string> same_key;
  std::vector<std::string> key;
  std::vector<std::string> assignments;
  for (const ServingColumn& column : table_->columns()) {
    const std::string name = Quoted(column.field.name);
    if (column.key) {
      key.push_back(name);
      same_key.push_back(absl::StrCat("t.", name, " = d.", name));
    } else {
      assignments.push_back(absl::StrCat(name, " = EXCLUDED.", name));
    }
  }
  std::vector<std::string> statements;
  const auto add_delete = [&](PendingChanges::Operation operation, const std::string& condition) {
    statements.push_back(absl::StrCat("DELETE FROM ", table_->name(), " t USING ", temporary, " d WHERE d.", kOperation, " = ",
                                      static_cast<int>(operation), " AND ", condition));
  };
  if (changes_->has_deletes()) add_delete(PendingChanges::kDeleteKey, absl::StrJoin(same_key, " AND "));
  if (changes_->has_record_deletes()) {
    const std::string name = Quoted(std::string(kKeyColumn));
    add_delete(PendingChanges::kDeleteRecordKey, absl::StrCat("t.", name, " = d.", name));
  }
  if (changes_->rows() > 0) {
    statements.push_back(absl::StrCat("INSERT INTO ", table_->name(), " (", ColumnNames(), ") SELECT ", ColumnNames(), " FROM ",
                                      temporary, " WHERE ", kOperation, " = ", static_cast<int>(PendingChanges::kRow),
                                      " ON CONFLICT (", absl::StrJoin(key, ", "), ") DO UPDATE SET ",
                                      absl::StrJoin(assignments, ", ")));
  }
  for (const std::string& statement : statements) {
    if (absl::Status status = session->Run(statement).status(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// After the rows, for then the table is locked against changes of its columns until the transaction ends.
absl::Status PostgresLanding::CheckVersion(PostgresSession* session) const {
  const absl::StatusOr<std::optional<int64_t>> version = table_->ReadVersion(session);
  if (!version.ok()) return version.status();
  if (*version == table_->version()) return absl::OkStatus();
  return absl::UnavailableError("somebody has changed the columns of the table; what was read is written anew");
}

absl::StatusOr<bool> PostgresLanding::Resolve(const std::map<int32_t, PositionRange>& ranges, const absl::Status& why) {
  Backoff backoff(kResolveTime);
  absl::Status status = why;
  do {
    absl::StatusOr<SessionPool::Lease> lease = pool_->Acquire();
    status = lease.status();
    if (!lease.ok()) continue;
    const absl::StatusOr<ServingOffsets::Outcome> outcome = offsets_.Look(&lease->session(), ranges, known_);
    status = outcome.status();
    if (!outcome.ok()) continue;
    if (*outcome == ServingOffsets::Outcome::kNotDone) return why;
    return *outcome == ServingOffsets::Outcome::kDone;
  } while (absl::IsUnavailable(status) && backoff.Wait());
  return status;
}

}  // namespace millrace::warehouse
