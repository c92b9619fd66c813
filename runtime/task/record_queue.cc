#include "task/record_queue.h"

#include <algorithm>

namespace millrace {
namespace {

// Consumed bytes in front of the buffer that are worth moving the rest for.
constexpr size_t kCompactBytes = 1 << 20;
// A large record is expected to come again for about that many others.
constexpr int64_t kForget = 64;

}  // namespace

void RecordQueue::Add(const RawRecord& record) {
  Entry& entry = entries_.emplace_back();
  entry.start = buffer_.size();
  entry.key_bytes = record.key ? static_cast<int64_t>(record.key->size()) : -1;
  entry.value_bytes = record.value ? static_cast<int64_t>(record.value->size()) : -1;
  entry.timestamp = record.timestamp;
  entry.offset = record.offset;
  if (!record.headers->empty()) entry.headers = *record.headers;
  if (record.key) buffer_.append(*record.key);
  if (record.value) buffer_.append(*record.value);
  const auto bytes = static_cast<int64_t>(buffer_.size() - entry.start);
  record_bytes_ = std::max(bytes, record_bytes_ - record_bytes_ / kForget);
}

int RecordQueue::Room(int max_records, int64_t max_bytes) const {
  const int64_t room = std::max(0, max_records - size());
  const auto held = size() == 0 ? int64_t{0} : static_cast<int64_t>(buffer_.size() - entries_[first_].start);
  const int64_t fits = std::max<int64_t>(0, max_bytes - held) / std::max<int64_t>(1, record_bytes_);
  return static_cast<int>(std::min(room, std::max<int64_t>(fits, size() == 0 ? 1 : 0)));
}

RawRecord RecordQueue::View(const Entry& entry) const {
  RawRecord record;
  const std::string_view bytes = buffer_;
  const size_t value_start = entry.start + static_cast<size_t>(std::max<int64_t>(0, entry.key_bytes));
  if (entry.key_bytes >= 0) record.key = bytes.substr(entry.start, static_cast<size_t>(entry.key_bytes));
  if (entry.value_bytes >= 0) record.value = bytes.substr(value_start, static_cast<size_t>(entry.value_bytes));
  record.timestamp = entry.timestamp;
  record.headers = &entry.headers;
  record.topic = &partition_.topic;
  record.partition = partition_.partition;
  record.offset = entry.offset;
  return record;
}

absl::Status RecordQueue::UpdateHead() {
  has_head_ = false;
  while (size() > 0) {
    const RawRecord record = View(entries_[first_]);
    absl::StatusOr<Timestamp> timestamp = source_->ExtractTimestamp(record, partition_time_);
    if (!timestamp.ok()) {
      ++dropped_->deserialization;
      if (absl::Status status = corrupt_(record, timestamp.status()); !status.ok()) return status;
    } else if (timestamp->millis() < 0) {
      ++dropped_->invalid_timestamp;
    } else {
      has_head_ = true;
      head_timestamp_ = *timestamp;
      return absl::OkStatus();
    }
    DropFirst();
  }
  return absl::OkStatus();
}

absl::Status RecordQueue::PushHead() {
  partition_time_ = std::max(partition_time_, head_timestamp_);
  absl::Status status = source_->Push(View(entries_[first_]), head_timestamp_);
  has_head_ = false;
  if (status.ok()) DropFirst();
  return status;
}

void RecordQueue::DropFirst() {
  ++first_;
  if (first_ == entries_.size()) {
    entries_.clear();
    buffer_.clear();
    first_ = 0;
    return;
  }
  const size_t consumed = entries_[first_].start;
  if (consumed < kCompactBytes || consumed * 2 < buffer_.size()) return;
  buffer_.erase(0, consumed);
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
  for (Entry& entry : entries_) entry.start -= consumed;
}

}  // namespace millrace
