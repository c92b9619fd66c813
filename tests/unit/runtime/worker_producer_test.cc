#include "streams/worker_producer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "log/embedded/embedded_log.h"

namespace millrace {
namespace {

using log::Isolation;
using log::embedded::EmbeddedLog;

class WorkerProducerTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(log_.CreateTopic("t", 1).ok()); }

  std::unique_ptr<WorkerProducer> ExactlyOnce() {
    auto producer = std::make_unique<WorkerProducer>([this] {
      ++made_;
      return client_->NewTransactionalProducer("id");
    });
    EXPECT_FALSE(producer->transaction_error().ok()) << "not started yet";
    EXPECT_TRUE(producer->Rewind().ok());
    return producer;
  }
  static absl::Status Send(WorkerProducer* producer, const std::string& value, const std::string& topic = "t") {
    return producer->Send(topic, 0, "k", value, Timestamp::FromMillis(1), {}, nullptr);
  }
  std::vector<std::string> Values(Isolation isolation) {
    std::vector<std::string> values;
    const auto records = log_.Read("t", 0, 0, isolation).value();
    for (const auto& record : records) values.push_back(*record.value);
    return values;
  }
  // A commit without offsets asks nobody for an identity.
  static absl::Status Commit(WorkerProducer* producer) { return producer->CommitTransaction({}, {}); }

  EmbeddedLog log_;
  std::unique_ptr<log::LogClient> client_ = log_.NewClient();
  int made_ = 0;
};

using Strings = std::vector<std::string>;

TEST_F(WorkerProducerTest, AtLeastOnceIsVisibleAtOnceAndCounted) {
  WorkerProducer producer(client_->NewProducer().value());
  ASSERT_TRUE(Send(&producer, "a").ok());
  EXPECT_EQ(Values(Isolation::kReadCommitted), Strings{"a"});
  EXPECT_EQ(producer.counts().at("t"), 1);
  EXPECT_TRUE(producer.Rewind().ok()) << "there is nothing to undo";
}

TEST_F(WorkerProducerTest, BeginsWithTheFirstRecordAndShowsItAtTheCommit) {
  auto producer = ExactlyOnce();
  EXPECT_FALSE(producer->in_transaction());
  ASSERT_TRUE(Send(producer.get(), "a").ok());
  EXPECT_TRUE(producer->in_transaction());
  EXPECT_EQ(Values(Isolation::kReadCommitted), Strings{});
  ASSERT_TRUE(Commit(producer.get()).ok());
  EXPECT_FALSE(producer->in_transaction());
  EXPECT_EQ(Values(Isolation::kReadCommitted), Strings{"a"});
}

TEST_F(WorkerProducerTest, RewindMakesWhatWasSentUnseenAndKeepsTheProducer) {
  auto producer = ExactlyOnce();
  ASSERT_TRUE(Send(producer.get(), "lost").ok());
  ASSERT_TRUE(producer->Rewind().ok());
  ASSERT_TRUE(Send(producer.get(), "kept").ok());
  ASSERT_TRUE(Commit(producer.get()).ok());
  EXPECT_EQ(Values(Isolation::kReadCommitted), Strings{"kept"});
  EXPECT_EQ(made_, 1);
}

TEST_F(WorkerProducerTest, AFencedProducerSendsNothingMoreUntilRewindReplacesIt) {
  auto producer = ExactlyOnce();
  ASSERT_TRUE(Send(producer.get(), "lost").ok());
  ASSERT_TRUE(client_->NewTransactionalProducer("id").ok());
  EXPECT_FALSE(Send(producer.get(), "lost").ok());
  EXPECT_FALSE(producer->transaction_error().ok());
  EXPECT_FALSE(Commit(producer.get()).ok());
  ASSERT_TRUE(producer->Rewind().ok());
  EXPECT_EQ(made_, 2);
  ASSERT_TRUE(Send(producer.get(), "kept").ok());
  ASSERT_TRUE(Commit(producer.get()).ok());
  EXPECT_EQ(Values(Isolation::kReadCommitted), Strings{"kept"});
}

TEST_F(WorkerProducerTest, AnUnknownGroupMemberSpoilsTheTransactionOnly) {
  auto producer = ExactlyOnce();
  ASSERT_TRUE(Send(producer.get(), "lost").ok());
  const absl::Status status = producer->CommitTransaction({{{"t", 0}, {1, ""}}}, {"group", 3, "stranger", ""});
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  ASSERT_TRUE(producer->Rewind().ok());
  EXPECT_EQ(made_, 1);
  EXPECT_EQ(Values(Isolation::kReadCommitted), Strings{});
}

TEST_F(WorkerProducerTest, ReportsNothingAfterItWasAbandoned) {
  auto producer = ExactlyOnce();
  ASSERT_TRUE(Send(producer.get(), "lost").ok());
  producer->Abandon();
  EXPECT_EQ(producer->outstanding(), 0);
  EXPECT_EQ(client_->admin().EndOffset({"t", 0}, Isolation::kReadCommitted).value(), 2) << "aborted at once";
  EXPECT_FALSE(Send(producer.get(), "lost").ok());
}

}  // namespace
}  // namespace millrace
