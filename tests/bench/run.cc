#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "commands.h"
#include "config/client_properties.h"
#include "log/kafka/kafka_log.h"
#include "meter.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/runtime/main.h"
#include "workloads.h"

namespace millrace::bench {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick(5);
constexpr int64_t kSecondNs = 1'000'000'000;

int64_t Sum(const std::map<std::string, int64_t>& counters, const std::vector<std::string>& topics) {
  int64_t sum = 0;
  for (const std::string& topic : topics) {
    if (const auto it = counters.find(topic); it != counters.end()) sum += it->second;
  }
  return sum;
}

int64_t SumRepartition(const std::map<std::string, int64_t>& counters) {
  int64_t sum = 0;
  for (const auto& [topic, records] : counters) {
    if (absl::EndsWith(topic, "-repartition")) sum += records;
  }
  return sum;
}

// Records in the topics now.
absl::StatusOr<int64_t> CountRecords(log::Admin& admin, const std::vector<std::string>& topics) {
  int64_t records = 0;
  for (const std::string& topic : topics) {
    absl::StatusOr<std::optional<int32_t>> partitions = admin.PartitionCount(topic);
    if (!partitions.ok()) return partitions.status();
    if (!partitions->has_value())
      return absl::NotFoundError(absl::StrCat("topic ", topic, " does not exist: load the workload first"));
    for (int32_t p = 0; p < **partitions; ++p) {
      absl::StatusOr<int64_t> begin = admin.BeginningOffset({topic, p});
      absl::StatusOr<int64_t> end = admin.EndOffset({topic, p}, log::Isolation::kReadUncommitted);
      if (!begin.ok()) return begin.status();
      if (!end.ok()) return end.status();
      records += *end - *begin;
    }
  }
  return records;
}

// Removes internal topics, the group and local state, as the peer does.
absl::Status Forget(log::Admin& admin, const StreamsConfig& config) {
  absl::StatusOr<std::vector<std::string>> topics = admin.ListTopics();
  if (!topics.ok()) return topics.status();
  for (const std::string& topic : *topics) {
    if (!absl::StartsWith(topic, config.application_id() + "-")) continue;
    if (absl::Status s = admin.DeleteTopic(topic); !s.ok()) return s;
  }
  std::filesystem::remove_all(config.state_dir());
  return admin.DeleteGroup(config.application_id());
}

struct Measured {
  Sample from;
  Sample to;
  int64_t first_ns = 0;
};

// Samples the counters every tick until all input is processed, or the time is over.
absl::StatusOr<Measured> Watch(KafkaStreams& streams, const Workload& w, const Options& options, int64_t records) {
  const bool timed = options.Has("seconds");
  const int64_t warmup = options.Number("warmup", timed ? 0 : records / 3);
  const int64_t deadline_ns =
      TakeSample(0).wall_ns + (timed ? options.Number("seconds", 0) : options.Number("timeout-seconds", 3600)) * kSecondNs;
  Measured m;
  bool started = false;
  int64_t last = -1;
  while (true) {
    const StreamsProgress progress = streams.Progress();
    const int64_t consumed = Sum(progress.records_consumed, w.inputs);
    const int64_t repartition_in = SumRepartition(progress.records_consumed);
    const int64_t repartition_out = SumRepartition(progress.records_produced);
    const Sample now = TakeSample(consumed);
    if (m.first_ns == 0 && consumed > 0) m.first_ns = now.wall_ns;
    if (!started && consumed > 0 && consumed >= warmup) {
      m.from = now;
      started = true;
    }
    if (consumed + repartition_in != last) m.to = now;
    last = consumed + repartition_in;
    const bool drained = repartition_out == 0 || (repartition_in == repartition_out && now.wall_ns - m.to.wall_ns > kSecondNs);
    if (!timed && consumed >= records && drained) break;
    if (timed && now.wall_ns > deadline_ns) break;
    if (streams.state() == KafkaStreams::State::kError) return streams.error();
    if (now.wall_ns > deadline_ns) {
      return absl::DeadlineExceededError(absl::StrCat("stuck after ", consumed, " of ", records, " records"));
    }
    std::this_thread::sleep_for(kTick);
  }
  if (!started || m.to.records == m.from.records)
    return absl::FailedPreconditionError("nothing was measured: the input is empty");
  return m;
}

}  // namespace

absl::StatusOr<StreamsConfig> ConfigOf(const Options& options, const std::string& application_id, const std::string& cache_bytes,
                                       bool exactly_once) {
  Properties properties{
      {"application.id", application_id},
      {"bootstrap.servers", options.bootstrap()},
      {"state.dir", absl::StrCat(options.Get("state-dir", "/tmp"), "/", application_id)},
      {"num.stream.threads", options.Get("threads", "1")},
      {"processing.guarantee", options.Get("guarantee", exactly_once ? "exactly_once_v2" : "at_least_once")},
      {"statestore.cache.max.bytes", options.Get("cache-bytes", cache_bytes)},
      {"log.level", "warn"},
  };
  if (options.Has("commit-ms")) properties["commit.interval.ms"] = options.Get("commit-ms");
  if (options.Has("linger")) properties["producer.linger.ms"] = options.Get("linger");
  for (const std::string& setting : options.settings()) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(setting, absl::MaxSplits('=', 1));
    properties[pair.first] = pair.second;
  }
  return StreamsConfig::From(properties);
}

absl::Status Run(const Options& options) {
  if (absl::Status s = options.Require({"bootstrap", "workload", "state-dir"}); !s.ok()) return s;
  absl::StatusOr<Workload> workload = Workload::Of(options);
  if (!workload.ok()) return workload.status();
  const Workload& w = *workload;
  const std::string application = absl::StrCat(options.prefix(), "-millrace-", w.id, "-", getpid(), "-", time(nullptr));
  absl::StatusOr<StreamsConfig> config =
      ConfigOf(options, application, w.id == "w2d" || w.id == "w2e" ? "10485760" : "0", w.id == "w2e");
  if (!config.ok()) return config.status();
  absl::StatusOr<Topology> topology = BuildTopology(w);
  if (!topology.ok()) return topology.status();
  absl::StatusOr<ClientProperties> properties = MakeClientProperties(*config);
  if (!properties.ok()) return properties.status();
  absl::StatusOr<std::unique_ptr<log::LogClient>> client = log::kafka::Connect(*properties);
  if (!client.ok()) return client.status();
  absl::StatusOr<int64_t> records = CountRecords((*client)->admin(), w.inputs);
  if (!records.ok()) return records.status();
  if (!options.Has("seconds")) {
    if (absl::Status s = Topics(options); !s.ok()) return s;
  }

  KafkaStreams streams(*topology, *config);
  const Sample begun = TakeSample(0);
  if (absl::Status s = streams.Start(); !s.ok()) return s;
  absl::StatusOr<Measured> measured = Watch(streams, w, options, options.Number("records", *records));
  if (!measured.ok()) return measured.status();
  const Sample end = TakeSample(0);
  const bool closed = streams.Close(std::chrono::minutes(5));
  if (!closed || !streams.error().ok()) return absl::InternalError(absl::StrCat("close failed: ", streams.error().ToString()));
  const Sample after = TakeSample(0);
  const int64_t outputs = Sum(streams.Progress().records_produced, {w.output});
  if (options.Get("keep") != "true") {
    if (absl::Status s = Forget((*client)->admin(), *config); !s.ok()) std::cerr << "cleaning up: " << s << "\n";
  }

  const Measured& m = *measured;
  const auto n = static_cast<double>(m.to.records - m.from.records);
  const double wall_s = static_cast<double>(m.to.wall_ns - m.from.wall_ns) / 1e9;
  const nlohmann::ordered_json line = {
      {"engine", "millrace"},
      {"workload", w.id},
      {"records", m.to.records},
      {"warmup", m.from.records},
      {"wall_s", wall_s},
      {"records_per_s", n / wall_s},
      {"cpu_us_per_record", static_cast<double>(m.to.cpu_ns - m.from.cpu_ns) / 1e3 / n},
      {"cpu_us_per_record_with_close", static_cast<double>(m.to.cpu_ns - m.from.cpu_ns + after.cpu_ns - end.cpu_ns) / 1e3 / n},
      {"stream_thread_us_per_record", static_cast<double>(m.to.worker_ns - m.from.worker_ns) / 1e3 / n},
      {"first_record_s", static_cast<double>(m.first_ns - begun.wall_ns) / 1e9},
      {"close_s", static_cast<double>(after.wall_ns - end.wall_ns) / 1e9},
      {"close_cpu_s", static_cast<double>(after.cpu_ns - end.cpu_ns) / 1e9},
      {"outputs", outputs},
      {"peak_rss_mb", PeakRssMb()},
      {"rocksdb", RocksDbBuild()},
      {"cpus", AllowedCpus()}};
  std::cout << line.dump() << "\n";
  return absl::OkStatus();
}

absl::Status Work(const Options& options) {
  if (absl::Status s = options.Require({"bootstrap", "workload", "state-dir", "application"}); !s.ok()) return s;
  absl::StatusOr<Workload> workload = Workload::Of(options);
  if (!workload.ok()) return workload.status();
  absl::StatusOr<StreamsConfig> config = ConfigOf(options, options.Get("application"), "0");
  if (!config.ok()) return config.status();
  absl::StatusOr<Topology> topology = BuildTopology(*workload);
  if (!topology.ok()) return topology.status();
  const int code = RunUntilStopped(*config, *topology);
  return code == 0 ? absl::OkStatus() : absl::InternalError(absl::StrCat("ended with code ", code));
}

absl::Status Restore(const Options& options) {
  if (absl::Status s = options.Require({"bootstrap", "state-dir"}); !s.ok()) return s;
  const std::string application = options.prefix() + "-restore";
  absl::StatusOr<StreamsConfig> config = ConfigOf(options, application, "0");
  if (!config.ok()) return config.status();
  const bool in_memory = options.Get("store", "rocksdb") == "memory";
  absl::StatusOr<Topology> topology = BuildRestoreTopology(options.prefix() + "-restore-in", in_memory);
  if (!topology.ok()) return topology.status();
  std::filesystem::remove_all(config->state_dir());

  KafkaStreams streams(*topology, *config);
  const Sample start = TakeSample(0);
  if (absl::Status s = streams.Start(); !s.ok()) return s;
  Sample from = start;
  Sample to = start;
  bool began = false;
  while (true) {
    const StreamsProgress progress = streams.Progress();
    const Sample now = TakeSample(progress.records_restored);
    if (!began && progress.records_restored > 0) began = true;
    if (!began) from = now;
    to = now;
    if (streams.state() == KafkaStreams::State::kError) return streams.error();
    if (progress.tasks_running > 0 && progress.tasks_restoring == 0 && progress.restore_remaining == 0) break;
    std::this_thread::sleep_for(kTick);
  }
  if (!streams.Close(std::chrono::minutes(5))) return absl::InternalError("close failed");
  std::filesystem::remove_all(config->state_dir());
  const auto n = static_cast<double>(to.records);
  if (n == 0) return absl::FailedPreconditionError("nothing was restored: load --workload restore with the peer's loader");
  const double wall_s = static_cast<double>(to.wall_ns - from.wall_ns) / 1e9;
  const nlohmann::ordered_json line = {
      {"engine", "millrace"},
      {"workload", "restore"},
      {"store", in_memory ? "memory" : "rocksdb"},
      {"records", to.records},
      {"wall_s", wall_s},
      {"records_per_s", n / wall_s},
      {"mb_per_s", n * 116 / 1e6 / wall_s},
      {"cpu_us_per_record", static_cast<double>(to.cpu_ns - from.cpu_ns) / 1e3 / n},
      {"start_to_running_s", static_cast<double>(to.wall_ns - start.wall_ns) / 1e9},
      {"start_to_running_cpu_us_per_record", static_cast<double>(to.cpu_ns - start.cpu_ns) / 1e3 / n},
      {"peak_rss_mb", PeakRssMb()},
      {"rocksdb", RocksDbBuild()},
      {"cpus", AllowedCpus()}};
  std::cout << line.dump() << "\n";
  return absl::OkStatus();
}

}  // namespace millrace::bench
