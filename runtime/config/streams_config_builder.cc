#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "config/client_settings.h"
#include "config/config_table.h"
#include "config/nearest_name.h"
#include "config/properties_text.h"
#include "config/streams_config_data.h"
#include "millrace/runtime/streams_config.h"

namespace millrace {
namespace {

/// A prefix as written, and the clients that it means.
struct Prefix {
  std::string_view written;
  std::string_view clients;
};
constexpr Prefix kPrefixes[] = {{"main.consumer.", "consumer."},
                                {"restore.consumer.", "restore."},
                                {"consumer.", "consumer."},
                                {"producer.", "producer."},
                                {"admin.", "admin."},
                                {"restore.", "restore."}};
constexpr std::string_view kTopicPrefix = "topic.";
constexpr std::string_view kWarehousePrefix = "warehouse.";
constexpr std::string_view kServingPrefix = "serving.";
constexpr std::string_view kEnvironmentPrefix = "APP_";

std::string EnvironmentName(std::string_view setting) {
  std::string name = absl::StrCat(std::string(kEnvironmentPrefix), std::string(setting));
  for (char& c : name) c = c == '.' || c == '-' ? '_' : absl::ascii_toupper(c);
  return name;
}

struct Assignment {
  std::string name;
  std::string value;
  std::string origin;
};

/// Sources from weak to strong.
enum Source { kProgram = 0, kFile, kEnvironment, kFlag, kSources };

/// Every name without prefix that means something, or is refused with a reason.
std::vector<std::string> NamesWithoutPrefix() {
  std::vector<std::string> names;
  for (const ConfigEntry& entry : ConfigTable()) names.emplace_back(entry.name);
  for (const RefusedSetting& refused : RefusedStreamsSettings()) names.emplace_back(refused.name);
  names.insert(names.end(), ClientSettingNames().begin(), ClientSettingNames().end());
  return names;
}

/// Variable name to setting name, for all that may be set.
const std::map<std::string, std::string>& EnvironmentNames() {
  static const auto* const map = [] {
    auto* names = new std::map<std::string, std::string>;
    const auto add = [&](const std::string& name) {
      names->emplace(EnvironmentName(name), name);
      if (IsSecret(name)) names->emplace(EnvironmentName(name + ".file"), name + ".file");
    };
    for (const std::string& name : NamesWithoutPrefix()) add(name);
    for (const Prefix& prefix : kPrefixes) {
      for (const std::string& name : ClientSettingNames()) add(absl::StrCat(std::string(prefix.written), name));
    }
    return names;
  }();
  return *map;
}

std::string Suggestion(std::string_view name) {
  std::string_view prefix;
  for (const Prefix& candidate : kPrefixes) {
    if (name.starts_with(candidate.written)) {
      prefix = candidate.written;
      break;
    }
  }
  const std::string_view rest = name.substr(prefix.size());
  const int limit = std::max(3, static_cast<int>(rest.size()) / 3);
  const std::string nearest =
      prefix.empty() ? NearestName(rest, NamesWithoutPrefix(), limit) : NearestName(rest, ClientSettingNames(), limit);
  if (nearest.empty()) return "unknown setting; docs/configuration.md and --print-config list all";
  return absl::StrCat("unknown setting; did you mean ", std::string(prefix), nearest, "?");
}

bool IsEmptyPrefix(std::string_view name, std::string_view prefix) { return name.size() == prefix.size(); }

/// Sorts assignments into the data of a configuration and collects what is wrong with them. Values are added from strong to weak.
class Checker {
 public:
  Checker(ConfigData* data, std::vector<std::string>* errors) : data_(data), errors_(errors) {}

  void Add(const Assignment& assignment) {
    const std::string_view name = assignment.name;
    if (const ConfigEntry* entry = FindConfigEntry(name); entry != nullptr) {
      AddEntry(*entry, assignment);
    } else if (const RefusedSetting* refused = FindRefused(name); refused != nullptr) {
      if (refused->accepted_value.empty() || assignment.value != refused->accepted_value) {
        Error(assignment, absl::StrCat("is not offered: ", std::string(refused->reason)));
      }
    } else if (name.starts_with(kTopicPrefix) && !IsEmptyPrefix(name, kTopicPrefix)) {
      if (data_->others.emplace(assignment.name, ConfigValue{assignment.value, assignment.origin}).second) {
        data_->topic.emplace(std::string(name.substr(kTopicPrefix.size())), assignment.value);
      }
    } else if (name.starts_with(kWarehousePrefix) && !IsEmptyPrefix(name, kWarehousePrefix)) {
      AddSinkSetting(kWarehousePrefix, assignment, &data_->warehouse);
    } else if (name.starts_with(kServingPrefix) && !IsEmptyPrefix(name, kServingPrefix)) {
      AddSinkSetting(kServingPrefix, assignment, &data_->serving);
    } else {
      AddClientSetting(assignment);
    }
  }

  /// Once all are added: what has no value gets its default; what does not fit together is an error.
  void Finish() {
    // Defaults that depend on another setting, as in Kafka Streams.
    const auto guarantee = data_->values.find("processing.guarantee");
    const bool exactly_once = guarantee != data_->values.end() && guarantee->second.text == "exactly_once_v2";
    if (exactly_once) {
      data_->values.emplace("commit.interval.ms", ConfigValue{"100", "default of exactly_once_v2"});
      data_->values.emplace("isolation.level", ConfigValue{"read_committed", "default of exactly_once_v2"});
    }
    for (const ConfigEntry& entry : ConfigTable()) {
      if (entry.default_value == nullptr) continue;
      data_->values.emplace(std::string(entry.name), ConfigValue{entry.default_value, "default"});
    }
    if (!errors_->empty()) return;
    if (!data_->values.contains("application.id"))
      errors_->push_back("application.id is not set: it names the application and its topics");
    if (exactly_once) {
      CheckExactlyOnce();
    } else if (!TransactionTimeout().empty()) {
      errors_->push_back("transaction.timeout.ms is given, but there are no transactions at processing.guarantee=at_least_once");
    }
    CheckTimes("heartbeat.interval.ms", "session.timeout.ms", true);
    CheckTimes("session.timeout.ms", "max.poll.interval.ms", false);
    CheckDeadLetters();
  }

 private:
  /// Empty if it was not given.
  [[nodiscard]] std::string TransactionTimeout() const {
    for (const char* clients : {"producer.", ""}) {
      const auto properties = data_->clients.find(clients);
      if (properties == data_->clients.end()) continue;
      if (auto it = properties->second.find("transaction.timeout.ms"); it != properties->second.end()) return it->second;
    }
    return "";
  }

  void CheckDeadLetters() {
    const ConfigValue& topic = data_->values["errors.dead.letter.queue.topic.name"];
    bool wanted = false;
    for (const char* handler : {"deserialization.exception.handler", "processing.exception.handler"}) {
      const ConfigValue& policy = data_->values[handler];
      if (policy.text != "dead-letter") continue;
      wanted = true;
      if (!topic.text.empty()) continue;
      errors_->push_back(
          absl::StrCat(handler, "=dead-letter (from ", policy.origin, ") needs errors.dead.letter.queue.topic.name"));
    }
    if (!wanted && !topic.text.empty()) {
      errors_->push_back(absl::StrCat("errors.dead.letter.queue.topic.name=", topic.text, " (from ", topic.origin,
                                      ") has no effect: set deserialization.exception.handler or "
                                      "processing.exception.handler to dead-letter too"));
    }
  }

  void CheckExactlyOnce() {
    const ConfigValue& isolation = data_->values["isolation.level"];
    if (isolation.text != "read_committed") {
      errors_->push_back(absl::StrCat("isolation.level=", isolation.text, " (from ", isolation.origin,
                                      ") does not fit processing.guarantee=exactly_once_v2, which needs read_committed"));
    }
    constexpr int64_t kDefaultTransactionMs = 10000;
    const std::string given = TransactionTimeout();
    const int64_t transaction_ms = given.empty() ? kDefaultTransactionMs : std::stoll(given);
    const ConfigValue& commit = data_->values["commit.interval.ms"];
    if (std::stoll(commit.text) >= transaction_ms) {
      errors_->push_back(absl::StrCat("commit.interval.ms=", commit.text, " (from ", commit.origin,
                                      ") must be less than producer.transaction.timeout.ms=", transaction_ms,
                                      ", or the broker aborts every transaction"));
    }
  }

  static const RefusedSetting* FindRefused(std::string_view name) {
    for (const RefusedSetting& refused : RefusedStreamsSettings()) {
      if (refused.name == name) return &refused;
    }
    return nullptr;
  }

  void Error(const Assignment& assignment, const std::string& message) {
    errors_->push_back(absl::StrCat(assignment.name, "=", ShownValue(assignment.name, assignment.value), " (from ",
                                    assignment.origin, "): ", message));
  }

  void AddEntry(const ConfigEntry& entry, const Assignment& assignment) {
    if (data_->values.contains(entry.name)) return;
    // An empty variable or line means "not set" where there is no default.
    if (assignment.value.empty() && entry.default_value == nullptr) return;
    absl::StatusOr<std::string> value = CheckConfigValue(entry, assignment.value);
    if (!value.ok()) {
      Error(assignment, std::string(value.status().message()));
      value = assignment.value;  // so that a weaker source is not blamed as well
    }
    data_->values.emplace(std::string(entry.name), ConfigValue{*std::move(value), assignment.origin});
  }

  // Which there are is known to the warehouse, which is not opened for that.
  void AddSinkSetting(std::string_view prefix, const Assignment& assignment, Properties* properties) {
    const std::string name = assignment.name.substr(prefix.size());
    if (IsSecret(name) && assignment.origin.starts_with("--")) {
      return Error(
          assignment,
          "a secret on the command line is seen by everybody on the machine: use the environment or the properties file");
    }
    if (!data_->others.emplace(assignment.name, ConfigValue{assignment.value, assignment.origin}).second) return;
    properties->emplace(name, assignment.value);
  }

  void AddClientSetting(const Assignment& assignment) {
    std::string_view clients;
    std::string_view rest = assignment.name;
    for (const Prefix& prefix : kPrefixes) {
      if (!rest.starts_with(prefix.written)) continue;
      rest.remove_prefix(prefix.written.size());
      clients = prefix.clients;
      break;
    }
    if (clients == "consumer.") {
      if (const ConfigEntry* entry = FindConfigEntry(rest); entry != nullptr && entry->of_consumer)
        return AddEntry(*entry, assignment);
    }
    if (const ConfigEntry* entry = FindConfigEntry(rest); entry != nullptr) {
      return Error(assignment, absl::StrCat("set ", std::string(rest), " without prefix"));
    }
    if (IsSecret(rest) && assignment.origin.starts_with("--")) {
      return Error(assignment, absl::StrCat("a secret on the command line is seen by everybody on the machine: use ",
                                            std::string(rest), ".file, the environment or the properties file"));
    }
    absl::StatusOr<ClientSetting> setting = ResolveClientSetting(rest, assignment.value);
    if (!setting.ok()) {
      return Error(assignment,
                   absl::IsNotFound(setting.status()) ? Suggestion(assignment.name) : std::string(setting.status().message()));
    }
    if (!clients.empty() && !ClientReads(clients, setting->name)) {
      return Error(assignment,
                   absl::StrCat("is not a setting of ", std::string(clients.substr(0, clients.size() - 1)), " clients"));
    }
    if (!data_->others.emplace(assignment.name, ConfigValue{assignment.value, assignment.origin}).second) return;
    // The value and the file of a secret are two spellings of one setting; the stronger source has come first.
    Properties& properties = data_->clients[std::string(clients)];
    constexpr std::string_view kFile = ".file";
    const bool is_file = std::string_view(setting->name).ends_with(kFile);
    const std::string twin =
        is_file ? setting->name.substr(0, setting->name.size() - kFile.size()) : setting->name + std::string(kFile);
    if (!properties.contains(twin)) properties.emplace(setting->name, setting->value);
  }

  void CheckTimes(const std::string& less, const std::string& more, bool strictly) {
    const ConfigValue& a = data_->values[less];
    const ConfigValue& b = data_->values[more];
    const int64_t first = std::stoll(a.text);
    const int64_t second = std::stoll(b.text);
    if (first < second || (!strictly && first == second)) return;
    errors_->push_back(absl::StrCat(less, "=", a.text, " (from ", a.origin, ") must ",
                                    strictly ? "be less than " : "not be more than ", more, "=", b.text, " (from ", b.origin,
                                    ")"));
  }

  ConfigData* data_;
  std::vector<std::string>* errors_;
};

}  // namespace

struct StreamsConfig::Builder::State {
  std::array<std::vector<Assignment>, kSources> sources;
  std::vector<std::string> errors;

  void Add(Source source, std::string_view name, std::string_view value, std::string_view origin) {
    sources[source].push_back({std::string(name), std::string(value), std::string(origin)});
  }
};

StreamsConfig::Builder::Builder() : state_(std::make_unique<State>()) {}
StreamsConfig::Builder::~Builder() = default;
StreamsConfig::Builder::Builder(Builder&&) noexcept = default;
StreamsConfig::Builder& StreamsConfig::Builder::operator=(Builder&&) noexcept = default;

StreamsConfig::Builder& StreamsConfig::Builder::AddProgramDefault(std::string_view name, std::string_view value) {
  state_->Add(kProgram, name, value, "the program");
  return *this;
}

StreamsConfig::Builder& StreamsConfig::Builder::AddPropertiesText(std::string_view text, std::string_view origin) {
  for (const PropertyLine& line : ParsePropertiesText(text)) {
    state_->Add(kFile, line.name, line.value, absl::StrCat(std::string(origin), ":", line.line));
  }
  return *this;
}

StreamsConfig::Builder& StreamsConfig::Builder::AddProperties(const Properties& properties, std::string_view origin) {
  for (const auto& [name, value] : properties) state_->Add(kFile, name, value, origin);
  return *this;
}

StreamsConfig::Builder& StreamsConfig::Builder::AddEnvironment(const char* const* environment) {
  const std::string topic_prefix = EnvironmentName(kTopicPrefix);
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view variable = *environment;
    const size_t equals = variable.find('=');
    if (!variable.starts_with(kEnvironmentPrefix) || equals == std::string_view::npos) continue;
    const std::string name(variable.substr(0, equals));
    const std::string_view value = variable.substr(equals + 1);
    if (const auto it = EnvironmentNames().find(name); it != EnvironmentNames().end()) {
      state_->Add(kEnvironment, it->second, value, name);
    } else if (name.starts_with(topic_prefix)) {
      std::string setting = name.substr(kEnvironmentPrefix.size());
      for (char& c : setting) c = c == '_' ? '.' : absl::ascii_tolower(c);
      state_->Add(kEnvironment, setting, value, name);
    } else {
      // Other programs have variables APP_... too; only what looks like a misspelt setting is an error.
      std::vector<std::string> known;
      for (const ConfigEntry& entry : ConfigTable()) known.push_back(EnvironmentName(entry.name));
      const std::string nearest = NearestName(name, known, 2);
      if (!nearest.empty()) {
        state_->errors.push_back(absl::StrCat(name, " (from the environment): unknown setting; did you mean ", nearest, "?"));
      }
    }
  }
  return *this;
}

StreamsConfig::Builder& StreamsConfig::Builder::AddFlag(std::string_view assignment, std::string_view flag) {
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    state_->errors.push_back(absl::StrCat(std::string(flag), " ", std::string(assignment), ": expected name=value"));
  } else {
    state_->Add(kFlag, assignment.substr(0, equals), assignment.substr(equals + 1), flag);
  }
  return *this;
}

absl::StatusOr<StreamsConfig> StreamsConfig::Builder::Build() const {
  auto data = std::make_shared<Data>();
  std::vector<std::string> errors = state_->errors;
  Checker checker(data.get(), &errors);
  for (int source = kSources - 1; source >= 0; --source) {
    // Of two lines with one name the later one wins, as in Java.
    const std::vector<Assignment>& assignments = state_->sources[source];
    for (auto it = assignments.rbegin(); it != assignments.rend(); ++it) checker.Add(*it);
  }
  checker.Finish();
  if (!errors.empty()) {
    std::sort(errors.begin(), errors.end());
    errors.erase(std::unique(errors.begin(), errors.end()), errors.end());
    return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
  }
  return StreamsConfig(std::move(data));
}

}  // namespace millrace
