#include "test_support.h"

namespace millrace {
namespace {

using state_test::At;
using state_test::Hex;
using state_test::RecordingForward;
using state_test::Task;
using state_test::TemporaryDirectory;
using state_test::Walk;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

using Store = WindowStore<std::string, std::string>;
using Cached = TimestampedWindowStore<std::string, std::string>;

// Segments of 60 s, the least there is.
WindowStoreOptions Options(bool duplicates = false, int64_t retention = 100'000, bool caching = false) {
  return {state_test::Named("windows", caching), milliseconds(retention), milliseconds(10), duplicates};
}

class WindowStoreContract : public testing::TestWithParam<bool> {
 protected:
  WindowStoreContract() : task_(GetParam()) {}
  Store* Open(bool duplicates = false) {
    return store_ = task_.Open<Store>(*WindowStoreBuilder<std::string, std::string>(Options(duplicates)));
  }
  std::string Fetch(const std::string& key, int64_t from, int64_t to) { return Walk(store_->Fetch(key, At(from), At(to))); }
  std::string Fetch(const std::string& key, int64_t start) {
    const std::string* value = store_->Fetch(key, At(start));
    return value == nullptr ? "null" : *value;
  }
  Task task_;
  Store* store_ = nullptr;
};

TEST_P(WindowStoreContract, CountsOpenIteratorsOfBothKinds) {
  using std::chrono::seconds;
  Open();
  store_->Put("a", "1", At(10));
  auto run = store_->Fetch("a", At(0), At(100));
  auto all = store_->FetchAll(At(0), At(100));
  auto nothing = store_->Fetch("a", At(5), At(4));
  EXPECT_EQ(store_->ObserveIterators(seconds(1)).count, 3);
  run.reset();
  all.reset();
  const OpenIterators open = store_->ObserveIterators(seconds(2));
  EXPECT_EQ(open.count, 1);
  EXPECT_EQ(open.oldest_since, seconds(1));
  nothing.reset();
  EXPECT_EQ(store_->ObserveIterators(seconds(3)).count, 0);
}

TEST_P(WindowStoreContract, FetchesInOrderOfStartWithinInclusiveBounds) {
  Open();
  store_->Put("a", "3", At(30));
  store_->Put("a", "1", At(10));
  store_->Put("a", "2", At(20));
  store_->Put("ab", "x", At(20));
  store_->Put("a", "2b", At(20));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Fetch("a", 10, 30), "10=1 20=2b 30=3");
    EXPECT_EQ(Fetch("a", 11, 29), "20=2b");
    EXPECT_EQ(Fetch("a", -5, 10), "10=1");
    EXPECT_EQ(Fetch("a", 31, 30), "");
    EXPECT_EQ(Fetch("a", 20), "2b");
    EXPECT_EQ(Fetch("a", 21), "null");
    EXPECT_EQ(Fetch("nobody", 0, 100), "");
    task_.Commit(5);
  }
  store_->Put("a", std::nullopt, At(20));
  EXPECT_EQ(Fetch("a", 0, 100), "10=1 30=3");
  task_.Commit(6);
  EXPECT_EQ(Fetch("a", 0, 100), "10=1 30=3");
}

TEST_P(WindowStoreContract, DuplicatesStandSideBySideInOrderOfPut) {
  Open(true);
  Headers headers;
  headers.Add("trace", "7");
  task_.At(3, &headers);
  store_->Put("a", "1", At(5));
  store_->Put("a", std::nullopt, At(5));
  store_->Put("a", "2", At(5));
  EXPECT_EQ(Fetch("a", 0, 10), "5=1 5=2");
  ASSERT_EQ(task_.changelog.records.size(), 3U);
  EXPECT_EQ(Hex(task_.changelog.records[1].key), "61000000000000000500000002");
  EXPECT_EQ(task_.changelog.records[1].value, std::nullopt);
  EXPECT_EQ(Hex(task_.changelog.records[2].key), "61000000000000000500000003");
  EXPECT_THAT(task_.changelog.lines[2], testing::EndsWith("=2@3[trace]"));
}

TEST_P(WindowStoreContract, WithoutDuplicatesTheChangelogHasNoHeaders) {
  Open();
  Headers headers;
  headers.Add("trace", "7");
  task_.At(3, &headers);
  store_->Put("a", "1", At(5));
  EXPECT_THAT(task_.changelog.lines[0], testing::EndsWith("=1@3"));
}

TEST_P(WindowStoreContract, ReadsEndAtTheRetentionAndPutsAtTheSegment) {
  Open();
  store_->Put("a", "0", At(0));
  store_->Put("a", "1", At(50'000));
  store_->Put("b", "x", At(150'000));
  // Time is 150000, retention 100000: reads from 50001 on; segments live from that of 50000, which starts at 0.
  EXPECT_EQ(Fetch("a", 0, 200'000), "");
  EXPECT_EQ(Fetch("a", 50'000), "null");
  store_->Put("a", "live segment", At(50'001));
  store_->Put("a", "live segment, expired time", At(100));
  EXPECT_EQ(Fetch("a", 0, 200'000), "50001=live segment");
  store_->Put("b", "y", At(170'000));
  store_->Put("a", "expired segment", At(59'000));
  EXPECT_EQ(Fetch("a", 0, 200'000), "");
  EXPECT_EQ(task_.changelog.lines.size(), 7U);
  task_.Commit(7);
  EXPECT_EQ(Walk(store_->FetchAll(At(0), At(1'000'000))), "b@150000/150010=x b@170000/170010=y");
}

TEST_P(WindowStoreContract, MemoryOfExpiredWindowsIsFreed) {
  Open();
  for (int i = 0; i < 1000; ++i) store_->Put("k" + std::to_string(i), std::string(100, 'v'), At(i));
  task_.Commit(1000);
  const int64_t full = store_->memory_bytes();
  store_->Put("late", "v", At(1'000'000));
  task_.Commit(1001);
  EXPECT_LT(store_->memory_bytes(), full / 100);
  EXPECT_EQ(store_->dirty_bytes(), 0);
}

TEST_P(WindowStoreContract, FetchAllGoesBySegmentThenKeyThenStart) {
  Open();
  for (const int64_t time : {70'000, 10, 20}) {
    for (const std::string key : {"b", "a"}) store_->Put(key, "v", At(time));
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Walk(store_->FetchAll(At(0), At(70'000))),
              "a@10/20=v a@20/30=v b@10/20=v b@20/30=v a@70000/70010=v b@70000/70010=v");
    EXPECT_EQ(Walk(store_->FetchAll(At(15), At(69'999))), "a@20/30=v b@20/30=v");
    task_.Commit(6);
  }
}

TEST_P(WindowStoreContract, AnIteratorShowsTheStoreAsOfItsCreation) {
  Open();
  for (const int64_t time : {10, 20, 30}) store_->Put("a", "old", At(time));
  std::string seen;
  for (auto it = store_->Fetch("a", At(0), At(100)); it->Valid(); it->Next()) {
    store_->Put("a", "new", it->key());
    store_->Put("a", "new", it->key() + milliseconds(5));
    task_.Commit(9);
    store_->Put("a", std::nullopt, At(30));
    seen += std::to_string(it->key().millis()) + it->value() + " ";
  }
  EXPECT_EQ(seen, "10old 20old 30old ");
  EXPECT_EQ(Fetch("a", 0, 100), "10=new 15=new 20=new 25=new 35=new");
}

TEST_P(WindowStoreContract, AChangelogRestoresAnotherStoreToTheSameContent) {
  Open(true);
  for (const int64_t time : {10, 20, 10, 65'000, 161'000}) store_->Put("a", std::to_string(time), At(time));
  store_->Put("b", "2", At(161'000));
  Task other(GetParam());
  auto* restored = other.Open<Store>(*WindowStoreBuilder<std::string, std::string>(Options(true)));
  ASSERT_EQ(task_.changelog.RestoreInto(restored), absl::OkStatus());
  EXPECT_EQ(other.Offset(), 6);
  EXPECT_EQ(Walk(restored->Fetch("a", At(0), At(200'000))), "65000=65000 161000=161000");
  restored->Put("a", "newer", At(70'000));
  restored->Put("a", "newest", At(162'000));
  EXPECT_EQ(Walk(restored->Fetch("a", At(0), At(200'000))), "65000=65000 70000=newer 161000=161000 162000=newest");
  EXPECT_EQ(Walk(restored->Fetch("b", At(0), At(200'000))), "161000=2");
}

TEST_P(WindowStoreContract, ARecordThatIsNoWindowStopsTheRestore) {
  Open();
  const std::vector<ChangelogRecord> records = {{"short", "v", At(0)}};
  EXPECT_EQ(store_->Restore(records, 1).code(), absl::StatusCode::kDataLoss);
}

TEST_P(WindowStoreContract, OldCleanWindowsMakeRoomAndAreReadFromTheEngine) {
  task_.LimitMemory(50'000);
  Open();
  for (int i = 0; i < 1000; ++i) store_->Put("k" + std::to_string(i % 10), std::string(100, 'v'), At(i * 50));
  task_.Commit(1000);
  EXPECT_LE(store_->memory_bytes(), 50'000);
  int found = 0;
  for (int k = 0; k < 10; ++k) {
    for (auto it = store_->Fetch("k" + std::to_string(k), At(0), At(50'000)); it->Valid(); it->Next()) ++found;
  }
  EXPECT_EQ(found, 1000);
  EXPECT_EQ(Fetch("k0", 0), std::string(100, 'v'));
  store_->Put("k0", "changed", At(0));
  EXPECT_EQ(Fetch("k0", 0), "changed");
  EXPECT_EQ(Fetch("k0", 0, 499), "0=changed");
}

INSTANTIATE_TEST_SUITE_P(Engines, WindowStoreContract, testing::Bool(),
                         [](const auto& info) { return info.param ? std::string("RocksDb") : std::string("Memory"); });

TEST(WindowStoreOnDisk, OpenedAgainItHasWhatWasPersistedItsTimeAndTheOffset) {
  const TemporaryDirectory directory;
  {
    Task task(true, directory.path());
    auto* store = task.Open<Store>(*WindowStoreBuilder<std::string, std::string>(Options()));
    store->Put("a", "1", At(10));
    store->Put("a", "2", At(150'000));
    task.Commit(2);
    store->Put("a", "lost", At(150'001));
  }
  Task task(true, directory.path());
  auto* store = task.Open<Store>(*WindowStoreBuilder<std::string, std::string>(Options()));
  EXPECT_EQ(task.Offset(), 2);
  EXPECT_EQ(Walk(store->Fetch("a", At(0), At(200'000))), "150000=2");
  EXPECT_EQ(store->Fetch("a", At(150'001)), nullptr);
  store->Put("a", "3", At(150'002));
  EXPECT_EQ(Walk(store->Fetch("a", At(0), At(200'000))), "150000=2 150002=3");
  EXPECT_EQ(Walk(store->FetchAll(At(0), At(200'000))), "a@150000/150010=2 a@150002/150012=3");
}

class CachedWindowStoreContract : public testing::TestWithParam<bool> {
 protected:
  CachedWindowStoreContract() : task_(GetParam()) {}
  void Open(bool send_old_values) {
    store_ = task_.Open<Cached>(*TimestampedWindowStoreBuilder<std::string, std::string>(Options(false, 100'000, true)));
    store_->SetForwardSink(&forward_, send_old_values);
  }
  bool Put(const std::string& key, std::optional<std::string> value, int64_t time, int64_t start) {
    task_.At(time);
    return store_->Put(key, std::move(value), At(time), At(start));
  }
  RecordingForward<Windowed<std::string>> forward_;
  Task task_;
  Cached* store_ = nullptr;
};

TEST_P(CachedWindowStoreContract, ForwardsTheLastValuePerWindowInOrderOfLastTouch) {
  Open(true);
  EXPECT_FALSE(Put("a", "1", 1, 0));
  EXPECT_FALSE(Put("a", "2", 12, 10));
  EXPECT_FALSE(Put("a", "3", 13, 0));
  EXPECT_FALSE(Put("b", "gone", 13, 0));
  EXPECT_FALSE(Put("b", std::nullopt, 14, 0));
  EXPECT_EQ(store_->Fetch("a", At(0))->value, "3");
  EXPECT_EQ(Walk(store_->Fetch("a", At(0), At(10))), "0=3@13 10=2@12");
  task_.Commit(2);
  EXPECT_THAT(forward_.Take(), ElementsAre("a@10/20=2@12", "a@0/10=3@13"));
  ASSERT_EQ(task_.changelog.records.size(), 2U);
  EXPECT_EQ(Hex(task_.changelog.records[0].key), "61000000000000000a00000000");
  EXPECT_EQ(task_.changelog.records[0].timestamp, At(12));
  EXPECT_FALSE(Put("a", "4", 15, 0));
  EXPECT_FALSE(Put("a", std::nullopt, 16, 10));
  task_.Commit(4);
  EXPECT_THAT(forward_.Take(), ElementsAre("a@0/10=4(3)@15", "a@10/20=null(2)@16"));
  EXPECT_EQ(Walk(store_->FetchAll(At(0), At(10))), "a@0/10=4@15");
}

TEST_P(CachedWindowStoreContract, ForwardsUnderTheHeadersOfTheLastWriteAndLogsWithoutThem) {
  Open(false);
  Headers headers;
  headers.Add("trace", "7");
  task_.At(5, &headers);
  EXPECT_FALSE(store_->Put("a", "1", At(5), At(0)));
  task_.At(6);
  store_->ForwardDirty();
  EXPECT_THAT(forward_.lines, ElementsAre("a@0/10=1@5[trace]"));
  EXPECT_THAT(task_.changelog.lines[0], testing::EndsWith("=1@5"));
}

TEST_P(CachedWindowStoreContract, OldValuesOfRestoredWindowsComeFromTheEngine) {
  Open(true);
  EXPECT_FALSE(Put("a", "1", 1, 0));
  store_->ForwardDirty();
  Task other(GetParam());
  auto* restored = other.Open<Cached>(*TimestampedWindowStoreBuilder<std::string, std::string>(Options(false, 100'000, true)));
  RecordingForward<Windowed<std::string>> forward;
  restored->SetForwardSink(&forward, true);
  ASSERT_EQ(task_.changelog.RestoreInto(restored), absl::OkStatus());
  other.At(7);
  EXPECT_FALSE(restored->Put("a", "2", At(7), At(0)));
  EXPECT_FALSE(restored->Put("b", std::nullopt, At(7), At(0)));
  restored->ForwardDirty();
  EXPECT_THAT(forward.lines, ElementsAre("a@0/10=2(1)@7"));
  EXPECT_EQ(restored->Fetch("a", At(0))->timestamp, At(7));
}

TEST_P(CachedWindowStoreContract, WithoutCacheTheCallerForwards) {
  task_.context().caching = false;
  Open(true);
  EXPECT_TRUE(Put("a", "1", 1, 0));
  EXPECT_TRUE(Put("a", "2", 2, 0));
  task_.Commit(1);
  EXPECT_THAT(forward_.lines, IsEmpty());
  EXPECT_EQ(task_.changelog.lines.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Engines, CachedWindowStoreContract, testing::Bool(),
                         [](const auto& info) { return info.param ? std::string("RocksDb") : std::string("Memory"); });

}  // namespace
}  // namespace millrace
