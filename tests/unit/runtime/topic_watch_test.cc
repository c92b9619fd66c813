#include "streams/topic_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "log/embedded/embedded_log.h"

namespace millrace {
namespace {

using testing::HasSubstr;

class TopicWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    plan_.partitions = {{"in", 2}, {"app-by-repartition", 2}, {"app-store-changelog", 2}};
    plan_.repartition_topics = {"app-by-repartition"};
    for (const auto& [topic, count] : plan_.partitions) ASSERT_TRUE(log_.CreateTopic(topic, count).ok());
  }
  void Recreate(const std::string& topic, int32_t partitions) {
    ASSERT_TRUE(client_->admin().DeleteTopic(topic).ok());
    ASSERT_TRUE(log_.CreateTopic(topic, partitions).ok());
  }
  // What the last of so many looks says.
  [[nodiscard]] std::string Seen(int looks) {
    for (int i = 1; i < looks; ++i) {
      EXPECT_TRUE(watch_.Look(&client_->admin()).ok());
      EXPECT_TRUE(watch_.suspects());
    }
    const absl::Status status = watch_.Look(&client_->admin());
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    return std::string(status.message());
  }

  log::embedded::EmbeddedLog log_;
  std::unique_ptr<log::LogClient> client_ = log_.NewClient();
  TopologyPlan plan_;
  TopicWatch watch_{&plan_};
};

TEST_F(TopicWatchTest, SaysNothingWhileAllIsAsItWas) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(watch_.Look(&client_->admin()).ok());
  EXPECT_FALSE(watch_.suspects());
}

TEST_F(TopicWatchTest, SeesMorePartitions) {
  Recreate("in", 5);
  EXPECT_THAT(Seen(TopicWatch::kLooksForMore),
              HasSubstr("source topic in has 5 partitions now, and had 2 when this instance started: keys are in other "
                        "partitions than their state, and nobody reads the new ones. Stop all instances, then start over "
                        "with `reset`"));
}

TEST_F(TopicWatchTest, SeesFewerPartitions) {
  Recreate("app-by-repartition", 1);
  EXPECT_THAT(Seen(TopicWatch::kLooksForLess), HasSubstr("repartition topic app-by-repartition has 1 partitions now, and had 2"));
}

TEST_F(TopicWatchTest, SeesADeletedTopic) {
  ASSERT_TRUE(client_->admin().DeleteTopic("app-store-changelog").ok());
  EXPECT_THAT(Seen(TopicWatch::kLooksForLess), HasSubstr("changelog topic app-store-changelog was deleted; it had 2 partitions"));
}

TEST_F(TopicWatchTest, BelievesWhatStays) {
  ASSERT_TRUE(client_->admin().DeleteTopic("in").ok());
  EXPECT_TRUE(watch_.Look(&client_->admin()).ok());
  EXPECT_TRUE(watch_.suspects());
  ASSERT_TRUE(log_.CreateTopic("in", 2).ok());
  EXPECT_TRUE(watch_.Look(&client_->admin()).ok());
  EXPECT_FALSE(watch_.suspects());
  Recreate("in", 3);
  EXPECT_TRUE(watch_.Look(&client_->admin()).ok());
}

}  // namespace
}  // namespace millrace
