#ifndef MILLRACE_TESTS_SIMULATION_WORLD_H_
#define MILLRACE_TESTS_SIMULATION_WORLD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "faults.h"

namespace millrace::simulation {

/// How a seed's run ended.
struct Result {
  std::vector<std::string> problems;  // empty: passed
  uint64_t trace = 0;                 // the same for the same run
  int64_t steps = 0;
  int64_t simulated_ms = 0;
  std::string plan;
  FaultCounts counts;
};

/// Runs one seed, calls `done` with the result, and does not return: threads of killed instances are left where they stopped, so
/// only the end of the process ends them. One run a process.
[[noreturn]] void RunSeed(uint64_t seed, void (*done)(const Result& result));

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_WORLD_H_
