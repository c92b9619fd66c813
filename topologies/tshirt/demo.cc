#include "demo.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "check.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/runtime/logging.h"
#include "rules.h"
#include "topology.h"

namespace millrace::tshirt {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::minutes kPatience{30};
constexpr int kShownFacts = 5;

double Seconds(steady_clock::time_point since) { return std::chrono::duration<double>(steady_clock::now() - since).count(); }

int64_t SizeOf(const std::string& directory) {
  int64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, error)) {
    if (entry.is_regular_file(error)) bytes += static_cast<int64_t>(entry.file_size(error));
  }
  return bytes;
}

/// The instances of the shop that run in this process.
class Workers {
 public:
  absl::Status Start(TopicClient* client, const DemoOptions& options, const absl::TimeZone& zone) {
    for (int i = 0; i < options.workers; ++i) {
      Properties properties = {{"application.id", "tshirt-demo"},
                               {"state.dir", absl::StrCat(options.directory, "/state-", i)},
                               {"commit.interval.ms", "1000"},
                               {"log.level", "warn"}};
      if (!options.kafka.empty()) properties["bootstrap.servers"] = options.kafka;
      absl::StatusOr<StreamsConfig> config = StreamsConfig::From(properties);
      if (!config.ok()) return config.status();
      absl::StatusOr<Topology> topology = TShirtTopology(config->topology_config(), {zone});
      if (!topology.ok()) return topology.status();
      absl::StatusOr<std::shared_ptr<log::LogClient>> log = client->NewLogClient();
      if (!log.ok()) return log.status();
      instances_.push_back(std::make_unique<KafkaStreams>(*std::move(topology), *std::move(config), *std::move(log)));
      if (absl::Status status = instances_.back()->Start(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status error() const {
    for (const auto& instance : instances_) {
      if (absl::Status status = instance->error(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  /// Input records taken, and whether all of them and all that the shop wrote for itself is processed.
  int64_t Taken(int64_t input_records, bool* done) const {
    std::map<std::string, int64_t> consumed;
    std::map<std::string, int64_t> produced;
    for (const auto& instance : instances_) {
      const StreamsProgress progress = instance->Progress();
      for (const auto& [topic, n] : progress.records_consumed) consumed[topic] += n;
      for (const auto& [topic, n] : progress.records_produced) produced[topic] += n;
    }
    int64_t taken = 0;
    for (int kind = 0; kind < kEventKinds; ++kind) taken += consumed[std::string(InputTopic(static_cast<EventKind>(kind)))];
    *done = taken >= input_records;
    for (const auto& [topic, n] : produced) {
      if (absl::EndsWith(topic, "-repartition") && consumed[topic] < n) *done = false;
    }
    return taken;
  }

  absl::Status Close() {
    for (const auto& instance : instances_) {
      if (!instance->Close(std::chrono::seconds(60))) return absl::DeadlineExceededError("an instance did not close within 60 s");
    }
    return error();
  }

 private:
  std::vector<std::unique_ptr<KafkaStreams>> instances_;
};

/// Prints the first facts and a progress line while the workers run.
absl::Status Watch(const Workers& workers, TopicReader* facts, int64_t input_records, steady_clock::time_point begin) {
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  int64_t seen = 0;
  auto next_line = begin;
  int quiet = 0;
  while (true) {
    absl::StatusOr<int64_t> taken_facts = facts->Poll(milliseconds(50), [&](const TopicRecord& record) {
      TShirtFact fact;
      if (++seen > kShownFacts || !record.value || !fact.ParseFromString(std::string(*record.value))) return;
      printf("  fact after %.2f s: user %lld of %s, %d days after signing up: %s\n", Seconds(begin),
             static_cast<long long>(fact.user_id()), fact.country().c_str(), fact.days_after_signup(), fact.sku().c_str());
      fflush(stdout);
    });
    if (!taken_facts.ok()) return taken_facts.status();
    if (absl::Status status = workers.error(); !status.ok()) return status;
    bool done = false;
    const int64_t taken = workers.Taken(input_records, &done);
    quiet = done && *taken_facts == 0 ? quiet + 1 : 0;
    const bool end = quiet >= 5;
    if (end || steady_clock::now() >= next_line) {
      printf("%s  %lld of %lld records (%lld %%), %lld facts, %.1f s%s", terminal ? "\r" : "", static_cast<long long>(taken),
             static_cast<long long>(input_records), static_cast<long long>(taken * 100 / std::max<int64_t>(1, input_records)),
             static_cast<long long>(seen), Seconds(begin), terminal && !end ? "" : "\n");
      fflush(stdout);
      next_line = steady_clock::now() + (terminal ? milliseconds(500) : milliseconds(2000));
    }
    if (end) return absl::OkStatus();
    if (steady_clock::now() - begin > kPatience)
      return absl::DeadlineExceededError("the shop did not come to an end in 30 minutes");
  }
}

absl::StatusOr<std::unique_ptr<TopicClient>> Connect(const std::string& kafka) {
  if (kafka.empty()) return TopicClient::Embedded();
  absl::StatusOr<StreamsConfig> config = StreamsConfig::From({{"application.id", "tshirt-demo"}, {"bootstrap.servers", kafka}});
  if (!config.ok()) return config.status();
  return TopicClient::Connect(*config);
}

}  // namespace

absl::StatusOr<absl::TimeZone> FindTimeZone(const std::string& name) {
  absl::TimeZone zone;
  if (absl::LoadTimeZone(name, &zone)) return zone;
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no time zone: give one as in Europe/Oslo, or UTC"));
}

absl::Status CreateTopics(TopicClient* client, int partitions) {
  std::vector<std::string> topics;
  for (int kind = 0; kind < kEventKinds; ++kind) topics.emplace_back(InputTopic(static_cast<EventKind>(kind)));
  for (std::string_view topic : kOutputTopics) topics.emplace_back(topic);
  for (const std::string& topic : topics) {
    const absl::Status status = client->CreateTopic(topic, partitions, {{"retention.ms", "-1"}});
    if (!status.ok() && !absl::IsAlreadyExists(status)) return status;
  }
  return absl::OkStatus();
}

absl::Status Load(TopicClient* client, Generator* generator) {
  absl::StatusOr<std::unique_ptr<TopicWriter>> writer = client->NewWriter();
  if (!writer.ok()) return writer.status();
  absl::Status status;
  bool more = true;
  while (more && status.ok()) {
    more = generator->Next(10000, [&](const InputRecord& record) {
      if (status.ok()) status = (*writer)->Send(std::string(InputTopic(record.kind)), record.key, record.value, record.time);
    });
  }
  if (!status.ok()) return status;
  return (*writer)->Flush(std::chrono::minutes(5));
}

absl::StatusOr<int> RunDemo(const DemoOptions& given) {
  DemoOptions options = given;
  ConfigureLogging({.level = LogLevel::kWarning, .json = false, .application = "tshirt-demo", .sink = nullptr});
  if (options.directory.empty()) options.directory = absl::StrCat("/tmp/tshirt-demo-", getpid());
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot make ", options.directory, ": ", error.message()));
  absl::StatusOr<absl::TimeZone> zone = FindTimeZone(options.time_zone);
  if (!zone.ok()) return zone.status();

  const auto loading = steady_clock::now();
  absl::StatusOr<std::unique_ptr<TopicClient>> client = Connect(options.kafka);
  if (!client.ok()) return client.status();
  if (absl::Status status = CreateTopics(client->get(), options.partitions); !status.ok()) return status;
  GeneratorOptions generator_options;
  generator_options.users = options.users;
  generator_options.seed = static_cast<uint64_t>(options.seed);
  generator_options.end = Timestamp::FromMillis(absl::ToUnixMillis(absl::Now()));
  Generator generator(generator_options);
  if (absl::Status status = Load(client->get(), &generator); !status.ok()) return status;
  printf("data      %4.0f s   %lld records: thirty days that end now\nrunning\n", Seconds(loading),
         static_cast<long long>(generator.total()));
  fflush(stdout);

  absl::StatusOr<std::unique_ptr<TopicReader>> facts = (*client)->NewReader({std::string(kFacts)});
  if (!facts.ok()) return facts.status();
  const auto begin = steady_clock::now();
  Workers workers;
  if (absl::Status status = workers.Start(client->get(), options, *zone); !status.ok()) return status;
  if (absl::Status status = Watch(workers, facts->get(), generator.total(), begin); !status.ok()) return status;
  const double seconds = Seconds(begin);
  if (absl::Status status = workers.Close(); !status.ok()) return status;

  absl::StatusOr<Model> model = ReadModel(client->get(), *zone);
  if (!model.ok()) return model.status();
  const std::string csv = options.directory + "/tshirt-facts.csv";
  absl::StatusOr<CheckResult> result = Check(client->get(), model->Finish(), csv);
  if (!result.ok()) return result.status();
  printf(
      "\nrecords in   %lld\nfacts out    %lld\nrecords/s    %.0f\nstate        %.1f MB\n\n%s\nfacts        %s\nstate        %s\n",
      static_cast<long long>(generator.total()), static_cast<long long>(result->topics.front().records),
      static_cast<double>(generator.total()) / seconds, static_cast<double>(SizeOf(options.directory)) / 1e6,
      result->ToString().c_str(), csv.c_str(), options.directory.c_str());
  printf("%s\n", result->correct() ? "every fact is right" : "NOT CORRECT");
  return result->correct() ? 0 : 1;
}

}  // namespace millrace::tshirt
