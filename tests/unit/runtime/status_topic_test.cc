#include "status/status_topic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/embedded/embedded_log.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class StatusTopicTest : public testing::Test {
 protected:
  void Put(const std::string& key, NullableBytesView value) {
    ASSERT_TRUE(log_.Append("shop-status", 0, BytesView(key), value, Timestamp::FromMillis(1)).ok());
  }
  absl::StatusOr<StatusTopicContents> Read() { return ReadStatusTopic("shop-status", client_.get(), &Host::Real()); }

  log::embedded::EmbeddedLog log_;
  std::unique_ptr<log::LogClient> client_ = log_.NewClient();
};

TEST(StatusTopic, IsCompactedWithOnePartitionAndSmallSegments) {
  const log::TopicSpec spec = StatusTopicSpec("shop", 3);
  EXPECT_EQ(spec.name, "shop-status");
  EXPECT_EQ(spec.partitions, 1);
  EXPECT_EQ(spec.replication_factor, 3);
  EXPECT_EQ(spec.config.at("cleanup.policy"), "compact");
  EXPECT_EQ(spec.config.at("segment.bytes"), "1048576");
}

TEST_F(StatusTopicTest, GivesTheLastValueOfEachKey) {
  ASSERT_TRUE(log_.CreateTopic("shop-status", 1).ok());
  EXPECT_FALSE(Read()->manifest.has_value());
  Put("manifest", "m1");
  Put("instance/a", "a1");
  Put("instance/b", "b1");
  Put("instance/a", "a2");
  Put("manifest", "m2");
  Put("instance/b", std::nullopt);
  Put("of a later version", "x");
  const auto contents = Read();
  ASSERT_TRUE(contents.ok()) << contents.status();
  EXPECT_EQ(contents->manifest, "m2");
  EXPECT_THAT(contents->instances, ElementsAre(Pair("a", "a2")));
}

TEST_F(StatusTopicTest, AnErrorNamesTheTopic) {
  EXPECT_THAT(std::string(Read().status().message()), HasSubstr("read topic shop-status: "));
}

}  // namespace
}  // namespace millrace
