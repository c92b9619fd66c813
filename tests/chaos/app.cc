#include <memory>
#include <string>
#include <utility>

#include "cli/cli.h"
#include "config/client_properties.h"
#include "kill_points.h"
#include "log/kafka/kafka_log.h"
#include "logging/client_log.h"
#include "millrace/millrace.h"
#include "topology.h"

// The worker process of chaos: the topology of topology.h under the ordinary command line of an application. `work` is `run` with
// a point of its life at which it kills itself.

namespace {

using millrace::CommandOptions;
using millrace::StreamsConfig;

absl::StatusOr<int> Work(const StreamsConfig& config, const millrace::chaos::TopologySettings& settings, const std::string& point,
                         bool guarded) {
  auto topology = millrace::chaos::ChaosTopology(settings);
  if (!topology.ok()) return topology.status();
  auto properties = millrace::MakeClientProperties(config);
  if (!properties.ok()) return properties.status();
  auto options = millrace::log::kafka::OptionsFrom(*properties, millrace::LogClientLine);
  options.replace_doubtful_producers = guarded;
  auto client = millrace::log::kafka::MakeKafkaLogClient(std::move(options));
  if (!client.ok()) return client.status();
  auto mortal = millrace::chaos::WithKillPoint(*std::move(client), point);
  if (!mortal.ok()) return mortal.status();
  millrace::KafkaStreams streams(*std::move(topology), config, *std::move(mortal));
  return millrace::RunStreams(config, &streams);
}

}  // namespace

int main(int argc, char** argv) {
  millrace::chaos::TopologySettings settings;
  std::string point;
  bool unguarded = false;
  millrace::Command work{"work", "as run, with something taken away",
                         [&](CommandOptions& options) {
                           options.Add("--kill-at", &point, "NAME or NAME:N, the N-th time that it comes there");
                           options.AddFlag("--unguarded", &unguarded, "keeps producers whose requests were not answered");
                         },
                         [&](const StreamsConfig& config) { return Work(config, settings, point, !unguarded); }};
  return millrace::Application("chaos", [&](const StreamsConfig&) { return millrace::chaos::ChaosTopology(settings); })
      .Description("What chaos runs, kills and checks.")
      .Options([&](CommandOptions& options) {
        options.Add("--prefix", &settings.prefix, "of the names of its topics");
        options.Add("--stall-file", &settings.stall_file, "while it exists, records are not processed");
        options.AddFlag("--oversize", &settings.oversize, "some results are larger than any broker takes");
        options.Add("--timer-ms", &settings.timer_ms, "from a key's first record to its timer");
      })
      .Add(std::move(work))
      .Run(argc, argv);
}
