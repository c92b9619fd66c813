// conformance [--families A,B,...] DIR...: replays what Kafka Streams did with each case file (README.md) and compares, byte for
// byte. Prints the first difference of each case that fails, and ends with "N passed, N failed". A case of an operator that is
// not offered fails, and so does a file that is no case.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "case.h"
#include "comparison.h"
#include "millrace/testing/topology_test_driver.h"
#include "topology_from_case.h"

namespace millrace::conformance {
namespace {

// Nullopt, or the first difference.
std::optional<std::string> RunCase(const Case& c) {
  absl::StatusOr<Topology> topology = TopologyFromCase(c);
  if (!topology.ok()) return topology.status().ToString();
  if (auto difference = CompareDescription(c.description, topology->Describe())) return difference;

  absl::StatusOr<std::unique_ptr<TopologyTestDriver>> driver = TopologyTestDriver::Create(*topology);
  if (!driver.ok()) return driver.status().ToString();
  ProducedByTopic produced;
  for (size_t i = 0; i < c.steps.size(); ++i) {
    const Step& step = c.steps[i];
    absl::Status status;
    if (step.input) {
      const CaseRecord& r = *step.input;
      status = (*driver)->PipeRaw(r.topic, r.key, r.value, Timestamp::FromMillis(r.timestamp_ms), r.headers);
    } else {
      status = (*driver)->AdvanceWallClock(std::chrono::milliseconds(*step.advance_wall_clock_ms));
    }
    if (!status.ok()) return absl::StrCat("step ", i, ": ", status.ToString());
    for (ProducedRecord& r : (*driver)->TakeProduced()) {
      produced[r.topic].push_back(
          {static_cast<int>(i), r.topic, std::move(r.key), std::move(r.value), r.timestamp.millis(), std::move(r.headers)});
    }
  }
  return CompareRecords(c, produced);
}

// A case may read as one and still name things wrongly.
std::optional<std::string> RunCaseSafely(const Case& c) {
  try {
    return RunCase(c);
  } catch (const std::exception& e) {
    return absl::StrCat("the case cannot be run: ", e.what());
  }
}

std::vector<std::filesystem::path> CaseFiles(const std::vector<std::string>& folders) {
  std::vector<std::filesystem::path> files;
  for (const std::string& folder : folders) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() == ".json" && entry.path().filename() != "vectors.json") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct Arguments {
  std::vector<std::string> folders;
  // Empty = all.
  std::set<std::string> families;
  // Cases with one of these operators, or with a versioned store, are left out.
  std::set<std::string> without;
};

bool Wanted(const Arguments& arguments, const Case& c) {
  if (!arguments.families.empty() && !arguments.families.contains(c.family)) return false;
  if (arguments.without.contains("versioned") && c.nodes.dump().find("\"versioned\"") != std::string::npos) return false;
  return std::none_of(arguments.without.begin(), arguments.without.end(), [&](const std::string& op) { return c.Uses(op); });
}

int Main(const Arguments& arguments) {
  int passed = 0;
  int failed = 0;
  for (const std::filesystem::path& file : CaseFiles(arguments.folders)) {
    absl::StatusOr<Case> c = ReadCase(file);
    if (c.ok() && !Wanted(arguments, *c)) continue;
    std::optional<std::string> difference;
    if (c.ok()) {
      difference = RunCaseSafely(*c);
    } else {
      difference = c.status().ToString();
    }
    if (!difference) {
      ++passed;
      continue;
    }
    ++failed;
    std::printf("FAILED %s\n    %s\n", file.filename().c_str(), difference->c_str());
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace millrace::conformance

int main(int argc, char** argv) {
  millrace::conformance::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if ((argument == "--families" || argument == "--without") && i + 1 < argc) {
      auto& set = argument == "--families" ? arguments.families : arguments.without;
      for (const auto part : absl::StrSplit(argv[++i], ',')) set.insert(std::string(part));
    } else {
      arguments.folders.push_back(argument);
    }
  }
  if (arguments.folders.empty()) {
    std::fprintf(stderr, "usage: conformance [--families A,B,...] [--without OPERATOR|versioned,...] DIR...\n");
    return 2;
  }
  return millrace::conformance::Main(arguments);
}
