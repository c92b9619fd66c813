#include "millrace/runtime/topic_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "log/log.h"
#include "log/partitioner.h"

// Over the embedded log; tests/integration/topic_io_test.cc does the same over Kafka.

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

struct Copy {
  std::string topic;
  int32_t partition = -1;
  int64_t offset = -1;
  NullableBytes key;
  NullableBytes value;
  int64_t time = 0;
};

Copy CopyOf(const TopicRecord& record) {
  Copy copy{*record.topic, record.partition, record.offset, {}, {}, record.timestamp.millis()};
  if (record.key) copy.key.emplace(*record.key);
  if (record.value) copy.value.emplace(*record.value);
  return copy;
}

class TopicIoTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(client_->CreateTopic("orders", 3).ok());
    auto writer = client_->NewWriter();
    ASSERT_TRUE(writer.ok()) << writer.status();
    writer_ = *std::move(writer);
  }

  void Write(const std::string& topic, NullableBytesView key, NullableBytesView value, int64_t time = 1) {
    const absl::Status sent = writer_->Send(topic, key, value, Timestamp::FromMillis(time));
    ASSERT_TRUE(sent.ok()) << sent;
  }
  void Flush() {
    const absl::Status flushed = writer_->Flush(5s);
    ASSERT_TRUE(flushed.ok()) << flushed;
  }
  std::unique_ptr<TopicReader> Reader(const std::vector<std::string>& topics) {
    auto reader = client_->NewReader(topics);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }
  static std::vector<Copy> ReadToEnd(TopicReader* reader) {
    std::vector<Copy> copies;
    const absl::Status read = reader->ReadToEnd(5s, [&](const TopicRecord& record) { copies.push_back(CopyOf(record)); });
    EXPECT_TRUE(read.ok()) << read;
    return copies;
  }

  std::unique_ptr<TopicClient> client_ = TopicClient::Embedded();
  std::unique_ptr<TopicWriter> writer_;
};

TEST_F(TopicIoTest, KnowsWhichTopicsThereAre) {
  EXPECT_EQ(client_->PartitionCount("orders").value(), 3);
  EXPECT_EQ(client_->PartitionCount("nothing").value(), std::nullopt);
  const absl::Status again = client_->CreateTopic("orders", 3);
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(again.message(), HasSubstr("orders"));
}

TEST_F(TopicIoTest, WhatIsWrittenIsReadWithKeyValueTimeAndPlace) {
  Write("orders", "a", "first", 1000);
  Write("orders", "a", std::nullopt, 2000);
  Write("orders", "a", "", 1500);
  Flush();
  const std::vector<Copy> copies = ReadToEnd(Reader({"orders"}).get());
  ASSERT_EQ(copies.size(), 3u);
  for (size_t i = 0; i < copies.size(); ++i) {
    EXPECT_EQ(copies[i].topic, "orders");
    EXPECT_EQ(copies[i].partition, log::PartitionOf("a", 3));
    EXPECT_EQ(copies[i].offset, static_cast<int64_t>(i));
    EXPECT_EQ(copies[i].key, "a");
  }
  EXPECT_EQ(copies[0].value, "first");
  EXPECT_EQ(copies[1].value, std::nullopt);
  EXPECT_EQ(copies[2].value, "");
  EXPECT_EQ(copies[0].time, 1000);
  EXPECT_EQ(copies[1].time, 2000);
  EXPECT_EQ(copies[2].time, 1500);
}

TEST_F(TopicIoTest, AReaderTakesAllPartitionsOfAllItsTopics) {
  ASSERT_TRUE(client_->CreateTopic("payments", 2).ok());
  for (int i = 0; i < 100; ++i) {
    Write("orders", std::to_string(i), "o");
    Write("payments", std::to_string(i), "p");
  }
  Write("orders", std::nullopt, "without a key");
  Flush();
  std::map<std::pair<std::string, int32_t>, int64_t> next;
  for (const Copy& copy : ReadToEnd(Reader({"orders", "payments"}).get())) {
    EXPECT_EQ(copy.offset, (next[{copy.topic, copy.partition}]++)) << copy.topic << "-" << copy.partition;
  }
  EXPECT_EQ(next.size(), 5u);
  EXPECT_EQ((next[{"orders", 0}] + next[{"orders", 1}] + next[{"orders", 2}]), 101);
  EXPECT_EQ((next[{"payments", 0}] + next[{"payments", 1}]), 100);
}

TEST_F(TopicIoTest, ReadingToTheEndTakesMoreThanOneDrain) {
  for (int i = 0; i < 25000; ++i) Write("orders", "a", "v");
  Flush();
  EXPECT_EQ(ReadToEnd(Reader({"orders"}).get()).size(), 25000u);
}

TEST_F(TopicIoTest, ReadingToTheEndOfAnEmptyTopicTakesNothing) {
  EXPECT_TRUE(ReadToEnd(Reader({"orders"}).get()).empty());
  EXPECT_TRUE(ReadToEnd(Reader({}).get()).empty());
}

TEST_F(TopicIoTest, ReadingToTheEndDoesNotFollowWhatIsWrittenMeanwhile) {
  Write("orders", "a", "v");
  Flush();
  int64_t taken = 0;
  const absl::Status read = Reader({"orders"})->ReadToEnd(5s, [&](const TopicRecord&) {
    if (++taken < 1000000) Write("orders", "a", "v");
  });
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_GE(taken, 1);
  EXPECT_LT(taken, 1000000);
}

TEST_F(TopicIoTest, ReadingThatTakesTooLongSaysHowFarItCame) {
  for (int i = 0; i < 10001; ++i) Write("orders", "a", "v");
  Flush();
  const absl::Status read = Reader({"orders"})->ReadToEnd(0ms, [](const TopicRecord&) {});
  EXPECT_EQ(read.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(read.message(),
              HasSubstr("orders-" + std::to_string(log::PartitionOf("a", 3)) + " stopped at offset 10000 after 0 ms"));
}

TEST_F(TopicIoTest, AReaderFollowsFromWhereItIs) {
  const std::unique_ptr<TopicReader> reader = Reader({"orders"});
  std::vector<Copy> copies;
  const auto poll = [&](std::chrono::milliseconds timeout) {
    return reader->Poll(timeout, [&](const TopicRecord& record) { copies.push_back(CopyOf(record)); }).value();
  };
  EXPECT_EQ(poll(1ms), 0);
  Write("orders", "a", "1");
  Flush();
  EXPECT_EQ(poll(5s), 1);
  EXPECT_EQ(poll(1ms), 0);
  Write("orders", "a", "2");
  Write("orders", "a", "3");
  Flush();
  EXPECT_EQ(poll(5s), 2);
  ASSERT_EQ(copies.size(), 3u);
  EXPECT_EQ(copies[2].value, "3");
  EXPECT_EQ(copies[2].offset, 2);
  EXPECT_TRUE(ReadToEnd(reader.get()).empty());
}

TEST_F(TopicIoTest, AReaderBeginsAfterWhatIsDeleted) {
  for (int i = 0; i < 5; ++i) Write("orders", "a", std::to_string(i));
  Flush();
  const auto log = client_->NewLogClient();
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->admin().DeleteRecords({"orders", log::PartitionOf("a", 3)}, 3).ok());
  const std::vector<Copy> copies = ReadToEnd(Reader({"orders"}).get());
  ASSERT_EQ(copies.size(), 2u);
  EXPECT_EQ(copies[0].offset, 3);
  EXPECT_EQ(copies[0].value, "3");
}

TEST_F(TopicIoTest, LagIsWhatTheGroupHasNotCommittedOfTheTopicsAndOfItsRepartitionTopics) {
  for (const char* topic : {"app-by-user-repartition", "application-x-repartition", "app-counts-changelog"}) {
    ASSERT_TRUE(client_->CreateTopic(topic, 1).ok());
  }
  const auto log = client_->NewLogClient();
  ASSERT_TRUE(log.ok()) << log.status();
  const auto lag = [&] { return client_->Lag("app", {"orders"}).value(); };
  EXPECT_EQ(lag(), 0);
  const int32_t partition = log::PartitionOf("a", 3);
  for (int i = 0; i < 5; ++i) Write("orders", "a", "v");
  for (int i = 0; i < 2; ++i) Write("app-by-user-repartition", "a", "v");
  Write("application-x-repartition", "a", "v");
  Write("app-counts-changelog", "a", "v");
  Flush();
  EXPECT_EQ(lag(), 7);

  // A member of the group commits.
  struct : log::MembershipListener {
    void OnAssigned(const std::vector<int32_t>& /*tasks*/) override { assigned = true; }
    void OnRevoked(const std::vector<int32_t>& /*tasks*/) override {}
    void OnLost(const std::vector<int32_t>& /*tasks*/) override {}
    bool assigned = false;
  } listener;
  const auto member = (*log)->NewMembership({"app", "app-by-user-repartition", ""}, &listener);
  ASSERT_TRUE(member.ok()) << member.status();
  while (!listener.assigned) ASSERT_TRUE((*member)->Poll(10ms).ok());
  ASSERT_TRUE((*member)->CommitOffsets({{{"orders", partition}, {3, ""}}}).ok());
  EXPECT_EQ(lag(), 4);
  ASSERT_TRUE((*member)->CommitOffsets({{{"orders", partition}, {5, ""}}, {{"app-by-user-repartition", 0}, {2, ""}}}).ok());
  EXPECT_EQ(lag(), 0);
  EXPECT_EQ(client_->Lag("application", {"orders"}).value(), 6);

  // What is deleted without having been read is no lag.
  ASSERT_TRUE((*log)->admin().DeleteRecords({"orders", partition}, 4).ok());
  EXPECT_EQ(client_->Lag("another", {"orders"}).value(), 1);
  EXPECT_EQ(client_->Lag("app", {"nothing"}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(TopicIoTest, WritersAndReadersNameTheMissingTopic) {
  const auto reader = client_->NewReader({"orders", "nothing"});
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(reader.status().message(), HasSubstr("topic nothing does not exist"));
  absl::Status sent = writer_->Send("nothing", "k", "v", Timestamp::FromMillis(1));
  if (sent.ok()) sent = writer_->Flush(5s);
  EXPECT_EQ(sent.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(sent.message(), HasSubstr("nothing"));
}

TEST_F(TopicIoTest, EachEmbeddedClientHasALogOfItsOwn) {
  EXPECT_EQ(TopicClient::Embedded()->PartitionCount("orders").value(), std::nullopt);
  const auto one = client_->NewLogClient();
  const auto other = client_->NewLogClient();
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_NE(*one, *other);
  EXPECT_EQ((*one)->admin().PartitionCount("orders").value(), 3);
}

TEST(TopicIoOverKafka, SaysWhenNoBrokerAnswers) {
  const auto config = StreamsConfig::From(
      {{"application.id", "reader"}, {"bootstrap.servers", "127.0.0.1:1"}, {"request.timeout.ms", "300"}, {"log.level", "off"}});
  ASSERT_TRUE(config.ok()) << config.status();
  const auto client = TopicClient::Connect(*config);
  ASSERT_TRUE(client.ok()) << client.status();
  const auto count = (*client)->PartitionCount("orders");
  EXPECT_EQ(count.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(count.status().message(), AllOf(HasSubstr("orders"), HasSubstr("bootstrap.servers")));
  EXPECT_FALSE((*client)->NewReader({"orders"}).ok());
}

}  // namespace
}  // namespace millrace
