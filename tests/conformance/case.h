#ifndef MILLRACE_TESTS_CONFORMANCE_CASE_H_
#define MILLRACE_TESTS_CONFORMANCE_CASE_H_

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/state/bytes.h"
#include "millrace/state/headers.h"

namespace millrace::conformance {

/// A record that a step sends, or that the reference produced. Keys and values are raw bytes.
struct CaseRecord {
  /// Index of the step that caused it.
  int step = 0;
  std::string topic;
  NullableBytes key;
  NullableBytes value;
  int64_t timestamp_ms = 0;
  Headers headers;
};

struct Step {
  /// One of the two.
  std::optional<CaseRecord> input;
  std::optional<int64_t> advance_wall_clock_ms;
};

/// One case file; README.md describes the format.
struct Case {
  std::string name;
  /// The name without its number: stream_join_left.
  std::string family;
  nlohmann::json nodes;
  std::map<std::string, std::string> config;
  std::vector<Step> steps;
  std::vector<std::string> description;
  std::map<std::string, std::vector<CaseRecord>> output;
  std::map<std::string, std::vector<CaseRecord>> internal;

  /// True if a node has this operator.
  [[nodiscard]] bool Uses(const std::string& op) const;
};

/// A file that cannot be read or is no case gives an error with its path.
absl::StatusOr<Case> ReadCase(const std::filesystem::path& path);

}  // namespace millrace::conformance

#endif  // MILLRACE_TESTS_CONFORMANCE_CASE_H_
