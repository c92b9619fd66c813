#include "log/kafka/transactional_producer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka_mock.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "streams/worker_producer.h"

// On the client's own mock cluster, which can break a connection instead of answering a request. What a late request does to a
// real broker is shown by chaos (fault F8).

namespace millrace::log::kafka {
namespace {

using namespace std::chrono_literals;

constexpr int16_t kProduce = 0;
constexpr int16_t kEndTxn = 26;
constexpr int16_t kAddPartitionsToTxn = 24;

class TransactionalProducerTest : public testing::Test {
 protected:
  TransactionalProducerTest()
      : handle_(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0)),
        cluster_(rd_kafka_mock_cluster_new(handle_, 1)) {
    EXPECT_EQ(rd_kafka_mock_topic_create(cluster_, "out", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  ~TransactionalProducerTest() override {
    producer_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(handle_);
  }

  void Make(bool replace_doubtful = true, PropertyMap properties = {}) {
    properties["bootstrap.servers"] = rd_kafka_mock_cluster_bootstraps(cluster_);
    auto made = KafkaTransactionalProducer::Make(
        std::move(properties), "id-1", 10s,
        [this](int /*level*/, std::string_view /*handle*/, std::string_view message) {
          const std::lock_guard lock(mutex_);
          if (message.find("the client is replaced") != std::string_view::npos) ++replaced_;
        },
        replace_doubtful);
    ASSERT_TRUE(made.ok()) << made.status();
    producer_ = *std::move(made);
  }

  /// One transaction with one record.
  void Transact() {
    ASSERT_TRUE(producer_->Begin().ok());
    int64_t delivered = -1;
    ASSERT_TRUE(
        producer_->Send("out", 0, BytesView("k"), BytesView("v"), Timestamp::FromMillis(1), Headers::Empty(), &delivered).ok());
    const absl::Status committed = producer_->Commit();
    ASSERT_TRUE(committed.ok()) << committed;
    EXPECT_GE(delivered, 0);
  }

  /// The broker refuses the record of the next transaction for what it is.
  void RefuseNext() { rd_kafka_mock_push_request_errors(cluster_, kProduce, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD); }

  void LoseConnectionAt(int16_t api_key) {
    rd_kafka_mock_push_request_errors(cluster_, api_key, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
  }

  int replaced() {
    const std::lock_guard lock(mutex_);
    return replaced_;
  }

  rd_kafka_t* const handle_;
  rd_kafka_mock_cluster_t* const cluster_;
  std::mutex mutex_;
  int replaced_ = 0;
  std::unique_ptr<KafkaTransactionalProducer> producer_;
};

TEST_F(TransactionalProducerTest, KeepsTheClientWhileEveryRequestIsAnswered) {
  Make();
  for (int i = 0; i < 20; ++i) Transact();
  EXPECT_EQ(replaced(), 0);
}

TEST_F(TransactionalProducerTest, TakesRequestTimesThatAreLongerThanATransactionMayBeOpen) {
  Make(/*replace_doubtful=*/true, {{"socket.timeout.ms", "30000"}, {"transaction.timeout.ms", "4000"}});
  Transact();
}

TEST_F(TransactionalProducerTest, SaysThatARecordIsTooLargeForEveryTransaction) {
  Make();
  ASSERT_TRUE(producer_->Begin().ok());
  const std::string large(3 << 20, 'x');
  const absl::Status status =
      producer_->Send("out", 0, BytesView("k"), BytesView(large), Timestamp::FromMillis(1), Headers::Empty(), nullptr);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("topic out"));
  EXPECT_TRUE(producer_->Abort().ok());
  Transact();
}

TEST_F(TransactionalProducerTest, ReplacesTheClientAfterACommitThatWasRepeated) {
  Make();
  Transact();
  LoseConnectionAt(kEndTxn);
  Transact();
  EXPECT_EQ(replaced(), 0);
  Transact();
  EXPECT_EQ(replaced(), 1);
  Transact();
  EXPECT_EQ(replaced(), 1);
}

TEST_F(TransactionalProducerTest, ReplacesTheClientAfterAnyRequestOfATransactionThatWasRepeated) {
  Make();
  LoseConnectionAt(kAddPartitionsToTxn);
  Transact();
  Transact();
  EXPECT_EQ(replaced(), 1);
}

TEST_F(TransactionalProducerTest, TheClientThatReplacesAnotherAsksAboutRefusedRecordsToo) {
  Make();
  std::vector<std::string> refused;
  producer_->SetRefusalHandler([&](const RefusedRecord& record) {
    refused.emplace_back(record.value.value_or(""));
    return record.error;
  });
  LoseConnectionAt(kEndTxn);
  Transact();
  ASSERT_TRUE(producer_->Begin().ok());
  ASSERT_EQ(replaced(), 1);
  RefuseNext();
  ASSERT_TRUE(
      producer_->Send("out", 0, BytesView("k"), BytesView("bad"), Timestamp::FromMillis(1), Headers::Empty(), nullptr).ok());
  EXPECT_EQ(producer_->Flush(10s).code(), absl::StatusCode::kAborted);
  EXPECT_THAT(refused, testing::ElementsAre("bad"));
}

TEST_F(TransactionalProducerTest, AWorkerLeavesOutWhatTheBrokerRefusedAfterItsClientWasReplaced) {
  WorkerProducer worker([this]() -> absl::StatusOr<std::unique_ptr<TransactionalProducer>> {
    Make();
    return std::move(producer_);
  });
  ASSERT_TRUE(worker.Rewind().ok());
  const auto send = [&](const std::string& value) {
    return worker.Send("out", 0, BytesView("k"), BytesView(value), Timestamp::FromMillis(1), Headers::Empty(), nullptr);
  };
  LoseConnectionAt(kEndTxn);
  ASSERT_TRUE(send("good").ok());
  ASSERT_TRUE(worker.CommitTransaction({}, {}).ok());
  RefuseNext();
  ASSERT_TRUE(send("bad").ok());
  EXPECT_EQ(replaced(), 1);
  EXPECT_FALSE(worker.Flush(10s).ok());
  EXPECT_EQ(worker.transaction_error().code(), absl::StatusCode::kAborted);
  ASSERT_TRUE(worker.Rewind().ok());
  // Done again, alone in its batch.
  RefuseNext();
  EXPECT_FALSE(send("bad").ok());
  ASSERT_TRUE(worker.Rewind().ok());
  // From now on it is its task's matter, which asks the production handler.
  EXPECT_TRUE(IsRefusal(send("bad")));
  EXPECT_TRUE(send("good").ok());
  const absl::Status committed = worker.CommitTransaction({}, {});
  EXPECT_TRUE(committed.ok()) << committed;
}

TEST_F(TransactionalProducerTest, ARightThatIsMissingIsNotForAnotherTry) {
  Make();
  rd_kafka_mock_push_request_errors(cluster_, kAddPartitionsToTxn, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  ASSERT_TRUE(producer_->Begin().ok());
  ASSERT_TRUE(
      producer_->Send("out", 0, BytesView("k"), BytesView("v"), Timestamp::FromMillis(1), Headers::Empty(), nullptr).ok());
  EXPECT_EQ(producer_->Commit().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(producer_->Abort().ok());
  rd_kafka_mock_push_request_errors(cluster_, kProduce, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  ASSERT_TRUE(producer_->Begin().ok());
  ASSERT_TRUE(
      producer_->Send("out", 0, BytesView("k"), BytesView("v"), Timestamp::FromMillis(1), Headers::Empty(), nullptr).ok());
  EXPECT_EQ(producer_->Flush(10s).code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(TransactionalProducerTest, ATransactionalIdThatIsForbiddenIsNotForAnotherTry) {
  Make();
  rd_kafka_mock_push_request_errors(cluster_, kEndTxn, 1, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  ASSERT_TRUE(producer_->Begin().ok());
  ASSERT_TRUE(
      producer_->Send("out", 0, BytesView("k"), BytesView("v"), Timestamp::FromMillis(1), Headers::Empty(), nullptr).ok());
  EXPECT_EQ(producer_->Commit().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(TransactionalProducerTest, KeepsADoubtfulClientOnlyWhenToldTo) {
  Make(/*replace_doubtful=*/false);
  LoseConnectionAt(kEndTxn);
  for (int i = 0; i < 3; ++i) Transact();
  EXPECT_EQ(replaced(), 0);
}

}  // namespace
}  // namespace millrace::log::kafka
