#include "test_support.h"

namespace millrace {
namespace {

using state_test::Task;
using state_test::TemporaryDirectory;
using state_test::Walk;
using testing::ElementsAre;
using testing::IsEmpty;

using Store = KeyValueStore<std::string, std::string>;

std::shared_ptr<const StoreBuilder> Builder(bool caching = false) {
  return KeyValueStoreBuilder<std::string, std::string>(state_test::Named("store", caching));
}

class KeyValueStoreContract : public testing::TestWithParam<bool> {
 protected:
  KeyValueStoreContract() : task_(GetParam()), store_(task_.Open<Store>(*Builder())) {}
  std::string Value(const std::string& key) {
    const std::string* value = store_->Get(key);
    return value == nullptr ? "null" : *value;
  }
  Task task_;
  Store* store_;
};

TEST_P(KeyValueStoreContract, ReadsWhatWasWrittenBeforeAndAfterACommit) {
  store_->Put("a", "1");
  store_->Put("b", "2");
  store_->Delete("b");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Value("a"), "1");
    EXPECT_EQ(Value("b"), "null");
    EXPECT_EQ(Value("c"), "null");
    task_.Commit(3);
  }
  store_->Delete("a");
  EXPECT_EQ(Value("a"), "null");
  task_.Commit(4);
  EXPECT_EQ(Value("a"), "null");
}

TEST_P(KeyValueStoreContract, CountsOpenIteratorsAndAgesThemFromTheFirstLook) {
  using std::chrono::seconds;
  store_->Put("a", "1");
  EXPECT_EQ(store_->ObserveIterators(seconds(1)).count, 0);
  auto first = store_->All();
  EXPECT_EQ(store_->ObserveIterators(seconds(5)).oldest_since, seconds(5));
  auto second = store_->ReverseAll();
  first->Next();  // at its end, but not closed
  task_.Commit(1);
  OpenIterators open = store_->ObserveIterators(seconds(9));
  EXPECT_EQ(open.count, 2);
  EXPECT_EQ(open.oldest_since, seconds(5));
  first.reset();
  open = store_->ObserveIterators(seconds(12));
  EXPECT_EQ(open.count, 1);
  EXPECT_EQ(open.oldest_since, seconds(9));
  second.reset();
  EXPECT_EQ(store_->ObserveIterators(seconds(20)).count, 0);
}

TEST_P(KeyValueStoreContract, PutIfAbsentKeepsWhatStands) {
  EXPECT_EQ(store_->PutIfAbsent("a", "1"), nullptr);
  const std::string* there = store_->PutIfAbsent("a", "2");
  ASSERT_NE(there, nullptr);
  EXPECT_EQ(*there, "1");
  EXPECT_THAT(task_.changelog.lines, ElementsAre("a=1@-1"));
}

TEST_P(KeyValueStoreContract, EveryPutIsOneChangelogRecordWithTheRecordsTimestampAndNoHeaders) {
  Headers headers;
  headers.Add("trace", "7");
  task_.At(5, &headers);
  store_->Put("a", "1");
  store_->Put("a", "2");
  task_.At(4);
  store_->Delete("absent");
  EXPECT_THAT(task_.changelog.lines, ElementsAre("a=1@5", "a=2@5", "absent=null@4"));
  task_.Commit(3);
  EXPECT_EQ(task_.changelog.lines.size(), 3U);
}

TEST_P(KeyValueStoreContract, RangesMergeCommittedAndFreshEntriesInOrder) {
  store_->Put("b", "old");
  store_->Put("c", "old");
  store_->Put("e", "old");
  task_.Commit(3);
  store_->Put("a", "new");
  store_->Put("c", "new");
  store_->Delete("e");
  store_->Put("f", "new");
  EXPECT_EQ(Walk(store_->All()), "a=new b=old c=new f=new");
  EXPECT_EQ(Walk(store_->ReverseAll()), "f=new c=new b=old a=new");
  const std::string from = "b";
  const std::string to = "c";
  EXPECT_EQ(Walk(store_->Range(&from, &to)), "b=old c=new");
  EXPECT_EQ(Walk(store_->ReverseRange(&from, &to)), "c=new b=old");
  EXPECT_EQ(Walk(store_->Range(&to, &from)), "");
  EXPECT_EQ(Walk(store_->Range(&to, nullptr)), "c=new f=new");
  EXPECT_EQ(Walk(store_->ReverseRange(nullptr, &from)), "b=old a=new");
}

TEST_P(KeyValueStoreContract, AnIteratorShowsTheStoreAsOfItsCreationThroughWritesAndCommits) {
  for (const std::string key : {"a", "b"}) store_->Put(key, "old");
  task_.Commit(2);
  for (const std::string key : {"c", "d"}) store_->Put(key, "old");
  for (const bool reverse : {false, true}) {
    auto it = reverse ? store_->ReverseAll() : store_->All();
    std::string seen;
    int step = 0;
    for (; it->Valid(); it->Next()) {
      const std::string key = it->key();
      store_->Delete(key);
      store_->Put("e", "new");
      if (++step == 2) task_.Commit(10);
      seen += key + it->value() + " ";
    }
    EXPECT_EQ(seen, reverse ? "dold cold bold aold " : "aold bold cold dold ");
    EXPECT_EQ(Walk(store_->All()), "e=new");
    store_->Delete("e");
    for (const std::string key : {"a", "b", "c", "d"}) store_->Put(key, "old");
  }
}

TEST_P(KeyValueStoreContract, AChangelogRestoresAnotherStoreToTheSameContent) {
  store_->Put("a", "1");
  store_->Put("b", "2");
  store_->Put("a", "3");
  store_->Delete("b");
  store_->Put("c", "");
  Task other(GetParam());
  auto* restored = other.Open<Store>(*Builder());
  EXPECT_EQ(restored->Get("a"), nullptr);
  ASSERT_EQ(task_.changelog.RestoreInto(restored), absl::OkStatus());
  EXPECT_EQ(other.Offset(), 5);
  EXPECT_EQ(Walk(restored->All()), "a=3 c=");
  EXPECT_EQ(*restored->Get("a"), "3");
  EXPECT_THAT(other.changelog.lines, IsEmpty());
}

TEST_P(KeyValueStoreContract, RestoringOverReadEntriesShowsTheNewOnes) {
  store_->Put("a", "1");
  task_.Commit(1);
  EXPECT_EQ(Value("a"), "1");
  const std::vector<ChangelogRecord> records = {{"a", "2", state_test::At(0)}};
  ASSERT_EQ(store_->Restore(records, 2), absl::OkStatus());
  EXPECT_EQ(Value("a"), "2");
}

TEST_P(KeyValueStoreContract, CleanEntriesMakeRoomAndAreReadAgain) {
  task_.Close();
  task_.LimitMemory(20'000);
  store_ = task_.Open<Store>(*Builder());
  for (int i = 0; i < 1000; ++i) store_->Put("key" + std::to_string(i), std::string(100, 'v'));
  EXPECT_GT(store_->dirty_bytes(), 100'000);
  EXPECT_EQ(store_->memory_bytes(), store_->dirty_bytes());
  task_.Commit(1000);
  EXPECT_EQ(store_->dirty_bytes(), 0);
  EXPECT_LE(store_->memory_bytes(), 20'000);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(Value("key" + std::to_string(i)), std::string(100, 'v'));
  EXPECT_LE(store_->memory_bytes(), 22'000);
  EXPECT_EQ(Value("no such key"), "null");
}

INSTANTIATE_TEST_SUITE_P(Engines, KeyValueStoreContract, testing::Bool(),
                         [](const auto& info) { return info.param ? std::string("RocksDb") : std::string("Memory"); });

TEST(KeyValueStoreOnDisk, OpenedAgainItHasWhatWasPersistedAndTheOffsetOnly) {
  const TemporaryDirectory directory;
  {
    Task task(true, directory.path());
    auto* store = task.Open<Store>(*Builder());
    EXPECT_TRUE(store->persistent());
    EXPECT_EQ(task.Offset(), std::nullopt);
    store->Put("a", "1");
    store->Put("b", "1");
    task.Commit(42);
    store->Put("a", "2");
    store->Delete("b");
    store->Put("c", "3");
  }
  Task task(true, directory.path());
  auto* store = task.Open<Store>(*Builder());
  EXPECT_EQ(task.Offset(), 42);
  EXPECT_EQ(*store->Get("a"), "1");
  EXPECT_EQ(Walk(store->All()), "a=1 b=1");
  store->Delete("a");
  EXPECT_EQ(store->Get("a"), nullptr);
  EXPECT_EQ(Walk(store->All()), "b=1");
}

TEST(KeyValueStoreOnDisk, AnotherKindOfStoreInTheDirectoryIsDataLoss) {
  const TemporaryDirectory directory;
  {
    Task task(true, directory.path());
    task.Open<Store>(*Builder())->Put("a", "1");
    task.Commit(1);
  }
  Task task(true, directory.path());
  const auto factory = MakeRocksDbEngineFactory(directory.path());
  StoreContext context = task.context();
  context.engines = factory.get();
  const auto other = TimestampedKeyValueStoreBuilder<std::string, std::string>(state_test::Named("store"))->Build();
  const absl::Status status = other->Open(context);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(directory.path()));
}

TEST(KeyValueStore, AStoredValueThatDoesNotParseFailsTheTask) {
  Task task(false);
  auto* store =
      task.Open<KeyValueStore<std::string, int64_t>>(*KeyValueStoreBuilder<std::string, int64_t>(state_test::Named("numbers")));
  const std::vector<ChangelogRecord> records = {{"a", "not eight", state_test::At(0)}};
  ASSERT_EQ(store->Restore(records, 1), absl::OkStatus());
  EXPECT_EQ(store->Get("a"), nullptr);
  EXPECT_THAT(std::string(task.error.status().message()), testing::HasSubstr("'numbers'"));
}

TEST(KeyValueStore, CachedWithoutASinkItLogsTheLastValuePerKeyAtAForward) {
  Task task(false);
  auto* store = task.Open<Store>(*Builder(true));
  task.At(1);
  store->Put("a", "1");
  task.At(2);
  store->Put("b", "1");
  store->Put("a", "2");
  EXPECT_THAT(task.changelog.lines, IsEmpty());
  store->ForwardDirty();
  EXPECT_THAT(task.changelog.lines, ElementsAre("b=1@2", "a=2@2"));
}

}  // namespace
}  // namespace millrace
