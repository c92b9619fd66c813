#include "case.h"

#include <algorithm>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace millrace::conformance {
namespace {

using nlohmann::json;

NullableBytes Text(const json& value) { return value.is_null() ? std::nullopt : NullableBytes(value.get<std::string>()); }

std::string HexBytes(const std::string& hex) {
  if (hex.size() % 2 != 0 || hex.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
    throw std::invalid_argument(absl::StrCat("'", hex, "' is not hexadecimal"));
  }
  return absl::HexStringToBytes(hex);
}

NullableBytes Hex(const json& value) {
  return value.is_null() ? std::nullopt : NullableBytes(HexBytes(value.get<std::string>()));
}

// Records of suppress buffers' changelogs are sent without a time.
int64_t Time(const json& value) { return value.is_null() ? -1 : value.get<int64_t>(); }

// {"name": "text"} of an input.
Headers TextHeaders(const json& record) {
  Headers headers;
  if (!record.contains("headers")) return headers;
  for (const auto& [name, value] : record.at("headers").items()) headers.Add(name, Text(value));
  return headers;
}

// ["name=hex", ...] of an expected record.
Headers HexHeaders(const json& record) {
  Headers headers;
  if (!record.contains("headers")) return headers;
  for (const json& entry : record.at("headers")) {
    const auto text = entry.get<std::string>();
    const size_t equals = text.find('=');
    if (equals == std::string::npos) throw std::invalid_argument(absl::StrCat("header '", text, "' has no '='"));
    headers.Add(text.substr(0, equals), HexBytes(text.substr(equals + 1)));
  }
  return headers;
}

std::map<std::string, std::vector<CaseRecord>> Expected(const json& topics, bool hex) {
  std::map<std::string, std::vector<CaseRecord>> expected;
  for (const auto& [topic, records] : topics.items()) {
    std::vector<CaseRecord>& list = expected[topic];
    for (const json& r : records) {
      list.push_back({r.at("step").get<int>(), topic, hex ? Hex(r.at("key")) : Text(r.at("key")),
                      hex ? Hex(r.at("value")) : Text(r.at("value")), Time(r.at("ts")), HexHeaders(r)});
    }
  }
  return expected;
}

}  // namespace

bool Case::Uses(const std::string& op) const {
  return std::any_of(nodes.begin(), nodes.end(), [&](const json& node) { return node.contains("op") && node.at("op") == op; });
}

namespace {

Case CaseFrom(const json& document) {
  Case c;
  c.name = document.at("name").get<std::string>();
  c.family = c.name.substr(0, c.name.find_last_of('_'));
  c.nodes = document.at("nodes");
  if (document.contains("config")) c.config = document.at("config").get<std::map<std::string, std::string>>();
  for (const json& s : document.at("steps")) {
    Step& step = c.steps.emplace_back();
    if (s.contains("advance_wall_clock_ms")) {
      step.advance_wall_clock_ms = s.at("advance_wall_clock_ms").get<int64_t>();
    } else {
      step.input = CaseRecord{
          0, s.at("topic").get<std::string>(), Text(s.at("key")), Text(s.at("value")), s.at("ts").get<int64_t>(), TextHeaders(s)};
    }
  }
  const json& expect = document.at("expect");
  c.description = expect.at("description").get<std::vector<std::string>>();
  c.output = Expected(expect.at("output"), false);
  c.internal = Expected(expect.at("internal"), true);
  return c;
}

}  // namespace

absl::StatusOr<Case> ReadCase(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path.string()));
  try {
    return CaseFrom(json::parse(file));
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " is no case: ", e.what()));
  }
}

}  // namespace millrace::conformance
