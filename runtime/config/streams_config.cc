#include "millrace/runtime/streams_config.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "config/config_table.h"
#include "config/streams_config_data.h"

namespace millrace {
namespace {

const std::string& EmptyText() {
  static const auto* const empty = new std::string;
  return *empty;
}

const std::string& Text(const std::map<std::string, ConfigValue, std::less<>>& values, std::string_view name) {
  const auto it = values.find(name);
  return it == values.end() ? EmptyText() : it->second.text;
}

/// Values were checked when the configuration was built.
int64_t Number(const std::map<std::string, ConfigValue, std::less<>>& values, std::string_view name) {
  const std::string& text = Text(values, name);
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::chrono::milliseconds Time(const std::map<std::string, ConfigValue, std::less<>>& values, std::string_view name) {
  return std::chrono::milliseconds(Number(values, name));
}

ErrorPolicy Policy(const std::string& text) {
  if (text == "dead-letter") return ErrorPolicy::kDeadLetter;
  return text == "continue" ? ErrorPolicy::kContinue : ErrorPolicy::kFail;
}

}  // namespace

StreamsConfig::StreamsConfig(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

absl::StatusOr<StreamsConfig> StreamsConfig::From(const Properties& properties) {
  Builder builder;
  builder.AddProperties(properties, "the program");
  return builder.Build();
}

const std::string& StreamsConfig::application_id() const { return Text(data_->values, "application.id"); }
const std::string& StreamsConfig::bootstrap_servers() const { return Text(data_->values, "bootstrap.servers"); }
const std::string& StreamsConfig::client_id() const { return Text(data_->values, "client.id"); }
const std::string& StreamsConfig::state_dir() const { return Text(data_->values, "state.dir"); }
int StreamsConfig::num_stream_threads() const { return static_cast<int>(Number(data_->values, "num.stream.threads")); }

ProcessingGuarantee StreamsConfig::processing_guarantee() const {
  return Text(data_->values, "processing.guarantee") == "exactly_once_v2" ? ProcessingGuarantee::kExactlyOnceV2
                                                                          : ProcessingGuarantee::kAtLeastOnce;
}
std::chrono::milliseconds StreamsConfig::commit_interval() const { return Time(data_->values, "commit.interval.ms"); }
std::chrono::milliseconds StreamsConfig::max_task_idle() const { return Time(data_->values, "max.task.idle.ms"); }
int StreamsConfig::buffered_records_per_partition() const {
  return static_cast<int>(Number(data_->values, "buffered.records.per.partition"));
}
std::chrono::milliseconds StreamsConfig::emit_idle_interval() const { return Time(data_->values, "emit.idle.interval.ms"); }
AutoOffsetReset StreamsConfig::auto_offset_reset() const {
  return Text(data_->values, "auto.offset.reset") == "latest" ? AutoOffsetReset::kLatest : AutoOffsetReset::kEarliest;
}
bool StreamsConfig::read_committed() const { return Text(data_->values, "isolation.level") == "read_committed"; }

std::optional<int64_t> StreamsConfig::memory_max_bytes() const {
  if (!data_->values.contains("memory.max.bytes")) return std::nullopt;
  return Number(data_->values, "memory.max.bytes");
}
int64_t StreamsConfig::statestore_cache_max_bytes() const { return Number(data_->values, "statestore.cache.max.bytes"); }
int64_t StreamsConfig::statestore_uncommitted_max_bytes() const {
  return Number(data_->values, "statestore.uncommitted.max.bytes");
}
std::chrono::milliseconds StreamsConfig::windowstore_changelog_additional_retention() const {
  return Time(data_->values, "windowstore.changelog.additional.retention.ms");
}

int StreamsConfig::replication_factor() const { return static_cast<int>(Number(data_->values, "replication.factor")); }
std::chrono::milliseconds StreamsConfig::repartition_purge_interval() const {
  return Time(data_->values, "repartition.purge.interval.ms");
}
const std::string& StreamsConfig::topology_optimization() const { return Text(data_->values, "topology.optimization"); }
TopologyConfig StreamsConfig::topology_config() const {
  return {.optimization = topology_optimization(),
          .ensure_explicit_internal_resource_naming = Text(data_->values, "ensure.explicit.internal.resource.naming") == "true"};
}
Properties StreamsConfig::topic_properties() const { return data_->topic; }
const Properties& StreamsConfig::warehouse_properties() const { return data_->warehouse; }
std::chrono::milliseconds StreamsConfig::warehouse_commit_interval() const {
  return Time(data_->values, "warehouse.commit.interval.ms");
}
int64_t StreamsConfig::warehouse_commit_bytes() const { return Number(data_->values, "warehouse.commit.bytes"); }
int StreamsConfig::warehouse_threads() const { return static_cast<int>(Number(data_->values, "warehouse.threads")); }
const Properties& StreamsConfig::serving_properties() const { return data_->serving; }
std::chrono::milliseconds StreamsConfig::serving_commit_interval() const {
  return Time(data_->values, "serving.commit.interval.ms");
}
int64_t StreamsConfig::serving_commit_bytes() const { return Number(data_->values, "serving.commit.bytes"); }
int StreamsConfig::serving_threads() const { return static_cast<int>(Number(data_->values, "serving.threads")); }

ErrorPolicy StreamsConfig::deserialization_error_policy() const {
  return Policy(Text(data_->values, "deserialization.exception.handler"));
}
ErrorPolicy StreamsConfig::processing_error_policy() const { return Policy(Text(data_->values, "processing.exception.handler")); }
ErrorPolicy StreamsConfig::production_error_policy() const { return Policy(Text(data_->values, "production.exception.handler")); }
const std::string& StreamsConfig::dead_letter_topic() const { return Text(data_->values, "errors.dead.letter.queue.topic.name"); }

const std::string& StreamsConfig::group_instance_id() const { return Text(data_->values, "group.instance.id"); }
std::chrono::milliseconds StreamsConfig::session_timeout() const { return Time(data_->values, "session.timeout.ms"); }
std::chrono::milliseconds StreamsConfig::heartbeat_interval() const { return Time(data_->values, "heartbeat.interval.ms"); }
std::chrono::milliseconds StreamsConfig::max_poll_interval() const { return Time(data_->values, "max.poll.interval.ms"); }

std::optional<int> StreamsConfig::http_port() const {
  if (!data_->values.contains("http.port")) return std::nullopt;
  return static_cast<int>(Number(data_->values, "http.port"));
}
const std::string& StreamsConfig::http_host() const { return Text(data_->values, "http.host"); }

std::chrono::milliseconds StreamsConfig::state_flush_interval() const { return Time(data_->values, "state.flush.interval.ms"); }
std::chrono::milliseconds StreamsConfig::status_interval() const { return Time(data_->values, "status.interval.ms"); }

std::chrono::milliseconds StreamsConfig::progress_stall_timeout() const {
  return Time(data_->values, "progress.stall.timeout.ms");
}

const std::string& StreamsConfig::log_level() const { return Text(data_->values, "log.level"); }
bool StreamsConfig::log_json() const { return Text(data_->values, "log.format") == "json"; }

std::optional<std::string> StreamsConfig::Get(std::string_view name) const {
  const auto it = data_->values.find(name);
  return it == data_->values.end() ? std::nullopt : std::optional(it->second.text);
}

std::string StreamsConfig::ToString() const {
  std::map<std::string, ConfigValue, std::less<>> all = data_->others;
  all.insert(data_->values.begin(), data_->values.end());
  size_t width = 0;
  for (auto& [name, value] : all) {
    value.text = ShownValue(name, value.text);
    width = std::max(width, std::min<size_t>(name.size() + 1 + value.text.size(), 70));
  }
  std::string text;
  for (const auto& [name, value] : all) {
    std::string line = absl::StrCat(name, "=", value.text);
    if (line.size() < width) line.append(width - line.size(), ' ');
    absl::StrAppend(&text, line, "  # ", value.origin, "\n");
  }
  return text;
}

const Properties& StreamsConfig::client_properties(std::string_view prefix) const {
  static const auto* const none = new Properties;
  const auto it = data_->clients.find(prefix);
  return it == data_->clients.end() ? *none : it->second;
}

}  // namespace millrace
