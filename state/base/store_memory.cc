#include "millrace/state/store_memory.h"

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

// All stores together may hold this much more than they have said: a part of each share.
constexpr int64_t kGrainsOfShare = 64;
constexpr int64_t kMaxGrainBytes = 64 << 10;

}  // namespace

int64_t StoreMemory::share_bytes() const { return limit_bytes_ / std::max<int64_t>(1, stores()); }

StoreMemory::Account::Account(StoreMemory* memory) : memory_(memory) {
  if (memory_ == nullptr) return;
  memory_->stores_.fetch_add(1, std::memory_order_relaxed);
  grain_bytes_ = std::min(kMaxGrainBytes, memory_->share_bytes() / kGrainsOfShare);
}

StoreMemory::Account::Account(Account&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), reported_bytes_(other.reported_bytes_), grain_bytes_(other.grain_bytes_) {}

StoreMemory::Account& StoreMemory::Account::operator=(Account&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(reported_bytes_, other.reported_bytes_);
  std::swap(grain_bytes_, other.grain_bytes_);
  return *this;
}

StoreMemory::Account::~Account() {
  if (memory_ == nullptr) return;
  memory_->used_bytes_.fetch_sub(reported_bytes_, std::memory_order_relaxed);
  memory_->stores_.fetch_sub(1, std::memory_order_relaxed);
}

void StoreMemory::Account::Publish(int64_t held_bytes) {
  if (memory_ == nullptr) return;
  memory_->used_bytes_.fetch_add(held_bytes - reported_bytes_, std::memory_order_relaxed);
  reported_bytes_ = held_bytes;
  // The share changes as stores come and go.
  grain_bytes_ = std::min(kMaxGrainBytes, memory_->share_bytes() / kGrainsOfShare);
}

int64_t StoreMemory::Account::Limit(int64_t held_bytes) {
  if (memory_ == nullptr) return std::numeric_limits<int64_t>::max();
  Report(held_bytes);
  const int64_t unused = memory_->limit_bytes_ - memory_->used_bytes();
  return std::max(memory_->share_bytes(), reported_bytes_ + unused);
}

}  // namespace millrace
