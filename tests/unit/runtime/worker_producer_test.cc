#include "streams/worker_producer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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

/// Refuses "refused" when it is asked how delivery went, as a broker does.
class LateProducer final : public log::TransactionalProducer {
 public:
  explicit LateProducer(std::vector<std::string>* committed) : committed_(committed) {}
  absl::Status Send(const std::string& topic, std::optional<int32_t>, NullableBytesView key, NullableBytesView value,
                    Timestamp timestamp, const Headers&, int64_t* mark) override {
    if (!error_.ok()) return error_;
    sent_.emplace_back(*value);
    if (value->starts_with("refused")) {
      key_ = *key;
      log::RefusedRecord& record = refusals_.emplace_back();
      record.topic = topic;
      record.key = key_;
      record.value = sent_.back();
      record.timestamp = timestamp;
      record.error =
          *value == "refused as unknown" ? absl::NotFoundError("no such topic") : absl::InternalError("invalid timestamp");
      record.marked = mark != nullptr;
      record.of_batch = value->starts_with("refused with its batch");
    }
    return absl::OkStatus();
  }
  void SetRefusalHandler(log::RefusalHandler handler) override { handler_ = std::move(handler); }
  absl::Status Poll() override {
    for (const log::RefusedRecord& record : std::exchange(refusals_, {})) {
      const absl::Status status = handler_(record);
      if (error_.ok() && !status.ok()) error_ = log::IsRefusal(status) ? status : absl::AbortedError(status.message());
    }
    return error_;
  }
  absl::Status Flush(std::chrono::milliseconds) override { return Poll(); }
  [[nodiscard]] int64_t outstanding() const override { return static_cast<int64_t>(refusals_.size()); }
  absl::Status Begin() override { return absl::OkStatus(); }
  absl::Status SendOffsets(const log::Offsets&, const log::GroupIdentity&) override { return Poll(); }
  absl::Status Commit() override {
    committed_->insert(committed_->end(), sent_.begin(), sent_.end());
    sent_.clear();
    return absl::OkStatus();
  }
  absl::Status Abort() override {
    sent_.clear();
    error_ = absl::OkStatus();
    return absl::OkStatus();
  }

 private:
  std::vector<std::string>* committed_;
  std::deque<std::string> sent_;
  std::string key_;
  std::vector<log::RefusedRecord> refusals_;
  log::RefusalHandler handler_;
  absl::Status error_;
};

class LateRefusalTest : public testing::Test {
 protected:
  static absl::Status Send(WorkerProducer* producer, const std::string& value, int64_t* mark = nullptr) {
    return producer->Send("t", 0, "k", value, Timestamp::FromMillis(1), {}, mark);
  }
  Strings committed_;
};

TEST_F(LateRefusalTest, ExactlyOnceRefusesTheRecordAtOnceWhenItsTransactionIsDoneAgain) {
  WorkerProducer producer([this] { return std::make_unique<LateProducer>(&committed_); });
  ASSERT_TRUE(producer.Rewind().ok());
  ASSERT_TRUE(Send(&producer, "a").ok());
  ASSERT_TRUE(Send(&producer, "refused").ok());
  EXPECT_TRUE(absl::IsAborted(producer.Flush(std::chrono::milliseconds(0))));
  EXPECT_FALSE(producer.transaction_error().ok());
  ASSERT_TRUE(producer.Rewind().ok());
  ASSERT_TRUE(Send(&producer, "a").ok());
  EXPECT_TRUE(log::IsRefusal(Send(&producer, "refused")));
  ASSERT_TRUE(Send(&producer, "b").ok());
  EXPECT_TRUE(producer.transaction_error().ok()) << producer.transaction_error();
  ASSERT_TRUE(producer.CommitTransaction({}, {}).ok());
  EXPECT_EQ(committed_, (Strings{"a", "b"}));
}

TEST_F(LateRefusalTest, ExactlyOnceARefusalThatIsToldLateIsNotTakenForThatOfTheNextRecord) {
  WorkerProducer producer([this] { return std::make_unique<LateProducer>(&committed_); });
  ASSERT_TRUE(producer.Rewind().ok());
  ASSERT_TRUE(Send(&producer, "refused as unknown").ok());
  EXPECT_TRUE(absl::IsAborted(producer.Poll()));
  EXPECT_FALSE(producer.transaction_error().ok());
  EXPECT_FALSE(log::IsRefusal(Send(&producer, "a")));
  ASSERT_TRUE(producer.Rewind().ok());
  EXPECT_TRUE(log::IsRefusal(Send(&producer, "refused as unknown")));
  ASSERT_TRUE(Send(&producer, "a").ok());
  ASSERT_TRUE(producer.CommitTransaction({}, {}).ok());
  EXPECT_EQ(committed_, (Strings{"a"}));
}

TEST_F(LateRefusalTest, ExactlyOnceFindsTheRecordForWhichABatchWasRefused) {
  WorkerProducer producer([this] { return std::make_unique<LateProducer>(&committed_); });
  ASSERT_TRUE(producer.Rewind().ok());
  ASSERT_TRUE(Send(&producer, "a").ok());
  ASSERT_TRUE(Send(&producer, "refused with its batch").ok()) << "nothing is known yet";
  EXPECT_FALSE(producer.Poll().ok());
  ASSERT_TRUE(producer.Rewind().ok());
  ASSERT_TRUE(Send(&producer, "a").ok()) << "was in the batch, and is well";
  EXPECT_FALSE(Send(&producer, "refused with its batch").ok()) << "alone now, so it is the one";
  ASSERT_TRUE(producer.Rewind().ok());
  ASSERT_TRUE(Send(&producer, "a").ok());
  EXPECT_TRUE(log::IsRefusal(Send(&producer, "refused with its batch")));
  ASSERT_TRUE(producer.CommitTransaction({}, {}).ok());
  EXPECT_EQ(committed_, Strings{"a"});
  EXPECT_TRUE(Send(&producer, "refused with its batch, too").ok()) << "batches again";
}

TEST_F(LateRefusalTest, AtLeastOnceSendsAgainOneByOneAndAsksTheHandlerForTheRecordThatIsMeant) {
  WorkerProducer producer(std::make_unique<LateProducer>(&committed_));
  Strings asked;
  producer.SetRefusalHandler([&](const log::RefusedRecord& record) {
    asked.emplace_back(record.value.value());
    return absl::OkStatus();
  });
  ASSERT_TRUE(Send(&producer, "refused with its batch").ok());
  EXPECT_FALSE(producer.Poll().ok());
  EXPECT_FALSE(producer.transaction_error().ok()) << "all is to be sent again";
  EXPECT_EQ(asked, Strings{});
  producer.Replace(std::make_unique<LateProducer>(&committed_));
  EXPECT_TRUE(producer.transaction_error().ok());
  EXPECT_TRUE(Send(&producer, "a").ok());
  EXPECT_TRUE(Send(&producer, "refused with its batch").ok());
  EXPECT_EQ(asked, Strings{"refused with its batch"});
}

TEST_F(LateRefusalTest, AtLeastOnceAsksTheHandlerUnlessStateHangsOnTheRecord) {
  WorkerProducer producer(std::make_unique<LateProducer>(&committed_));
  Strings asked;
  producer.SetRefusalHandler([&](const log::RefusedRecord& record) {
    asked.emplace_back(record.value.value());
    return absl::OkStatus();
  });
  ASSERT_TRUE(Send(&producer, "refused").ok());
  EXPECT_TRUE(producer.Poll().ok());
  EXPECT_EQ(asked, Strings{"refused"});
  int64_t mark = -1;
  ASSERT_TRUE(Send(&producer, "refused", &mark).ok());
  EXPECT_FALSE(producer.Poll().ok());
  EXPECT_EQ(asked, Strings{"refused"});
}

}  // namespace
}  // namespace millrace
