#include "millrace/runtime/topic_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "kafka_broker.h"
#include "log/partitioner.h"

// The topic client over Kafka; tests/unit/runtime/topic_io_test.cc says the rest over the embedded log.

namespace millrace {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class TopicIoKafkaTest : public tests::KafkaBrokerTest {
 protected:
  void SetUp() override {
    const auto config = StreamsConfig::From(
        {{"application.id", "app"}, {"bootstrap.servers", broker_->bootstrap_servers()}, {"log.level", "off"}});
    ASSERT_TRUE(config.ok()) << config.status();
    auto client = TopicClient::Connect(*config);
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    topic_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    const absl::Status made = client_->CreateTopic(topic_, 3, {{"retention.ms", "-1"}});
    ASSERT_TRUE(made.ok()) << made;
    writer_ = client_->NewWriter().value();
  }
  void Write(const std::string& key, NullableBytesView value, int64_t time) {
    const absl::Status sent = writer_->Send(topic_, key, value, Timestamp::FromMillis(time));
    ASSERT_TRUE(sent.ok()) << sent;
  }
  void Flush() {
    const absl::Status flushed = writer_->Flush(30s);
    ASSERT_TRUE(flushed.ok()) << flushed;
  }

  std::string topic_;
  std::unique_ptr<TopicClient> client_;
  std::unique_ptr<TopicWriter> writer_;
};

TEST_F(TopicIoKafkaTest, WhatIsWrittenIsReadInTheSamePlaceAsOnTheEmbeddedLog) {
  EXPECT_EQ(client_->PartitionCount(topic_).value(), 3);
  EXPECT_EQ(client_->CreateTopic(topic_, 3).code(), absl::StatusCode::kAlreadyExists);
  for (int i = 0; i < 300; ++i) Write(std::to_string(i), i % 7 == 0 ? NullableBytesView() : NullableBytesView("v"), 1000 + i);
  Flush();
  const auto reader = client_->NewReader({topic_});
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::vector<int64_t> next(3);
  int64_t taken = 0;
  const absl::Status read = (*reader)->ReadToEnd(30s, [&](const TopicRecord& record) {
    ++taken;
    ASSERT_TRUE(record.key.has_value());
    const int64_t i = std::stoll(std::string(*record.key));
    EXPECT_EQ(*record.topic, topic_);
    EXPECT_EQ(record.partition, log::PartitionOf(*record.key, 3));
    EXPECT_EQ(record.offset, next[record.partition]++);
    EXPECT_EQ(record.value.has_value(), i % 7 != 0);
    EXPECT_EQ(record.timestamp.millis(), 1000 + i);
  });
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_EQ(taken, 300);
}

TEST_F(TopicIoKafkaTest, AReaderFollows) {
  const auto reader = client_->NewReader({topic_});
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::vector<std::string> values;
  const auto poll = [&](std::chrono::milliseconds timeout) {
    const auto taken = (*reader)->Poll(timeout, [&](const TopicRecord& record) { values.emplace_back(*record.value); });
    EXPECT_TRUE(taken.ok()) << taken.status();
  };
  poll(10ms);
  for (const std::string value : {"1", "2", "3"}) {
    Write("k", value, 1);
    Flush();
    for (int i = 0; i < 3000 && (values.empty() || values.back() != value); ++i) poll(10ms);
  }
  EXPECT_EQ(values, (std::vector<std::string>{"1", "2", "3"}));
}

TEST_F(TopicIoKafkaTest, LagIsWhatIsNotCommitted) {
  ASSERT_TRUE(client_->CreateTopic("app-by-user-repartition", 1).ok());
  for (int i = 0; i < 10; ++i) Write("k", "v", 1);
  ASSERT_TRUE(writer_->Send("app-by-user-repartition", "k", "v", Timestamp::FromMillis(1)).ok());
  Flush();
  const auto lag = client_->Lag("app", {topic_});
  ASSERT_TRUE(lag.ok()) << lag.status();
  EXPECT_EQ(*lag, 11);
  EXPECT_EQ(client_->Lag("another", {topic_}).value(), 10);
}

TEST_F(TopicIoKafkaTest, MissingTopicsAreNamed) {
  const absl::Status reader = client_->NewReader({"nothing"}).status();
  EXPECT_EQ(reader.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(reader.message(), HasSubstr("topic nothing does not exist"));
  EXPECT_EQ(client_->PartitionCount("nothing").value(), std::nullopt);
  EXPECT_EQ(client_->Lag("app", {"nothing"}).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace millrace
