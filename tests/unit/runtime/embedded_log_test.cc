// What the embedded log promises beyond the contract of tests/integration/log_contract_test.cc.
#include "log/embedded/embedded_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "log/partitioner.h"

namespace millrace::log::embedded {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Timestamp At(int64_t millis) { return Timestamp::FromMillis(millis); }

struct Listener : MembershipListener {
  void OnAssigned(const std::vector<int32_t>& tasks) override {
    ++assignments;
    owned.insert(tasks.begin(), tasks.end());
  }
  void OnRevoked(const std::vector<int32_t>& tasks) override {
    for (int32_t task : tasks) owned.erase(task);
    revoked.insert(revoked.end(), tasks.begin(), tasks.end());
  }
  void OnLost(const std::vector<int32_t>& tasks) override {
    for (int32_t task : tasks) owned.erase(task);
    lost.insert(lost.end(), tasks.begin(), tasks.end());
  }
  int assignments = 0;
  std::set<int32_t> owned;
  std::vector<int32_t> revoked;
  std::vector<int32_t> lost;
};

std::unique_ptr<Membership> Join(LogClient* client, Listener* listener, const std::string& instance = {}) {
  auto member = client->NewMembership({"app", "app-tasks", instance}, listener);
  EXPECT_TRUE(member.ok()) << member.status();
  return *std::move(member);
}

TEST(Murmur2, AgreesWithKafkasOwn) {
  // From org.apache.kafka.common.utils.UtilsTest.
  EXPECT_EQ(static_cast<int32_t>(Murmur2("21")), -973932308);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("foobar")), -790332482);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")), -58897971);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("abc")), 479470107);
}

TEST(EmbeddedLog, AppendTellsOffsetsAndReadGivesCopies) {
  EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("t", 2).ok());
  Headers headers;
  headers.Add("h", std::nullopt);
  headers.Add("i", "");
  EXPECT_EQ(*log.Append("t", 1, "k", "v", At(5), headers), 0);
  EXPECT_EQ(*log.Append("t", 1, std::nullopt, std::nullopt, At(3)), 1);
  EXPECT_EQ(*log.Append("t", 0, "", "", At(0)), 0);
  const auto records = *log.Read("t", 1, 0);
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].key, "k");
  EXPECT_EQ(records[0].headers, headers);
  EXPECT_EQ(records[0].timestamp, At(5));
  EXPECT_EQ(records[1].key, std::nullopt);
  EXPECT_EQ(records[1].value, std::nullopt);
  EXPECT_EQ(records[1].offset, 1);
  EXPECT_EQ(log.Read("t", 0, 0)->at(0).timestamp, At(0));
  EXPECT_THAT(*log.Read("t", 1, 2), IsEmpty());
  EXPECT_TRUE(absl::IsOutOfRange(log.Read("t", 1, 3).status()));
  EXPECT_TRUE(absl::IsNotFound(log.Append("missing", 0, "k", "v", At(1)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(log.Append("t", 2, "k", "v", At(1)).status()));
}

TEST(EmbeddedLog, TheSameCallsGiveTheSameLog) {
  auto run = [] {
    EmbeddedLog log;
    EXPECT_TRUE(log.CreateTopic("t", 3).ok());
    std::vector<std::string> seen;
    for (int i = 0; i < 50; ++i) {
      const std::string key = std::to_string(i);
      EXPECT_TRUE(log.Append("t", std::nullopt, i % 5 == 0 ? std::nullopt : NullableBytesView(key), "v", At(i)).ok());
    }
    for (int32_t partition = 0; partition < 3; ++partition) {
      const std::vector<StoredRecord> records = *log.Read("t", partition, 0);
      for (const StoredRecord& record : records) {
        seen.push_back(std::to_string(partition) + "@" + std::to_string(record.offset) + "=" + record.key.value_or("-"));
      }
    }
    return seen;
  };
  EXPECT_EQ(run(), run());
}

TEST(EmbeddedLog, ManyRecordsTakeLittleMoreThanTheirBytes) {
  EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("t", 1).ok());
  constexpr int64_t kCount = 200'000;
  for (int64_t i = 0; i < kCount; ++i) {
    char key[9];
    snprintf(key, sizeof(key), "%08d", static_cast<int>(i));
    ASSERT_TRUE(log.Append("t", 0, key, std::string_view("0123456789"), At(1'700'000'000'000 + i)).ok());
  }
  EXPECT_LT(log.stored_bytes(), kCount * (18 + 8));
  int64_t next = 0;
  ASSERT_TRUE(log.Scan({"t", 0}, 0, kCount, [&](const RawRecord& record) { ASSERT_EQ(record.offset, next++); }).ok());
  EXPECT_EQ(next, kCount);
  const auto tail = *log.Read("t", 0, kCount - 3);
  EXPECT_EQ(tail.front().key, "00199997");
}

TEST(EmbeddedLog, DeletedRecordsGiveBackTheirMemory) {
  EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("t", 1).ok());
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(log.Append("t", 0, "k", std::string(100, 'v'), At(i)).ok());
  const int64_t before = log.stored_bytes();
  auto client = log.NewClient();
  ASSERT_TRUE(client->admin().DeleteRecords({"t", 0}, 20'000).ok());
  EXPECT_LT(log.stored_bytes(), before / 10);
  EXPECT_EQ(*log.BeginningOffset({"t", 0}), 20'000);
  EXPECT_EQ(*log.Append("t", 0, "k", "v", At(1)), 20'000);
  EXPECT_EQ(log.Read("t", 0, 20'000)->at(0).value, "v");
}

TEST(EmbeddedLog, AScanMayAppendToWhatItScans) {
  EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("t", 1).ok());
  ASSERT_TRUE(log.Append("t", 0, "k", "0", At(1)).ok());
  int count = 0;
  auto next = log.Scan({"t", 0}, 0, 100, [&](const RawRecord& record) {
    EXPECT_EQ(record.value, std::to_string(count));
    ++count;
    if (count < 100) {
      ASSERT_TRUE(log.Append("t", 0, "k", std::to_string(count), At(1)).ok());
    }
  });
  EXPECT_EQ(*next, 100);
}

TEST(EmbeddedLog, ReadersSeeWholeRecordsWhileOthersAppend) {
  EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("t", 1).ok());
  constexpr int kCount = 20'000;
  std::thread writer([&] {
    for (int i = 0; i < kCount; ++i) EXPECT_TRUE(log.Append("t", 0, std::to_string(i), std::to_string(i), At(i)).ok());
  });
  auto client = log.NewClient();
  auto consumer = *client->NewConsumer({});
  PartitionReader* reader = *consumer->Assign({"t", 0}, 0);
  int next = 0;
  while (next < kCount) {
    const auto taken = reader->Drain(1000, [&](const RawRecord& record) {
      EXPECT_EQ(record.key, std::to_string(next));
      EXPECT_EQ(record.value, std::to_string(next));
      EXPECT_EQ(record.timestamp, At(next++));
    });
    ASSERT_TRUE(taken.ok());
    if (*taken == 0) consumer->Wait(milliseconds(1000));
  }
  writer.join();
}

TEST(EmbeddedLog, ADeletedTopicIsGoneForNewcomers) {
  EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("t", 1).ok());
  auto client = log.NewClient();
  auto producer = *client->NewProducer();
  ASSERT_TRUE(producer->Send("t", 0, "k", "v", At(1), {}, nullptr).ok());
  ASSERT_TRUE(producer->Poll().ok());
  ASSERT_TRUE(client->admin().DeleteTopic("t").ok());
  EXPECT_TRUE(absl::IsNotFound(producer->Send("t", 0, "k", "v", At(1), {}, nullptr)));
  ASSERT_TRUE(log.CreateTopic("t", 4).ok());
  ASSERT_TRUE(producer->Send("t", 3, "k", "v", At(1), {}, nullptr).ok());
  EXPECT_EQ(*log.EndOffset({"t", 0}), 0);
}

TEST(EmbeddedGroup, ATaskMovesOnlyAfterItsOwnerGaveItBack) {
  EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("app-tasks", 4).ok());
  auto client = log.NewClient();
  Listener a;
  Listener b;
  auto first = Join(client.get(), &a);
  ASSERT_TRUE(first->Poll(milliseconds(0)).ok());
  EXPECT_THAT(a.owned, ElementsAre(0, 1, 2, 3));
  auto second = Join(client.get(), &b);
  ASSERT_TRUE(second->Poll(milliseconds(0)).ok());
  EXPECT_EQ(b.assignments, 1);
  EXPECT_THAT(b.owned, IsEmpty());
  EXPECT_TRUE(absl::IsFailedPrecondition(first->CommitOffsets({{{"d", 0}, {1, ""}}})));
  ASSERT_TRUE(first->Poll(milliseconds(0)).ok());
  EXPECT_THAT(a.revoked, ElementsAre(2, 3));
  EXPECT_TRUE(first->CommitOffsets({{{"d", 0}, {1, ""}}}).ok());
  ASSERT_TRUE(second->Poll(milliseconds(0)).ok());
  EXPECT_THAT(b.owned, ElementsAre(2, 3));
  EXPECT_THAT(a.owned, ElementsAre(0, 1));
}

TEST(EmbeddedGroup, AnExpiredMemberLearnsOfItAndJoinsAgain) {
  EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("app-tasks", 2).ok());
  auto client = log.NewClient();
  Listener a;
  Listener b;
  auto first = Join(client.get(), &a);
  ASSERT_TRUE(first->Poll(milliseconds(0)).ok());
  auto second = Join(client.get(), &b);
  const std::string old_id = first->member_id();
  ASSERT_TRUE(log.ExpireMember("app", old_id).ok());
  ASSERT_TRUE(second->Poll(milliseconds(0)).ok());
  EXPECT_THAT(b.owned, ElementsAre(0, 1));
  EXPECT_TRUE(absl::IsFailedPrecondition(first->CommitOffsets({{{"d", 0}, {1, ""}}})));
  ASSERT_TRUE(first->Poll(milliseconds(0)).ok());
  EXPECT_THAT(a.lost, ElementsAre(0, 1));
  EXPECT_NE(first->member_id(), old_id);
  ASSERT_TRUE(second->Poll(milliseconds(0)).ok());
  ASSERT_TRUE(first->Poll(milliseconds(0)).ok());
  EXPECT_THAT(a.owned, SizeIs(1));
  EXPECT_THAT(b.owned, SizeIs(1));
}

TEST(EmbeddedGroup, ASecondOwnerOfAnInstanceIdFencesTheFirst) {
  EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("app-tasks", 2).ok());
  auto client = log.NewClient();
  Listener a;
  Listener b;
  auto first = Join(client.get(), &a, "i");
  ASSERT_TRUE(first->Poll(milliseconds(0)).ok());
  auto second = Join(client.get(), &b, "i");
  ASSERT_TRUE(second->Poll(milliseconds(0)).ok());
  EXPECT_THAT(b.owned, ElementsAre(0, 1));
  EXPECT_TRUE(absl::IsFailedPrecondition(first->CommitOffsets({{{"d", 0}, {1, ""}}})));
  EXPECT_TRUE(absl::IsFailedPrecondition(first->Poll(milliseconds(0))));
  EXPECT_THAT(a.lost, ElementsAre(0, 1));
}

TEST(EmbeddedGroup, WhatAnInstanceWasToGiveBackIsFreeWhenItIsReplaced) {
  EmbeddedLog log;
  ASSERT_TRUE(log.CreateTopic("app-tasks", 4).ok());
  auto client = log.NewClient();
  Listener a;
  Listener b;
  Listener successor;
  auto first = Join(client.get(), &a, "i");
  ASSERT_TRUE(first->Poll(milliseconds(0)).ok());
  auto second = Join(client.get(), &b, "j");
  ASSERT_TRUE(second->Poll(milliseconds(0)).ok());
  EXPECT_THAT(b.owned, IsEmpty());
  // The first is dead before it can be asked to revoke.
  auto again = Join(client.get(), &successor, "i");
  ASSERT_TRUE(again->Poll(milliseconds(0)).ok());
  ASSERT_TRUE(second->Poll(milliseconds(0)).ok());
  EXPECT_THAT(successor.owned, ElementsAre(0, 1));
  EXPECT_THAT(b.owned, ElementsAre(2, 3));
}

TEST(EmbeddedGroup, AClosedInstanceKeepsItsTasksUntilItsSessionEnds) {
  EmbeddedLog log(Host::Real(), {.session_timeout = milliseconds(50)});
  ASSERT_TRUE(log.CreateTopic("app-tasks", 2).ok());
  auto client = log.NewClient();
  Listener a;
  Listener b;
  auto first = Join(client.get(), &a, "i");
  auto second = Join(client.get(), &b, "j");
  ASSERT_TRUE(first->Poll(milliseconds(0)).ok());
  ASSERT_TRUE(second->Poll(milliseconds(0)).ok());
  ASSERT_TRUE(first->Close().ok());
  std::this_thread::sleep_for(milliseconds(60));
  ASSERT_TRUE(second->Poll(milliseconds(0)).ok());
  EXPECT_THAT(b.owned, ElementsAre(0, 1));
}

TEST(EmbeddedGroup, OffsetsCanBeCommittedWithoutAMember) {
  EmbeddedLog log;
  log.CommitOffsets("app", {{{"d", 0}, {7, "m"}}});
  EXPECT_EQ(log.CommittedOffsets("app", {{"d", 0}, {"d", 1}}).size(), 1);
  EXPECT_EQ(log.CommittedOffsets("app", {{"d", 0}}).at({"d", 0}).offset, 7);
  auto client = log.NewClient();
  EXPECT_EQ(client->admin().CommittedOffsets("app", {{"d", 0}})->at({"d", 0}).metadata, "m");
}

}  // namespace
}  // namespace millrace::log::embedded
