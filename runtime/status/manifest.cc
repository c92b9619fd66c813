#include "status/manifest.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "status/status_record.h"
#include "task/located_status.h"

namespace millrace {
namespace {

using internal::Manifest;
using Differences = std::vector<FormatDifference>;

constexpr int kRounds = 3;

internal::Fingerprint ToProto(const SerdeFingerprint& from) {
  internal::Fingerprint to;
  to.set_name(from.name);
  for (const std::string& root : from.roots) to.add_roots(root);
  for (const auto& [name, fields] : from.messages) {
    internal::FingerprintMessage* message = to.add_messages();
    message->set_name(name);
    for (const auto& [number, field] : fields) {
      internal::FingerprintField* f = message->add_fields();
      f->set_number(number);
      f->set_type(field.type);
      f->set_message(field.message);
    }
  }
  return to;
}

SerdeFingerprint FromProto(const internal::Fingerprint& from) {
  SerdeFingerprint to;
  to.name = from.name();
  to.roots.assign(from.roots().begin(), from.roots().end());
  for (const internal::FingerprintMessage& message : from.messages()) {
    auto& fields = to.messages[message.name()];
    for (const internal::FingerprintField& field : message.fields()) fields[field.number()] = {field.type(), field.message()};
  }
  return to;
}

void AddStore(const SubtopologyStore& from, internal::Subtopology* to) {
  const StoreFormat& format = from.builder->format();
  const ChangelogConfig& changelog = from.builder->changelog();
  internal::Store* store = to->add_stores();
  store->set_name(from.builder->name());
  store->set_kind(format.kind);
  store->set_format_version(format.version);
  store->set_changelog_topic(from.changelog_topic);
  if (changelog.windowed) store->set_retention_ms(changelog.retention.count());
  *store->mutable_key() = ToProto(format.key);
  for (const SerdeFingerprint& value : format.values) *store->add_values() = ToProto(value);
}

std::string Partitions(int32_t count) { return absl::StrCat(count, count == 1 ? " partition" : " partitions"); }

std::string Numbering(const internal::Subtopology& sub) {
  return absl::StrCat(sub.tasks(), sub.tasks() == 1 ? " task" : " tasks", " from number ", sub.first_task());
}

std::string Describe(const internal::Store& store) {
  return absl::StrCat("a ", store.kind(), " store, format ", store.format_version());
}

// Of two maps: calls `visit` with both values, null where there is none.
template <class Value, class Visit>
void VisitBoth(const std::map<std::string, const Value*>& first, const std::map<std::string, const Value*>& second, Visit visit) {
  std::set<std::string> names;
  for (const auto& [name, value] : first) names.insert(name);
  for (const auto& [name, value] : second) names.insert(name);
  for (const std::string& name : names) {
    const auto a = first.find(name);
    const auto b = second.find(name);
    visit(name, a == first.end() ? nullptr : a->second, b == second.end() ? nullptr : b->second);
  }
}

std::map<std::string, const internal::SourceTopic*> SourcesByName(const internal::Subtopology& sub) {
  std::map<std::string, const internal::SourceTopic*> by_name;
  for (const internal::SourceTopic& source : sub.sources()) by_name[source.topic()] = &source;
  return by_name;
}

std::map<std::string, const internal::Store*> StoresByName(const internal::Subtopology& sub) {
  std::map<std::string, const internal::Store*> by_name;
  for (const internal::Store& store : sub.stores()) by_name[store.name()] = &store;
  return by_name;
}

void CompareSerdes(const std::string& where, const internal::Fingerprint& a, const internal::Fingerprint& b, Evolution evolution,
                   Differences* out) {
  for (FormatDifference& difference : CompareFingerprints(FromProto(a), FromProto(b), evolution)) {
    difference.what = absl::StrCat(where, ", ", difference.what);
    out->push_back(std::move(difference));
  }
}

void CompareStores(const std::string& where, const internal::Store& a, const internal::Store& b, Differences* out) {
  if (a.kind() != b.kind() || a.format_version() != b.format_version()) {
    out->push_back({where, Describe(a), Describe(b)});
    return;
  }
  const auto changelog = [](const internal::Store& store) {
    return store.changelog_topic().empty() ? std::string("none") : store.changelog_topic();
  };
  if (changelog(a) != changelog(b)) out->push_back({where + ", changelog topic", changelog(a), changelog(b)});
  CompareSerdes(where + ", key", a.key(), b.key(), Evolution::kNone, out);
  for (int i = 0; i < std::min(a.values_size(), b.values_size()); ++i) {
    const std::string value = a.values_size() == 1 ? ", value" : absl::StrCat(", value ", i + 1);
    CompareSerdes(where + value, a.values(i), b.values(i), Evolution::kFields, out);
  }
}

void CompareSubtopologies(const internal::Subtopology& a, const internal::Subtopology& b, Differences* out) {
  const std::string where = absl::StrCat("sub-topology ", a.id());
  if (a.id() != b.id()) out->push_back({where + ", id", absl::StrCat(a.id()), absl::StrCat(b.id())});
  if (Numbering(a) != Numbering(b)) out->push_back({where + ", tasks", Numbering(a), Numbering(b)});
  VisitBoth(SourcesByName(a), SourcesByName(b),
            [&](const std::string& topic, const internal::SourceTopic* x, const internal::SourceTopic* y) {
              const std::string first = x == nullptr ? "not read" : Partitions(x->partitions());
              const std::string second = y == nullptr ? "not read" : Partitions(y->partitions());
              if (first != second) out->push_back({absl::StrCat(where, ", source topic ", topic), first, second});
            });
  VisitBoth(StoresByName(a), StoresByName(b), [&](const std::string& name, const internal::Store* x, const internal::Store* y) {
    const std::string store = absl::StrCat(where, ", store ", name);
    if (x != nullptr && y != nullptr) {
      CompareStores(store, *x, *y, out);
    } else {
      out->push_back({store, x == nullptr ? "none" : Describe(*x), y == nullptr ? "none" : Describe(*y)});
    }
  });
}

absl::Status Refusal(const TopologyPlan& plan, const Differences& differences) {
  std::string text =
      absl::StrCat("this program does not fit the state of the running application (manifest in topic ", plan.status_topic, "):");
  for (const FormatDifference& difference : differences) {
    absl::StrAppend(&text, "\n  ", difference.what, ": the application has ", difference.first, ", this program has ",
                    difference.second);
  }
  absl::StrAppend(&text,
                  "\nrun the program that made this state; or start over with this one under a new application.id, or after a "
                  "reset of the application (its internal topics, committed offsets and state directories)");
  return absl::FailedPreconditionError(text);
}

// What to write, or the refusal. The application may have none.
absl::StatusOr<Manifest> Join(const std::optional<std::string>& application, const Manifest& program, const TopologyPlan& plan) {
  if (!application) return program;
  auto theirs = DecodeManifest(*application);
  if (!theirs.ok()) return At(theirs.status(), absl::StrCat("manifest in topic ", plan.status_topic));
  const Differences differences = CompareManifests(*theirs, program);
  if (!differences.empty()) return Refusal(plan, differences);
  return JoinManifests(*theirs, program);
}

}  // namespace

Manifest MakeManifest(const Topology& topology, const TopologyPlan& plan) {
  Manifest manifest;
  manifest.set_topology_hash(topology.Hash());
  for (const Subtopology& from : topology.subtopologies()) {
    internal::Subtopology* sub = manifest.add_subtopologies();
    sub->set_id(from.id);
    sub->set_tasks(plan.tasks_of_subtopology.at(from.id));
    std::set<std::string> topics;
    bool first = true;
    for (const TaskSpec& task : plan.tasks) {
      if (task.id.subtopology != from.id) continue;
      if (std::exchange(first, false)) sub->set_first_task(task.number - task.id.partition);
      for (const log::TopicPartition& source : task.sources) topics.insert(source.topic);
    }
    for (const std::string& topic : topics) {
      internal::SourceTopic* source = sub->add_sources();
      source->set_topic(topic);
      source->set_partitions(plan.partitions.at(topic));
    }
    std::vector<SubtopologyStore> stores = from.stores;
    std::sort(stores.begin(), stores.end(), [](const auto& a, const auto& b) { return a.builder->name() < b.builder->name(); });
    for (const SubtopologyStore& store : stores) AddStore(store, sub);
  }
  return manifest;
}

std::vector<FormatDifference> CompareManifests(const Manifest& application, const Manifest& program) {
  Differences differences;
  const int a = application.subtopologies_size();
  const int b = program.subtopologies_size();
  if (a != b) differences.push_back({"sub-topologies", absl::StrCat(a), absl::StrCat(b)});
  for (int i = 0; i < std::min(a, b); ++i) {
    CompareSubtopologies(application.subtopologies(i), program.subtopologies(i), &differences);
  }
  return differences;
}

Manifest JoinManifests(const Manifest& application, const Manifest& program) {
  Manifest joined = program;
  for (int i = 0; i < std::min(application.subtopologies_size(), joined.subtopologies_size()); ++i) {
    const auto before = StoresByName(application.subtopologies(i));
    for (internal::Store& store : *joined.mutable_subtopologies(i)->mutable_stores()) {
      const auto it = before.find(store.name());
      if (it == before.end()) continue;
      const internal::Store& was = *it->second;
      *store.mutable_key() = ToProto(RememberFields(FromProto(was.key()), FromProto(store.key())));
      for (int v = 0; v < std::min(was.values_size(), store.values_size()); ++v) {
        *store.mutable_values(v) = ToProto(RememberFields(FromProto(was.values(v)), FromProto(store.values(v))));
      }
    }
  }
  return joined;
}

absl::StatusOr<StatusTopicContents> CheckManifest(const Manifest& manifest, const TopologyPlan& plan, log::LogClient* client,
                                                  Host* host) {
  auto exists = client->admin().PartitionCount(plan.status_topic);
  if (!exists.ok()) return At(exists.status(), "topic " + plan.status_topic);
  if (!exists->has_value()) return StatusTopicContents();
  auto contents = ReadStatusTopic(plan.status_topic, client, host);
  if (!contents.ok()) return contents.status();
  if (contents->reset_under_way) {
    return absl::FailedPreconditionError(absl::StrCat("a reset of this application has begun and not ended (topic ",
                                                      plan.status_topic,
                                                      "): what it has left does not fit together; run `reset` again first"));
  }
  if (auto joined = Join(contents->manifest, manifest, plan); !joined.ok()) return joined.status();
  return contents;
}

absl::Status AgreeOnManifest(const Manifest& manifest, const TopologyPlan& plan, StatusTopicContents contents,
                             log::LogClient* client, Host* host) {
  // Until the topic is seen to have what we would write: copies that start together each write, and then read what came last.
  for (int round = 0; round < kRounds; ++round) {
    if (round > 0 || !contents.manifest) {
      auto read = ReadStatusTopic(plan.status_topic, client, host);
      if (!read.ok()) return read.status();
      contents = *std::move(read);
    }
    auto joined = Join(contents.manifest, manifest, plan);
    if (!joined.ok()) return joined.status();
    const std::string bytes = Encode(*joined);
    std::vector<std::pair<std::string, NullableBytes>> records;
    const bool agreed = contents.manifest == bytes;
    if (!agreed) records.emplace_back(kManifestKey, bytes);
    for (const auto& [id, value] : contents.instances) {
      auto instance = DecodeInstance(value);
      if (instance.ok() && IsForgotten(*instance, host->Now())) records.emplace_back(InstanceKey(id), std::nullopt);
    }
    if (absl::Status status = WriteStatusTopic(plan.status_topic, client, host->Now(), records); !status.ok()) return status;
    if (agreed) return absl::OkStatus();
  }
  // Others with compatible manifests keep writing theirs: what each of them checked holds for us too.
  return absl::OkStatus();
}

absl::StatusOr<std::string> AgreeOnStateId(const std::string& status_topic, log::LogClient* client, Host* host) {
  auto contents = ReadStatusTopic(status_topic, client, host);
  if (contents.ok() && contents->state_id.empty()) {
    // Copies that start together each write one; the first in the topic counts.
    const std::string mine = absl::StrCat(std::string(kStateKeyPrefix), absl::Hex(host->Random(), absl::kZeroPad16));
    if (absl::Status status = WriteStatusTopic(status_topic, client, host->Now(), {{mine, Bytes("1")}}); !status.ok()) {
      return status;
    }
    contents = ReadStatusTopic(status_topic, client, host);
  }
  if (!contents.ok()) return contents.status();
  return contents->state_id;
}

}  // namespace millrace
