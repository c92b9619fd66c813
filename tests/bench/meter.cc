#include "meter.h"

#include <dirent.h>
#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace millrace::bench {
namespace {

int64_t Nanos(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

std::string StatusField(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) {
      const size_t start = line.find_first_not_of(" \t", field.size() + 1);
      return start == std::string::npos ? "" : line.substr(start);
    }
  }
  return "";
}

// User and system clock ticks of the threads named worker*.
int64_t WorkerNanos() {
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return 0;
  int64_t ticks = 0;
  while (const dirent* task = readdir(tasks)) {
    std::ifstream file(std::string("/proc/self/task/") + task->d_name + "/stat");
    std::string line;
    if (!std::getline(file, line)) continue;
    const size_t open = line.find('(');
    const size_t close = line.rfind(')');
    if (open == std::string::npos || !line.substr(open + 1, close - open - 1).starts_with("worker")) continue;
    std::istringstream rest(line.substr(close + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) rest >> skipped;
    int64_t user = 0;
    int64_t system = 0;
    rest >> user >> system;
    ticks += user + system;
  }
  closedir(tasks);
  return ticks * (1'000'000'000LL / sysconf(_SC_CLK_TCK));
}

}  // namespace

Sample TakeSample(int64_t records) { return {records, Nanos(CLOCK_MONOTONIC), Nanos(CLOCK_PROCESS_CPUTIME_ID), WorkerNanos()}; }

double PeakRssMb() { return static_cast<double>(std::strtoll(StatusField("VmHWM").c_str(), nullptr, 10)) / 1024.0; }

std::string AllowedCpus() { return StatusField("Cpus_allowed_list"); }

std::string RocksDbBuild() {
  // Only builds with assertions carry the TEST_ methods.
  return dlsym(RTLD_DEFAULT, "_ZN7rocksdb6DBImpl18TEST_FlushMemTableEbbPNS_18ColumnFamilyHandleE") != nullptr
             ? "debian-assertions"
             : "release";
}

}  // namespace millrace::bench
