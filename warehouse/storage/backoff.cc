#include "storage/backoff.h"

#include <algorithm>
#include <thread>

#include "storage/random_name.h"

namespace millrace::warehouse {

bool Backoff::Wait() {
  const auto half = next_ / 2;
  const auto wait = half + std::chrono::milliseconds(RandomBits() % static_cast<uint64_t>(half.count() + 1));
  if (std::chrono::steady_clock::now() + wait >= end_) return false;
  std::this_thread::sleep_for(wait);
  next_ = std::min(next_ * 2, std::chrono::milliseconds(3000));
  return true;
}

}  // namespace millrace::warehouse
