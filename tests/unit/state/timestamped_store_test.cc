#include "test_support.h"

namespace millrace {
namespace {

using state_test::At;
using state_test::RecordingForward;
using state_test::Task;
using state_test::Walk;
using testing::ElementsAre;
using testing::IsEmpty;

using Store = TimestampedKeyValueStore<std::string, std::string>;

class TimestampedStoreContract : public testing::TestWithParam<bool> {
 protected:
  TimestampedStoreContract() : task_(GetParam()) {}
  void Open(bool send_old_values, bool caching = true, bool sink = true) {
    store_ = task_.Open<Store>(*TimestampedKeyValueStoreBuilder<std::string, std::string>(state_test::Named("store", caching)));
    if (sink) store_->SetForwardSink(&forward_, send_old_values);
  }
  bool Put(const std::string& key, std::optional<std::string> value, int64_t record_time, int64_t timestamp = -2) {
    task_.At(record_time);
    return store_->Put(key, std::move(value), At(timestamp == -2 ? record_time : timestamp));
  }
  RecordingForward<std::string> forward_;
  Task task_;
  Store* store_ = nullptr;
};

TEST_P(TimestampedStoreContract, ForwardsTheLastValuePerKeyInOrderOfLastTouch) {
  Open(false);
  EXPECT_FALSE(Put("a", "1", 1));
  EXPECT_FALSE(Put("b", "1", 2));
  EXPECT_FALSE(Put("c", "1", 3));
  EXPECT_FALSE(Put("a", "2", 4));
  store_->LogDirty();
  EXPECT_THAT(task_.changelog.lines, IsEmpty());
  EXPECT_EQ(store_->Get("a")->value, "2");
  task_.At(99);
  store_->ForwardDirty();
  EXPECT_THAT(forward_.Take(), ElementsAre("b=1@2", "c=1@3", "a=2@4"));
  EXPECT_THAT(task_.changelog.TakeLines(), ElementsAre("b=1@2", "c=1@3", "a=2@4"));
  EXPECT_EQ(task_.record.timestamp, At(99));
  store_->ForwardDirty();
  EXPECT_THAT(forward_.Take(), IsEmpty());
}

TEST_P(TimestampedStoreContract, ForwardsUnderTheContextOfTheLastWrite) {
  Open(false);
  const std::string topic = "in";
  {
    Headers headers;
    headers.Add("trace", "1");
    task_.record = {At(5), &headers, &topic, 3, 77};
    EXPECT_FALSE(store_->Put("a", "1", At(9)));
  }
  task_.record = {};
  RecordContext seen;
  forward_.then = [&] { seen = task_.record; };
  store_->ForwardDirty();
  EXPECT_THAT(forward_.lines, ElementsAre("a=1@9[trace]"));
  EXPECT_THAT(task_.changelog.lines, ElementsAre("a=1@9"));
  EXPECT_EQ(seen.timestamp, At(5));
  EXPECT_EQ(*seen.topic, "in");
  EXPECT_EQ(seen.partition, 3);
  EXPECT_EQ(seen.offset, 77);
  EXPECT_EQ(task_.record.offset, -1);
}

TEST_P(TimestampedStoreContract, TombstonesCarryTheTimeOfTheWritingRecord) {
  Open(false);
  EXPECT_FALSE(Put("a", "1", 1));
  store_->ForwardDirty();
  forward_.Take();
  EXPECT_FALSE(Put("a", std::nullopt, 7, 50));
  store_->ForwardDirty();
  EXPECT_THAT(forward_.Take(), ElementsAre("a=null@7"));
  EXPECT_THAT(task_.changelog.lines, ElementsAre("a=1@1", "a=null@7"));
}

TEST_P(TimestampedStoreContract, AKeyThatCameAndWentIsElided) {
  Open(false);
  EXPECT_FALSE(Put("a", "1", 1));
  EXPECT_FALSE(Put("a", std::nullopt, 2));
  EXPECT_FALSE(Put("never there", std::nullopt, 2));
  task_.Commit(0);
  EXPECT_THAT(forward_.lines, IsEmpty());
  EXPECT_THAT(task_.changelog.lines, IsEmpty());
  EXPECT_EQ(store_->Get("a"), nullptr);
}

TEST_P(TimestampedStoreContract, OldValuesAreThoseOfTheLastForward) {
  Open(true);
  EXPECT_FALSE(Put("a", "1", 1));
  EXPECT_FALSE(Put("a", "2", 2));
  store_->ForwardDirty();
  EXPECT_FALSE(Put("a", "3", 3));
  EXPECT_FALSE(Put("a", "4", 4));
  task_.Commit(2);
  EXPECT_FALSE(Put("a", std::nullopt, 5));
  task_.Commit(3);
  EXPECT_FALSE(Put("a", "5", 6));
  store_->ForwardDirty();
  EXPECT_THAT(forward_.lines, ElementsAre("a=2@2", "a=4(2)@4", "a=null(4)@5", "a=5@6"));
}

TEST_P(TimestampedStoreContract, OldValuesOfEntriesNotInMemoryComeFromTheEngine) {
  task_.LimitMemory(0);
  Open(true);
  for (const std::string key : {"a", "b", "c"}) EXPECT_FALSE(Put(key, "1", 1));
  task_.Commit(3);
  forward_.Take();
  EXPECT_EQ(store_->memory_bytes(), 0);
  EXPECT_FALSE(Put("a", "2", 2));
  EXPECT_FALSE(Put("b", std::nullopt, 2));
  EXPECT_FALSE(Put("d", std::nullopt, 2));
  store_->ForwardDirty();
  EXPECT_THAT(forward_.Take(), ElementsAre("a=2(1)@2", "b=null(1)@2"));
}

TEST_P(TimestampedStoreContract, WithoutOldValuesNoneIsSent) {
  Open(false);
  EXPECT_FALSE(Put("a", "1", 1));
  task_.Commit(1);
  EXPECT_FALSE(Put("a", "2", 2));
  EXPECT_FALSE(Put("b", std::nullopt, 2));
  task_.Commit(2);
  EXPECT_THAT(forward_.lines, ElementsAre("a=1@1", "a=2@2"));
}

TEST_P(TimestampedStoreContract, WhatIsTouchedDuringAPassBelongsToTheNext) {
  Open(false);
  EXPECT_FALSE(Put("a", "1", 1));
  forward_.then = [&] {
    forward_.then = nullptr;
    EXPECT_FALSE(store_->Put("a", "2", At(8)));
    EXPECT_FALSE(store_->Put("z", "1", At(8)));
  };
  store_->ForwardDirty();
  EXPECT_THAT(forward_.Take(), ElementsAre("a=1@1"));
  store_->ForwardDirty();
  EXPECT_THAT(forward_.Take(), ElementsAre("a=2@8", "z=1@8"));
}

TEST_P(TimestampedStoreContract, WithoutCacheTheCallerForwardsAndTheLastValueIsLoggedPerCommit) {
  task_.context().caching = false;
  Open(true);
  EXPECT_TRUE(Put("a", "1", 1));
  EXPECT_TRUE(Put("b", "1", 2));
  EXPECT_TRUE(Put("a", "2", 3));
  EXPECT_TRUE(Put("c", "1", 4));
  EXPECT_TRUE(Put("c", std::nullopt, 5));
  EXPECT_THAT(task_.changelog.lines, IsEmpty());
  task_.Commit(2);
  EXPECT_THAT(forward_.lines, IsEmpty());
  EXPECT_THAT(task_.changelog.TakeLines(), ElementsAre("b=1@2", "a=2@3"));
  EXPECT_TRUE(Put("a", std::nullopt, 9));
  task_.Commit(3);
  EXPECT_THAT(task_.changelog.TakeLines(), ElementsAre("a=null@9"));
}

TEST_P(TimestampedStoreContract, LoggedDisciplineLogsEachPutWithTheValuesTimestamp) {
  Open(false, false);
  EXPECT_TRUE(Put("a", "1", 1, 5));
  EXPECT_TRUE(Put("a", std::nullopt, 2, 6));
  EXPECT_THAT(task_.changelog.lines, ElementsAre("a=1@5", "a=null@2"));
}

TEST_P(TimestampedStoreContract, AChangelogRestoresValuesWithTheirTimestamps) {
  Open(false, false);
  Put("a", "1", 1, 5);
  Put("b", "1", 1, 6);
  Put("b", std::nullopt, 1);
  Put("c", "3", 1, 7);
  Task other(GetParam());
  auto* restored =
      other.Open<Store>(*TimestampedKeyValueStoreBuilder<std::string, std::string>(state_test::Named("store", true)));
  ASSERT_EQ(task_.changelog.RestoreInto(restored), absl::OkStatus());
  EXPECT_EQ(Walk(restored->Range(nullptr, nullptr)), "a=1@5 c=3@7");
  EXPECT_EQ(Walk(restored->ReverseRange(nullptr, nullptr)), "c=3@7 a=1@5");
  EXPECT_EQ(restored->Get("a")->timestamp, At(5));
}

TEST_P(TimestampedStoreContract, NothingIsLoggedWithoutAChangelog) {
  task_.context().changelog = nullptr;
  Open(false);
  EXPECT_FALSE(Put("a", "1", 1));
  task_.Commit(0);
  EXPECT_THAT(forward_.lines, ElementsAre("a=1@1"));
  EXPECT_THAT(task_.changelog.lines, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Engines, TimestampedStoreContract, testing::Bool(),
                         [](const auto& info) { return info.param ? std::string("RocksDb") : std::string("Memory"); });

}  // namespace
}  // namespace millrace
