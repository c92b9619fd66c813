#include "millrace/runtime/main.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "check.h"
#include "demo.h"
#include "topology.h"

namespace millrace::tshirt {
namespace {

/// The one setting of the shop itself; it has to be the same for all that run and check it.
std::string DefaultTimeZone() {
  const char* zone = std::getenv("TSHIRT_TIME_ZONE");
  return zone != nullptr ? zone : "UTC";
}

absl::StatusOr<Topology> Shop(const StreamsConfig& config) {
  absl::StatusOr<absl::TimeZone> zone = FindTimeZone(DefaultTimeZone());
  if (!zone.ok()) return zone.status();
  return TShirtTopology(config.topology_config(), {*zone});
}

struct GenerateOptions {
  int64_t users = 200000;
  int64_t seed = 1;
  int partitions = 1;
  bool ending_now = false;
};

absl::StatusOr<int> Generate(const StreamsConfig& config, const GenerateOptions& options) {
  absl::StatusOr<std::unique_ptr<TopicClient>> client = TopicClient::Connect(config);
  if (!client.ok()) return client.status();
  if (absl::Status status = CreateTopics(client->get(), options.partitions); !status.ok()) return status;
  GeneratorOptions generator_options;
  generator_options.users = options.users;
  generator_options.seed = static_cast<uint64_t>(options.seed);
  if (options.ending_now) generator_options.end = Timestamp::FromMillis(absl::ToUnixMillis(absl::Now()));
  Generator generator(generator_options);
  if (absl::Status status = Load(client->get(), &generator); !status.ok()) return status;
  printf("%lld records written\n", static_cast<long long>(generator.total()));
  return 0;
}

absl::StatusOr<int> CheckTopics(const StreamsConfig& config, const std::string& csv) {
  absl::StatusOr<absl::TimeZone> zone = FindTimeZone(DefaultTimeZone());
  if (!zone.ok()) return zone.status();
  absl::StatusOr<std::unique_ptr<TopicClient>> client = TopicClient::Connect(config);
  if (!client.ok()) return client.status();
  absl::StatusOr<Model> model = ReadModel(client->get(), *zone);
  if (!model.ok()) return model.status();
  absl::StatusOr<CheckResult> result = Check(client->get(), model->Finish(), csv);
  if (!result.ok()) return result.status();
  printf("%s", result->ToString().c_str());
  return result->correct() ? 0 : 1;
}

void AddCommands(Application* application) {
  auto generate = std::make_shared<GenerateOptions>();
  application->Add({.name = "generate",
                    .description = "Writes a shop's life to the input topics, making the topics that are missing",
                    .declare =
                        [generate](CommandOptions& options) {
                          options.Add("--users", &generate->users, "How many people register");
                          options.Add("--seed", &generate->seed, "Another seed gives other data");
                          options.Add("--partitions", &generate->partitions, "Of topics that are made");
                          options.AddFlag("--ending-now", &generate->ending_now, "Thirty days that end now, not from 2024-01-01");
                        },
                    .run = [generate](const StreamsConfig& config) { return Generate(config, *generate); }});
  auto csv = std::make_shared<std::string>();
  application->Add({.name = "check",
                    .description = "Compares all output topics with an offline model of the input topics",
                    .declare = [csv](CommandOptions& options) { options.Add("--csv", csv.get(), "File that gets the facts"); },
                    .run = [csv](const StreamsConfig& config) { return CheckTopics(config, *csv); }});
  auto demo = std::make_shared<DemoOptions>();
  demo->time_zone = DefaultTimeZone();
  application->Add({.name = "demo",
                    .description = "Loads thirty days that end now, runs the shop and checks it; without a broker unless --kafka",
                    .declare =
                        [demo](CommandOptions& options) {
                          options.Add("--users", &demo->users, "How many people register");
                          options.Add("--seed", &demo->seed, "Another seed gives other data");
                          options.Add("--workers", &demo->workers, "Instances that share the work");
                          options.Add("--partitions", &demo->partitions, "Of topics that are made");
                          options.Add("--kafka", &demo->kafka, "HOST:PORT of a broker");
                          options.Add("--dir", &demo->directory, "Where state and facts are written");
                        },
                    .run = [demo](const StreamsConfig&) { return RunDemo(*demo); },
                    .takes_configuration = false});
}

}  // namespace
}  // namespace millrace::tshirt

int main(int argc, char** argv) {
  millrace::Application application("tshirt", millrace::tshirt::Shop);
  application.Description("The t-shirt shop: who bought a t-shirt at least three days after signing up?");
  millrace::tshirt::AddCommands(&application);
  return application.Run(argc, argv);
}
