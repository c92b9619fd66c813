#include "partitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace millrace::tshirt {
namespace {

using testing::HasSubstr;

TEST(PartitionsTest, EqualNumbersAreRightAndMissingTopicsAreLeftToTheRuntime) {
  const std::unique_ptr<TopicClient> client = TopicClient::Embedded();
  EXPECT_TRUE(CheckPartitions(client.get()).ok());
  ASSERT_TRUE(client->CreateTopic("orders", 3).ok());
  EXPECT_TRUE(CheckPartitions(client.get()).ok());
  ASSERT_TRUE(client->CreateTopic("deliveries", 3).ok());
  ASSERT_TRUE(client->CreateTopic("registrations", 3).ok());
  EXPECT_TRUE(CheckPartitions(client.get()).ok());
}

TEST(PartitionsTest, UnequalNumbersAreAnErrorThatNamesThem) {
  const std::unique_ptr<TopicClient> client = TopicClient::Embedded();
  ASSERT_TRUE(client->CreateTopic("orders", 4).ok());
  ASSERT_TRUE(client->CreateTopic("deliveries", 3).ok());
  ASSERT_TRUE(client->CreateTopic("registrations", 4).ok());
  const absl::Status status = CheckPartitions(client.get());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("orders has 4, deliveries has 3, registrations has 4; make them anew"));
}

}  // namespace
}  // namespace millrace::tshirt
