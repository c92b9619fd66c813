// simulate: runs the application under seeded faults, one process a seed. See docs/testing.md.

#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "millrace/runtime/logging.h"
#include "mutants.h"
#include "scheduler.h"
#include "world.h"

namespace millrace::simulation {
namespace {

// A loop without a wait takes time of the processor; what waits for it on a busy machine does not.
constexpr int64_t kHungCpuSeconds = 60;
constexpr int kHungSeconds = 600;  // of real time
constexpr int kLookSeconds = 5;
constexpr char kUsage[] =
    "usage: simulate --seeds A..B [--mutant NAME] [--repeat] [--all-faults] [--verbose]\n"
    "       simulate --mutants [--seeds A..B]\n"
    "  --seeds A..B   the seeds to run, both included\n"
    "  --mutant NAME  with a bug switched on, which should be found\n"
    "  --mutants      each bug in turn, until a seed (of 1..1000, or those given) finds it; prints the score\n"
    "  --repeat       runs each seed again in another process and fails if the runs differ\n"
    "  --all-faults   fails unless every kind of fault took place in some seed\n"
    "  --verbose      prints each seed's plan, faults and trace; for one seed also the log of all instances\n";

struct Options {
  uint64_t first = 0;
  uint64_t last = 0;
  bool repeat = false;
  bool verbose = false;
  bool mutants = false;
  bool all_faults = false;
  std::string mutant;
  int result_to = -1;  // the descriptor that a parent reads
};

struct Outcome {
  bool passed = false;
  std::string trace;
  std::string details;
  FaultCounts counts;
  std::string problems;
};

int child_pipe = -1;

void WriteAll(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(child_pipe, text.data(), text.size());
    if (n <= 0) _exit(3);
    text.remove_prefix(static_cast<size_t>(n));
  }
}

void Report(const Result& result) {
  const std::string details =
      absl::StrCat(result.plan, "; ", result.steps, " steps, ", result.simulated_ms / 1000, " s; ", result.counts.Summary());
  WriteAll(absl::StrCat(result.problems.empty() ? "passed" : "failed", "\n", absl::Hex(result.trace), "\n", details, "\n",
                        result.counts.Encode(), "\n", absl::StrJoin(result.problems, "\n")));
  _exit(0);
}

void LogLine(const LogEntry& entry, std::string_view /*formatted*/) {
  const Scheduler* const scheduler = Scheduler::OfThisThread();
  if (scheduler == nullptr) return;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(scheduler->now() - std::chrono::hours(5)).count();
  std::fprintf(stderr, "%8.3f %-20s %s\n", static_cast<double>(ms) / 1000, scheduler->current()->name.c_str(),
               std::string(entry.message).c_str());
}

// Threads that take turns are fastest on one core.
void StayOnOneCore() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  (void)sched_setaffinity(0, sizeof set, &set);
}

[[noreturn]] void RunHere(uint64_t seed, const std::string& mutant, bool log) {
  StayOnOneCore();
  if (!mutant.empty()) SwitchOn(mutant);
  LogOptions options;
  options.level = log ? LogLevel::kInfo : LogLevel::kOff;
  options.sink = LogLine;
  ConfigureLogging(std::move(options));
  RunSeed(seed, Report);
}

bool IsHung(pid_t child, int seconds) {
  clockid_t clock = 0;
  timespec used{};
  if (::clock_getcpuclockid(child, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return seconds >= kHungSeconds;
  return used.tv_sec >= kHungCpuSeconds || seconds >= kHungSeconds;
}

// `afresh`: by a program started anew, with other addresses of everything.
Outcome RunInChild(uint64_t seed, const std::string& mutant, bool log, bool afresh = false) {
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) std::abort();
  if (child == 0) {
    ::close(ends[0]);
    child_pipe = ends[1];
    if (!afresh) RunHere(seed, mutant, log);
    const std::string seeds = absl::StrCat(seed, "..", seed);
    const std::string to = absl::StrCat(ends[1]);
    ::execl("/proc/self/exe", "simulate", "--seeds", seeds.c_str(), "--result-to", to.c_str(),
            mutant.empty() ? nullptr : "--mutant", mutant.c_str(), nullptr);
    _exit(4);
  }
  ::close(ends[1]);
  std::string text;
  pollfd readable{ends[0], POLLIN, 0};
  bool hung = false;
  for (int seconds = 0; !hung;) {
    if (::poll(&readable, 1, kLookSeconds * 1000) == 0) {
      hung = IsHung(child, seconds += kLookSeconds);
      continue;
    }
    char buffer[4096];
    const ssize_t n = ::read(ends[0], buffer, sizeof buffer);
    if (n <= 0) break;
    text.append(buffer, static_cast<size_t>(n));
  }
  ::close(ends[0]);
  if (hung) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('\n', 4));
  if (parts.size() < 5) {
    return {false, "", "", {}, hung ? "hung" : absl::StrCat("the process died, status ", status)};
  }
  return {parts[0] == "passed", parts[1], parts[2], FaultCounts::Decode(parts[3]), parts[4]};
}

bool RunOne(uint64_t seed, const Options& options, FaultCounts* counts) {
  Outcome outcome = RunInChild(seed, options.mutant, options.verbose && options.first == options.last);
  counts->Add(outcome.counts);
  if (outcome.passed && options.repeat) {
    const Outcome again = RunInChild(seed, options.mutant, false, /*afresh=*/true);
    if (again.trace != outcome.trace) {
      outcome.passed = false;
      outcome.problems = absl::StrCat("two runs differ: trace ", outcome.trace, " and ", again.trace);
    }
  }
  if (options.verbose) {
    std::cout << "seed " << seed << " " << (outcome.passed ? "passed" : "failed") << " trace " << outcome.trace << ": "
              << outcome.details << "\n";
    if (!outcome.passed) std::cout << outcome.problems << "\n";
  }
  if (!outcome.passed) {
    const std::string problem = outcome.problems.substr(0, outcome.problems.find('\n'));
    std::cout << "seed " << seed << " failed: " << problem << "; replay: build/bin/simulate --seeds " << seed << ".." << seed
              << " --verbose" << std::endl;
  }
  return outcome.passed;
}

int RunMutants(const Options& options) {
  int caught = 0;
  int all = 0;
  for (const std::string& mutant : MutantNames()) {
    ++all;
    std::string how = absl::StrCat("NOT caught by seeds ", options.first, "..", options.last);
    for (uint64_t seed = options.first; seed <= options.last; ++seed) {
      const Outcome outcome = RunInChild(seed, mutant, false);
      if (outcome.passed) continue;
      ++caught;
      how = absl::StrCat("caught by seed ", seed, ": ", outcome.problems.substr(0, outcome.problems.find('\n')));
      break;
    }
    std::cout << mutant << ": " << how << std::endl;
  }
  std::cout << caught << " of " << all << " mutants caught" << std::endl;
  return caught == all ? 0 : 1;
}

std::optional<Options> Parse(int argc, char** argv) {
  Options options;
  bool seeds = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--repeat") {
      options.repeat = true;
    } else if (word == "--verbose") {
      options.verbose = true;
    } else if (word == "--all-faults") {
      options.all_faults = true;
    } else if (word == "--mutants") {
      options.mutants = true;
    } else if (word == "--mutant" && i + 1 < argc) {
      options.mutant = argv[++i];
      if (!SwitchOn(options.mutant)) {
        std::cerr << "no mutant " << options.mutant << "; there are " << absl::StrJoin(MutantNames(), ", ") << "\n";
        return std::nullopt;
      }
    } else if (word == "--result-to" && i + 1 < argc) {
      if (!absl::SimpleAtoi(argv[++i], &options.result_to)) return std::nullopt;
    } else if (word == "--seeds" && i + 1 < argc) {
      const std::vector<std::string> range = absl::StrSplit(argv[++i], "..");
      seeds = range.size() == 2 && absl::SimpleAtoi(range[0], &options.first) && absl::SimpleAtoi(range[1], &options.last) &&
              options.first <= options.last;
      if (!seeds) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  if (options.mutants && !seeds) {
    options.first = 1;
    options.last = 1000;
    seeds = true;
  }
  return seeds ? std::optional(options) : std::nullopt;
}

int Main(int argc, char** argv) {
  const std::optional<Options> options = Parse(argc, argv);
  if (!options) {
    std::cerr << kUsage;
    return 2;
  }
  if (options->result_to >= 0) {
    child_pipe = options->result_to;
    RunHere(options->first, options->mutant, false);
  }
  if (options->mutants) return RunMutants(*options);
  int64_t passed = 0;
  int64_t failed = 0;
  FaultCounts counts;
  for (uint64_t seed = options->first; seed <= options->last; ++seed) ++(RunOne(seed, *options, &counts) ? passed : failed);
  if (options->first != options->last) std::cout << counts.Table();
  if (options->all_faults && !counts.complete()) {
    std::cout << "not every kind of fault took place" << std::endl;
    ++failed;
  }
  std::cout << passed << " passed, " << failed << " failed" << std::endl;
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace millrace::simulation

int main(int argc, char** argv) { return millrace::simulation::Main(argc, argv); }
