#include "status/status_reporter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "log/embedded/embedded_log.h"
#include "status/status_record.h"
#include "status/status_topic.h"

namespace millrace {
namespace {

class StatusReporterTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(log_.CreateTopic("shop-status", 1).ok()); }

  static internal::Instance Self() {
    internal::Instance self;
    self.set_id("a");
    self.set_topology_hash("abc");
    self.set_interval_ms(5000);
    return self;
  }
  static std::vector<internal::WorkerStatus> Consumed(int64_t records) {
    std::vector<internal::WorkerStatus> workers(1);
    workers[0].set_name("worker-1");
    workers[0].set_records_consumed(records);
    return workers;
  }
  std::map<std::string, std::string> Instances() {
    return ReadStatusTopic("shop-status", client_.get(), &host_).value().instances;
  }

  Host& host_ = Host::Real();
  log::embedded::EmbeddedLog log_;
  std::unique_ptr<log::LogClient> client_ = log_.NewClient();
};

TEST_F(StatusReporterTest, WritesTheRecordUnderTheInstancesKey) {
  StatusReporter reporter(&host_, client_.get(), "shop-status", Self());
  const int64_t before = host_.Now().millis();
  reporter.Report("RUNNING", Consumed(3));
  const auto instances = Instances();
  ASSERT_TRUE(instances.contains("a"));
  const internal::Instance instance = DecodeInstance(instances.at("a")).value();
  EXPECT_EQ(instance.id(), "a");
  EXPECT_EQ(instance.state(), "RUNNING");
  EXPECT_EQ(instance.topology_hash(), "abc");
  EXPECT_EQ(instance.interval_ms(), 5000);
  EXPECT_EQ(instance.pid(), getpid());
  EXPECT_FALSE(instance.host().empty());
  EXPECT_LE(instance.started_ms(), before);
  EXPECT_GE(instance.written_ms(), before);
  ASSERT_EQ(instance.workers_size(), 1);
  EXPECT_EQ(instance.workers(0).records_consumed(), 3);
}

TEST_F(StatusReporterTest, TheRateIsThatSinceTheRecordBefore) {
  StatusReporter reporter(&host_, client_.get(), "shop-status", Self());
  reporter.Report("RUNNING", Consumed(1'000'000));
  EXPECT_EQ(DecodeInstance(Instances().at("a"))->workers(0).records_per_second(), 0) << "nothing to compare with";
  host_.Sleep(std::chrono::milliseconds(20));
  reporter.Report("RUNNING", Consumed(1'000'100));
  const double rate = DecodeInstance(Instances().at("a"))->workers(0).records_per_second();
  EXPECT_GT(rate, 0);
  EXPECT_LE(rate, 100 / 0.02);
}

TEST_F(StatusReporterTest, RemovesTheRecordAtACleanEnd) {
  StatusReporter reporter(&host_, client_.get(), "shop-status", Self());
  reporter.Report("RUNNING", Consumed(1));
  reporter.Remove();
  EXPECT_TRUE(Instances().empty());
  EXPECT_FALSE(log_.Read("shop-status", 0, 1)->at(0).value.has_value()) << "a tombstone";
}

TEST_F(StatusReporterTest, LeavesTheReasonAfterAFailure) {
  StatusReporter reporter(&host_, client_.get(), "shop-status", Self());
  reporter.Report("RUNNING", Consumed(1));
  reporter.ReportFailure("ERROR", absl::InternalError("disk full"));
  const internal::Instance instance = DecodeInstance(Instances().at("a")).value();
  EXPECT_EQ(instance.state(), "ERROR");
  EXPECT_EQ(instance.error(), "disk full");
  EXPECT_EQ(instance.workers_size(), 0) << "it has no tasks any more";
}

TEST_F(StatusReporterTest, ATopicThatCannotBeWrittenIsNoFailureAndIsTriedAgain) {
  ASSERT_TRUE(client_->admin().DeleteTopic("shop-status").ok());
  StatusReporter reporter(&host_, client_.get(), "shop-status", Self());
  reporter.Report("RUNNING", Consumed(1));
  reporter.Report("RUNNING", Consumed(2));
  ASSERT_TRUE(log_.CreateTopic("shop-status", 1).ok());
  reporter.Report("RUNNING", Consumed(3));
  EXPECT_TRUE(Instances().contains("a"));
}

}  // namespace
}  // namespace millrace
