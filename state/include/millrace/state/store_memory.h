#ifndef MILLRACE_STATE_STORE_MEMORY_H_
#define MILLRACE_STATE_STORE_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <limits>

namespace millrace {

/// The memory that the open stores of a process may hold outside their engines. Each may always hold an equal share; what others
/// leave unused it may hold too, and gives back when the whole is full. Any thread; without locks. Outlives its accounts.
class StoreMemory {
 public:
  explicit StoreMemory(int64_t limit_bytes) : limit_bytes_(limit_bytes) {}
  StoreMemory(const StoreMemory&) = delete;
  StoreMemory& operator=(const StoreMemory&) = delete;

  [[nodiscard]] int64_t limit_bytes() const { return limit_bytes_; }
  /// As the stores have last reported, each within its grain.
  [[nodiscard]] int64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  [[nodiscard]] int64_t stores() const { return stores_.load(std::memory_order_relaxed); }
  /// Bytes of one open store that nobody can claim.
  [[nodiscard]] int64_t share_bytes() const;

  /// One open store's part. One thread at a time.
  class Account {
   public:
    /// Without memory to share there is no limit.
    Account() = default;
    explicit Account(StoreMemory* memory);
    Account(Account&& other) noexcept;
    Account& operator=(Account&& other) noexcept;
    ~Account();

    /// After every change of what the store holds: almost always one comparison.
    void Report(int64_t held_bytes) {
      if (held_bytes > reported_bytes_ + grain_bytes_ || held_bytes < reported_bytes_ - grain_bytes_) Publish(held_bytes);
    }
    /// What the store may hold now, if it holds `held_bytes`.
    [[nodiscard]] int64_t Limit(int64_t held_bytes);

   private:
    void Publish(int64_t held_bytes);

    StoreMemory* memory_ = nullptr;
    int64_t reported_bytes_ = 0;
    int64_t grain_bytes_ = std::numeric_limits<int64_t>::max() / 2;
  };

 private:
  const int64_t limit_bytes_;
  std::atomic<int64_t> used_bytes_ = 0;
  std::atomic<int64_t> stores_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_STORE_MEMORY_H_
