#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "cli/cli.h"
#include "host/host.h"
#include "http/observability_server.h"
#include "log/embedded/embedded_log.h"
#include "millrace/millrace.h"
#include "streams/state_directory.h"

// `run` as a whole on the embedded log: signals, exit codes, health over HTTP.

namespace millrace {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

Topology CopyTopology(const StreamsConfig& config) {
  StreamsBuilder builder(config);
  builder.Stream<std::string, std::string>("in").To("out");
  return builder.Build().value();
}

class RunUntilStopped : public ::testing::Test {
 protected:
  RunUntilStopped() { ::testing::FLAGS_gtest_death_test_style = "threadsafe"; }
  void SetUp() override {
    ASSERT_TRUE(log_.CreateTopic("in", 1).ok());
    ASSERT_TRUE(log_.CreateTopic("out", 1).ok());
  }
  void TearDown() override {
    if (runner_.joinable()) {
      (void)streams_->Close();
      runner_.join();
    }
    streams_.reset();
    EXPECT_TRUE(Host::Real().files().RemoveAll(root_).ok());
    ConfigureLogging({});
  }

  [[nodiscard]] StreamsConfig Config(Properties properties = {}) const {
    properties.insert(
        {{"application.id", "copy"}, {"bootstrap.servers", "127.0.0.1:1"}, {"state.dir", root_}, {"commit.interval.ms", "100"}});
    return StreamsConfig::From(properties).value();
  }

  /// Runs on a thread of its own; lines of the log are collected.
  void Start(const StreamsConfig& config) {
    streams_ = std::make_unique<KafkaStreams>(CopyTopology(config), config, std::shared_ptr<log::LogClient>(log_.NewClient()));
    runner_ = std::thread([this, config] { code_ = RunStreams(config, streams_.get()); });
  }
  bool WaitForState(KafkaStreams::State state) {
    for (int i = 0; i < 1000 && streams_->state() != state; ++i) std::this_thread::sleep_for(10ms);
    return streams_->state() == state;
  }

  const std::string root_ = ::testing::TempDir() + "/millrace-run-" + std::to_string(getpid());
  log::embedded::EmbeddedLog log_;
  std::unique_ptr<KafkaStreams> streams_;
  std::thread runner_;
  int code_ = -1;
};

TEST_F(RunUntilStopped, ASignalClosesItCleanlyWithinSeconds) {
  Start(Config());
  ASSERT_TRUE(WaitForState(KafkaStreams::State::kRunning));
  ASSERT_TRUE(log_.Append("in", 0, BytesView("k"), BytesView("v"), Timestamp::FromMillis(5)).ok());
  for (int i = 0; i < 500 && log_.EndOffset({"out", 0}).value() == 0; ++i) std::this_thread::sleep_for(10ms);
  const auto begin = std::chrono::steady_clock::now();
  raise(SIGTERM);
  runner_.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_EQ(code_, 0);
  EXPECT_EQ(streams_->state(), KafkaStreams::State::kNotRunning);
  EXPECT_EQ(log_.Read("out", 0, 0)->size(), 1u);
  EXPECT_EQ(log_.CommittedOffsets("copy", {{"in", 0}}).at({"in", 0}).offset, 1);
}

TEST_F(RunUntilStopped, AMissingSourceTopicIsAFailureThatNamesIt) {
  const StreamsConfig config = Config();
  StreamsBuilder builder(config);
  builder.Stream<std::string, std::string>("not-there").To("out");
  KafkaStreams streams(builder.Build().value(), config, std::shared_ptr<log::LogClient>(log_.NewClient()));
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunStreams(config, &streams), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), AllOf(HasSubstr("error: "), HasSubstr("not-there")));
}

// A process of its own, which does nothing but ask for the directory.
TEST_F(RunUntilStopped, ASecondProcessOnTheSameStateDirectoryIsRefusedAndNamesTheFirst) {
  auto first = StateDirectory::Open(&Host::Real(), root_, "copy");
  ASSERT_TRUE(first.ok()) << first.status();
  int result[2];
  ASSERT_EQ(pipe(result), 0);
  const pid_t second = fork();
  ASSERT_GE(second, 0);
  if (second == 0) {
    const std::string message = StateDirectory::Open(&Host::Real(), root_, "copy").status().ToString();
    _exit(write(result[1], message.data(), message.size()) == static_cast<ssize_t>(message.size()) ? 0 : 1);
  }
  close(result[1]);
  std::string message(4096, '\0');
  message.resize(static_cast<size_t>(std::max<ssize_t>(0, read(result[0], message.data(), message.size()))));
  close(result[0]);
  int status = 0;
  ASSERT_EQ(waitpid(second, &status, 0), second);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(message, AllOf(HasSubstr("FAILED_PRECONDITION: state directory " + root_ + "/copy is in use by another process"),
                             HasSubstr(Host::Real().ProcessName()), HasSubstr("give each process a state.dir of its own")));
}

TEST_F(RunUntilStopped, HealthAndMetricsAreServedWhileItRuns) {
  // A port that was free a moment ago: the one that `http.port=0` takes is only named in the log.
  const int port =
      ObservabilityServer::Start({.host = "127.0.0.1", .port = 0}, ObservedPages::Of([] { return RuntimeSnapshot(); }))
          .value()
          ->port();
  Start(Config({{"http.port", std::to_string(port)}}));
  ASSERT_TRUE(WaitForState(KafkaStreams::State::kRunning));
  httplib::Client client("127.0.0.1", port);
  const auto ready = client.Get("/readyz");
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->status, 200) << ready->body;
  EXPECT_THAT(client.Get("/metrics")->body, HasSubstr("app_state{application=\"copy\",state=\"RUNNING\"} 1"));
  raise(SIGINT);
  runner_.join();
  EXPECT_EQ(code_, 0);
  EXPECT_FALSE(client.Get("/livez"));
}

TEST_F(RunUntilStopped, ASignalWhileTheBrokerDoesNotAnswerEndsItAtOnce) {
  const auto run = [this] {
    std::thread([] {
      std::this_thread::sleep_for(300ms);
      kill(getpid(), SIGTERM);
    }).detach();
    const StreamsConfig config = Config({{"log.level", "off"}});
    _exit(millrace::RunUntilStopped(config, CopyTopology(config)));
  };
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(0), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 8s);
}

TEST_F(RunUntilStopped, ASecondSignalAbortsIt) {
  const auto run = [this] {
    std::thread([] {
      std::this_thread::sleep_for(300ms);
      kill(getpid(), SIGTERM);
      std::this_thread::sleep_for(100ms);
      kill(getpid(), SIGTERM);
    }).detach();
    const StreamsConfig config = Config({{"log.level", "off"}});
    _exit(millrace::RunUntilStopped(config, CopyTopology(config)));
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(130), "second signal");
}

}  // namespace
}  // namespace millrace
