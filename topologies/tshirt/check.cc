#include "check.h"

#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "rules.h"

namespace millrace::tshirt {
namespace {

constexpr std::chrono::minutes kReadTimeout{10};

/// What a topic says: the last value of each key, and what was odd on the way.
struct Seen {
  std::unordered_map<std::string, std::optional<std::string>> last;
  TopicResult result;
};

void Take(const TopicRecord& record, Seen* seen) {
  ++seen->result.records;
  std::string key(record.key.value_or(""));
  std::optional<std::string> value;
  if (record.value) value.emplace(*record.value);
  const auto [at, added] = seen->last.try_emplace(std::move(key), value);
  if (added) return;
  if (value == at->second && value.has_value()) {
    ++seen->result.repeated;
  } else if (at->second.has_value()) {
    ++seen->result.corrected;
  }
  at->second = std::move(value);
}

void Compare(const std::unordered_map<std::string, std::string>& expected, Seen* seen) {
  TopicResult& result = seen->result;
  result.expected = static_cast<int64_t>(expected.size());
  for (const auto& [key, value] : expected) {
    const auto found = seen->last.find(key);
    if (found == seen->last.end() || !found->second.has_value()) {
      ++result.missing;
    } else if (*found->second != value) {
      ++result.wrong;
    }
  }
  for (const auto& [key, value] : seen->last) {
    if (value.has_value() && !expected.contains(key)) ++result.wrong;
  }
  // Other topics change with every event; only facts are meant to be said once.
  if (result.topic != kFacts && result.topic != kBuyers) result.corrected = 0;
}

std::string Time(const google::protobuf::Timestamp& t) {
  return std::string(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(Millis(t)), absl::UTCTimeZone()));
}

/// A field of text as RFC 4180 has it: in quotes if it needs them.
std::string Quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

absl::Status WriteCsv(const Seen& facts, const std::string& path) {
  std::map<int64_t, TShirtFact> sorted;
  for (const auto& [key, value] : facts.last) {
    TShirtFact fact;
    if (value.has_value() && fact.ParseFromString(*value)) sorted.emplace(fact.order_id(), fact);
  }
  std::ofstream out(path);
  out << "order_id,user_id,registered_at,ordered_at,delivered_at,days_after_signup,country,sku,price_cents\r\n";
  for (const auto& [id, f] : sorted) {
    out << absl::StrCat(id, ",", f.user_id(), ",", Time(f.registered_at()), ",", Time(f.ordered_at()), ",",
                        Time(f.delivered_at()), ",", f.days_after_signup(), ",", Quoted(f.country()), ",", Quoted(f.sku()), ",",
                        f.price_cents(), "\r\n");
  }
  out.close();
  return out ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write the facts to ", path));
}

}  // namespace

bool CheckResult::correct() const {
  for (const TopicResult& t : topics) {
    if (t.missing != 0 || t.wrong != 0 || t.repeated != 0) return false;
  }
  return !topics.empty();
}

std::string CheckResult::ToString() const {
  std::string text = absl::StrFormat("%-20s %10s %10s %8s %6s %9s %10s\n", "topic", "records", "keys", "missing", "wrong",
                                     "repeated", "corrected");
  for (const TopicResult& t : topics) {
    absl::StrAppendFormat(&text, "%-20s %10d %10d %8d %6d %9d %10d\n", t.topic, t.records, t.expected, t.missing, t.wrong,
                          t.repeated, t.corrected);
  }
  return text;
}

absl::StatusOr<Model> ReadModel(TopicClient* client, const absl::TimeZone& zone) {
  Model model(zone);
  for (int kind = 0; kind < kEventKinds; ++kind) {
    const auto event = static_cast<EventKind>(kind);
    absl::StatusOr<std::unique_ptr<TopicReader>> reader = client->NewReader({std::string(InputTopic(event))});
    if (!reader.ok()) return reader.status();
    absl::Status bad;
    const absl::Status read = (*reader)->ReadToEnd(kReadTimeout, [&](const TopicRecord& record) {
      if (!record.value || !bad.ok()) return;
      const absl::Status added = model.Add(event, *record.value);
      if (!added.ok()) {
        bad = absl::Status(added.code(), absl::StrCat(*record.topic, "-", record.partition, " at offset ", record.offset, ": ",
                                                      added.message()));
      }
    });
    if (!read.ok()) return read;
    if (!bad.ok()) return bad;
  }
  return model;
}

absl::StatusOr<CheckResult> Check(TopicClient* client, const Expected& expected, const std::string& csv) {
  CheckResult result;
  for (std::string_view topic : kOutputTopics) {
    Seen seen;
    seen.result.topic = std::string(topic);
    absl::StatusOr<std::unique_ptr<TopicReader>> reader = client->NewReader({seen.result.topic});
    if (!reader.ok()) return reader.status();
    const absl::Status read = (*reader)->ReadToEnd(kReadTimeout, [&](const TopicRecord& record) { Take(record, &seen); });
    if (!read.ok()) return read;
    Compare(expected.find(topic)->second, &seen);
    if (topic == kFacts && !csv.empty()) {
      if (absl::Status written = WriteCsv(seen, csv); !written.ok()) return written;
    }
    result.topics.push_back(seen.result);
  }
  return result;
}

}  // namespace millrace::tshirt
