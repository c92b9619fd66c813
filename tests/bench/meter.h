#ifndef MILLRACE_TESTS_BENCH_METER_H_
#define MILLRACE_TESTS_BENCH_METER_H_

#include <cstdint>
#include <string>

namespace millrace::bench {

/// What the process has used up to now.
struct Sample {
  int64_t records = 0;
  int64_t wall_ns = 0;
  /// User and system time of the whole process.
  int64_t cpu_ns = 0;
  /// Of which the threads whose name begins with "worker".
  int64_t worker_ns = 0;
};

Sample TakeSample(int64_t records);

/// VmHWM: the peak resident size, RocksDB included.
double PeakRssMb();

/// Cores that the process may run on, as the kernel lists them.
std::string AllowedCpus();

/// "debian" if the linked RocksDB has assertions compiled in, else "release".
std::string RocksDbBuild();

}  // namespace millrace::bench

#endif  // MILLRACE_TESTS_BENCH_METER_H_
