#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "millrace/runtime/main.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome RunProgram(Application& application, std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "program");
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = application.Run(static_cast<int>(arguments.size()), arguments.data());
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

absl::StatusOr<Topology> NoTopology(const StreamsConfig& /*config*/) { return absl::NotFoundError("the schema file is missing"); }

Outcome Shop(std::vector<const char*> arguments, TopologyFunction topology = NoTopology) {
  Application application("shop", std::move(topology));
  application.Description("The shop").Default("num.stream.threads", "2");
  return RunProgram(application, std::move(arguments));
}

TEST(Cli, WithoutACommandItSaysWhatThereIs) {
  const Outcome outcome = Shop({});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("subcommand is required"));
  const Outcome help = Shop({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("The shop"), HasSubstr("run"), HasSubstr("topology")));
}

TEST(Cli, WithoutATopologyThereIsWhatWorksWithTables) {
  Application application("millrace");
  const Outcome help = RunProgram(application, {"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("land"), HasSubstr("export"), HasSubstr("status"), Not(HasSubstr("reset"))));
  Application again("millrace");
  EXPECT_EQ(RunProgram(again, {"run"}).code, 2);
}

TEST(Cli, AnUnknownCommandOrFlagIsAnErrorOfUsage) {
  EXPECT_EQ(Shop({"fly"}).code, 2);
  EXPECT_EQ(Shop({"run", "--fast"}).code, 2);
}

TEST(Cli, RunNeedsBootstrapServers) {
  const Outcome outcome = Shop({"run"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, AllOf(StartsWith("error: bootstrap.servers is not set"), HasSubstr("--bootstrap-servers HOST:PORT")));
}

TEST(Cli, StatusNeedsBootstrapServersToo) {
  const Outcome outcome = Shop({"status"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, StartsWith("error: bootstrap.servers is not set"));
}

TEST(Cli, ErrorsOfTheConfigurationGoToStderrOneALine) {
  const Outcome outcome = Shop({"run", "--set", "num.stream.threads=x", "--set", "log.levl=info"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("error: log.levl=info (from --set): unknown setting; did you mean log.level?\n"),
                                 HasSubstr("error: num.stream.threads=x (from --set): expected an integer")));
}

TEST(Cli, PrintConfigShowsValuesWithTheirOrigins) {
  const std::string path = ::testing::TempDir() + "/cli_test.properties";
  std::ofstream(path) << "commit.interval.ms=100\nsasl.password=canary\n";
  setenv("APP_LOG_LEVEL", "warn", 1);
  const Outcome outcome = Shop({"run", "--print-config", "--bootstrap-servers", "h:1", "--config", path.c_str(), "--set",
                                "state.dir=/data", "--set", "http.port=0"});
  unsetenv("APP_LOG_LEVEL");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, ::testing::ContainsRegex("application.id=shop +# the program\n"));
  EXPECT_THAT(outcome.out, ::testing::ContainsRegex("bootstrap.servers=h:1 +# --bootstrap-servers\n"));
  EXPECT_THAT(outcome.out, ::testing::ContainsRegex("commit.interval.ms=100 +# .*cli_test.properties:1\n"));
  EXPECT_THAT(outcome.out, ::testing::ContainsRegex("log.level=warn +# APP_LOG_LEVEL\n"));
  EXPECT_THAT(outcome.out, ::testing::ContainsRegex("num.stream.threads=2 +# the program\n"));
  EXPECT_THAT(outcome.out, ::testing::ContainsRegex("state.dir=/data +# --set\n"));
  EXPECT_THAT(outcome.out, ::testing::ContainsRegex("max.task.idle.ms=0 +# default\n"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("canary")));
}

TEST(Cli, AMissingConfigFileIsAClearError) {
  const Outcome outcome = Shop({"run", "--config", "/nowhere/app.properties"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("--config"), HasSubstr("/nowhere/app.properties")));
}

TEST(Cli, PrintConfigAsMarkdownIsTheReferencePage) {
  const Outcome outcome = Shop({"run", "--print-config", "--markdown"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, ConfigurationMarkdown());
}

TEST(Cli, ATopologyThatCannotBeMadeIsAFailureWithItsReason) {
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{"topology"}, {"run", "--bootstrap-servers", "h:1"}}) {
    const Outcome outcome = Shop(arguments);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err, "error: the schema file is missing\n");
  }
}

TEST(Cli, ATopologyFunctionMayThrow) {
  const Outcome outcome =
      Shop({"topology"}, [](const StreamsConfig&) -> absl::StatusOr<Topology> { throw std::runtime_error("bad zone"); });
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("bad zone"));
}

TEST(Cli, AnApplicationAddsCommandsWithOptionsAndConfiguration) {
  int64_t users = 10;
  std::string folder;
  bool quick = false;
  std::vector<std::string> topics;
  std::string servers;
  Application application("shop", NoTopology);
  application.Add({.name = "generate",
                   .description = "Make data",
                   .declare =
                       [&](CommandOptions& options) {
                         options.Add("--users", &users, "How many");
                         options.Add("folder", &folder, "Where to", true);
                         options.Add("--topic", &topics, "Topics");
                         options.AddFlag("--quick", &quick, "Less");
                       },
                   .run = [&](const StreamsConfig& config) -> absl::StatusOr<int> {
                     servers = config.bootstrap_servers();
                     return 7;
                   }});
  const Outcome outcome = RunProgram(application, {"generate", "--users", "5", "/data", "--quick", "--topic", "a", "--topic", "b",
                                                   "--bootstrap-servers", "h:1", "--set", "log.level=off"});
  EXPECT_EQ(outcome.code, 7) << outcome.err;
  EXPECT_EQ(users, 5);
  EXPECT_EQ(folder, "/data");
  EXPECT_TRUE(quick);
  EXPECT_THAT(topics, ElementsAre("a", "b"));
  EXPECT_EQ(servers, "h:1");
}

TEST(Cli, OptionsOfTheProgramAreTakenByEveryCommandAndSetBeforeTheTopologyIsMade) {
  std::string seen;
  const auto run = [&](std::vector<const char*> arguments) {
    std::string zone = "UTC";
    Application application("shop", [&](const StreamsConfig&) -> absl::StatusOr<Topology> {
      seen = zone;
      return absl::NotFoundError("no topology");
    });
    application.Options([&](CommandOptions& options) { options.Add("--zone", &zone, "Where"); });
    application.Add({.name = "check", .description = "", .declare = {}, .run = [&](const StreamsConfig&) -> absl::StatusOr<int> {
                       seen = zone;
                       return 0;
                     }});
    return RunProgram(application, std::move(arguments));
  };
  EXPECT_EQ(run({"run", "--bootstrap-servers", "h:1", "--zone", "A"}).code, 1);
  EXPECT_EQ(seen, "A");
  EXPECT_EQ(run({"topology", "--zone", "B"}).code, 1);
  EXPECT_EQ(seen, "B");
  EXPECT_EQ(run({"check", "--zone", "C"}).code, 0);
  EXPECT_EQ(seen, "C");
  EXPECT_EQ(run({"check"}).code, 0);
  EXPECT_EQ(seen, "UTC");
  EXPECT_THAT(run({"topology", "--help"}).out, AllOf(HasSubstr("--zone"), HasSubstr("UTC"), HasSubstr("Where")));
}

TEST(Cli, ACheckBeforeTheRunEndsItWithItsReasonAndIsNotAskedByOtherCommands) {
  int asked = 0;
  const auto run = [&](std::vector<const char*> arguments, const std::function<absl::Status()>& check) {
    Application application("shop", [](const StreamsConfig&) -> absl::StatusOr<Topology> {
      StreamsBuilder builder;
      builder.Stream<std::string, std::string>("in").To("out");
      return builder.Build();
    });
    application.BeforeRun([&, check](const StreamsConfig& config) {
      ++asked;
      EXPECT_EQ(config.application_id(), "shop");
      return check();
    });
    return RunProgram(application, std::move(arguments));
  };
  const auto refuse = [] { return absl::FailedPreconditionError("orders has 4, deliveries has 3"); };
  Outcome outcome = run({"run", "--bootstrap-servers", "127.0.0.1:1", "--set", "log.level=off"}, refuse);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "error: orders has 4, deliveries has 3\n");
  outcome = run({"run", "--bootstrap-servers", "127.0.0.1:1", "--set", "log.level=off"},
                []() -> absl::Status { throw std::runtime_error("no zone"); });
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("no zone"));
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(run({"topology"}, refuse).code, 0);
  EXPECT_EQ(asked, 2);
}

TEST(Cli, ACommandsHelpShowsDefaults) {
  int64_t users = 10;
  Application application("shop", NoTopology);
  application.Add({.name = "generate",
                   .description = "Make data",
                   .declare = [&](CommandOptions& options) { options.Add("--users", &users, "How many"); },
                   .run = [](const StreamsConfig&) -> absl::StatusOr<int> { return 0; },
                   .takes_configuration = false});
  const Outcome outcome = RunProgram(application, {"generate", "--help"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("--users"), HasSubstr("10"), HasSubstr("How many"), Not(HasSubstr("--set"))));
}

TEST(Cli, AFailingCommandExitsWithOneAndItsMessage) {
  Application application("shop", NoTopology);
  application.Add({.name = "check", .description = "", .declare = {}, .run = [](const StreamsConfig&) -> absl::StatusOr<int> {
                     return absl::DataLossError("3 facts are missing");
                   }});
  const Outcome outcome = RunProgram(application, {"check"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "error: 3 facts are missing\n");
}

TEST(Cli, MainTakesTheProgramsNameAsApplicationId) {
  std::string path = "/usr/bin/my-shop";
  std::string run = "run";
  std::string print = "--print-config";
  char* argv[] = {path.data(), run.data(), print.data(), nullptr};
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(Main(3, argv, NoTopology), 0);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("application.id=my-shop "));
}

}  // namespace
}  // namespace millrace
