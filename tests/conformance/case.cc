#include "case.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace millrace::conformance {
namespace {

using nlohmann::json;

NullableBytes Text(const json& value) { return value.is_null() ? std::nullopt : NullableBytes(value.get<std::string>()); }

NullableBytes Hex(const json& value) {
  return value.is_null() ? std::nullopt : NullableBytes(absl::HexStringToBytes(value.get<std::string>()));
}

// Records of suppress buffers' changelogs are sent without a time.
int64_t Time(const json& value) { return value.is_null() ? -1 : value.get<int64_t>(); }

// {"name": "text"} of an input.
Headers TextHeaders(const json& record) {
  Headers headers;
  if (!record.contains("headers")) return headers;
  for (const auto& [name, value] : record["headers"].items()) headers.Add(name, Text(value));
  return headers;
}

// ["name=hex", ...] of an expected record.
Headers HexHeaders(const json& record) {
  Headers headers;
  if (!record.contains("headers")) return headers;
  for (const json& entry : record["headers"]) {
    const auto text = entry.get<std::string>();
    const size_t equals = text.find('=');
    headers.Add(text.substr(0, equals), absl::HexStringToBytes(text.substr(equals + 1)));
  }
  return headers;
}

std::map<std::string, std::vector<CaseRecord>> Expected(const json& topics, bool hex) {
  std::map<std::string, std::vector<CaseRecord>> expected;
  for (const auto& [topic, records] : topics.items()) {
    std::vector<CaseRecord>& list = expected[topic];
    for (const json& r : records) {
      list.push_back({r["step"].get<int>(), topic, hex ? Hex(r["key"]) : Text(r["key"]), hex ? Hex(r["value"]) : Text(r["value"]),
                      Time(r["ts"]), HexHeaders(r)});
    }
  }
  return expected;
}

}  // namespace

bool Case::Uses(const std::string& op) const {
  return std::any_of(nodes.begin(), nodes.end(), [&](const json& node) { return node["op"] == op; });
}

absl::StatusOr<Case> ReadCase(const std::filesystem::path& path) {
  std::ifstream file(path);
  const json document = json::parse(file, nullptr, false);
  if (document.is_discarded()) return absl::InvalidArgumentError(absl::StrCat(path.string(), " is no JSON"));
  Case c;
  c.name = document["name"].get<std::string>();
  c.family = c.name.substr(0, c.name.find_last_of('_'));
  c.nodes = document["nodes"];
  if (document.contains("config")) c.config = document["config"].get<std::map<std::string, std::string>>();
  for (const json& s : document["steps"]) {
    Step& step = c.steps.emplace_back();
    if (s.contains("advance_wall_clock_ms")) {
      step.advance_wall_clock_ms = s["advance_wall_clock_ms"].get<int64_t>();
    } else {
      step.input =
          CaseRecord{0, s["topic"].get<std::string>(), Text(s["key"]), Text(s["value"]), s["ts"].get<int64_t>(), TextHeaders(s)};
    }
  }
  const json& expect = document["expect"];
  c.description = expect["description"].get<std::vector<std::string>>();
  c.output = Expected(expect["output"], false);
  c.internal = Expected(expect["internal"], true);
  return c;
}

}  // namespace millrace::conformance
