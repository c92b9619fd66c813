#ifndef MILLRACE_RUNTIME_STREAMS_CONFIG_H_
#define MILLRACE_RUNTIME_STREAMS_CONFIG_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/topologies/topology_config.h"

namespace millrace {

/// Name to value, as in a properties file.
using Properties = std::map<std::string, std::string>;

enum class ProcessingGuarantee { kAtLeastOnce, kExactlyOnceV2 };
/// What a property says of records that fail.
enum class ErrorPolicy { kFail, kContinue, kDeadLetter };
enum class AutoOffsetReset { kEarliest, kLatest };

/// The settings of an application, checked: every value has passed type and range, every name is known. Immutable; copies share
/// their data and may be used from any thread. Names, meanings and (where docs/configuration.md does not say otherwise) defaults
/// are those of Kafka's `StreamsConfig`.
class StreamsConfig {
 public:
  class Builder;

  /// From properties alone, for programs that have their settings in code. Needs "application.id".
  [[nodiscard]] static absl::StatusOr<StreamsConfig> From(const Properties& properties);

  [[nodiscard]] const std::string& application_id() const;
  /// Empty if not set: enough to describe or test a topology, not to run it.
  [[nodiscard]] const std::string& bootstrap_servers() const;
  [[nodiscard]] const std::string& client_id() const;
  [[nodiscard]] const std::string& state_dir() const;
  [[nodiscard]] int num_stream_threads() const;

  [[nodiscard]] ProcessingGuarantee processing_guarantee() const;
  [[nodiscard]] std::chrono::milliseconds commit_interval() const;
  /// -1 ms: never wait for other partitions.
  [[nodiscard]] std::chrono::milliseconds max_task_idle() const;
  [[nodiscard]] int buffered_records_per_partition() const;
  [[nodiscard]] std::chrono::milliseconds emit_idle_interval() const;
  [[nodiscard]] AutoOffsetReset auto_offset_reset() const;
  /// consumer isolation.level=read_committed: skips records of open and aborted transactions of others.
  [[nodiscard]] bool read_committed() const;

  /// nullopt: derived from the limit of the process's cgroup, or from the machine's memory.
  [[nodiscard]] std::optional<int64_t> memory_max_bytes() const;
  [[nodiscard]] int64_t statestore_cache_max_bytes() const;
  [[nodiscard]] int64_t statestore_uncommitted_max_bytes() const;
  [[nodiscard]] std::chrono::milliseconds windowstore_changelog_additional_retention() const;

  /// -1: the broker's default.
  [[nodiscard]] int replication_factor() const;
  [[nodiscard]] std::chrono::milliseconds repartition_purge_interval() const;
  /// "none", "all", or a list with commas of "reuse.ktable.source.topics" and "merge.repartition.topics".
  [[nodiscard]] const std::string& topology_optimization() const;
  /// What StreamsBuilder needs to know, so that `StreamsBuilder builder(config)` is all there is to write.
  [[nodiscard]] TopologyConfig topology_config() const;
  operator TopologyConfig() const { return topology_config(); }  // NOLINT(google-explicit-constructor)
  /// Settings for internal topics: those given with the prefix "topic.", without it.
  [[nodiscard]] Properties topic_properties() const;

  /// Settings of the warehouse that are not in the table of settings, without the prefix "warehouse.": which topics become which
  /// tables, and what storage and catalog are told.
  [[nodiscard]] const Properties& warehouse_properties() const;
  [[nodiscard]] std::chrono::milliseconds warehouse_commit_interval() const;
  [[nodiscard]] int64_t warehouse_commit_bytes() const;
  [[nodiscard]] int warehouse_threads() const;
  /// Those of the landing in PostgreSQL, without the prefix "serving.".
  [[nodiscard]] const Properties& serving_properties() const;
  [[nodiscard]] std::chrono::milliseconds serving_commit_interval() const;
  [[nodiscard]] int64_t serving_commit_bytes() const;
  [[nodiscard]] int serving_threads() const;

  /// What is done with records that fail, unless the application brings a handler of its own (ExceptionHandlers).
  [[nodiscard]] ErrorPolicy deserialization_error_policy() const;
  [[nodiscard]] ErrorPolicy processing_error_policy() const;
  [[nodiscard]] ErrorPolicy production_error_policy() const;
  /// Empty if none.
  [[nodiscard]] const std::string& dead_letter_topic() const;

  /// Empty: dynamic membership.
  [[nodiscard]] const std::string& group_instance_id() const;
  [[nodiscard]] std::chrono::milliseconds session_timeout() const;
  [[nodiscard]] std::chrono::milliseconds heartbeat_interval() const;
  [[nodiscard]] std::chrono::milliseconds max_poll_interval() const;

  /// nullopt: no HTTP server; 0: any free port.
  [[nodiscard]] std::optional<int> http_port() const;
  [[nodiscard]] const std::string& http_host() const;

  /// How long committed state may stay in memory only.
  [[nodiscard]] std::chrono::milliseconds state_flush_interval() const;

  /// How often an instance describes itself in the status topic.
  [[nodiscard]] std::chrono::milliseconds status_interval() const;

  /// After which a partition that does not move is looked at; 0: never.
  [[nodiscard]] std::chrono::milliseconds progress_stall_timeout() const;

  /// One of "debug", "info", "warn", "error", "off".
  [[nodiscard]] const std::string& log_level() const;
  [[nodiscard]] bool log_json() const;

  /// The text of any setting of the table, default included; nullopt if the name is not in the table or has neither value nor
  /// default.
  [[nodiscard]] std::optional<std::string> Get(std::string_view name) const;
  /// Every setting as "name=value  # origin", sorted, defaults included, secrets as "******".
  [[nodiscard]] std::string ToString() const;

  /// For the runtime: settings that were given for Kafka clients, with names of librdkafka, by prefix ("" = all clients,
  /// "consumer.", "producer.", "admin.", "restore.").
  [[nodiscard]] const Properties& client_properties(std::string_view prefix) const;

 private:
  struct Data;
  friend class Builder;
  explicit StreamsConfig(std::shared_ptr<const Data> data);
  std::shared_ptr<const Data> data_;
};

/// Collects settings from several sources. A source named later in this list loses against one named earlier: flag, environment,
/// file, program, default. Errors (unknown name, bad value, Java setting that has no meaning here) come from Build, all at once,
/// each with name, value and origin.
class StreamsConfig::Builder {
 public:
  Builder();
  ~Builder();
  Builder(Builder&&) noexcept;
  Builder& operator=(Builder&&) noexcept;

  /// A value that the program brings as its own default ("application.id" of the shop).
  Builder& AddProgramDefault(std::string_view name, std::string_view value);
  /// Text of a properties file: `name=value` lines, '#' and '!' comments, backslash at the end of a line joins it with the next.
  /// `origin` stands in messages, usually the path.
  Builder& AddPropertiesText(std::string_view text, std::string_view origin);
  Builder& AddProperties(const Properties& properties, std::string_view origin);
  /// Variables APP_<NAME>, where <NAME> is the setting in upper case with '_' for '.': APP_BOOTSTRAP_SERVERS. For client
  /// settings, APP_CONSUMER_FETCH_MIN_BYTES. Variables that do not start with APP_ are ignored. `environment` as in main(): ends
  /// with nullptr.
  Builder& AddEnvironment(const char* const* environment);
  /// "name=value" as given with --set; `flag` stands in messages ("--set", "--bootstrap-servers").
  Builder& AddFlag(std::string_view assignment, std::string_view flag = "--set");
  /// Checks everything. kInvalidArgument lists each error on a line of its own.
  [[nodiscard]] absl::StatusOr<StreamsConfig> Build() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// docs/configuration.md, made of the table that also checks the values: what `--print-config --markdown` prints.
[[nodiscard]] std::string ConfigurationMarkdown();

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_CONFIG_H_
