#include "streams/predecessor_transactions.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "log/embedded/embedded_log.h"
#include "task/offset_metadata.h"

namespace millrace {
namespace {

using log::Isolation;
using log::embedded::EmbeddedLog;

class SilentListener final : public log::MembershipListener {
  void OnAssigned(const std::vector<int32_t>&) override {}
  void OnRevoked(const std::vector<int32_t>&) override {}
  void OnLost(const std::vector<int32_t>&) override {}
};

class PredecessorTransactionsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log_.CreateTopic("in", 2).ok());
    ASSERT_TRUE(log_.CreateTopic("out", 1).ok());
    ASSERT_TRUE(log_.CreateTopic("tasks", 1).ok());
  }
  // The worker `id` has committed once and is in its next transaction.
  void CommittedBy(const std::string& id, int64_t offset = 5) {
    const std::string metadata = OffsetMetadata{Timestamp::FromMillis(1), {}, id}.Encode();
    log_.CommitOffsets("app", {{{"in", 0}, {offset, metadata}}, {{"in", 1}, {offset, metadata}}});
    worker_ = client_->NewTransactionalProducer(id).value();
    ASSERT_TRUE(worker_->Begin().ok());
    ASSERT_TRUE(worker_->Send("out", 0, "k", "v", Timestamp::FromMillis(1), {}, nullptr).ok());
  }
  bool Open() { return client_->admin().EndOffset({"out", 0}, Isolation::kReadCommitted).value() == 0; }

  EmbeddedLog log_;
  std::unique_ptr<log::LogClient> client_ = log_.NewClient();
  std::unique_ptr<log::TransactionalProducer> worker_;
  PredecessorTransactions predecessors_{client_.get(), "app", "app-mine", 2, {{"in", 0}, {"in", 1}}};
};

TEST_F(PredecessorTransactionsTest, EndsTheTransactionOfAProcessThatHasLeftTheGroup) {
  CommittedBy("app-theirs-1");
  ASSERT_TRUE(Open());
  ASSERT_TRUE(predecessors_.EndThoseOf({{"in", 0}}).ok());
  EXPECT_FALSE(Open());
}

TEST_F(PredecessorTransactionsTest, EndsTheTransactionOfAProcessThatDiesASecondTime) {
  CommittedBy("app-theirs-1");
  ASSERT_TRUE(predecessors_.EndThoseOf({{"in", 0}}).ok());
  // With its state directory it has its id again.
  CommittedBy("app-theirs-1", 8);
  ASSERT_TRUE(predecessors_.EndThoseOf({{"in", 0}}).ok());
  EXPECT_EQ(worker_->Commit().code(), absl::StatusCode::kFailedPrecondition) << "ended";
}

TEST_F(PredecessorTransactionsTest, EndsAProcessOnceHoweverManyPartitionsItLeaves) {
  CommittedBy("app-theirs-1");
  ASSERT_TRUE(predecessors_.EndThoseOf({{"in", 0}}).ok());
  // It is back, and has not committed yet.
  worker_ = client_->NewTransactionalProducer("app-theirs-1").value();
  ASSERT_TRUE(worker_->Begin().ok());
  ASSERT_TRUE(predecessors_.EndThoseOf({{"in", 0}, {"in", 1}}).ok());
  EXPECT_TRUE(worker_->Commit().ok());
}

TEST_F(PredecessorTransactionsTest, LeavesALiveMemberAlone) {
  CommittedBy("app-theirs-1");
  SilentListener listener;
  auto member =
      client_->NewMembership({"app", "tasks", "", PredecessorTransactions::MemberClientId("app-theirs")}, &listener).value();
  ASSERT_TRUE(predecessors_.EndThoseOf({{"in", 0}}).ok());
  EXPECT_TRUE(Open());
  EXPECT_TRUE(worker_->Commit().ok());
}

TEST_F(PredecessorTransactionsTest, LeavesItsOwnWorkersAloneButNotThoseItHasNoMore) {
  CommittedBy("app-mine-2");
  ASSERT_TRUE(predecessors_.EndThoseOf({{"in", 0}}).ok());
  EXPECT_TRUE(Open());
  ASSERT_TRUE(worker_->Abort().ok());
  CommittedBy("app-mine-3");
  ASSERT_TRUE(predecessors_.EndThoseOf({{"in", 0}}).ok());
  EXPECT_EQ(worker_->Commit().code(), absl::StatusCode::kFailedPrecondition) << "fenced";
}

TEST_F(PredecessorTransactionsTest, PartitionsWithoutACommitHaveNoPredecessor) {
  EXPECT_TRUE(predecessors_.EndThoseOf({{"in", 0}}).ok());
}

}  // namespace
}  // namespace millrace
