#include "program.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "check.h"
#include "demo.h"
#include "descriptors.h"
#include "millrace/runtime/main.h"
#include "partitions.h"
#include "rules.h"
#include "topology.h"

namespace millrace::tshirt {
namespace {

std::string DefaultTimeZone() {
  const char* zone = std::getenv("TSHIRT_TIME_ZONE");
  return zone != nullptr && *zone != '\0' ? zone : "UTC";
}

/// What the command line says. The topology and the commands read it when they run.
struct Arguments {
  std::string time_zone = DefaultTimeZone();
  int64_t users = 200000;
  int64_t seed = 1;
  int partitions = 1;
  bool ending_now = false;
  std::string csv;
  DemoOptions demo;
};

absl::StatusOr<Topology> Shop(const StreamsConfig& config, const Arguments& arguments) {
  absl::StatusOr<absl::TimeZone> zone = FindTimeZone(arguments.time_zone);
  if (!zone.ok()) return zone.status();
  return TShirtTopology(config.topology_config(), {*zone});
}

absl::StatusOr<int> Generate(const StreamsConfig& config, const Arguments& arguments) {
  absl::StatusOr<absl::TimeZone> zone = FindTimeZone(arguments.time_zone);
  if (!zone.ok()) return zone.status();
  absl::StatusOr<std::unique_ptr<TopicClient>> client = TopicClient::Connect(config);
  if (!client.ok()) return client.status();
  if (absl::Status status = CreateTopics(client->get(), arguments.partitions); !status.ok()) return status;
  GeneratorOptions options;
  options.users = arguments.users;
  options.seed = static_cast<uint64_t>(arguments.seed);
  options.start = Timestamp::FromMillis(OpeningMillis(*zone));
  if (arguments.ending_now) options.end = Timestamp::FromMillis(absl::ToUnixMillis(absl::Now()));
  Generator generator(options);
  if (absl::Status status = Load(client->get(), &generator); !status.ok()) return status;
  printf("%lld records written\n", static_cast<long long>(generator.total()));
  return 0;
}

absl::StatusOr<int> CheckTopics(const StreamsConfig& config, const Arguments& arguments) {
  absl::StatusOr<absl::TimeZone> zone = FindTimeZone(arguments.time_zone);
  if (!zone.ok()) return zone.status();
  absl::StatusOr<std::unique_ptr<TopicClient>> client = TopicClient::Connect(config);
  if (!client.ok()) return client.status();
  absl::StatusOr<Model> model = ReadModel(client->get(), *zone);
  if (!model.ok()) return model.status();
  absl::StatusOr<CheckResult> result = Check(client->get(), model->Finish(), arguments.csv);
  if (!result.ok()) return result.status();
  printf("%s", result->ToString().c_str());
  return result->correct() ? 0 : 1;
}

absl::StatusOr<int> Demonstrate(const Arguments& arguments) {
  absl::StatusOr<absl::TimeZone> zone = FindTimeZone(arguments.time_zone);
  if (!zone.ok()) return zone.status();
  DemoOptions options = arguments.demo;
  options.zone = *zone;
  return RunDemo(options);
}

void AddCommands(Application* application, Arguments* arguments) {
  application->Add({.name = "generate",
                    .description = "Writes a shop's life to the input topics, making the topics that are missing",
                    .declare =
                        [arguments](CommandOptions& options) {
                          options.Add("--users", &arguments->users, "How many people register");
                          options.Add("--seed", &arguments->seed, "Another seed gives other data");
                          options.Add("--partitions", &arguments->partitions, "Of topics that are made");
                          options.AddFlag("--ending-now", &arguments->ending_now,
                                          "Thirty days that end now, not from 2024-01-01");
                        },
                    .run = [arguments](const StreamsConfig& config) { return Generate(config, *arguments); }});
  application->Add(
      {.name = "check",
       .description = "Compares all output topics with an offline model of the input topics",
       .declare = [arguments](CommandOptions& options) { options.Add("--csv", &arguments->csv, "File that gets the facts"); },
       .run = [arguments](const StreamsConfig& config) { return CheckTopics(config, *arguments); }});
  application->Add({.name = "demo",
                    .description = "Loads thirty days that end now, runs the shop and checks it; without a broker unless --kafka",
                    .declare =
                        [demo = &arguments->demo](CommandOptions& options) {
                          options.Add("--users", &demo->users, "How many people register");
                          options.Add("--seed", &demo->seed, "Another seed gives other data");
                          options.Add("--workers", &demo->workers, "Instances that share the work");
                          options.Add("--partitions", &demo->partitions, "Of topics that are made");
                          options.Add("--kafka", &demo->kafka, "HOST:PORT of a broker");
                          options.Add("--dir", &demo->directory, "Where state and facts are written");
                          options.Add("--warehouse", &demo->warehouse, "URI of the folder of the tables; otherwise in --dir");
                        },
                    .run = [arguments](const StreamsConfig&) { return Demonstrate(*arguments); },
                    .takes_configuration = false});
}

}  // namespace

int RunProgram(int argc, const char* const* argv) {
  Arguments arguments;
  Application application("tshirt", [&arguments](const StreamsConfig& config) { return Shop(config, arguments); });
  application.Description("The t-shirt shop: who bought a t-shirt at least three days after signing up?");
  application.Options([&arguments](CommandOptions& options) {
    options.Add("--time-zone", &arguments.time_zone,
                "In which days begin and end, as in Europe/Oslo; the default comes from TSHIRT_TIME_ZONE");
  });
  application.BeforeRun([](const StreamsConfig& config) {
    absl::StatusOr<std::unique_ptr<TopicClient>> client = TopicClient::Connect(config);
    return client.ok() ? CheckPartitions(client->get()) : client.status();
  });
  application.Default("warehouse.descriptors", DescriptorsFile());
  AddCommands(&application, &arguments);
  return application.Run(argc, argv);
}

}  // namespace millrace::tshirt
