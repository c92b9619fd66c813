#include "comparison.h"

#include <algorithm>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace::conformance {
namespace {

std::string Print(const NullableBytes& bytes) {
  if (!bytes) return "null";
  const bool printable = std::all_of(bytes->begin(), bytes->end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  return printable ? absl::StrCat("'", *bytes, "'") : absl::StrCat("0x", absl::BytesToHexString(*bytes));
}

std::string Print(const CaseRecord& r) {
  std::string text = absl::StrCat("step ", r.step, " ", Print(r.key), " = ", Print(r.value), " @", r.timestamp_ms);
  for (const Header& h : r.headers) absl::StrAppend(&text, " [", h.name, "=", Print(h.value), "]");
  return text;
}

bool Same(const CaseRecord& a, const CaseRecord& b) {
  return a.step == b.step && a.key == b.key && a.value == b.value && a.timestamp_ms == b.timestamp_ms && a.headers == b.headers;
}

std::optional<std::string> CompareTopic(const std::string& topic, const std::vector<CaseRecord>& expected,
                                        const std::vector<CaseRecord>& actual) {
  for (size_t i = 0; i < std::max(expected.size(), actual.size()); ++i) {
    const bool both = i < expected.size() && i < actual.size();
    if (both && Same(expected[i], actual[i])) continue;
    return absl::StrCat("topic ", topic, " record ", i, ":\n      expected ", i < expected.size() ? Print(expected[i]) : "none",
                        "\n      actual   ", i < actual.size() ? Print(actual[i]) : "none");
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> CompareDescription(const std::vector<std::string>& expected, const std::string& actual) {
  std::vector<std::string> lines = absl::StrSplit(actual, '\n');
  if (lines.back().empty()) lines.pop_back();  // behind the last line's end
  for (size_t i = 0; i < std::max(expected.size(), lines.size()); ++i) {
    if (i < expected.size() && i < lines.size() && expected[i] == lines[i]) continue;
    return absl::StrCat("description line ", i + 1, ":\n      expected ", i < expected.size() ? expected[i] : "none",
                        "\n      actual   ", i < lines.size() ? lines[i] : "none");
  }
  return std::nullopt;
}

std::optional<std::string> CompareRecords(const Case& c, const ProducedByTopic& actual) {
  ProducedByTopic expected = c.output;
  expected.insert(c.internal.begin(), c.internal.end());
  std::set<std::string> topics;
  for (const auto& [topic, records] : expected) topics.insert(topic);
  for (const auto& [topic, records] : actual) topics.insert(topic);
  for (const std::string& topic : topics) {
    const auto it = actual.find(topic);
    if (auto difference = CompareTopic(topic, expected[topic], it == actual.end() ? std::vector<CaseRecord>() : it->second)) {
      return difference;
    }
  }
  return std::nullopt;
}

}  // namespace millrace::conformance
