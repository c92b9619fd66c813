#include "config/config_table.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace {
namespace {

constexpr int64_t kIntMax = std::numeric_limits<int32_t>::max();
constexpr int64_t kLongMax = std::numeric_limits<int64_t>::max() / 1000000;  // what fits into nanoseconds too, as milliseconds
constexpr ConfigType kInteger = ConfigType::kInteger;
constexpr ConfigType kChoice = ConfigType::kChoice;

constexpr ConfigEntry kTable[] = {
    {.section = "Application",
     .name = "application.id",
     .type = ConfigType::kTopicPart,
     .doc = "Name of the application: its consumer group, the prefix of its topics and the folder of its local state. All copies "
            "that "
            "share the work have the same. Programs made with `millrace::Application` bring a default."},
    {.section = "Application",
     .name = "bootstrap.servers",
     .doc = "Brokers to start from, as `host:port,host:port`. Needed to run; not needed to describe or test a topology."},
    {.section = "Application",
     .name = "client.id",
     .default_value = "",
     .doc = "Prefix of the client names that brokers see in their logs and quotas. Empty: the application.id."},
    {.section = "Application",
     .name = "state.dir",
     .default_value = "/tmp/millrace",
     .doc = "Folder for local state. Each application has a folder of its own in it, locked by one process at a time. Put it on "
            "a disk "
            "that survives restarts, or each start restores everything from the changelogs.",
     .differs = "Kafka: `/tmp/kafka-streams`. What is on disk is our own format, so the two must not share a folder."},
    {.section = "Application",
     .name = "num.stream.threads",
     .type = kInteger,
     .default_value = "1",
     .min = 1,
     .max = 1024,
     .unit = "threads",
     .doc = "Worker threads of this process. More than there are tasks is of no use."},

    {.section = "Processing",
     .name = "processing.guarantee",
     .type = kChoice,
     .default_value = "at_least_once",
     .choices = "at_least_once exactly_once_v2",
     .doc = "What a failure may do to results. `at_least_once`: nothing is lost, what was processed after the last commit is "
            "processed "
            "again. `exactly_once_v2`: results, state and positions change together, by one Kafka transaction for each worker "
            "thread; "
            "readers that set isolation.level=read_committed see each result once, at the commit. Sets commit.interval.ms to 100 "
            "and "
            "isolation.level to read_committed unless they are given. Needs a broker from 2.5."},
    {.section = "Processing",
     .name = "commit.interval.ms",
     .type = kInteger,
     .default_value = "30000",
     .min = 0,
     .max = kLongMax,
     .unit = "milliseconds",
     .doc = "Longest time between two commits of a task: the bound of what is processed again after a failure. Cached stores "
            "also send "
            "their updates on at a commit at the latest."},
    {.section = "Processing",
     .name = "emit.idle.interval.ms",
     .type = kInteger,
     .default_value = "2",
     .min = 0,
     .max = kLongMax,
     .unit = "milliseconds",
     .doc = "A task that has run out of input sends the updates held in its caches on, at most this often. So the same cache "
            "deduplicates "
            "under load and answers in milliseconds at rest. Millrace only."},
    {.section = "Processing",
     .name = "max.task.idle.ms",
     .type = kInteger,
     .default_value = "0",
     .min = -1,
     .max = kLongMax,
     .unit = "milliseconds",
     .doc = "How long a task with an empty input waits for records of it before it goes on with the others, once the input is "
            "known to have "
            "no more at the broker. 0: not beyond that knowledge. -1: never wait, order by time only what is there."},
    {.section = "Processing",
     .name = "buffered.records.per.partition",
     .type = kInteger,
     .default_value = "1000",
     .min = 1,
     .max = kIntMax,
     .unit = "records",
     .doc = "Records of one partition that a task holds ready to choose from."},
    {.section = "Processing",
     .name = "auto.offset.reset",
     .type = kChoice,
     .default_value = "earliest",
     .choices = "earliest latest",
     .doc = "Where a source partition without a committed offset starts.",
     .of_consumer = true},
    {.section = "Processing",
     .name = "isolation.level",
     .type = kChoice,
     .default_value = "read_uncommitted",
     .choices = "read_uncommitted read_committed",
     .doc = "Whether source topics show records of open and aborted transactions of their writers.",
     .of_consumer = true},
    {.section = "Processing",
     .name = "topology.optimization",
     .type = ConfigType::kChoices,
     .default_value = "none",
     .choices = "none all reuse.ktable.source.topics merge.repartition.topics",
     .doc =
         "`reuse.ktable.source.topics`: a table read from a topic uses that topic as its changelog. `merge.repartition.topics`: "
         "repartition topics of one stream are merged. `all`: both. Changes names and contents of internal topics: reset the "
         "application when you change it."},
    {.section = "Processing",
     .name = "ensure.explicit.internal.resource.naming",
     .type = kChoice,
     .default_value = "false",
     .choices = "false true",
     .doc = "`true`: a topology in which a store or an internal topic has a generated name is an error that lists them. Names "
            "given by "
            "the application survive changes of the topology, generated ones do not."},

    {.section = "Memory",
     .name = "memory.max.bytes",
     .type = kInteger,
     .min = 67108864,
     .max = kLongMax,
     .unit = "bytes",
     .doc = "What this process may hold. Of what 32 MiB for the program itself leave, 13/32 are for the values of stores, shared "
            "by all "
            "that are open; 6/32 for RocksDB (block cache, indexes and filters, memtables); 3/32 for records fetched ahead; 2/32 "
            "for the "
            "same of a restore; 4/32 for records on their way to the brokers; 4/32 stay free for what nobody counts. In-memory "
            "stores and "
            "what user code holds come on top. Not set: half of the memory limit of the process's cgroup (the container's); "
            "without such "
            "a limit a quarter of the machine's memory, at most 512 MiB. Millrace only."},

    {.section = "State",
     .name = "statestore.cache.max.bytes",
     .type = kInteger,
     .default_value = "10485760",
     .min = 0,
     .max = kLongMax,
     .unit = "bytes",
     .doc = "Memory for the caches of all stores of this process. A larger cache merges more updates of a key into one. 0: every "
            "update is "
            "sent on; the changelog still gets the last one of each commit."},
    {.section = "State",
     .name = "statestore.uncommitted.max.bytes",
     .type = kInteger,
     .default_value = "67108864",
     .min = 1048576,
     .max = kLongMax,
     .unit = "bytes",
     .doc = "Updates that may wait in memory for the next commit, over all stores of this process. More ask for a commit at "
            "once. At "
            "most half of what memory.max.bytes leaves for the stores."},
    {.section = "State",
     .name = "state.flush.interval.ms",
     .type = kInteger,
     .default_value = "300000",
     .min = 1000,
     .max = 86400000,
     .unit = "milliseconds",
     .doc = "What is committed is on the disk after this time at the latest, and earlier where a store is 100,000 changelog "
            "records behind. A crash costs reading again what is not. Less costs more small writes. Millrace only."},
    {.section = "State",
     .name = "windowstore.changelog.additional.retention.ms",
     .type = kInteger,
     .default_value = "86400000",
     .min = 0,
     .max = kLongMax,
     .unit = "milliseconds",
     .doc = "Added to the retention of a window store for its changelog topic, for clocks of brokers that run ahead."},

    {.section = "Topics",
     .name = "replication.factor",
     .type = kInteger,
     .default_value = "-1",
     .min = -1,
     .max = std::numeric_limits<int16_t>::max(),
     .unit = "replicas",
     .doc = "Of the topics that the application makes. -1: the broker's default."},
    {.section = "Topics",
     .name = "repartition.purge.interval.ms",
     .type = kInteger,
     .default_value = "30000",
     .min = 0,
     .max = kLongMax,
     .unit = "milliseconds",
     .doc = "How often records of repartition topics that are processed and committed are deleted from the broker."},

    {.section = "Errors",
     .name = "deserialization.exception.handler",
     .type = kChoice,
     .default_value = "fail",
     .choices = "fail continue dead-letter org.apache.kafka.streams.errors.LogAndFailExceptionHandler=fail "
                "org.apache.kafka.streams.errors.LogAndContinueExceptionHandler=continue",
     .doc =
         "What a record whose key or value cannot be read does. `fail`: the application stops and names topic, partition and "
         "offset. "
         "`continue`: it is logged, counted and left out. `dead-letter`: it is written to errors.dead.letter.queue.topic.name "
         "as it "
         "came (bytes, time, headers), with Kafka Streams' headers `__streams.errors.exception`, `.message`, `.stacktrace`, "
         "`.topic`, `.partition` and `.offset` behind its own, and processing goes on. There are no stack traces: `.stacktrace` "
         "is the error with task, node, topic, partition and offset; `.exception` is always "
         "`org.apache.kafka.common.errors.SerializationException`, as Kafka's own deserializers say."},
    {.section = "Errors",
     .name = "processing.exception.handler",
     .type = kChoice,
     .default_value = "fail",
     .choices = "fail continue dead-letter org.apache.kafka.streams.errors.LogAndFailProcessingExceptionHandler=fail "
                "org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler=continue",
     .doc =
         "What an exception out of a function of the topology (or out of a punctuation) does. `fail`: the application stops and "
         "names topic, partition, offset and node. `continue`: the record goes no further from the node that threw, is logged "
         "and "
         "counted; what was forwarded and stored before stays. `dead-letter`: the source record is also written to "
         "errors.dead.letter.queue.topic.name, as described there. Always fails: an error of a store, a serde that throws while "
         "a store changes, a processor that says Fail, memory that is short. A program can give a function instead "
         "(KafkaStreams::SetExceptionHandlers, Application::Handlers)."},
    {.section = "Errors",
     .name = "production.exception.handler",
     .type = kChoice,
     .default_value = "fail",
     .choices = "fail continue org.apache.kafka.streams.errors.DefaultProductionExceptionHandler=fail",
     .doc =
         "What an output record that cannot be written does: its serde throws, its timestamp is negative, it is larger than "
         "the producer's max.request.size, its topic does not exist, or the broker refuses it. `fail`: the application stops. "
         "`continue`: it is logged, counted and left out. Always fails: a changelog record, for state would be wrong "
         "without it, and a topic that the application may not write to. Records that no broker takes within delivery.timeout.ms "
         "are another matter: all is done again from the last commit (Kafka Streams' RETRY). A program can give a function "
         "instead (KafkaStreams::SetExceptionHandlers, "
         "Application::Handlers), which may also write dead letters."},
    {.section = "Errors",
     .name = "errors.dead.letter.queue.topic.name",
     .default_value = "",
     .doc = "The topic for records that fail under a handler that is `dead-letter`; it must exist. They are written by the "
            "worker's own producer, so with exactly_once_v2 in the transaction of what else comes of the input: bytes of the "
            "source record (null if a cache had held the result back), time and headers as they were where it failed, then Kafka "
            "Streams' headers `__streams.errors.exception`, `.message`, `.stacktrace`, `.topic`, `.partition` and `.offset`. "
            "Refused if no handler needs it."},

    {.section = "Membership",
     .name = "group.instance.id",
     .default_value = "",
     .doc = "A name that stays over restarts (the pod's name): a restart within session.timeout.ms then gets its tasks back "
            "without a "
            "rebalance. Two running copies must not have the same.",
     .of_consumer = true},
    {.section = "Membership",
     .name = "session.timeout.ms",
     .type = kInteger,
     .default_value = "10000",
     .min = 1,
     .max = 3600000,
     .unit = "milliseconds",
     .doc = "A copy that the broker has not heard of for this long has lost its tasks to the others. The broker bounds it "
            "(group.min.session.timeout.ms, 6000 by default).",
     .differs = "Kafka: 45000. It is the outage after a crash; heartbeats come from a thread of their own, so a busy worker does "
                "not miss "
                "them.",
     .of_consumer = true},
    {.section = "Membership",
     .name = "heartbeat.interval.ms",
     .type = kInteger,
     .default_value = "1000",
     .min = 1,
     .max = 3600000,
     .unit = "milliseconds",
     .doc = "How often a copy reports to the broker, and so how soon it learns of a rebalance. Must be less than "
            "session.timeout.ms.",
     .differs = "Kafka: 3000. A rebalance takes one to two of these intervals.",
     .of_consumer = true},
    {.section = "Membership",
     .name = "max.poll.interval.ms",
     .type = kInteger,
     .default_value = "300000",
     .min = 1,
     .max = 86400000,
     .unit = "milliseconds",
     .doc =
         "A function of the topology that does not return for this long gives the tasks of its copy up: the log names task, "
         "topic, partition and offset, the copy leaves the group so that others take over, and /livez fails. When the function "
         "returns, what it did is thrown away, and the copy joins again. A batch of slow records does not count, only one call. "
         "Must not be less than session.timeout.ms.",
     .of_consumer = true},

    {.section = "Operation",
     .name = "http.port",
     .type = kInteger,
     .min = 0,
     .max = 65535,
     .unit = "port",
     .doc = "Serves `/metrics` (Prometheus), `/livez` and `/readyz`. Not set: no server. 0: a free port, named in the log. "
            "Millrace only."},
    {.section = "Operation",
     .name = "http.host",
     .default_value = "127.0.0.1",
     .doc = "Address that the HTTP server binds. It shows no record and changes nothing, but has no password either. Millrace "
            "only."},
    {.section = "Operation",
     .name = "status.interval.ms",
     .type = kInteger,
     .default_value = "5000",
     .min = 100,
     .max = 3600000,
     .unit = "milliseconds",
     .doc =
         "How often a copy writes what it does (tasks, positions, lag, load) to the topic `<application.id>-status`, which the "
         "command `status` shows. One that has not written for three of these, 30 s at least, is taken for dead. Millrace only."},
    {.section = "Operation",
     .name = "progress.stall.timeout.ms",
     .type = kInteger,
     .default_value = "60000",
     .min = 0,
     .max = 86400000,
     .unit = "milliseconds",
     .doc =
         "A partition that is behind its end and has not moved for this long is logged with the cause (a function that hangs, "
         "a worker that is busy, another partition, a broker, an open transaction, work that is undone before it is "
         "committed), and again each time this is over. If its records just do not come, it is read anew. After three times in "
         "vain, or with work undone each time though brokers answer, /livez fails. "
         "0: nobody looks. Millrace only."},
    {.section = "Operation",
     .name = "log.level",
     .type = kChoice,
     .default_value = "info",
     .choices = "debug info warn error off",
     .doc = "Least level of the lines on stderr. Millrace only."},
    {.section = "Operation",
     .name = "log.format",
     .type = kChoice,
     .default_value = "text",
     .choices = "text json",
     .doc = "`json`: one object a line with ts, level, app, thread, task, topic, partition, offset, event, msg. Millrace only."},

    {.section = "Warehouse",
     .name = "warehouse.uri",
     .doc = "Folder of the tables that topics are landed in: `file:///data/warehouse`, `s3://bucket/folder`, "
            "`hdfs://host:port/folder`. Needed by "
            "`land` and by what works with tables. See [Warehouse](warehouse.md)."},
    {.section = "Warehouse",
     .name = "warehouse.catalog",
     .type = kChoice,
     .default_value = "fs",
     .choices = "fs sql rest",
     .doc = "Who knows which state of a table is the present one. `fs`: files beside the table. `sql`: a table `iceberg_tables` "
            "in PostgreSQL. "
            "`rest`: an Iceberg REST catalog."},
    {.section = "Warehouse",
     .name = "warehouse.namespace",
     .default_value = "default",
     .doc = "Namespace of the tables in the catalog."},
    {.section = "Warehouse",
     .name = "warehouse.commit.interval.ms",
     .type = kInteger,
     .default_value = "60000",
     .min = 100,
     .max = kLongMax,
     .unit = "milliseconds",
     .doc = "How often what was read becomes visible in a table. A shorter time makes more and smaller files; after a crash, so "
            "much is read again."},
    {.section = "Warehouse",
     .name = "warehouse.commit.bytes",
     .type = kInteger,
     .default_value = "134217728",
     .min = 1 << 20,
     .max = kLongMax,
     .unit = "bytes",
     .doc = "A table is committed before its interval is over when so much waits for it."},
    {.section = "Warehouse",
     .name = "warehouse.threads",
     .type = kInteger,
     .default_value = "1",
     .min = 1,
     .max = 1024,
     .unit = "threads",
     .doc = "Threads that land. Each table belongs to one of them in a process; a table that needs more is shared by several "
            "processes."},
    {.section = "Warehouse",
     .name = "warehouse.descriptors",
     .doc = "File with the protobuf messages of the topics, as made by `protoc --include_imports --include_source_info "
            "--descriptor_set_out=FILE`. "
            "Not needed for messages that are compiled into the program. Also of the topics that are landed in `serving.uri`."},

    {.section = "Serving",
     .name = "serving.uri",
     .doc = "Database of PostgreSQL that topics are landed in: `postgresql://user@host:port/database`. The password is better in "
            "PGPASSWORD or the password file than here. See [Serving](serving.md)."},
    {.section = "Serving",
     .name = "serving.namespace",
     .default_value = "public",
     .doc = "Schema of the tables in the database."},
    {.section = "Serving",
     .name = "serving.commit.interval.ms",
     .type = kInteger,
     .default_value = "1000",
     .min = 10,
     .max = kLongMax,
     .unit = "milliseconds",
     .doc = "How often what was read becomes visible in a table: one transaction of each table."},
    {.section = "Serving",
     .name = "serving.commit.bytes",
     .type = kInteger,
     .default_value = "16777216",
     .min = 1 << 16,
     .max = kLongMax,
     .unit = "bytes",
     .doc = "A table is committed before its interval is over when so much waits for it, in memory."},
    {.section = "Serving",
     .name = "serving.threads",
     .type = kInteger,
     .default_value = "1",
     .min = 1,
     .max = 1024,
     .unit = "threads",
     .doc = "Threads that land, each with a connection. Each table belongs to one of them in a process."},
};

constexpr RefusedSetting kRefused[] = {
    {"acceptable.recovery.lag", "there are no standby tasks yet"},
    {"allow.os.group.write.access", "the state directory has the rights of the process's umask"},
    {"application.server", "queries from other processes are not offered yet"},
    {"built.in.metrics.version", "metrics have one version"},
    {"cache.max.bytes.buffering", "use statestore.cache.max.bytes"},
    {"default.client.supplier", "it names a Java class"},
    {"default.deserialization.exception.handler", "use deserialization.exception.handler"},
    {"default.dsl.store", "stores are chosen in the topology, with Materialized"},
    {"default.key.serde", "serdes are found by the C++ type of the key"},
    {"default.production.exception.handler", "use production.exception.handler"},
    {"default.timestamp.extractor", "timestamp extractors are functions in the topology, given with Consumed"},
    {"default.value.serde", "serdes are found by the C++ type of the value"},
    {"dsl.store.format", "what is in a changelog is Kafka's default format", "DEFAULT"},
    {"dsl.store.suppliers.class", "stores are chosen in the topology, with Materialized"},
    {"enable.metrics.push", "metrics are pulled: set http.port", "false"},
    {"group.protocol", "only the classic protocol is offered", "classic"},
    {"log.summary.interval.ms", "there is no summary line; counters are at /metrics (http.port)"},
    {"max.warmup.replicas", "there are no standby tasks yet"},
    {"metric.reporters", "it names Java classes; metrics are at /metrics (http.port)"},
    {"metrics.num.samples", "metrics are counters for Prometheus, which samples them"},
    {"metrics.recording.level", "all metrics are always recorded", "INFO"},
    {"metrics.sample.window.ms", "metrics are counters for Prometheus, which samples them"},
    {"num.standby.replicas", "there are no standby tasks yet", "0"},
    {"poll.ms", "workers are woken by the client when records arrive; there is no poll time"},
    {"probing.rebalance.interval.ms", "there are no standby tasks yet"},
    {"rack.aware.assignment.strategy", "assignment does not know racks", "none"},
    {"rocksdb.config.setter", "it names a Java class; RocksDB is set by the memory limits of the process"},
    {"state.cleanup.delay.ms", "local state is never deleted by itself"},
    {"task.assignor.class", "it names a Java class"},
    {"task.timeout.ms", "time-outs are those of the clients: set delivery.timeout.ms or request.timeout.ms"},
    {"upgrade.from", "it is for upgrades between versions of Kafka Streams"},
    {"window.size.ms", "windowed serdes get their size from the topology"},
    {"windowed.inner.class.serde", "serdes are found by the C++ type of the key"},
};

bool IsInteger(std::string_view text, int64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

/// The choice that `value` means, or "" if none.
std::string FindChoice(const ConfigEntry& entry, std::string_view value) {
  for (absl::string_view choice : absl::StrSplit(absl::string_view(entry.choices.data(), entry.choices.size()), ' ')) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(choice, absl::MaxSplits('=', 1));
    if (std::string_view(parts.first.data(), parts.first.size()) == value) {
      return std::string(parts.second.empty() ? parts.first : parts.second);
    }
  }
  return "";
}

bool IsTopicPart(std::string_view value) {
  if (value.empty() || value.size() > 150 || value == "." || value == "..") return false;
  for (const char c : value) {
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
      return false;
  }
  return true;
}

}  // namespace

std::span<const ConfigEntry> ConfigTable() { return kTable; }
std::span<const RefusedSetting> RefusedStreamsSettings() { return kRefused; }

const ConfigEntry* FindConfigEntry(std::string_view name) {
  for (const ConfigEntry& entry : kTable) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::string ExpectedValue(const ConfigEntry& entry) {
  switch (entry.type) {
    case ConfigType::kText:
      return "text";
    case ConfigType::kTopicPart:
      return "1 to 150 of the characters a-z, A-Z, 0-9, '.', '_', '-'";
    case ConfigType::kInteger: {
      const std::string unit = entry.unit.empty() ? "" : absl::StrCat(" (", std::string(entry.unit), ")");
      if (entry.max == kLongMax) return absl::StrCat("an integer of ", entry.min, " or more", unit);
      return absl::StrCat("an integer from ", entry.min, " to ", entry.max, unit);
    }
    case ConfigType::kChoice:
    case ConfigType::kChoices: {
      std::vector<std::string> plain;
      for (absl::string_view choice : absl::StrSplit(absl::string_view(entry.choices.data(), entry.choices.size()), ' ')) {
        if (choice.find('=') == absl::string_view::npos) plain.emplace_back(choice);
      }
      std::string text = entry.type == ConfigType::kChoices ? "one, or several with commas, of " : "";
      for (size_t i = 0; i < plain.size(); ++i)
        absl::StrAppend(&text, i == 0 ? "" : i + 1 < plain.size() ? ", " : " or ", plain[i]);
      return text;
    }
  }
  return "";
}

absl::StatusOr<std::string> CheckConfigValue(const ConfigEntry& entry, std::string_view value) {
  switch (entry.type) {
    case ConfigType::kText:
      return std::string(value);
    case ConfigType::kTopicPart:
      if (IsTopicPart(value)) return std::string(value);
      break;
    case ConfigType::kInteger: {
      int64_t number = 0;
      if (!IsInteger(value, &number) || number < entry.min || number > entry.max) break;
      if (entry.name == "replication.factor" && number == 0)
        return absl::InvalidArgumentError("expected -1, or 1 or more replicas");
      return std::string(value);
    }
    case ConfigType::kChoices: {
      const std::vector<std::string> parts = absl::StrSplit(absl::string_view(value.data(), value.size()), ',');
      const auto fits = [&](const std::string& part) {
        return !FindChoice(entry, part).empty() && (parts.size() == 1 || part.find('.') != std::string::npos);
      };
      if (std::all_of(parts.begin(), parts.end(), fits)) return std::string(value);
      break;
    }
    case ConfigType::kChoice: {
      std::string choice = FindChoice(entry, value);
      if (!choice.empty()) return choice;
      break;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("expected ", ExpectedValue(entry)));
}

bool IsSecret(std::string_view name) {
  if (name.ends_with(".file") || name.ends_with(".location") || name.ends_with(".key.columns")) return false;
  for (absl::string_view part : absl::StrSplit(absl::string_view(name.data(), name.size()), '.')) {
    if (part == "password" || part == "secret" || part == "key" || part == "token" || part == "jaas" || part == "credentials")
      return true;
  }
  return name == "sasl.oauthbearer.config" || name.ends_with(".sasl.oauthbearer.config");
}

std::string ShownValue(std::string_view name, const std::string& value) {
  constexpr char kHidden[] = "******";
  if (IsSecret(name)) return kHidden;
  const size_t scheme = value.find("://");
  if (!name.ends_with(".uri") || scheme == std::string::npos) return value;
  std::string shown = value;
  // Later parts first, so that earlier ones stay where they are.
  for (size_t at = shown.rfind("password="); at != std::string::npos && at > 0; at = shown.rfind("password=", at - 1)) {
    const size_t begin = at + std::string_view("password=").size();
    const size_t end = shown.find('&', begin);
    shown.replace(begin, end == std::string::npos ? end : end - begin, kHidden);
  }
  const size_t authority = scheme + 3;
  const size_t host = shown.rfind('@');
  const size_t colon = shown.find(':', authority);
  if (host != std::string::npos && colon < host) shown.replace(colon + 1, host - colon - 1, kHidden);
  return shown;
}

}  // namespace millrace
