#include "reset/application_reset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/host.h"
#include "log/embedded/embedded_log.h"
#include "millrace/runtime/kafka_streams.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"
#include "status/status_record.h"
#include "status/status_topic.h"
#include "streams/state_directory.h"

namespace millrace {
namespace {

using log::embedded::EmbeddedLog;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr int64_t kHourMs = 3600 * 1000;

TEST(ResetTarget, ReadsPointsInTime) {
  EXPECT_EQ(ResetTarget::AtTime("1970-01-02T00:00:00Z")->time.millis(), 24 * kHourMs);
  EXPECT_EQ(ResetTarget::AtTime("1970-01-02T01:00:00.5+01:00")->time.millis(), 24 * kHourMs + 500);
  EXPECT_EQ(ResetTarget::AtTime("1234")->time.millis(), 1234);
  for (const char* text : {"", "yesterday", "1970-13-02T00:00:00Z", "-5"}) {
    EXPECT_EQ(ResetTarget::AtTime(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ResetTarget, ReadsDurationsBeforeNow) {
  const Timestamp now = Timestamp::FromMillis(1000 * kHourMs);
  EXPECT_EQ(ResetTarget::Before(now, "PT36H")->time.millis(), 964 * kHourMs);
  EXPECT_EQ(ResetTarget::Before(now, "P1DT1H30M5S")->time.millis(), 975 * kHourMs - 30 * 60'000 - 5'000);
  EXPECT_EQ(ResetTarget::Before(now, "P9999D")->time.millis(), 0);
  for (const char* text : {"", "P", "PT", "P1", "36h", "PT1D", "P1M", "P1DT", "PTT1H", "P-1D", "PT99999999999999999999H"}) {
    EXPECT_EQ(ResetTarget::Before(now, text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

class ApplicationResetTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log_.CreateTopic("words", 2).ok());
    ASSERT_TRUE(log_.CreateTopic("word-counts", 2).ok());
    StreamsBuilder builder;
    builder.Stream<std::string, std::string>("words")
        .SelectKey([](const std::string&, const std::string& value) { return value; })
        .GroupByKey()
        .Count(Materialized::As("counts"))
        .ToStream()
        .To("word-counts");
    topology_ = std::make_unique<Topology>(builder.Build().value());
    options_.application_id = "counter";
    options_.state_dir = root_ + "/a";
  }
  void TearDown() override { EXPECT_TRUE(host_.files().RemoveAll(root_).ok()); }

  [[nodiscard]] std::unique_ptr<KafkaStreams> Make(const std::string& directory = "a") const {
    auto config = StreamsConfig::From({{"application.id", "counter"},
                                       {"bootstrap.servers", "embedded:0"},
                                       {"state.dir", root_ + "/" + directory},
                                       {"log.level", "off"},
                                       {"commit.interval.ms", "50"}});
    EXPECT_TRUE(config.ok()) << config.status();
    return std::make_unique<KafkaStreams>(*topology_, *config, std::shared_ptr<log::LogClient>(log_.NewClient()));
  }
  void Write(const std::string& word, int times) {
    for (int i = 0; i < times; ++i) {
      ASSERT_TRUE(log_.Append("words", 0, BytesView("k"), BytesView(word), Timestamp::FromMillis(++time_)).ok());
    }
  }
  [[nodiscard]] std::vector<int64_t> Counts() const {
    std::vector<int64_t> counts;
    for (int32_t partition = 0; partition < 2; ++partition) {
      const auto records = log_.Read("word-counts", partition, 0);
      EXPECT_TRUE(records.ok()) << records.status();
      for (const auto& record : *records) {
        int64_t count = 0;
        for (const char c : *record.value) count = (count << 8) | static_cast<unsigned char>(c);
        counts.push_back(count);
      }
    }
    return counts;
  }
  [[nodiscard]] int64_t LastCount() const {
    const std::vector<int64_t> counts = Counts();
    return counts.empty() ? 0 : counts.back();
  }
  // Runs the application until it has counted to `last`.
  void RunUntilCount(int64_t last, const std::string& directory = "a") {
    const auto streams = Make(directory);
    ASSERT_TRUE(streams->Start().ok()) << streams->error();
    for (auto waited = 0ms; waited < 20s && LastCount() != last; waited += 5ms) host_.Sleep(5ms);
    EXPECT_EQ(LastCount(), last);
    EXPECT_TRUE(streams->Close());
    EXPECT_TRUE(streams->error().ok()) << streams->error();
  }
  [[nodiscard]] absl::StatusOr<ResetPlan> Plan(const ResetTarget& target = {}) {
    return PlanReset(*topology_, options_, target, client_.get(), &host_);
  }
  void Reset(const ResetTarget& target = {}) {
    const auto plan = Plan(target);
    ASSERT_TRUE(plan.ok()) << plan.status();
    const absl::Status done = ExecuteReset(*plan, options_, client_.get(), &host_);
    ASSERT_TRUE(done.ok()) << done;
  }

  Host& host_ = Host::Real();
  const std::string root_ = testing::TempDir() + "/reset-" + std::to_string(Host::Real().Random());
  mutable EmbeddedLog log_;
  std::unique_ptr<log::LogClient> client_ = log_.NewClient();
  std::unique_ptr<Topology> topology_;
  StreamsOptions options_;
  int64_t time_ = 0;
};

TEST_F(ApplicationResetTest, ShowsWhatItWillDoAndChangesNothing) {
  Write("a", 3);
  RunUntilCount(3);
  const auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->topics, ElementsAre("counter-counts-changelog", "counter-counts-repartition", "counter-tasks"));
  EXPECT_EQ(plan->status_topic, "counter-status");
  EXPECT_EQ(plan->state_path, root_ + "/a/counter");
  ASSERT_EQ(plan->positions.size(), 2u);
  EXPECT_EQ(plan->positions[0].committed, 3);
  EXPECT_EQ(plan->positions[0].to, 0);
  EXPECT_THAT(plan->ToString(), HasSubstr("words-0: 3 -> 0\n"));
  EXPECT_THAT(plan->ToString(), HasSubstr("  counter-counts-changelog\n"));
  Write("a", 1);
  RunUntilCount(4);
}

TEST_F(ApplicationResetTest, TheApplicationCountsAllAnew) {
  Write("a", 3);
  RunUntilCount(3);
  Reset();
  EXPECT_FALSE(host_.files().Exists(root_ + "/a/counter"));
  EXPECT_EQ(client_->admin().PartitionCount("counter-counts-changelog").value(), std::nullopt);
  EXPECT_EQ(client_->admin().PartitionCount("counter-status").value(), std::nullopt);
  ASSERT_TRUE(client_->admin().PartitionCount("words").value().has_value());
  Write("a", 2);
  RunUntilCount(5);
}

TEST_F(ApplicationResetTest, ReadsOnFromTheEndOrFromATime) {
  Write("a", 3);
  RunUntilCount(3);
  ResetTarget target;
  target.kind = ResetTarget::Kind::kLatest;
  Reset(target);
  Write("a", 2);
  RunUntilCount(2);
  target.kind = ResetTarget::Kind::kTime;
  target.time = Timestamp::FromMillis(2);
  Reset(target);
  RunUntilCount(4);
}

TEST_F(ApplicationResetTest, StateOnOtherMachinesIsNotUsedAgain) {
  Write("a", 5);
  RunUntilCount(5);
  RunUntilCount(5, "b");
  options_.state_dir = root_ + "/elsewhere";
  Reset();  // leaves a and b where they are
  Write("a", 1);
  RunUntilCount(6, "a");
  const auto names = host_.files().List(root_ + "/a/counter");
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, testing::Contains(testing::StartsWith("1_0.reset-")));
}

TEST_F(ApplicationResetTest, RefusesWhileMembersLive) {
  const auto streams = Make();
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  absl::StatusOr<ResetPlan> plan = Plan();
  for (auto waited = 0ms; waited < 20s && plan.ok(); waited += 5ms) {
    host_.Sleep(5ms);
    plan = Plan();
  }
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(plan.status().message(), HasSubstr("application counter has 1 members (counter-"));
  EXPECT_TRUE(streams->Close());
  EXPECT_TRUE(Plan().ok());
}

TEST_F(ApplicationResetTest, LeavesEverythingToAMemberThatJoinedAfterThePlan) {
  Write("a", 3);
  RunUntilCount(3);
  const auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  {
    const auto streams = Make("b");
    ASSERT_TRUE(streams->Start().ok()) << streams->error();
    for (auto waited = 0ms; waited < 20s && Plan().ok(); waited += 5ms) host_.Sleep(5ms);
    const absl::Status refused = ExecuteReset(*plan, options_, client_.get(), &host_);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
    EXPECT_THAT(refused.message(), HasSubstr("has members"));
    EXPECT_TRUE(client_->admin().PartitionCount("counter-counts-changelog").value().has_value());
    EXPECT_TRUE(host_.files().Exists(root_ + "/a/counter"));
    Write("a", 1);
    for (auto waited = 0ms; waited < 20s && LastCount() != 4; waited += 5ms) host_.Sleep(5ms);
    EXPECT_EQ(LastCount(), 4);
    EXPECT_TRUE(streams->Close());
    EXPECT_TRUE(streams->error().ok()) << streams->error();
  }
  Write("a", 1);
  RunUntilCount(5);  // not marked
  Reset();
  Write("a", 1);
  RunUntilCount(6);
}

TEST_F(ApplicationResetTest, ChangesNothingWhileAProcessHasTheStateDirectory) {
  Write("a", 3);
  RunUntilCount(3);
  const auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  {
    const auto other = StateDirectory::Open(&host_, options_.state_dir, "counter");
    ASSERT_TRUE(other.ok()) << other.status();
    EXPECT_FALSE(ExecuteReset(*plan, options_, client_.get(), &host_).ok());
  }
  Write("a", 1);
  RunUntilCount(4);
}

TEST_F(ApplicationResetTest, AnInterruptedResetStaysMarkedWhenTheNextIsRefused) {
  Write("a", 1);
  RunUntilCount(1);
  const auto streams = Make("b");
  ASSERT_TRUE(streams->Start().ok()) << streams->error();
  auto plan = Plan();
  for (auto waited = 0ms; waited < 20s && plan.ok(); waited += 5ms) {
    host_.Sleep(5ms);
    plan = Plan();
  }
  const absl::Status marked = WriteStatusTopic("counter-status", client_.get(), host_.Now(), {{std::string(kResetKey), "me"}});
  ASSERT_TRUE(marked.ok()) << marked;
  ResetPlan interrupted;
  interrupted.application_id = "counter";
  interrupted.topics = {"counter-tasks"};
  interrupted.status_topic = "counter-status";
  interrupted.interrupted = true;
  EXPECT_FALSE(ExecuteReset(interrupted, options_, client_.get(), &host_).ok());
  EXPECT_TRUE(streams->Close());
  plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->interrupted);
  EXPECT_FALSE(Make()->Start().ok());
  Reset();
  Write("a", 1);
  RunUntilCount(2);
}

// Somebody deleted the status topic: the reset makes it, to mark what it begins.
TEST_F(ApplicationResetTest, WorksWithoutAStatusTopic) {
  Write("a", 3);
  RunUntilCount(3);
  ASSERT_TRUE(client_->admin().DeleteTopic("counter-status").ok());
  Reset();
  EXPECT_EQ(client_->admin().PartitionCount("counter-status").value(), std::nullopt);
  EXPECT_EQ(client_->admin().PartitionCount("counter-counts-changelog").value(), std::nullopt);
  Write("a", 1);
  RunUntilCount(4);
}

TEST_F(ApplicationResetTest, TheApplicationDoesNotStartBetweenAResetsBeginAndEnd) {
  Write("a", 1);
  RunUntilCount(1);
  const absl::Status marked = WriteStatusTopic("counter-status", client_.get(), host_.Now(), {{std::string(kResetKey), "me"}});
  ASSERT_TRUE(marked.ok()) << marked;
  {
    const auto streams = Make();
    EXPECT_FALSE(streams->Start().ok());
    EXPECT_THAT(streams->error().message(), HasSubstr("a reset of this application has begun and not ended"));
  }
  Reset();
  Write("a", 1);
  RunUntilCount(2);
}

}  // namespace
}  // namespace millrace
