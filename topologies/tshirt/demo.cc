#include "demo.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "check.h"
#include "demo_tables.h"
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
/// Looks in a row without lag that mean the end; a record passes one repartition topic in each.
constexpr int kQuietLooks = 4;
constexpr char kApplication[] = "tshirt-demo";

double Seconds(steady_clock::time_point since) { return std::chrono::duration<double>(steady_clock::now() - since).count(); }

int64_t SizeOf(const std::string& directory) {
  int64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, error)) {
    if (entry.is_regular_file(error)) bytes += static_cast<int64_t>(entry.file_size(error));
  }
  return bytes;
}

std::vector<std::string> InputTopics() {
  std::vector<std::string> topics;
  for (int kind = 0; kind < kEventKinds; ++kind) topics.emplace_back(InputTopic(static_cast<EventKind>(kind)));
  return topics;
}

/// The instances of the shop that run in this process.
class Workers {
 public:
  absl::Status Start(TopicClient* client, const DemoOptions& options) {
    for (int i = 0; i < options.workers; ++i) {
      Properties properties = {{"application.id", kApplication},
                               {"state.dir", absl::StrCat(options.directory, "/state-", i)},
                               {"commit.interval.ms", "1000"},
                               {"log.level", "warn"}};
      if (!options.kafka.empty()) properties["bootstrap.servers"] = options.kafka;
      absl::StatusOr<StreamsConfig> config = StreamsConfig::From(properties);
      if (!config.ok()) return config.status();
      absl::StatusOr<Topology> topology = TShirtTopology(config->topology_config(), {options.zone});
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

  /// Input records taken; those that are taken again after a rebalance count again.
  int64_t Taken() const {
    int64_t taken = 0;
    for (const auto& instance : instances_) {
      const StreamsProgress progress = instance->Progress();
      for (const std::string& topic : InputTopics()) {
        const auto found = progress.records_consumed.find(topic);
        if (found != progress.records_consumed.end()) taken += found->second;
      }
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
absl::Status Watch(TopicClient* client, const Workers& workers, const DemoTables& tables, TopicReader* facts,
                   int64_t input_records, steady_clock::time_point begin) {
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
    if (absl::Status status = tables.error(); !status.ok()) return status;
    const int64_t taken = std::min(workers.Taken(), input_records);
    // Taken is not processed: the end is when the commits have reached it.
    if (taken == input_records) {
      absl::StatusOr<int64_t> lag = client->Lag(kApplication, InputTopics());
      if (!lag.ok()) return lag.status();
      quiet = *lag == 0 ? quiet + 1 : 0;
    }
    const bool end = quiet >= kQuietLooks;
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

/// Makes the folder, or a new one under /tmp if it has no name.
absl::Status MakeDirectory(std::string* directory) {
  std::error_code error;
  if (directory->empty()) {
    *directory = "/tmp/tshirt-demo-XXXXXX";
    if (mkdtemp(directory->data()) == nullptr) error = std::error_code(errno, std::generic_category());
  } else {
    std::filesystem::create_directories(*directory, error);
  }
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot make the folder ", *directory, ": ", error.message(), "; give another with --dir"));
}

absl::StatusOr<std::unique_ptr<TopicClient>> Connect(const std::string& kafka) {
  if (kafka.empty()) return TopicClient::Embedded();
  absl::StatusOr<StreamsConfig> config = StreamsConfig::From({{"application.id", kApplication}, {"bootstrap.servers", kafka}});
  if (!config.ok()) return config.status();
  return TopicClient::Connect(*config);
}

absl::Status InStage(std::string_view stage, const absl::Status& status) {
  return {status.code(), absl::StrCat("stage \"", std::string(stage), "\": ", status.message())};
}

/// Topics and thirty days of the shop's life that end now. Returns how many records.
absl::StatusOr<int64_t> MakeData(TopicClient* client, const DemoOptions& options) {
  if (absl::Status status = CreateTopics(client, options.partitions); !status.ok()) return status;
  GeneratorOptions generator_options;
  generator_options.users = options.users;
  generator_options.seed = static_cast<uint64_t>(options.seed);
  generator_options.end = Timestamp::FromMillis(absl::ToUnixMillis(absl::Now()));
  Generator generator(generator_options);
  if (absl::Status status = Load(client, &generator); !status.ok()) return status;
  return generator.total();
}

/// Runs the shop until all is processed. Returns the seconds that it took. Then waits for the tables.
absl::StatusOr<double> RunShop(TopicClient* client, const DemoOptions& options, int64_t records, DemoTables* tables) {
  absl::StatusOr<std::unique_ptr<TopicReader>> facts = client->NewReader({std::string(kFacts)});
  if (!facts.ok()) return facts.status();
  const auto begin = steady_clock::now();
  Workers workers;
  if (absl::Status status = workers.Start(client, options); !status.ok()) return status;
  if (absl::Status status = tables->Start(client, kApplication, options); !status.ok()) return status;
  if (absl::Status status = Watch(client, workers, *tables, facts->get(), records, begin); !status.ok()) return status;
  const double seconds = Seconds(begin);
  if (absl::Status status = workers.Close(); !status.ok()) return status;
  if (absl::Status status = tables->Finish(); !status.ok()) return status;
  return seconds;
}

/// False if the tables of the inputs have not as many rows as there are records; topics of a Kafka may have had some before.
bool PrintTables(const DemoTables& tables, const DemoOptions& options, int64_t records) {
  int64_t events = 0;
  for (const std::string& topic : InputTopics()) {
    const auto found = tables.rows().find(absl::StrCat("default.", topic));
    if (found != tables.rows().end()) events += found->second;
  }
  int64_t rows = 0;
  for (const auto& [table, count] : tables.rows()) rows += count;
  printf("tables       %s: %zu tables, %lld rows\n", tables.uri().c_str(), tables.rows().size(), static_cast<long long>(rows));
  if (options.kafka.empty() ? events == records : events >= records) return true;
  printf("the tables of the inputs got %lld rows of %lld records\n", static_cast<long long>(events),
         static_cast<long long>(records));
  return false;
}

}  // namespace

absl::StatusOr<absl::TimeZone> FindTimeZone(const std::string& name) {
  absl::TimeZone zone;
  if (absl::LoadTimeZone(name, &zone)) return zone;
  return absl::InvalidArgumentError(
      absl::StrCat("'", name,
                   "' is no time zone of this system (package tzdata): give one as in Europe/Oslo, or UTC, by --time-zone or "
                   "TSHIRT_TIME_ZONE"));
}

absl::Status CreateTopics(TopicClient* client, int partitions) {
  std::vector<std::string> topics = InputTopics();
  for (std::string_view topic : kOutputTopics) topics.emplace_back(topic);
  for (const std::string& topic : topics) {
    const absl::Status status = client->CreateTopic(topic, partitions, {{"retention.ms", "-1"}});
    if (!status.ok() && !absl::IsAlreadyExists(status)) return status;
  }
  // They meet in stores of a partition, which is not seen from the topology.
  const std::string orders(InputTopic(EventKind::kOrder));
  const std::string deliveries(InputTopic(EventKind::kDelivery));
  const absl::StatusOr<std::optional<int32_t>> of_orders = client->PartitionCount(orders);
  if (!of_orders.ok()) return of_orders.status();
  const absl::StatusOr<std::optional<int32_t>> of_deliveries = client->PartitionCount(deliveries);
  if (!of_deliveries.ok()) return of_deliveries.status();
  if (*of_orders == *of_deliveries) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("topic ", orders, " has ", of_orders->value_or(0), " partitions and topic ",
                                                    deliveries, " has ", of_deliveries->value_or(0),
                                                    ": the shop needs as many of both; delete one and run this again"));
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

absl::StatusOr<int> RunDemo(const DemoOptions& options) {
  absl::StatusOr<std::unique_ptr<TopicClient>> client = Connect(options.kafka);
  if (!client.ok()) return client.status();
  return RunDemo(client->get(), options);
}

absl::StatusOr<int> RunDemo(TopicClient* client, const DemoOptions& given) {
  DemoOptions options = given;
  ConfigureLogging({.level = LogLevel::kWarning, .json = false, .application = "tshirt-demo", .sink = nullptr});
  if (absl::Status made = MakeDirectory(&options.directory); !made.ok()) return made;

  const auto loading = steady_clock::now();
  const absl::StatusOr<int64_t> records = MakeData(client, options);
  if (!records.ok()) return InStage("data", records.status());
  printf("data      %4.0f s   %lld records: thirty days that end now\nrunning\n", Seconds(loading),
         static_cast<long long>(*records));
  fflush(stdout);

  DemoTables tables;
  const absl::StatusOr<double> seconds = RunShop(client, options, *records, &tables);
  if (!seconds.ok()) return InStage("running", seconds.status());

  const std::string csv = options.directory + "/tshirt-facts.csv";
  const absl::StatusOr<Model> model = ReadModel(client, options.zone);
  if (!model.ok()) return InStage("check", model.status());
  const absl::StatusOr<CheckResult> result = Check(client, model->Finish(), csv);
  if (!result.ok()) return InStage("check", result.status());
  printf("\nrecords in   %lld\nfacts out    %lld\nrecords/s    %.0f\nstate        %.1f MB\n\n%s\n",
         static_cast<long long>(*records), static_cast<long long>(result->topics.front().records),
         static_cast<double>(*records) / *seconds, static_cast<double>(SizeOf(options.directory)) / 1e6,
         result->ToString().c_str());
  const bool landed = PrintTables(tables, options, *records);
  printf("facts        %s\nstate        %s\n", csv.c_str(), options.directory.c_str());
  const bool correct = result->correct() && landed;
  printf("%s\n", correct ? "every fact is right" : "NOT CORRECT");
  return correct ? 0 : 1;
}

}  // namespace millrace::tshirt
