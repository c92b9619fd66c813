#include "serving/pending_changes.h"

#include <algorithm>

#include "serving/copy_encoder.h"

namespace millrace::warehouse {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;

}  // namespace

PendingChanges::PendingChanges(int columns, int key_columns, int record_key)
    : columns_(columns),
      key_columns_(key_columns),
      record_key_(record_key),
      record_key_is_key_(key_columns == 1 && record_key == 0) {}

std::string_view PendingChanges::Keep(std::string_view bytes) {
  if (kept_.empty() || kept_.back().size() + bytes.size() > kept_.back().capacity()) {
    kept_.emplace_back().reserve(std::max(kBlockBytes, bytes.size()));
  }
  std::string& block = kept_.back();
  block.append(bytes);
  bytes_ += static_cast<int64_t>(bytes.size() + sizeof(Change));
  return std::string_view(block).substr(block.size() - bytes.size());
}

void PendingChanges::Upsert(std::string_view fields, size_t key_size, std::string_view record_key) {
  Change change;
  change.fields = Keep(fields);
  change.key_size = key_size;
  if (!record_key.empty() && !record_key_is_key_) change.record_key = Keep(record_key);
  size_t index = changes_.size();
  if (key_columns_ > 0) {
    const auto [found, added] = by_key_.try_emplace(change.fields.substr(0, key_size), index);
    if (!added) {
      index = found->second;
      if (changes_[index].is_row) {
        --live_rows_;
      } else {
        --deletes_;
      }
    }
  }
  if (!change.record_key.empty()) by_record_key_[change.record_key].push_back(index);
  if (index == changes_.size()) changes_.emplace_back();
  changes_[index] = change;
  ++live_rows_;
}

void PendingChanges::MakeDeletion(Change* change) {
  if (!change->is_row) return;
  change->is_row = false;
  change->fields = change->fields.substr(0, change->key_size);
  --live_rows_;
  ++deletes_;
}

void PendingChanges::Delete(std::string_view record_key) {
  if (record_key_is_key_) {
    const auto found = by_key_.find(record_key);
    if (found != by_key_.end()) return MakeDeletion(&changes_[found->second]);
    const std::string_view key = Keep(record_key);
    by_key_[key] = changes_.size();
    changes_.push_back({key, key.size(), {}, false});
    ++deletes_;
    return;
  }
  // The table may have such a row with another record key than it came with last: it goes by its primary key, too.
  if (const auto found = by_record_key_.find(record_key); found != by_record_key_.end()) {
    for (const size_t index : found->second) {
      if (changes_[index].record_key == record_key) MakeDeletion(&changes_[index]);
    }
  }
  if (record_deletes_.count(record_key) == 0) record_deletes_.insert(Keep(record_key));
}

std::string* PendingChanges::Output() {
  if (output_.empty() || output_.back().size() >= kBlockBytes) output_.emplace_back().reserve(kBlockBytes + (kBlockBytes >> 2));
  return &output_.back();
}

void PendingChanges::WriteRow(const Change& change, bool with_operation) {
  std::string* const out = Output();
  AppendCopyCount(static_cast<int16_t>(columns_ + (with_operation ? 1 : 0)), out);
  if (with_operation) AppendCopyInt16(change.is_row ? kRow : kDeleteKey, out);
  out->append(change.fields);
  for (int i = change.is_row ? columns_ : key_columns_; i < columns_; ++i) AppendCopyNull(out);
}

void PendingChanges::WriteRecordDelete(std::string_view record_key) {
  std::string* const out = Output();
  AppendCopyCount(static_cast<int16_t>(columns_ + 1), out);
  AppendCopyInt16(kDeleteRecordKey, out);
  for (int i = 0; i < columns_; ++i) {
    if (i == record_key_) {
      out->append(record_key);
    } else {
      AppendCopyNull(out);
    }
  }
}

std::vector<std::string_view> PendingChanges::Blocks(bool with_operation) {
  output_.clear();
  output_.emplace_back(kCopyHeader);
  for (const Change& change : changes_) WriteRow(change, with_operation);
  for (const std::string_view record_key : record_deletes_) WriteRecordDelete(record_key);
  output_.emplace_back(kCopyTrailer);
  return {output_.begin(), output_.end()};
}

void PendingChanges::Clear() {
  by_key_.clear();
  by_record_key_.clear();
  record_deletes_.clear();
  changes_.clear();
  output_.clear();
  kept_.clear();
  bytes_ = live_rows_ = deletes_ = 0;
}

}  // namespace millrace::warehouse
