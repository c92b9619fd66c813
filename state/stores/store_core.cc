#include "millrace/state/internal/store_core.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <limits>

#include "absl/strings/str_cat.h"
#include "millrace/state/internal/mutants.h"

namespace millrace::internal {
namespace {

constexpr BytesView kOffsetKey = "changelog-offset";
constexpr BytesView kLayoutKey = "layout";
// In a restore, when nobody looks how far the engine is behind: a crash then costs at most the replay of this many writes (the
// engine flushes by size earlier as a rule).
constexpr int64_t kWritesPerFlush = 500'000;
constexpr size_t kBatchBytes = 1 << 20;

// From a half to 1: the same for the same place, so that runs can be repeated.
double AgePart(const std::string& location) {
  return 0.5 +
         0.5 * static_cast<double>(std::hash<std::string>()(location)) / static_cast<double>(std::numeric_limits<size_t>::max());
}

}  // namespace

StoreCore::StoreCore(std::string name, StoreKind kind, std::string layout, ValueFormat format)
    : name_(std::move(name)), kind_(kind), layout_(std::move(layout)), format_(format) {}

// A processor may keep an iterator to its own end, which comes after the stores' end.
StoreCore::~StoreCore() {
  while (!iterators_.empty()) iterators_.front()->Unlink();
  while (!open_iterators_.empty()) open_iterators_.front()->Unlink();
}

absl::Status StoreCore::Open(const StoreContext& context) {
  context_ = context;
  account_ = StoreMemory::Account(context.memory);
  absl::StatusOr<std::unique_ptr<KeyValueEngine>> engine = context.engines->Open(name_, kind_);
  if (!engine.ok()) return engine.status();
  engine_ = *std::move(engine);
  Bytes layout;
  const absl::StatusOr<bool> found = engine_->GetMeta(kLayoutKey, &layout);
  if (!found.ok()) return found.status();
  if (*found && layout != layout_) {
    const absl::Status error = absl::DataLossError(absl::StrCat("store '", name_, "' in '", engine_->location(),
                                                                "' holds another kind of store (", layout, ", expected ", layout_,
                                                                "); set the directory aside and restore from the changelog"));
    engine_.reset();
    return error;
  }
  age_part_ = AgePart(engine_->location());
  const absl::StatusOr<std::optional<int64_t>> offset = ReadNumber(kOffsetKey);
  if (!offset.ok()) return offset.status();
  written_offset_ = *offset;
  flushed_offset_ = flushing_offset_ = offset->value_or(0);
  if (*found) return absl::OkStatus();
  WriteBatch batch;
  batch.PutMeta(kLayoutKey, layout_);
  return engine_->Write(batch);
}

absl::StatusOr<std::optional<int64_t>> StoreCore::PersistedOffset() {
  if (engine_ == nullptr) return absl::FailedPreconditionError(absl::StrCat("store '", name_, "' is not open"));
  return ReadNumber(kOffsetKey);
}

bool StoreCore::Read(BytesView key, Bytes* value) {
  const absl::StatusOr<bool> found = engine_->Get(key, value);
  if (found.ok()) return *found;
  FailEngine(found.status());
  return false;
}

absl::StatusOr<std::optional<int64_t>> StoreCore::ReadNumber(BytesView meta_key) {
  Bytes value;
  const absl::StatusOr<bool> found = engine_->GetMeta(meta_key, &value);
  if (!found.ok()) return found.status();
  if (!*found) return std::optional<int64_t>();
  if (value.size() != 8) {
    return absl::DataLossError(absl::StrCat("store '", name_, "' in '", engine_->location(), "': its ", std::string(meta_key),
                                            " is damaged; set the directory aside and restore from the changelog"));
  }
  return std::optional<int64_t>(GetBigEndian<int64_t>(value.data()));
}

void StoreCore::Fail(const absl::Status& status, std::string_view doing) {
  context_.error->Report(absl::Status(
      status.code(), absl::StrCat("store '", name_, "': ", std::string(doing), ": ", std::string(status.message()))));
}

void StoreCore::FailThrown() {
  try {
    throw;
  } catch (const std::exception& e) {
    Fail(absl::AbortedError(absl::StrCat("a user's serde or type threw: ", e.what())), "changing a value");
  } catch (...) {
    Fail(absl::AbortedError("a user's serde or type threw something that is no std::exception"), "changing a value");
  }
}

void StoreCore::Log(BytesView key, NullableBytesView engine_value, Timestamp record_timestamp, const Headers& headers) {
  if (context_.changelog == nullptr) return;
  if (Mutated(Mutant::kTombstoneDropped) && !engine_value) return;
  if (engine_value && format_ == ValueFormat::kTimestamped) {
    const Timestamp own = Timestamp::FromMillis(GetBigEndian<int64_t>(engine_value->data()));
    context_.changelog->Log(key, engine_value->substr(8), own, headers);
  } else {
    context_.changelog->Log(key, engine_value, record_timestamp, headers);
  }
}

BytesView StoreCore::EngineValue(ValueFormat format, const ChangelogRecord& record, Bytes* buffer) {
  if (format == ValueFormat::kPlain) return *record.value;
  buffer->clear();
  PutBigEndian(record.timestamp.millis(), buffer);
  buffer->append(*record.value);
  return *buffer;
}

void StoreCore::PutNumber(BytesView meta_key, int64_t value, WriteBatch* batch) {
  char bytes[8];
  SetBigEndian(value, bytes);
  batch->PutMeta(meta_key, BytesView(bytes, 8));
}

absl::Status StoreCore::WriteIfLarge(WriteBatch* batch) {
  if (batch->bytes() < kBatchBytes) return absl::OkStatus();
  if (absl::Status s = engine_->Write(*batch); !s.ok()) return s;
  writes_since_flush_ += static_cast<int64_t>(batch->size());
  batch->clear();
  return absl::OkStatus();
}

absl::Status StoreCore::Write(WriteBatch* batch, std::optional<int64_t> changelog_offset) {
  if (batch->size() == 0 && writes_since_flush_ < kWritesPerFlush && (!changelog_offset || changelog_offset == written_offset_)) {
    return absl::OkStatus();
  }
  if (changelog_offset) PutNumber(kOffsetKey, *changelog_offset, batch);
  if (absl::Status s = engine_->Write(*batch); !s.ok()) return s;
  if (changelog_offset) {
    written_offset_ = changelog_offset;
    ObserveFlushes();
    unflushed_.push_back({engine_->written(), *changelog_offset});
  }
  writes_since_flush_ += static_cast<int64_t>(batch->size());
  return writes_since_flush_ < kWritesPerFlush ? absl::OkStatus() : StartFlush();
}

absl::Status StoreCore::StartFlush() {
  if (absl::Status s = engine_->Flush(false); !s.ok()) return s;
  writes_since_flush_ = 0;
  flushing_position_ = engine_->written();
  flushing_offset_ = written_offset_.value_or(0);
  unflushed_since_.reset();
  return absl::OkStatus();
}

void StoreCore::ObserveFlushes() {
  const int64_t durable = engine_->durable();
  for (; !unflushed_.empty() && unflushed_.front().position <= durable; unflushed_.pop_front()) {
    flushed_offset_ = unflushed_.front().offset;
  }
}

int64_t StoreCore::RecordsBehind(std::optional<int64_t> changelog_offset) {
  if (!persistent() || !changelog_offset) return 0;
  ObserveFlushes();
  return std::max<int64_t>(0, *changelog_offset - flushed_offset_);
}

absl::Status StoreCore::FlushIfBehind(std::chrono::nanoseconds now, const FlushBound& bound) {
  if (!persistent()) return absl::OkStatus();
  // Also where nothing is behind: work in the background is to go on.
  if (engine_->stopped()) return StartFlush();
  ObserveFlushes();
  if (engine_->written() <= std::max(flushing_position_, engine_->durable())) {
    unflushed_since_.reset();
    return absl::OkStatus();
  }
  if (!unflushed_since_) unflushed_since_ = now;
  const int64_t behind = written_offset_.value_or(0) - std::max(flushing_offset_, flushed_offset_);
  const bool old = static_cast<double>((now - *unflushed_since_).count()) >= static_cast<double>(bound.age.count()) * age_part_;
  return behind >= bound.records || old ? StartFlush() : absl::OkStatus();
}

void StoreCore::TellIterators(BytesView key) {
  for (TouchLink* link = iterators_.front(); link != iterators_.end();) {
    TouchLink* const next = link->next;
    static_cast<LiveIterator::Link*>(link)->owner->BeforeWrite(key);
    link = next;
  }
}

void StoreCore::AnnouncePersist() {
  for (TouchLink* link = iterators_.front(); link != iterators_.end();) {
    TouchLink* const next = link->next;
    static_cast<LiveIterator::Link*>(link)->owner->BeforePersist();
    link = next;
  }
}

OpenIterators StoreCore::ObserveIterators(std::chrono::nanoseconds now) {
  OpenIterators result;
  for (TouchLink* link = open_iterators_.front(); link != open_iterators_.end(); link = link->next) {
    auto& observed = static_cast<LiveIterator::OpenLink*>(link)->observed;
    if (!observed) observed = now;
    if (result.count++ == 0) result.oldest_since = *observed;
  }
  return result;
}

}  // namespace millrace::internal
