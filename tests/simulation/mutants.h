#ifndef MILLRACE_TESTS_SIMULATION_MUTANTS_H_
#define MILLRACE_TESTS_SIMULATION_MUTANTS_H_

#include <string>
#include <string_view>
#include <vector>

namespace millrace::simulation {

/// The bugs of millrace/state/internal/mutants.h by name.
[[nodiscard]] std::vector<std::string> MutantNames();
/// Switches one on, for the rest of the process. False if there is none of that name.
bool SwitchOn(std::string_view name);

}  // namespace millrace::simulation

#endif  // MILLRACE_TESTS_SIMULATION_MUTANTS_H_
