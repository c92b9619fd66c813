#include <memory>
#include <string>
#include <utility>

#include "cli/cli.h"
#include "config/client_properties.h"
#include "kill_points.h"
#include "log/kafka/kafka_log.h"
#include "logging/client_log.h"
#include "millrace/millrace.h"
#include "named_transactions.h"
#include "topology.h"
#ifdef MILLRACE_MUTANTS
#include "mutants.h"
#endif

// The worker process of chaos: the topology of topology.h under the ordinary command line of an application. `work` is `run` with
// a point of its life at which it kills itself.

namespace {

using millrace::CommandOptions;
using millrace::StreamsConfig;

/// With a bug of tests/simulation/mutants.h, in the program that has them (chaos_mutant).
absl::StatusOr<millrace::Topology> MakeTopology(const millrace::chaos::TopologySettings& settings,
                                                [[maybe_unused]] const std::string& mutant) {
#ifdef MILLRACE_MUTANTS
  if (!mutant.empty() && !millrace::simulation::SwitchOn(mutant)) return absl::InvalidArgumentError("no mutant " + mutant);
#endif
  return millrace::chaos::ChaosTopology(settings);
}

struct WorkSettings {
  std::string point;
  bool unguarded = false;
  /// Begin of the names of topics whose records say in which transaction they were written; empty: none.
  std::string named;
};

absl::StatusOr<int> Work(const StreamsConfig& config, absl::StatusOr<millrace::Topology> topology, const WorkSettings& settings) {
  if (!topology.ok()) return topology.status();
  auto properties = millrace::MakeClientProperties(config);
  if (!properties.ok()) return properties.status();
  auto options = millrace::log::kafka::OptionsFrom(*properties, millrace::LogClientLine);
  options.replace_doubtful_producers = !settings.unguarded;
  auto client = millrace::log::kafka::MakeKafkaLogClient(std::move(options));
  if (!client.ok()) return client.status();
  std::shared_ptr<millrace::log::LogClient> log = *std::move(client);
  if (!settings.named.empty()) log = millrace::chaos::WithNamedTransactions(std::move(log), settings.named);
  auto mortal = millrace::chaos::WithKillPoint(std::move(log), settings.point);
  if (!mortal.ok()) return mortal.status();
  millrace::KafkaStreams streams(*std::move(topology), config, *std::move(mortal));
  return millrace::RunStreams(config, &streams);
}

}  // namespace

int main(int argc, char** argv) {
  millrace::chaos::TopologySettings settings;
  std::string mutant;
  WorkSettings with;
  bool named = false;
  millrace::Command work{"work", "as run, with something added or taken away",
                         [&](CommandOptions& options) {
                           options.Add("--kill-at", &with.point, "NAME or NAME:N, the N-th time that it comes there");
                           options.AddFlag("--unguarded", &with.unguarded, "keeps producers whose requests were not answered");
                           options.AddFlag("--name-transactions", &named, "records say in which they were written");
                         },
                         [&](const StreamsConfig& config) {
                           if (named) with.named = settings.prefix;
                           return Work(config, MakeTopology(settings, mutant), with);
                         }};
  return millrace::Application("chaos", [&](const StreamsConfig&) { return MakeTopology(settings, mutant); })
      .Description("What chaos runs, kills and checks.")
      .Options([&](CommandOptions& options) {
        options.Add("--prefix", &settings.prefix, "of the names of its topics");
        options.Add("--stall-file", &settings.stall_file, "while it exists, records are not processed");
        options.AddFlag("--oversize", &settings.oversize, "some results are larger than any broker takes");
#ifdef MILLRACE_MUTANTS
        options.Add("--mutant", &mutant, "a bug that is switched on");
#endif
        options.Add("--timer-ms", &settings.timer_ms, "from a key's first record to its timer");
      })
      .Add(std::move(work))
      .Run(argc, argv);
}
