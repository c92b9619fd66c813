// What exactly-once rests on, held against the embedded log and a real Kafka.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "log/log.h"
#include "log_contract.h"

namespace millrace::log {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TransactionContract : public LogContract {
 protected:
  void SetUp() override {
    LogContract::SetUp();
    topic_ = MakeTopic("t", 1);
    id_ = absl::StrCat(prefix_, "id");
    committed_ = Value(client_->NewConsumer(
        {.isolation = Isolation::kReadCommitted, .max_partitions = 1, .restore = false, .idle_topic = MakeTopic("idle", 1)}));
    reader_ = Value(committed_->Assign({topic_, 0}, 0));
  }

  std::unique_ptr<TransactionalProducer> NewTransactional() { return Value(client_->NewTransactionalProducer(id_)); }

  void SendIn(TransactionalProducer* producer, const std::string& value, int64_t* delivered = nullptr) {
    const absl::Status sent = producer->Send(topic_, 0, "k", value, Timestamp::FromMillis(5), {}, delivered);
    ASSERT_TRUE(sent.ok()) << sent;
  }

  // Values that a reader of committed records sees until it stands at `position`.
  std::vector<std::string> CommittedUpTo(int64_t position) {
    std::vector<std::string> values;
    for (const auto start = steady_clock::now(); reader_->position() < position && steady_clock::now() - start < kPatience;) {
      const absl::StatusOr<int> taken = reader_->Drain(100, [&](const RawRecord& record) { values.emplace_back(*record.value); });
      EXPECT_TRUE(taken.ok()) << taken.status();
      if (reader_->position() < position) committed_->Wait(milliseconds(50));
    }
    EXPECT_EQ(reader_->position(), position);
    return values;
  }

  int64_t LastStable() { return Value(client_->admin().EndOffset({topic_, 0}, Isolation::kReadCommitted)); }
  int64_t HighWatermark() { return Value(client_->admin().EndOffset({topic_, 0}, Isolation::kReadUncommitted)); }

  std::string topic_;
  std::string id_;
  std::unique_ptr<Consumer> committed_;
  PartitionReader* reader_ = nullptr;
};

TEST_P(TransactionContract, ShowsRecordsToReadersOfCommittedOnesAtTheCommitOnly) {
  auto producer = NewTransactional();
  ASSERT_TRUE(producer->Begin().ok());
  int64_t delivered = -1;
  SendIn(producer.get(), "a", &delivered);
  SendIn(producer.get(), "b", &delivered);
  ASSERT_TRUE(producer->Flush(kPatience).ok());
  EXPECT_EQ(delivered, 1);
  EXPECT_EQ(HighWatermark(), 2);
  EXPECT_EQ(LastStable(), 0);
  ASSERT_TRUE(producer->Commit().ok());
  // The marker takes an offset, and the position moves over it.
  EXPECT_THAT(CommittedUpTo(3), ElementsAre("a", "b"));
  EXPECT_EQ(LastStable(), 3);
}

TEST_P(TransactionContract, NeverShowsWhatWasAbortedAndGoesOnAfterwards) {
  auto producer = NewTransactional();
  ASSERT_TRUE(producer->Begin().ok());
  SendIn(producer.get(), "lost");
  ASSERT_TRUE(producer->Flush(kPatience).ok());
  ASSERT_TRUE(producer->Abort().ok());
  ASSERT_TRUE(producer->Begin().ok());
  SendIn(producer.get(), "kept");
  ASSERT_TRUE(producer->Commit().ok());
  EXPECT_THAT(CommittedUpTo(4), ElementsAre("kept"));
  PartitionReader* all = Value(consumer_->Assign({topic_, 0}, 0));
  EXPECT_EQ(ReadRecords(all, 2).front().value, "lost");
}

TEST_P(TransactionContract, AnAbortWithoutATransactionDoesNothing) {
  auto producer = NewTransactional();
  EXPECT_TRUE(producer->Abort().ok());
  ASSERT_TRUE(producer->Begin().ok());
  SendIn(producer.get(), "a");
  EXPECT_TRUE(producer->Commit().ok());
  EXPECT_TRUE(producer->Abort().ok());
  EXPECT_THAT(CommittedUpTo(2), ElementsAre("a"));
}

TEST_P(TransactionContract, ASuccessorFencesAndAbortsAtOnce) {
  auto first = NewTransactional();
  ASSERT_TRUE(first->Begin().ok());
  SendIn(first.get(), "lost");
  ASSERT_TRUE(first->Flush(kPatience).ok());
  const auto begin = steady_clock::now();
  auto second = NewTransactional();
  ASSERT_TRUE(second->Begin().ok());
  SendIn(second.get(), "kept");
  ASSERT_TRUE(second->Commit().ok());
  EXPECT_THAT(CommittedUpTo(4), ElementsAre("kept"));
  EXPECT_LT(steady_clock::now() - begin, seconds(5)) << "of a transaction time-out of 10 s";
  const absl::Status late = first->Commit();
  EXPECT_FALSE(late.ok());
  EXPECT_FALSE(absl::IsAborted(late)) << "it must be given up: " << late;
}

TEST_P(TransactionContract, OffsetsAndRecordsComeTogetherOrNot) {
  const std::string group = absl::StrCat(prefix_, "group");
  const std::string data = MakeTopic("data", 1);
  auto member = Join(group, MakeTopic("tasks", 1));
  PollUntil({member.get()}, [&] { return member->listener.owned.size() == 1; });
  auto producer = NewTransactional();
  for (const bool commit : {false, true}) {
    ASSERT_TRUE(producer->Begin().ok());
    SendIn(producer.get(), commit ? "kept" : "lost");
    const absl::Status sent = producer->SendOffsets({{{data, 0}, {7, "m"}}}, Value(member->membership->Identity()));
    ASSERT_TRUE(sent.ok()) << sent;
    ASSERT_TRUE((commit ? producer->Commit() : producer->Abort()).ok());
    const Offsets found = Value(member->membership->CommittedOffsets({{data, 0}}));
    if (!commit) {
      EXPECT_THAT(found, IsEmpty());
      continue;
    }
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found.at({data, 0}).offset, 7);
    EXPECT_EQ(found.at({data, 0}).metadata, "m");
  }
  EXPECT_THAT(CommittedUpTo(4), ElementsAre("kept"));
  ASSERT_TRUE(member->membership->Close().ok());
}

TEST_P(TransactionContract, CommittedOffsetsWaitForAnOpenTransactionThatHoldsThem) {
  const std::string data = MakeTopic("data", 1);
  auto member = Join(absl::StrCat(prefix_, "group"), MakeTopic("tasks", 1));
  PollUntil({member.get()}, [&] { return member->listener.owned.size() == 1; });
  auto producer = NewTransactional();
  ASSERT_TRUE(producer->Begin().ok());
  SendIn(producer.get(), "lost");
  ASSERT_TRUE(producer->SendOffsets({{{data, 0}, {7, ""}}}, Value(member->membership->Identity())).ok());
  absl::StatusOr<Offsets> found = absl::UnknownError("not asked");
  std::thread asking([&] { found = member->membership->CommittedOffsets({{data, 0}}); });
  std::this_thread::sleep_for(milliseconds(700));
  // A worker that died in the middle: its successor's first act ends the transaction.
  auto successor = NewTransactional();
  asking.join();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(*found, IsEmpty());
  ASSERT_TRUE(member->membership->Close().ok());
}

TEST_P(TransactionContract, RefusesTheOffsetsOfAnOldGenerationAndOfNobody) {
  const std::string group = absl::StrCat(prefix_, "group");
  const std::string tasks = MakeTopic("tasks", 2);
  auto member = Join(group, tasks);
  PollUntil({member.get()}, [&] { return member->listener.owned.size() == 2; });
  const GroupIdentity old = Value(member->membership->Identity());
  auto other = Join(group, tasks);
  PollUntil({member.get(), other.get()}, [&] { return member->listener.owned.size() == 1 && other->listener.owned.size() == 1; });

  auto producer = NewTransactional();
  const auto refused = [&](const GroupIdentity& identity) {
    ASSERT_TRUE(producer->Begin().ok());
    SendIn(producer.get(), "lost");
    const absl::Status sent = producer->SendOffsets({{{topic_, 0}, {1, ""}}}, identity);
    EXPECT_EQ(sent.code(), absl::StatusCode::kAborted) << sent;
    ASSERT_TRUE(producer->Abort().ok());
  };
  refused(old);
  refused({group, -1, "", ""});
  refused({group, old.generation + 100, old.member_id, ""});
  // Reusable afterwards.
  absl::StatusOr<GroupIdentity> now = member->membership->Identity();
  PollUntil({member.get(), other.get()}, [&] { return (now = member->membership->Identity()).ok(); });
  ASSERT_TRUE(producer->Begin().ok());
  SendIn(producer.get(), "kept");
  ASSERT_TRUE(producer->SendOffsets({{{topic_, 0}, {1, ""}}}, *now).ok());
  ASSERT_TRUE(producer->Commit().ok());
  ASSERT_TRUE(member->membership->Close().ok());
  ASSERT_TRUE(other->membership->Close().ok());
}

TEST_P(TransactionContract, TellsTheMembersOfAGroup) {
  const std::string group = absl::StrCat(prefix_, "group");
  const std::string tasks = MakeTopic("tasks", 2);
  EXPECT_THAT(Value(client_->admin().GroupClientIds(group)), IsEmpty());
  RecordingListener listener;
  listener.everyone = &everyone_;
  auto member = Value(client_->NewMembership({group, tasks, "", "process-a-member"}, &listener));
  for (const auto start = steady_clock::now(); listener.owned.empty() && steady_clock::now() - start < kPatience;) {
    ASSERT_TRUE(member->Poll(milliseconds(20)).ok());
  }
  EXPECT_THAT(Value(client_->admin().GroupClientIds(group)), ElementsAre("process-a-member"));
  ASSERT_TRUE(member->Close().ok());
  EXPECT_THAT(Value(client_->admin().GroupClientIds(group)), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Logs, TransactionContract, ::testing::Values("embedded", "kafka"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace millrace::log
