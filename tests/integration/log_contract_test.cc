// What the engine may expect of a log, held against the embedded one and a real Kafka.

#include "log_contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "log/kafka/kafka_log.h"
#include "log/log.h"
#include "log/partitioner.h"

namespace millrace::log {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr milliseconds kCommitPause = milliseconds(20);

TEST_P(LogContract, GivesBackBytesHeadersAndTimesInOrder) {
  const std::string topic = MakeTopic("bytes", 1);
  Headers headers;
  headers.Add("trace", "1");
  headers.Add("trace", std::nullopt);
  headers.Add("empty", "");
  Send(topic, 0, std::string_view("k\0\xff", 3), std::string_view("v\0", 2), 1, headers);
  Send(topic, 0, std::nullopt, "no key", 1'700'000'000'000);
  Send(topic, 0, "no value", std::nullopt, 5);
  Send(topic, 0, "", "", 1'600'000'000'000);
  Send(topic, 0, std::nullopt, std::nullopt, 7);
  FlushAll();
  PartitionReader* reader = Value(consumer_->Assign({topic, 0}, 0));
  const std::vector<Copy> records = ReadRecords(reader, 5);
  ASSERT_EQ(records.size(), 5);
  EXPECT_EQ(records[0].key, std::string("k\0\xff", 3));
  EXPECT_EQ(records[0].value, std::string("v\0", 2));
  EXPECT_EQ(records[0].headers, headers);
  EXPECT_EQ(records[1].key, std::nullopt);
  EXPECT_EQ(records[1].value, "no key");
  EXPECT_TRUE(records[1].headers.empty());
  EXPECT_EQ(records[2].key, "no value");
  EXPECT_EQ(records[2].value, std::nullopt);
  EXPECT_EQ(records[3].key, "");
  EXPECT_EQ(records[3].value, "");
  EXPECT_EQ(records[4].key, std::nullopt);
  EXPECT_EQ(records[4].value, std::nullopt);
  std::vector<int64_t> times;
  std::vector<int64_t> offsets;
  for (const Copy& record : records) {
    times.push_back(record.time);
    offsets.push_back(record.offset);
  }
  EXPECT_THAT(times, ElementsAre(1, 1'700'000'000'000, 5, 1'600'000'000'000, 7));
  EXPECT_THAT(offsets, ElementsAre(0, 1, 2, 3, 4));
}

TEST_P(LogContract, AnUnknownTimestampBecomesTheTimeOfSending) {
  const std::string topic = MakeTopic("now", 1);
  const int64_t before = Host::Real().Now().millis();
  ASSERT_TRUE(producer_->Send(topic, 0, "k", "v", Timestamp::Unknown(), {}, nullptr).ok());
  FlushAll();
  const std::vector<Copy> records = ReadRecords(Value(consumer_->Assign({topic, 0}, 0)), 1);
  EXPECT_GE(records.at(0).time, before);
  EXPECT_LE(records.at(0).time, Host::Real().Now().millis());
}

TEST_P(LogContract, PutsAKeyWhereMurmur2Says) {
  constexpr int32_t kPartitions = 7;
  const std::string topic = MakeTopic("keys", kPartitions);
  std::map<std::string, int32_t> expected;
  for (int i = 0; i < 60; ++i) {
    std::string key = std::string(i % 9, 'x') + std::to_string(i * 7919);
    expected[key] = PartitionOf(key, kPartitions);
    Send(topic, std::nullopt, key, "v");
  }
  FlushAll();
  std::map<std::string, int32_t> found;
  for (int32_t partition = 0; partition < kPartitions; ++partition) {
    PartitionReader* reader = Value(consumer_->Assign({topic, partition}, 0));
    const int64_t end = Value(client_->admin().EndOffset({topic, partition}, Isolation::kReadUncommitted));
    for (const Copy& record : ReadRecords(reader, end)) found[*record.key] = record.partition;
  }
  EXPECT_EQ(found, expected);
}

TEST_P(LogContract, ARecordWithoutKeyGoesToSomePartition) {
  const std::string topic = MakeTopic("keyless", 3);
  for (int i = 0; i < 30; ++i) Send(topic, std::nullopt, std::nullopt, "v");
  FlushAll();
  int64_t sum = 0;
  for (int32_t partition = 0; partition < 3; ++partition) {
    sum += Value(client_->admin().EndOffset({topic, partition}, Isolation::kReadUncommitted));
  }
  EXPECT_EQ(sum, 30);
}

TEST_P(LogContract, PositionAndEndFollowTheReader) {
  const std::string topic = MakeTopic("end", 1);
  PartitionReader* reader = Value(consumer_->Assign({topic, 0}, 0));
  EXPECT_FALSE(reader->at_end());
  ReadUntil(reader, [&] { return reader->at_end(); });
  EXPECT_EQ(reader->position(), 0);
  for (int i = 0; i < 10; ++i) Send(topic, 0, "k", std::to_string(i));
  FlushAll();
  ReadRecords(reader, 4);
  EXPECT_EQ(reader->position(), 4);
  EXPECT_FALSE(reader->at_end());
  ReadUntil(reader, [&] { return reader->at_end(); });
  EXPECT_EQ(reader->position(), 10);
}

TEST_P(LogContract, StartsAtTheAssignedOffsetAndCanStartAgain) {
  const std::string topic = MakeTopic("seek", 2);
  for (int i = 0; i < 100; ++i) Send(topic, 1, "k", std::to_string(i));
  FlushAll();
  PartitionReader* reader = Value(consumer_->Assign({topic, 1}, 42));
  EXPECT_EQ(reader->position(), 42);
  EXPECT_EQ(ReadRecords(reader, 58).front().value, "42");
  EXPECT_EQ(consumer_->Assign({topic, 1}, 0).status().code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(consumer_->Unassign({topic, 1}).ok());
  EXPECT_FALSE(consumer_->Unassign({topic, 1}).ok());
  for (int64_t start : {99, 7, 50}) {
    reader = Value(consumer_->Assign({topic, 1}, start));
    const std::vector<Copy> records = ReadRecords(reader, 1);
    ASSERT_EQ(records.size(), 1);
    EXPECT_EQ(records[0].offset, start);
    ASSERT_TRUE(consumer_->Unassign({topic, 1}).ok());
  }
}

TEST_P(LogContract, DrainTakesNoMoreThanAsked) {
  const std::string topic = MakeTopic("drain", 1);
  for (int i = 0; i < 50; ++i) Send(topic, 0, "k", std::to_string(i));
  FlushAll();
  PartitionReader* reader = Value(consumer_->Assign({topic, 0}, 0));
  std::vector<std::string> values;
  for (const auto start = steady_clock::now(); values.size() < 50 && steady_clock::now() - start < kPatience;) {
    int taken = 0;
    ASSERT_TRUE(reader
                    ->Drain(3,
                            [&](const RawRecord& record) {
                              ++taken;
                              values.emplace_back(*record.value);
                            })
                    .ok());
    EXPECT_LE(taken, 3);
    // Does not sleep while records are left.
    consumer_->Wait(kPatience);
    if (values.size() == 48) break;
  }
  ASSERT_GE(values.size(), 48);
  for (int i = 0; i < 48; ++i) EXPECT_EQ(values[i], std::to_string(i));
}

TEST_P(LogContract, WaitEndsWhenARecordArrivesOrOnWake) {
  const std::string topic = MakeTopic("wait", 1);
  PartitionReader* reader = Value(consumer_->Assign({topic, 0}, 0));
  ReadUntil(reader, [&] { return reader->at_end(); });
  consumer_->Wait(milliseconds(50));
  std::thread sender([&] {
    std::this_thread::sleep_for(milliseconds(100));
    ASSERT_TRUE(producer_->Send(topic, 0, "k", "v", Timestamp::FromMillis(1), {}, nullptr).ok());
    ASSERT_TRUE(producer_->Flush(seconds(10)).ok());
  });
  auto start = steady_clock::now();
  ReadRecords(reader, 1);
  EXPECT_LT(steady_clock::now() - start, seconds(5));
  sender.join();
  ReadUntil(reader, [&] { return reader->at_end(); });
  consumer_->Wait(milliseconds(50));
  std::thread waker([&] {
    std::this_thread::sleep_for(milliseconds(100));
    consumer_->Wake();
  });
  start = steady_clock::now();
  consumer_->Wait(kPatience);
  EXPECT_LT(steady_clock::now() - start, seconds(5));
  waker.join();
  // A wake before the wait counts too.
  consumer_->Wake();
  start = steady_clock::now();
  consumer_->Wait(kPatience);
  EXPECT_LT(steady_clock::now() - start, seconds(5));
}

TEST_P(LogContract, TellsTheHighestDeliveredOffset) {
  const std::string topic = MakeTopic("delivered", 2);
  int64_t delivered[2] = {-1, -1};
  for (int i = 0; i < 20; ++i) {
    Send(topic, i % 4 == 0 ? 1 : 0, "k", "v", 1, {}, &delivered[i % 4 == 0 ? 1 : 0]);
    EXPECT_GT(producer_->outstanding(), 0);
  }
  FlushAll();
  EXPECT_EQ(delivered[0], 14);
  EXPECT_EQ(delivered[1], 4);
}

TEST_P(LogContract, CarriesManyRecordsThroughASmallBuffer) {
  constexpr int kCount = 20'000;
  const std::string topic = MakeTopic("many", 1);
  PartitionReader* reader = Value(consumer_->Assign({topic, 0}, 0));
  for (int i = 0; i < kCount; ++i) Send(topic, 0, std::to_string(i), std::string(100, 'v'));
  FlushAll();
  const std::vector<Copy> records = ReadRecords(reader, kCount);
  ASSERT_EQ(records.size(), kCount);
  for (int i = 0; i < kCount; ++i) ASSERT_EQ(records[i].key, std::to_string(i));
}

TEST_P(LogContract, KnowsItsTopics) {
  Admin& admin = client_->admin();
  const std::string topic = prefix_ + "topic";
  EXPECT_EQ(Value(admin.PartitionCount(topic)), std::nullopt);
  MakeTopic("topic", 3);
  EXPECT_EQ(Value(admin.PartitionCount(topic)), 3);
  EXPECT_THAT(Value(admin.ListTopics()), ::testing::Contains(topic));
  TopicSpec again;
  again.name = topic;
  EXPECT_EQ(admin.CreateTopic(again).code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(admin.DeleteTopic(topic).ok());
  EXPECT_EQ(Value(admin.PartitionCount(topic)), std::nullopt);
  EXPECT_EQ(admin.DeleteTopic(topic).code(), absl::StatusCode::kNotFound);
}

TEST_P(LogContract, SaysWhatIsMissing) {
  const std::string missing = prefix_ + "missing";
  const absl::Status sent = producer_->Send(missing, 0, "k", "v", Timestamp::FromMillis(1), {}, nullptr);
  EXPECT_EQ(sent.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(sent.message()), HasSubstr(missing));
  EXPECT_EQ(consumer_->Assign({missing, 0}, 0).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(client_->admin().EndOffset({missing, 0}, Isolation::kReadUncommitted).status().code(), absl::StatusCode::kNotFound);
  RecordingListener listener;
  EXPECT_EQ(client_->NewMembership({prefix_ + "g", missing, ""}, &listener).status().code(), absl::StatusCode::kNotFound);
  const std::string topic = MakeTopic("narrow", 2);
  EXPECT_EQ(consumer_->Assign({topic, 2}, 0).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->admin().BeginningOffset({topic, 2}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(producer_->Send(topic, 2, "k", "v", Timestamp::FromMillis(1), {}, nullptr).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(LogContract, TellsTheEndsOfManyPartitionsAndLeavesOutWhatDoesNotExist) {
  const std::string first = MakeTopic("ends-a", 2);
  const std::string second = MakeTopic("ends-b", 1);
  for (int i = 0; i < 7; ++i) Send(first, 1, "k", "v");
  FlushAll();
  const std::vector<TopicPartition> asked = {{first, 0}, {first, 1}, {first, 2}, {second, 0}, {prefix_ + "absent", 0}};
  const std::map<TopicPartition, int64_t> expected = {{{first, 0}, 0}, {{first, 1}, 7}, {{second, 0}, 0}};
  EXPECT_EQ(Value(client_->admin().EndOffsets(asked, Isolation::kReadUncommitted)), expected);
  EXPECT_EQ(Value(client_->admin().EndOffsets(asked, Isolation::kReadCommitted)), expected);
  EXPECT_TRUE(Value(client_->admin().EndOffsets({}, Isolation::kReadUncommitted)).empty());
}

TEST_P(LogContract, DeletesRecordsBeforeAnOffset) {
  Admin& admin = client_->admin();
  const std::string topic = MakeTopic("purge", 1);
  for (int i = 0; i < 100; ++i) Send(topic, 0, "k", std::to_string(i));
  FlushAll();
  EXPECT_EQ(Value(admin.BeginningOffset({topic, 0})), 0);
  EXPECT_EQ(Value(admin.EndOffset({topic, 0}, Isolation::kReadUncommitted)), 100);
  EXPECT_EQ(Value(admin.EndOffset({topic, 0}, Isolation::kReadCommitted)), 100);
  ASSERT_TRUE(admin.DeleteRecords({topic, 0}, 60).ok());
  EXPECT_EQ(Value(admin.BeginningOffset({topic, 0})), 60);
  ASSERT_TRUE(admin.DeleteRecords({topic, 0}, 30).ok());
  EXPECT_EQ(Value(admin.BeginningOffset({topic, 0})), 60);
  EXPECT_EQ(admin.DeleteRecords({topic, 0}, 101).code(), absl::StatusCode::kOutOfRange);
  PartitionReader* reader = Value(consumer_->Assign({topic, 0}, 60));
  EXPECT_EQ(ReadRecords(reader, 40).front().value, "60");
  ASSERT_TRUE(consumer_->Unassign({topic, 0}).ok());
  // An offset that is gone is an error, never a silent jump.
  reader = Value(consumer_->Assign({topic, 0}, 10));
  absl::Status status;
  for (const auto start = steady_clock::now(); status.ok() && steady_clock::now() - start < kPatience;) {
    status = reader->Drain(10, [](const RawRecord& record) { ADD_FAILURE() << record.offset; }).status();
    if (status.ok()) consumer_->Wait(milliseconds(100));
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange) << status;
}

TEST_P(LogContract, FindsTheFirstRecordAtOrAfterATime) {
  Admin& admin = client_->admin();
  const std::string topic = MakeTopic("times", 2);
  for (const int64_t time : {100, 300, 200, 500, 400}) Send(topic, 0, "k", "v", time);
  FlushAll();
  const auto offset_at = [&](int64_t time, int32_t partition = 0) {
    return Value(admin.OffsetsForTime({{topic, partition}}, Timestamp::FromMillis(time))).at({topic, partition});
  };
  EXPECT_EQ(offset_at(0), 0);
  EXPECT_EQ(offset_at(100), 0);
  EXPECT_EQ(offset_at(101), 1);
  EXPECT_EQ(offset_at(301), 3);
  EXPECT_EQ(offset_at(501), 5);
  EXPECT_EQ(offset_at(0, 1), 0);
  EXPECT_EQ(admin.OffsetsForTime({{prefix_ + "absent", 0}}, Timestamp::FromMillis(1)).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_TRUE(Value(admin.OffsetsForTime({}, Timestamp::FromMillis(1))).empty());
}

TEST_P(LogContract, SetsTheOffsetsOfAGroupWithoutMembersOnly) {
  Admin& admin = client_->admin();
  const std::string tasks = MakeTopic("tasks", 1);
  const std::string data = MakeTopic("data", 2);
  const std::string group = prefix_ + "group";
  const Offsets offsets = {{{data, 0}, {5, ""}}, {{data, 1}, {0, "x"}}};
  ASSERT_TRUE(admin.AlterOffsets(group, offsets).ok());
  const Offsets found = Value(admin.CommittedOffsets(group, {{data, 0}, {data, 1}}));
  ASSERT_EQ(found.size(), 2);
  EXPECT_EQ(found.at({data, 0}).offset, 5);
  EXPECT_EQ(found.at({data, 1}).offset, 0);
  auto member = Join(group, tasks);
  PollUntil({member.get()}, [&] { return member->listener.owned.size() == 1; });
  EXPECT_EQ(admin.AlterOffsets(group, {{{data, 0}, {7, ""}}}).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Value(admin.CommittedOffsets(group, {{data, 0}})).at({data, 0}).offset, 5);
}

TEST_P(LogContract, OneMemberGetsAllTasksAndCommitsForOtherTopics) {
  const std::string tasks = MakeTopic("tasks", 4);
  const std::string data = MakeTopic("data", 2);
  const std::string group = prefix_ + "group";
  auto member = Join(group, tasks);
  const Offsets offsets = {{{data, 0}, {5, "AgAAAA=="}}, {{data, 1}, {7, ""}}};
  EXPECT_EQ(member->membership->CommitOffsets(offsets).code(), absl::StatusCode::kFailedPrecondition);
  PollUntil({member.get()}, [&] { return member->listener.owned.size() == 4; });
  EXPECT_NE(member->membership->member_id(), "");
  EXPECT_THAT(Value(member->membership->CommittedOffsets({{data, 0}, {data, 1}})), IsEmpty());
  const absl::Status committed = member->membership->CommitOffsets(offsets);
  ASSERT_TRUE(committed.ok()) << committed;
  for (const Offsets& found : {Value(member->membership->CommittedOffsets({{data, 0}, {data, 1}})),
                               Value(client_->admin().CommittedOffsets(group, {{data, 0}, {data, 1}}))}) {
    ASSERT_EQ(found.size(), 2);
    EXPECT_EQ(found.at({data, 0}).offset, 5);
    EXPECT_EQ(found.at({data, 0}).metadata, "AgAAAA==");
    EXPECT_EQ(found.at({data, 1}).offset, 7);
    EXPECT_EQ(found.at({data, 1}).metadata, "");
  }
  EXPECT_THAT(Value(client_->admin().CommittedOffsets(group, {{tasks, 0}})), IsEmpty());
  EXPECT_EQ(client_->admin().DeleteGroup(group).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(member->membership->Close().ok());
  absl::Status deleted;
  for (const auto start = steady_clock::now(); steady_clock::now() - start < kPatience;) {
    deleted = client_->admin().DeleteGroup(group);
    if (deleted.ok()) break;
    std::this_thread::sleep_for(milliseconds(50));
  }
  EXPECT_TRUE(deleted.ok()) << deleted;
  EXPECT_THAT(Value(client_->admin().CommittedOffsets(group, {{data, 0}})), IsEmpty());
  EXPECT_EQ(client_->admin().DeleteGroup(group).code(), absl::StatusCode::kNotFound);
}

TEST_P(LogContract, MembersShareWithoutOverlapAndSurvivorsTakeOver) {
  const std::string tasks = MakeTopic("tasks", 6);
  const std::string group = prefix_ + "group";
  auto a = Join(group, tasks);
  PollUntil({a.get()}, [&] { return a->listener.owned.size() == 6; });
  auto b = Join(group, tasks);
  PollUntil({a.get(), b.get()}, [&] { return a->listener.owned.size() == 3 && b->listener.owned.size() == 3; });
  auto c = Join(group, tasks);
  PollUntil({a.get(), b.get(), c.get()},
            [&] { return a->listener.owned.size() == 2 && b->listener.owned.size() == 2 && c->listener.owned.size() == 2; });
  const std::set<int32_t> kept_by_a = a->listener.owned;
  ASSERT_TRUE(b->membership->Close().ok());
  EXPECT_THAT(b->listener.owned, IsEmpty());
  PollUntil({a.get(), c.get()}, [&] { return a->listener.owned.size() == 3 && c->listener.owned.size() == 3; });
  for (int32_t task : kept_by_a) EXPECT_TRUE(a->listener.owned.contains(task)) << task;
  ASSERT_TRUE(a->membership->Close().ok());
  PollUntil({c.get()}, [&] { return c->listener.owned.size() == 6; });
  EXPECT_EQ(a->listener.lost + b->listener.lost + c->listener.lost, 0);
  ASSERT_TRUE(c->membership->Close().ok());
}

TEST_P(LogContract, CommitsPassWhileTasksAreGivenBackAndNotAfterwards) {
  const std::string tasks = MakeTopic("tasks", 4);
  const std::string data = MakeTopic("data", 4);
  const std::string group = prefix_ + "group";
  auto member = Join(group, tasks);
  std::vector<absl::Status> in_revoke;
  member->listener.on_revoked = [&](const std::vector<int32_t>& given_back) {
    Offsets offsets;
    for (int32_t task : given_back) offsets[{data, task}] = {100 + task, "m"};
    in_revoke.push_back(member->membership->CommitOffsets(offsets));
  };
  PollUntil({member.get()}, [&] { return member->listener.owned.size() == 4; });
  auto other = Join(group, tasks);
  PollUntil({member.get(), other.get()}, [&] { return member->listener.owned.size() == 2 && other->listener.owned.size() == 2; });
  ASSERT_TRUE(member->membership->Close().ok());
  ASSERT_EQ(in_revoke.size(), 2);
  for (const absl::Status& status : in_revoke) EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(member->membership->CommitOffsets({{{data, 0}, {1, ""}}}).code(), absl::StatusCode::kFailedPrecondition);
  const Offsets committed = Value(client_->admin().CommittedOffsets(group, {{data, 0}, {data, 1}, {data, 2}, {data, 3}}));
  ASSERT_EQ(committed.size(), 4);
  for (int32_t task = 0; task < 4; ++task) EXPECT_EQ(committed.at({data, task}).offset, 100 + task);
  ASSERT_TRUE(member->membership->Close().ok());
  ASSERT_TRUE(other->membership->Close().ok());
}

// A release waits for the restore of a task, which asks for its offsets.
TEST_P(LogContract, AnswersForCommittedOffsetsSoonWhileItLeaves) {
  const std::string tasks = MakeTopic("tasks", 1);
  auto member = Join(prefix_ + "group", tasks);
  absl::Status answer;
  std::chrono::nanoseconds took{0};
  member->listener.on_revoked = [&](const std::vector<int32_t>&) {
    std::thread restore([&] {
      const auto begin = std::chrono::steady_clock::now();
      answer = member->membership->CommittedOffsets({{tasks, 0}}).status();
      took = std::chrono::steady_clock::now() - begin;
    });
    restore.join();
  };
  PollUntil({member.get()}, [&] { return member->listener.owned.size() == 1; });
  ASSERT_TRUE(member->membership->Close().ok());
  EXPECT_TRUE(answer.ok() || absl::IsFailedPrecondition(answer)) << answer;
  EXPECT_GT(took.count(), 0);
  EXPECT_LT(took, std::chrono::seconds(5)) << "of a request time-out of 30 s";
}

TEST_P(LogContract, CommitsDuringRebalancesLoseNoTask) {
  const std::string tasks = MakeTopic("tasks", 6);
  const std::string data = MakeTopic("data", 1);
  const std::string group = prefix_ + "group";
  auto a = Join(group, tasks);
  PollUntil({a.get()}, [&] { return a->listener.owned.size() == 6; });
  std::atomic<bool> stop = false;
  std::atomic<int> passed = 0;
  std::vector<absl::Status> failed;
  std::thread committer([&] {
    for (int64_t offset = 0; !stop; ++offset) {
      const absl::Status status = a->membership->CommitOffsets({{{data, 0}, {offset, ""}}});
      if (status.ok()) ++passed;
      if (!status.ok() && !absl::StrContains(status.message(), "rebalances")) failed.push_back(status);
      std::this_thread::sleep_for(kCommitPause);
    }
  });
  for (int round = 0; round < 3; ++round) {
    auto b = Join(group, tasks);
    PollUntil({a.get(), b.get()}, [&] { return a->listener.owned.size() == 3 && b->listener.owned.size() == 3; });
    EXPECT_TRUE(b->membership->Close().ok());
    PollUntil({a.get()}, [&] { return a->listener.owned.size() == 6; });
    EXPECT_EQ(a->listener.lost + b->listener.lost, 0);
  }
  const int passed_before = passed;
  PollUntil({a.get()}, [&] { return passed > passed_before; });
  stop = true;
  committer.join();
  EXPECT_TRUE(failed.empty()) << failed.front();
  EXPECT_TRUE(a->membership->Close().ok());
}

TEST_P(LogContract, AMemberWithAnInstanceIdComesBackToItsTasks) {
  const std::string tasks = MakeTopic("tasks", 4);
  const std::string group = prefix_ + "group";
  auto a = Join(group, tasks, prefix_ + "a");
  auto b = Join(group, tasks, prefix_ + "b");
  PollUntil({a.get(), b.get()}, [&] { return a->listener.owned.size() == 2 && b->listener.owned.size() == 2; });
  const std::set<int32_t> before = a->listener.owned;
  const int generations = b->listener.generations;
  ASSERT_TRUE(a->membership->Close().ok());
  a = Join(group, tasks, prefix_ + "a");
  PollUntil({a.get(), b.get()}, [&] { return a->listener.owned.size() == 2; });
  EXPECT_EQ(a->listener.owned, before);
  EXPECT_EQ(b->listener.generations, generations);
  ASSERT_TRUE(a->membership->Close().ok());
  ASSERT_TRUE(b->membership->Close().ok());
}

TEST_P(LogContract, AMemberWithAnInstanceIdAndNoTaskComesBackUnnoticed) {
  const std::string tasks = MakeTopic("tasks", 1);
  const std::string group = prefix_ + "group";
  auto a = Join(group, tasks, prefix_ + "a");
  PollUntil({a.get()}, [&] { return a->listener.owned.size() == 1; });
  auto b = Join(group, tasks, prefix_ + "b");
  PollUntil({a.get(), b.get()}, [&] { return a->listener.generations > 1 && b->listener.generations > 0; });
  ASSERT_TRUE(b->membership->Close().ok());
  const int generations = a->listener.generations;
  b = Join(group, tasks, prefix_ + "b");
  PollUntil({a.get(), b.get()}, [&] { return b->listener.generations > 0; });
  // Several heartbeats: what the others would notice, they would by now.
  const auto began = steady_clock::now();
  PollUntil({a.get(), b.get()}, [&] { return steady_clock::now() - began > seconds(2); });
  EXPECT_EQ(a->listener.generations, generations);
  ASSERT_TRUE(b->membership->Close().ok());
  ASSERT_TRUE(a->membership->Close().ok());
}

// The group remembers what it left to each, and waits for nobody.
TEST_P(LogContract, MembersThatDieBeforeTheyGiveTasksBackLeaveNoneWithoutOwner) {
  const std::string tasks = MakeTopic("tasks", 4);
  const std::string group = prefix_ + "group";
  auto a = Join(group, tasks, prefix_ + "a");
  PollUntil({a.get()}, [&] { return a->listener.owned.size() == 4; });
  auto b = Join(group, tasks, prefix_ + "b");
  // The client of `a` joins the new generation by itself, but `a` is not told.
  PollUntil({b.get()}, [&] { return b->listener.generations > 0; });
  ASSERT_THAT(b->listener.owned, IsEmpty());
  b->membership.reset();
  a->membership.reset();
  everyone_.clear();
  a = Join(group, tasks, prefix_ + "a");
  b = Join(group, tasks, prefix_ + "b");
  PollUntil({a.get(), b.get()}, [&] { return a->listener.owned.size() == 2 && b->listener.owned.size() == 2; });
  EXPECT_EQ(a->listener.lost + b->listener.lost, 0);
  ASSERT_TRUE(a->membership->Close().ok());
  ASSERT_TRUE(b->membership->Close().ok());
}

INSTANTIATE_TEST_SUITE_P(Logs, LogContract, ::testing::Values("embedded", "kafka"), [](const auto& info) { return info.param; });

TEST(KafkaLog, ABrokerThatRestartsCostsTimeOnly) {
  tests::KafkaBroker broker;
  kafka::KafkaLogOptions options;
  options.common = {{"bootstrap.servers", broker.bootstrap_servers()}, {"reconnect.backoff.max.ms", "500"}};
  options.membership = {{"session.timeout.ms", "6000"}, {"heartbeat.interval.ms", "500"}};
  auto client = *kafka::MakeKafkaLogClient(options);
  for (const char* name : {"t", "tasks"}) {
    TopicSpec spec;
    spec.name = name;
    ASSERT_TRUE(client->admin().CreateTopic(spec).ok());
  }
  std::set<int32_t> everyone;
  RecordingListener listener;
  listener.everyone = &everyone;
  auto member = *client->NewMembership({"g", "tasks", ""}, &listener);
  auto producer = *client->NewProducer();
  auto consumer = *client->NewConsumer({});
  PartitionReader* reader = *consumer->Assign({"t", 0}, 0);
  std::vector<int64_t> offsets;
  const auto step = [&] {
    ASSERT_TRUE(member->Poll(milliseconds(1)).ok());
    ASSERT_TRUE(producer->Poll().ok());
    consumer->Wait(milliseconds(20));
    const auto taken = reader->Drain(1000, [&](const RawRecord& record) { offsets.push_back(record.offset); });
    ASSERT_TRUE(taken.ok()) << taken.status();
  };
  const auto until = [&](const std::function<bool()>& condition) {
    for (const auto start = steady_clock::now(); !condition() && steady_clock::now() - start < 2 * kPatience;) step();
    ASSERT_TRUE(condition());
  };
  until([&] { return listener.owned.size() == 1; });
  const auto send = [&] { ASSERT_TRUE(producer->Send("t", 0, "k", "v", Timestamp::FromMillis(1), {}, nullptr).ok()); };
  for (int i = 0; i < 10; ++i) send();
  until([&] { return offsets.size() == 10; });
  broker.Stop();
  for (int i = 0; i < 10; ++i) send();
  for (int i = 0; i < 10; ++i) step();
  broker.Start();
  until([&] { return offsets.size() == 20 && producer->outstanding() == 0; });
  for (int64_t i = 0; i < 20; ++i) EXPECT_EQ(offsets[i], i);
  until([&] { return listener.owned.size() == 1 && member->CommitOffsets({{{"t", 0}, {20, ""}}}).ok(); });
  EXPECT_TRUE(member->Close().ok());
}

TEST(KafkaLog, RefusesAPropertyThatTheClientDoesNotKnow) {
  kafka::KafkaLogOptions options;
  options.common = {{"bootstrap.servers", "127.0.0.1:1"}};
  options.producer = {{"linger.mss", "5"}};
  const absl::Status status = kafka::MakeKafkaLogClient(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("linger.mss"));
}

TEST(KafkaLog, SaysThatNoBrokerAnswers) {
  kafka::KafkaLogOptions options;
  std::atomic<int> lines = 0;
  options.common = {{"bootstrap.servers", "127.0.0.1:1"}};
  options.request_timeout = milliseconds(500);
  options.log = [&lines](int, std::string_view, std::string_view) { ++lines; };
  auto client = kafka::MakeKafkaLogClient(options);
  ASSERT_TRUE(client.ok()) << client.status();
  const absl::Status status = (*client)->admin().PartitionCount("t").status();
  EXPECT_TRUE(absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("bootstrap.servers"));
  EXPECT_GT(lines, 0);
}

}  // namespace
}  // namespace millrace::log
