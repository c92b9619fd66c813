#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"
#include "streams/topology_plan.h"

namespace millrace {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;
constexpr char kKey[] = "manifest";
constexpr std::chrono::milliseconds kReadLimit{30000};
constexpr std::chrono::milliseconds kReadStep{20};

std::string Text(const Json& json, const std::string& key) {
  return json.contains(key) ? (json[key].is_string() ? json[key].get<std::string>() : json[key].dump()) : "none";
}

// The last manifest in the status topic; empty if there is none.
absl::StatusOr<std::string> ReadManifest(const log::TopicPartition& status_topic, log::LogClient* client) {
  auto begin = client->admin().BeginningOffset(status_topic);
  if (!begin.ok()) return begin.status();
  auto end = client->admin().EndOffset(status_topic, log::Isolation::kReadUncommitted);
  if (!end.ok()) return end.status();
  std::string manifest;
  if (*begin >= *end) return manifest;
  auto consumer = client->NewConsumer({log::Isolation::kReadUncommitted, 1, /*restore=*/false, ""});
  if (!consumer.ok()) return consumer.status();
  auto reader = (*consumer)->Assign(status_topic, *begin);
  if (!reader.ok()) return reader.status();
  for (auto waited = std::chrono::milliseconds(0); (*reader)->position() < *end; waited += kReadStep) {
    auto drained = (*reader)->Drain(1000, [&](const RawRecord& record) {
      if (record.key == BytesView(kKey) && record.value) manifest.assign(*record.value);
    });
    if (!drained.ok()) return drained.status();
    if (waited >= kReadLimit) {
      return absl::DeadlineExceededError(absl::StrCat("topic ", status_topic.topic, ": its end was not reached in 30 s"));
    }
    if (*drained == 0) (*consumer)->Wait(kReadStep);
  }
  return manifest;
}

}  // namespace

std::string MakeManifest(const Topology& topology, const TopologyPlan& plan) {
  Json manifest = {{"version", kVersion}, {"topology", topology.Hash()}};
  Json subtopologies = Json::array();
  for (const Subtopology& sub : topology.subtopologies()) {
    Json stores = Json::array();
    for (const SubtopologyStore& store : sub.stores) {
      stores.push_back({{"name", store.builder->name()},
                        {"changelog", store.changelog_topic},
                        {"windowed", store.builder->changelog().windowed}});
    }
    std::vector<std::string> sources = sub.source_topics;
    sources.insert(sources.end(), sub.repartition_source_topics.begin(), sub.repartition_source_topics.end());
    std::sort(sources.begin(), sources.end());
    subtopologies.push_back(
        {{"id", sub.id}, {"tasks", plan.tasks_of_subtopology.at(sub.id)}, {"sources", sources}, {"stores", stores}});
  }
  manifest["subtopologies"] = std::move(subtopologies);
  return manifest.dump();
}

std::vector<std::string> CompareManifests(const std::string& theirs_text, const std::string& ours_text) {
  const Json theirs = Json::parse(theirs_text, nullptr, false);
  const Json ours = Json::parse(ours_text, nullptr, false);
  if (!theirs.is_object() || !theirs.contains("version") || !theirs.contains("subtopologies") ||
      !theirs["subtopologies"].is_array())
    return {"the manifest is not readable"};
  if (theirs["version"] != ours["version"]) {
    return {absl::StrCat("manifest version: ", theirs["version"].dump(), " there, ", ours["version"].dump(), " here")};
  }
  std::vector<std::string> differences;
  const Json& a = theirs["subtopologies"];
  const Json& b = ours["subtopologies"];
  if (a.size() != b.size()) differences.push_back(absl::StrCat("sub-topologies: ", a.size(), " there, ", b.size(), " here"));
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    for (const char* key : {"id", "tasks", "sources", "stores"}) {
      if (Text(a[i], key) != Text(b[i], key)) {
        differences.push_back(
            absl::StrCat("sub-topology ", i, ", ", key, ": ", Text(a[i], key), " there, ", Text(b[i], key), " here"));
      }
    }
  }
  return differences;
}

absl::Status AgreeOnManifest(const Topology& topology, const TopologyPlan& plan, log::LogClient* client, Timestamp now) {
  const log::TopicPartition partition{plan.status_topic, 0};
  const std::string ours = MakeManifest(topology, plan);
  // Twice: workers that start together each write, and then read what came last.
  for (int round = 0; round < 2; ++round) {
    auto theirs = ReadManifest(partition, client);
    if (!theirs.ok()) {
      return absl::Status(theirs.status().code(),
                          absl::StrCat("read the manifest in ", plan.status_topic, ": ", std::string(theirs.status().message())));
    }
    if (*theirs == ours) return absl::OkStatus();
    if (!theirs->empty()) {
      const std::vector<std::string> differences = CompareManifests(*theirs, ours);
      if (!differences.empty()) {
        return absl::FailedPreconditionError(absl::StrCat(
            "this program's topology does not fit the one that the application ran before (topic ", plan.status_topic, "):\n  ",
            absl::StrJoin(differences, "\n  "), "\nreset the application (`reset`) or give it a new application.id"));
      }
    }
    auto producer = client->NewProducer();
    if (!producer.ok()) return producer.status();
    absl::Status sent = (*producer)->Send(plan.status_topic, 0, BytesView(kKey), BytesView(ours), now, Headers::Empty(), nullptr);
    if (sent.ok()) sent = (*producer)->Flush(kReadLimit);
    if (!sent.ok()) return absl::Status(sent.code(), absl::StrCat("write the manifest: ", std::string(sent.message())));
  }
  return absl::OkStatus();
}

}  // namespace millrace
