#ifndef MILLRACE_TESTS_SIMULATION_RANDOM_H_
#define MILLRACE_TESTS_SIMULATION_RANDOM_H_

#include <cstdint>

namespace millrace::simulation {

/// The same numbers on every machine for a seed (SplitMix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// From 0 to n - 1.
  uint64_t Below(uint64_t n) { return n == 0 ? 0 : Next() % n; }
  int64_t Between(int64_t from, int64_t to) { return from + static_cast<int64_t>(Below(static_cast<uint64_t>(to - from + 1))); }
  bool Chance(double probability) { return static_cast<double>(Next() >> 11) * 0x1.0p-53 < probability; }

 private:
  uint64_t state_;
};

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_RANDOM_H_
