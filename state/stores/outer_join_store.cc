#include "millrace/state/internal/outer_join_store.h"

namespace millrace::internal {
namespace {

constexpr size_t kListHead = 5;  // layout byte and count

}  // namespace

Bytes* OuterJoinTable::StartKey(Timestamp timestamp, bool left) {
  key_buffer.clear();
  PutBigEndian(timestamp.millis(), &key_buffer);
  key_buffer.push_back(left ? 1 : 0);
  return &key_buffer;
}

void OuterJoinTable::Append(bool left, const Bytes& value) {
  const Bytes* const before = Get(key_buffer);
  Bytes list;
  list.reserve((before != nullptr ? before->size() : kListHead) + value.size() + 5);
  if (before != nullptr && before->size() >= kListHead) {
    list = *before;
  } else {
    StartList(false, {}, 0, &list);
  }
  SetBigEndian(GetBigEndian<int32_t>(list.data() + 1) + 1, list.data() + 1);
  PutBigEndian(static_cast<int32_t>(value.size() + 1), &list);
  list.push_back(left ? 1 : 0);
  list.append(value);
  Put(key_buffer, &list);
}

void OuterJoinTable::Drop() {
  if (Get(key_buffer) != nullptr) Put(key_buffer, nullptr);
}

OuterJoinCursor::OuterJoinCursor(OuterJoinTable* table) : table_(table), cursor_(table, std::nullopt, std::nullopt, false) {
  valid_ = cursor_.Valid() && StartList();
  if (valid_) Next();
}

bool OuterJoinCursor::StartList() {
  table_->ReadCursor(cursor_, &list_);
  at_ = kListHead;
  return true;
}

Timestamp OuterJoinCursor::timestamp() const { return Timestamp::FromMillis(GetBigEndian<int64_t>(cursor_.key().data())); }

void OuterJoinCursor::Next() {
  while (at_ >= list_.size()) {
    cursor_.Next();
    valid_ = cursor_.Valid() && StartList();
    if (!valid_) return;
  }
  if (cursor_.key().size() < 9 || list_.size() - at_ < 5) return Damaged();
  const auto size = static_cast<size_t>(GetBigEndian<int32_t>(list_.data() + at_));
  if (size < 1 || size > list_.size() - at_ - 4) return Damaged();
  left_ = list_[at_ + 4] == 1;
  value_ = BytesView(list_).substr(at_ + 5, size - 1);
  at_ += 4 + size;
}

void OuterJoinCursor::Damaged() {
  Fail(absl::DataLossError("a list is damaged; set the directory aside and restore from the changelog"));
  valid_ = false;
}

}  // namespace millrace::internal
