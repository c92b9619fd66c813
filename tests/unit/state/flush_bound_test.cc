#include "millrace/state/flush_bound.h"

#include <algorithm>
#include <thread>

#include "fake_disk.h"
#include "test_support.h"

// How much a crash costs: when stores flush their engines, and what they do when the disk is full.

namespace millrace {
namespace {

using state_test::FakeDisk;
using state_test::FakeEngines;
using state_test::Task;
using state_test::TemporaryDirectory;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

using Store = KeyValueStore<std::string, std::string>;

std::shared_ptr<const StoreBuilder> Builder(const std::string& name) {
  return KeyValueStoreBuilder<std::string, std::string>(state_test::Named(name));
}

/// The changelog offset that a crash now would leave of the store "s" in `directory`.
int64_t OffsetLeftByACrash(const std::string& directory) {
  const TemporaryDirectory elsewhere;
  state_test::CopyAsLeftByACrash(directory + "/s", elsewhere.path() + "/s");
  Task task(true, elsewhere.path());
  task.Open<Store>(*Builder("s"));
  return task.Offset().value_or(0);
}

void AwaitFlush(Store* store, int64_t offset, int64_t behind) {
  for (int i = 0; i < 2000 && store->RecordsBehind(offset) > behind; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_LE(store->RecordsBehind(offset), behind);
}

TEST(FlushBound, AFewHotKeysAreFlushedBeforeTheirChangelogIsTooFarAhead) {
  constexpr FlushBound kBound{1000, hours(1)};
  const TemporaryDirectory directory;
  Task task(true, directory.path());
  Store* const store = task.Open<Store>(*Builder("s"));
  int64_t offset = 0;
  int64_t last = 0;
  for (int commit = 0; commit < 25; ++commit) {
    for (int key = 0; key < 100; ++key) store->Put("hot" + std::to_string(key), std::to_string(commit));
    offset += 100;
    task.Commit(offset);
    ASSERT_EQ(store->FlushIfBehind(seconds(commit), kBound), absl::OkStatus());
    EXPECT_LE(store->RecordsBehind(offset), 1000);
    if (offset % 1000 == 0) AwaitFlush(store, offset, 0);
    const int64_t left = OffsetLeftByACrash(directory.path());
    EXPECT_EQ(left, offset - store->RecordsBehind(offset)) << "the store knows what a crash leaves";
    EXPECT_LE(offset - left, 1000);
    EXPECT_GE(left, last);
    last = left;
  }
  EXPECT_EQ(last, 2000);
}

TEST(FlushBound, AQuietStoreIsFlushedWhenItsTimeIsOver) {
  constexpr FlushBound kBound{1'000'000, minutes(5)};
  const TemporaryDirectory directory;
  Task task(true, directory.path());
  Store* const store = task.Open<Store>(*Builder("s"));
  ASSERT_EQ(store->FlushIfBehind(seconds(0), kBound), absl::OkStatus());
  store->Put("a", "1");
  task.Commit(17);
  nanoseconds now = seconds(1000);
  ASSERT_EQ(store->FlushIfBehind(now, kBound), absl::OkStatus());
  now += minutes(5);
  ASSERT_EQ(store->FlushIfBehind(now, kBound), absl::OkStatus());
  AwaitFlush(store, 17, 0);
  EXPECT_EQ(OffsetLeftByACrash(directory.path()), 17);

  store->Put("a", "2");
  task.Commit(18);
  ASSERT_EQ(store->FlushIfBehind(now, kBound), absl::OkStatus());
  ASSERT_EQ(store->FlushIfBehind(now + minutes(2), kBound), absl::OkStatus());
  EXPECT_EQ(store->RecordsBehind(18), 1) << "not before half of it";
  EXPECT_EQ(OffsetLeftByACrash(directory.path()), 17);
}

TEST(FlushBound, WhatWasFoundAtTheStartIsNotBehind) {
  const TemporaryDirectory directory;
  {
    Task task(true, directory.path());
    task.Open<Store>(*Builder("s"))->Put("a", "1");
    task.Commit(5000);
  }
  Task task(true, directory.path());
  Store* const store = task.Open<Store>(*Builder("s"));
  EXPECT_EQ(store->RecordsBehind(5000), 0);
  EXPECT_EQ(store->RecordsBehind(5003), 3);
}

TEST(FlushBound, AStoreInMemoryHasNothingToFlush) {
  Task task(false);
  Store* const store = task.Open<Store>(*Builder("s"));
  store->Put("a", "1");
  task.Commit(1'000'000);
  EXPECT_EQ(store->RecordsBehind(1'000'000), 0);
  EXPECT_EQ(store->FlushIfBehind(hours(24), FlushBound()), absl::OkStatus());
}

/// Stores over engines of one fake disk.
class FakeDiskTest : public testing::Test {
 protected:
  StoreContext Context() {
    StoreContext context;
    context.changelog = &changelog_;
    context.record = &record_;
    context.error = &error_;
    context.engines = &engines_;
    return context;
  }
  template <class T>
  std::unique_ptr<T> Open(const StoreBuilder& builder) {
    std::unique_ptr<StateStore> store = builder.Build();
    EXPECT_EQ(store->Open(Context()), absl::OkStatus());
    return std::unique_ptr<T>(dynamic_cast<T*>(store.release()));
  }

  state_test::RecordingChangelog changelog_;
  RecordContext record_;
  FirstError error_;
  FakeDisk disk_;
  FakeEngines engines_{&disk_};
};

TEST_F(FakeDiskTest, StoresThatPersistTogetherAreNotFlushedTogether) {
  constexpr int kStores = 1000;
  constexpr FlushBound kBound{1'000'000, minutes(5)};
  std::vector<std::unique_ptr<Store>> stores;
  for (int i = 0; i < kStores; ++i) {
    stores.push_back(Open<Store>(*Builder("store" + std::to_string(i))));
    stores.back()->Put("a", "1");
    ASSERT_EQ(stores.back()->Persist(1), absl::OkStatus());
  }
  size_t most = 0;
  size_t flushed = 0;
  for (nanoseconds now = seconds(0); now <= minutes(5); now += seconds(1)) {
    for (const auto& store : stores) ASSERT_EQ(store->FlushIfBehind(now, kBound), absl::OkStatus());
    most = std::max(most, disk_.flushes.size() - flushed);
    flushed = disk_.flushes.size();
    if (now < minutes(5) / 2) {
      EXPECT_EQ(flushed, 0U);
    }
  }
  EXPECT_EQ(flushed, static_cast<size_t>(kStores)) << "all within their time";
  EXPECT_LE(most, 25U) << "of 1000 in 150 seconds";
  for (const auto& [engine, count] : disk_.flushes) EXPECT_EQ(count, 1) << engine;
}

TEST_F(FakeDiskTest, AFullDiskLeavesEverythingDirty) {
  const auto store = Open<Store>(*Builder("s"));
  store->Put("a", "1");
  store->Put("b", "1");
  const int64_t dirty = store->dirty_bytes();
  EXPECT_GT(dirty, 0);
  disk_.full = true;
  EXPECT_EQ(store->Persist(2).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store->dirty_bytes(), dirty);
  store->Put("b", "2");
  store->Delete("a");
  EXPECT_EQ(store->Persist(4).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(*store->Get("b"), "2");
  EXPECT_EQ(store->PersistedOffset().value(), std::nullopt);
  disk_.full = false;
  EXPECT_EQ(store->Persist(4), absl::OkStatus());
  EXPECT_EQ(store->dirty_bytes(), 0);
  EXPECT_EQ(store->PersistedOffset().value(), 4);
  EXPECT_EQ(state_test::Walk(store->All()), "b=2");
  EXPECT_TRUE(error_.ok());
}

TEST_F(FakeDiskTest, WhatFailedInTheBackgroundIsTriedAgainWhereNothingElseIsWritten) {
  const auto store = Open<Store>(*Builder("s"));
  store->Put("a", "1");
  ASSERT_EQ(store->Persist(1), absl::OkStatus());
  disk_.full = disk_.stopped = true;
  EXPECT_EQ(store->FlushIfBehind(seconds(0), FlushBound()).code(), absl::StatusCode::kResourceExhausted);
  disk_.full = false;
  EXPECT_EQ(store->FlushIfBehind(seconds(0), FlushBound()), absl::OkStatus());
  EXPECT_FALSE(disk_.stopped);
  EXPECT_EQ(store->RecordsBehind(1), 0);
}

}  // namespace
}  // namespace millrace
