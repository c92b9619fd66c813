#ifndef MILLRACE_TESTS_CONFORMANCE_COMPARISON_H_
#define MILLRACE_TESTS_CONFORMANCE_COMPARISON_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "case.h"

namespace millrace::conformance {

/// Records by topic, in order.
using ProducedByTopic = std::map<std::string, std::vector<CaseRecord>>;

/// The first line that differs, or nullopt. The class of a topic extractor counts as EXTRACTOR.
std::optional<std::string> CompareDescription(const std::vector<std::string>& expected, const std::string& actual);

/// The first record that differs, or nullopt. Topics without records are nothing on either side.
std::optional<std::string> CompareRecords(const Case& c, const ProducedByTopic& actual);

}  // namespace millrace::conformance

#endif  // MILLRACE_TESTS_CONFORMANCE_COMPARISON_H_
